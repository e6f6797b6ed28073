create function pg_temp.other(value text) returns text language sql as $$
    select case value
        when 'ada@shop.example' then 'zora.with.a.longer.name@other.example'
        when 'bob@shop.example' then 'z@b.example'
        when 'cyd@shop.example' then 'mid@x.example'
        when 'eve@shop.example' then 'b@shop.example'
        when 'zoe@shop.example' then 'a@shop.example'
    end
$$;
update customers set email = pg_temp.other(email), backup = pg_temp.other(backup),
    ssn = '301-22-109' || (9 - id), salary = 90000 - 7 * id,
    profile = jsonb_build_object('city', 'Rom', 'mail', pg_temp.other(email), 'age', 61 - id) where id < 4;
update customers set email = pg_temp.other(email), backup = pg_temp.other(backup) where id > 3;
update orders set buyer = pg_temp.other(buyer);
update members set email = pg_temp.other(email);
