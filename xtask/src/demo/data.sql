-- Believable data of a company that trains and serves models. Deterministic: the same rows on every machine.
-- psql variable `percent`: how much of the full size (about 100,000 rows) to make.

CREATE FUNCTION pg_temp.pick(seed text, n int) RETURNS int LANGUAGE sql IMMUTABLE AS
    $$SELECT ('x' || substr(md5(seed), 1, 7))::bit(28)::int % n$$;
CREATE FUNCTION pg_temp.one_of(seed text, words text[]) RETURNS text LANGUAGE sql IMMUTABLE AS
    $$SELECT words[1 + pg_temp.pick(seed, cardinality(words))]$$;

CREATE TABLE customers (
    id int PRIMARY KEY,
    name text NOT NULL,
    email text NOT NULL UNIQUE,
    phone text NOT NULL,
    company text NOT NULL,
    plan text NOT NULL,
    country text NOT NULL,
    created_at timestamptz NOT NULL
);
INSERT INTO customers
SELECT g, first || ' ' || last,
       lower(first || '.' || last) || g || '@' || lower(replace(company, ' ', '')) || '.com',
       '+1-415-' || lpad((200 + pg_temp.pick('p' || g, 800))::text, 3, '0') || '-' || lpad(pg_temp.pick('q' || g, 10000)::text, 4, '0'),
       company, plan, country,
       timestamptz '2024-01-01 00:00+00' + pg_temp.pick('t' || g, 800) * interval '1 day' + pg_temp.pick('u' || g, 86400) * interval '1 second'
FROM generate_series(1, 8000 * :percent / 100) g,
LATERAL (SELECT
    pg_temp.one_of('f' || g, '{Ada,Alan,Amara,Anders,Beatriz,Carlos,Chen,Claire,Dmitri,Elena,Emeka,Fatima,Felix,Grace,Hana,Hugo,Ines,Ivan,Jamal,Jana,Kenji,Lars,Leila,Linus,Lucia,Maja,Marek,Mei,Miguel,Nadia,Nils,Noor,Olga,Omar,Paula,Priya,Quinn,Rafael,Rosa,Samir,Sofia,Tariq,Tomas,Uma,Viktor,Wanda,Xavier,Yara,Yuki,Zoe}') AS first,
    pg_temp.one_of('l' || g, '{Abara,Andersson,Bauer,Becker,Bianchi,Chavez,Cohen,Costa,Diaz,Dubois,Eriksen,Fischer,Garcia,Gupta,Haddad,Hansen,Ito,Ivanova,Jensen,Kaya,Keller,Kim,Kowalski,Kumar,Larsen,Lopez,Martin,Mbeki,Meyer,Moreau,Nakamura,Nguyen,Novak,Okafor,Olsen,Papadakis,Park,Patel,Petrov,Rossi,Sato,Schmidt,Silva,Singh,Suzuki,Tanaka,Torres,Weber,Yilmaz,Zhang}') AS last,
    pg_temp.one_of('c' || g, '{Northwind,Contoso,Fabrikam,Initech,Globex,Umbra Labs,Tailspin,Acme Robotics,Blue Yonder,Wingtip,Lucerne,Proseware,Adatum,Litware,Woodgrove,Relecloud}') AS company,
    pg_temp.one_of('n' || g, '{free,free,free,pro,pro,team,team,enterprise}') AS plan,
    pg_temp.one_of('o' || g, '{US,US,US,DE,FR,GB,IN,JP,BR,NG,SE,MX}') AS country) w;

CREATE TABLE payments (
    id int PRIMARY KEY,
    customer_id int NOT NULL REFERENCES customers,
    amount numeric(10, 2) NOT NULL,
    currency text NOT NULL,
    card text NOT NULL,
    status text NOT NULL,
    paid_at timestamptz NOT NULL
);
INSERT INTO payments
SELECT g, 1 + pg_temp.pick('k' || g, 8000 * :percent / 100), (19 + pg_temp.pick('a' || g, 50000) / 100.0)::numeric(10, 2),
       pg_temp.one_of('y' || g, '{USD,USD,USD,EUR,EUR,GBP,JPY}'),
       '4' || lpad(pg_temp.pick('v' || g, 100000000)::text, 8, '0') || lpad(pg_temp.pick('w' || g, 10000000)::text, 7, '0'),
       pg_temp.one_of('s' || g, '{paid,paid,paid,paid,paid,paid,refunded,failed}'),
       timestamptz '2024-03-01 00:00+00' + pg_temp.pick('d' || g, 700 * 24) * interval '1 hour'
FROM generate_series(1, 30000 * :percent / 100) g;

CREATE TABLE support_tickets (
    id int PRIMARY KEY,
    customer_id int NOT NULL REFERENCES customers,
    subject text NOT NULL,
    body text NOT NULL,
    status text NOT NULL,
    opened_at timestamptz NOT NULL
);
INSERT INTO support_tickets
SELECT g, c.id,
       pg_temp.one_of('j' || g, '{Cannot log in,Invoice question,Rate limit reached,Model answers slowly,Please delete my data,Wrong currency,API key lost,Feature request}'),
       'Hello, this is ' || c.name || ' (' || c.phone || '). Please answer to ' || c.email || '. Thank you!',
       pg_temp.one_of('z' || g, '{open,open,waiting,solved,solved,solved}'),
       timestamptz '2024-06-01 00:00+00' + pg_temp.pick('h' || g, 600 * 24) * interval '1 hour'
