-- The database of the regression corpus (postgres.json): as a small shop would have it, with canaries in every
-- column that is labelled. Needs a superuser, contrib, pg_stat_statements preloaded and wal_level = logical.
DROP DATABASE IF EXISTS leaks;
CREATE DATABASE leaks;
\c leaks
CREATE EXTENSION dblink;
CREATE EXTENSION tablefunc;
CREATE EXTENSION xml2;
CREATE EXTENSION hstore;
CREATE EXTENSION pageinspect;
CREATE EXTENSION pgcrypto;
CREATE EXTENSION pg_stat_statements;
CREATE EXTENSION citext;
CREATE EXTENSION file_fdw;
CREATE EXTENSION pg_trgm;
CREATE EXTENSION fuzzystrmatch;
CREATE EXTENSION unaccent;
CREATE EXTENSION pg_visibility;
CREATE EXTENSION btree_gist;
CREATE EXTENSION postgres_fdw;

CREATE TABLE customers (
    id int PRIMARY KEY,
    email text UNIQUE,
    ssn varchar(11) CHECK (ssn <> 'x'),
    salary int,
    profile jsonb,
    tags text[],
    note text,
    region text
);
INSERT INTO customers VALUES
    (1, 'zqxcanary.alice@example.com', '912-84-7731', 918273, '{"contact": {"phone": "+4915123987654"}}',
     '{zqxcanarytag}', 'call zqxcanary.alice@example.com', 'eu'),
    (2, 'zqxcanary.bob@example.com', '913-55-1942', 827364, '{"contact": {"phone": "+4915198712345"}}',
     '{zqxcanarytwo}', 'nothing', 'us');
INSERT INTO customers
    SELECT g, 'zqxcanary.common@example.com' || g, '900-00-0000', 1, '{}', '{}', '', 'eu' FROM generate_series(3, 60) g;

CREATE TABLE clean (id int, label text, n int);
INSERT INTO clean VALUES (1, 'ok', 1), (2, 'fine', 2);
CREATE TABLE orders (id int PRIMARY KEY, customer_id int REFERENCES customers, total numeric, placed date);
INSERT INTO orders SELECT g, g % 60 + 1, g * 1.5, date '2024-01-01' + g FROM generate_series(1, 200) g;

CREATE TABLE parent (id int, email text);
CREATE TABLE child (extra text) INHERITS (parent);
INSERT INTO child VALUES (1, 'zqxcanary.alice@example.com', 'e');
CREATE TABLE part (id int, email text) PARTITION BY RANGE (id);
CREATE TABLE part1 PARTITION OF part FOR VALUES FROM (0) TO (100);
INSERT INTO part VALUES (1, 'zqxcanary.alice@example.com');

CREATE VIEW contacts AS SELECT id, email AS address FROM customers;
CREATE VIEW contacts_of_contacts AS SELECT id, address AS who FROM contacts WHERE id < 10;
CREATE VIEW shouted AS SELECT id, upper(email) AS loud FROM customers;
CREATE VIEW rich AS SELECT id FROM customers WHERE salary > 900000;
CREATE MATERIALIZED VIEW kept AS SELECT id, email AS who FROM customers;
CREATE VIEW everything AS SELECT * FROM customers;
CREATE TABLE spilling (id int);
CREATE RULE spill AS ON INSERT TO spilling DO ALSO SELECT email FROM customers;

CREATE FUNCTION all_customers() RETURNS SETOF customers LANGUAGE sql AS 'SELECT * FROM customers';
CREATE FUNCTION email_by_id(i int) RETURNS text LANGUAGE sql AS 'SELECT email FROM customers WHERE id = i';
CREATE FUNCTION run_text(t text) RETURNS SETOF text LANGUAGE plpgsql AS $$BEGIN RETURN QUERY EXECUTE t; END$$;
CREATE FUNCTION address(c customers) RETURNS text LANGUAGE sql AS 'SELECT c.email';
CREATE PROCEDURE tell(INOUT x text) LANGUAGE plpgsql AS $$BEGIN SELECT email INTO x FROM customers WHERE id = 1; END$$;
CREATE FUNCTION loud() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE NOTICE '%', old; RETURN NULL; END$$;
CREATE TRIGGER child_loud BEFORE DELETE ON child FOR EACH ROW EXECUTE FUNCTION loud();
ANALYZE;
