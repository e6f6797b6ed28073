alter table customers add backup text, add ssn varchar(11), add salary int, add profile jsonb;
update customers set ssn = '912-84-773' || id, salary = 1000 * id,
    profile = jsonb_build_object('city', 'Bern', 'mail', email, 'age', 30 + id);
insert into customers (id, name, email, region, backup) values
    (4, 'Dan', null, 'north', 'ada@shop.example'),
    (5, 'Eve', 'ada@shop.example', 'south', 'eve@shop.example');
create table orders (id int primary key, buyer varchar(80), item text, amount numeric(8, 2), ratio float8);
insert into orders values
    (1, 'ada@shop.example', 'pen', 2.50, 0.5),
    (2, 'ada@shop.example', 'ink', 7.00, 0.25),
    (3, 'cyd@shop.example', 'pen', 2.50, 0.5),
    (4, 'zoe@shop.example', 'cap', 9.99, 0.1),
    (5, null, 'pen', 2.50, 0.5);
create table members (id int primary key, email text unique, note text);
insert into members values (1, 'bob@shop.example', 'old');
create view buyers as select distinct o.buyer, c.region from orders o join customers c on c.email = o.buyer;
create view domains as select id, split_part(email, '@', 2) as domain, email from customers;
alter table orders owner to app; alter table members owner to app;
alter view buyers owner to app; alter view domains owner to app;
