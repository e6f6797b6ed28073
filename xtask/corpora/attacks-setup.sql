-- The database of the attack corpus (attacks.json): the tables of the other one, and views, functions and a procedure
-- that lead to them. Needs a superuser, contrib, pg_stat_statements preloaded and wal_level = logical.
--   cargo xtask leaks --corpus xtask/corpora/attacks.json --setup xtask/corpora/attacks-setup.sql
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
CREATE EXTENSION postgres_fdw;
CREATE EXTENSION file_fdw;
CREATE EXTENSION pg_trgm;
CREATE EXTENSION ltree;

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

CREATE TABLE parent (id int, email text);
CREATE TABLE child (extra text) INHERITS (parent);
INSERT INTO child VALUES (1, 'zqxcanary.alice@example.com', 'e');
CREATE TABLE part (id int, email text) PARTITION BY RANGE (id);
CREATE TABLE part1 PARTITION OF part FOR VALUES FROM (0) TO (100);
INSERT INTO part VALUES (1, 'zqxcanary.alice@example.com');

CREATE VIEW v1 AS SELECT id, email FROM customers;
CREATE VIEW v2 AS SELECT id, upper(email) AS label FROM v1;
CREATE MATERIALIZED VIEW mv AS SELECT id, email AS label FROM customers;
CREATE FUNCTION f_dyn(t text) RETURNS SETOF text LANGUAGE plpgsql AS $$BEGIN RETURN QUERY EXECUTE t; END$$;
CREATE PROCEDURE p_out(INOUT x text) LANGUAGE plpgsql
    AS $$BEGIN SELECT email INTO x FROM customers WHERE id = 1; END$$;
ANALYZE;