FROM generate_series(1, 10000 * :percent / 100) g
JOIN customers c ON c.id = 1 + pg_temp.pick('m' || g, 8000 * :percent / 100);

CREATE TABLE prompt_logs (
    id bigint PRIMARY KEY,
    customer_id int NOT NULL REFERENCES customers,
    model text NOT NULL,
    prompt text NOT NULL,
    tokens int NOT NULL,
    address inet NOT NULL,
    at timestamptz NOT NULL
);
INSERT INTO prompt_logs
SELECT g, c.id, pg_temp.one_of('M' || g, '{dam-7b,dam-7b,dam-70b,dam-vision}'),
       pg_temp.one_of('P' || g, '{Write a reminder to ,Summarise the call with ,Draft an offer for ,Translate this letter to ,Plan a trip for }') || c.name,
       40 + pg_temp.pick('T' || g, 4000),
       ('10.' || pg_temp.pick('A' || g, 256) || '.' || pg_temp.pick('B' || g, 256) || '.' || pg_temp.pick('C' || g, 256))::inet,
       timestamptz '2025-01-01 00:00+00' + pg_temp.pick('S' || g, 300 * 86400) * interval '1 second'
FROM generate_series(1, 40000 * :percent / 100) g
JOIN customers c ON c.id = 1 + pg_temp.pick('D' || g, 8000 * :percent / 100);

CREATE TABLE features (
    customer_id int NOT NULL REFERENCES customers,
    name text NOT NULL,
    value double precision NOT NULL,
    PRIMARY KEY (customer_id, name)
);
INSERT INTO features
SELECT g, name, round((pg_temp.pick(name || g, 100000) / 100000.0)::numeric, 5)
FROM generate_series(1, 4000 * :percent / 100) g, unnest('{churn_risk,weekly_use,upsell_score}'::text[]) name;

CREATE TABLE training_runs (
    id int PRIMARY KEY,
    model text NOT NULL,
    dataset text NOT NULL,
    config jsonb NOT NULL,
    token text NOT NULL,
    loss double precision NOT NULL,
    started_at timestamptz NOT NULL
);
INSERT INTO training_runs
SELECT g, pg_temp.one_of('R' || g, '{dam-7b,dam-70b,dam-vision}'), 'prompts-2025-' || lpad((1 + g % 12)::text, 2, '0'),
       jsonb_build_object('lr', 0.0001 * (1 + g % 5), 'batch', 64 * (1 + g % 4), 'owner', pg_temp.one_of('O' || g, '{amara,kenji,linus}')),
       'sk-train-' || md5('token' || g),
       round((4.0 / (1 + g * 0.01))::numeric, 4), timestamptz '2025-01-01 06:00+00' + g * interval '17 hours'
FROM generate_series(1, greatest(20, 400 * :percent / 100)) g;

CREATE TABLE model_weights (
    model text NOT NULL,
    layer int NOT NULL,
    shard int NOT NULL,
    sha256 text NOT NULL,
    weights bytea NOT NULL,
    PRIMARY KEY (model, layer, shard)
);
INSERT INTO model_weights
SELECT model, layer, shard, encode(sha256((model || layer || '/' || shard)::bytea), 'hex'), decode(repeat(md5(model || layer || '/' || shard), 64), 'hex')
FROM unnest('{dam-7b,dam-70b,dam-vision}'::text[]) model, generate_series(1, 32) layer, generate_series(1, 4) shard;

CREATE TABLE employees (
    id int PRIMARY KEY,
    name text NOT NULL,
    email text NOT NULL,
    team text NOT NULL,
    ssn varchar(11) NOT NULL,
    salary int NOT NULL
);
INSERT INTO employees
SELECT g, c.name, lower(split_part(c.name, ' ', 1)) || g || '@weir-demo.ai', pg_temp.one_of('E' || g, '{research,platform,support,sales,finance}'),
       (100 + pg_temp.pick('F' || g, 665))::text || '-' || lpad((1 + pg_temp.pick('G' || g, 98))::text, 2, '0') || '-' || lpad((1 + pg_temp.pick('H' || g, 9998))::text, 4, '0'),
       60000 + 500 * pg_temp.pick('I' || g, 300)
FROM generate_series(1, 60) g JOIN customers c ON c.id = g;

CREATE VIEW open_tickets AS
    SELECT t.id, c.name, c.email, t.subject, t.opened_at FROM support_tickets t JOIN customers c ON c.id = t.customer_id WHERE t.status = 'open';
CREATE VIEW revenue_by_plan AS
    SELECT c.plan, count(*) AS payments, sum(p.amount) AS revenue FROM payments p JOIN customers c ON c.id = p.customer_id WHERE p.status = 'paid' GROUP BY c.plan;

CREATE INDEX ON payments (customer_id);
CREATE INDEX ON prompt_logs (customer_id);
CREATE INDEX ON support_tickets (customer_id);
ANALYZE;
