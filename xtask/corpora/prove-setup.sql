-- The database that generated statements run against (cargo xtask prove): labelled columns of every kind, with values
-- that are equal within and between columns, and NULLs; and views, partitions and children over them.
CREATE DATABASE prove;
\c prove
CREATE TABLE people (
    id int PRIMARY KEY, email text UNIQUE, backup text, ssn varchar(11), phone text, salary int, born date,
    profile jsonb, tags text[], note text, uid uuid, addr inet, region text, n int
);
INSERT INTO people VALUES
    (1, 'zoe@alpha.example', 'adam@beta.example', '512-84-7731', '+4915123987654', 91000, '1984-02-29',
     '{"contact": {"phone": "+4915123987654", "mail": "zoe@alpha.example"}, "level": 3}', '{zoe,lead}',
     'call zoe@alpha.example before noon', '0b3f9c1e-5a4d-4c7b-9e8f-112233445566', '10.1.2.3', 'eu', 1),
    (2, 'adam@beta.example', 'zoe@alpha.example', '513-55-1942', '+33612345678', 54000, '1991-11-05',
     '{"contact": {"phone": "+33612345678"}, "level": 1}', '{adam}', 'nothing', 'a1b2c3d4-0000-4000-8000-000000000001',
     '192.168.7.9', 'us', 2),
    (3, 'mia.long.name@gamma.example', NULL, '512-84-7731', NULL, 91000, '1984-02-29', '{}', '{}', '',
     'a1b2c3d4-0000-4000-8000-000000000002', '10.1.2.3', 'eu', 3),
    (4, NULL, 'zoe@alpha.example', NULL, '+4915123987654', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'us', 4),
    (5, 'b@c.example', 'b@c.example', '600-10-2000', '+14155550123', 1, '1981-01-01',
     '{"tags": ["a", "b", null], "active": true}', '{a,b,NULL}', 'b', '0b3f9c1e-5a4d-4c7b-9e8f-112233445567',
     '2001:db8::1', 'eu', 5),
    (6, 'quentin@delta.example', 'mia.long.name@gamma.example', '601-10-2000', '+442071838750', 120000, '1955-07-30',
     '{"contact": {"phone": "+442071838750"}}', '{zoe,adam}', 'twice zoe@alpha.example zoe@alpha.example',
     'a1b2c3d4-0000-4000-8000-000000000003', '10.9.8.7', 'asia', 6),
    (7, 'rosa@alpha.example', 'rosa@alpha.example', '602-33-4444', '+4915198712345', 54000, '1991-11-05', '{"level": 3}',
     '{lead}', 'nothing', 'a1b2c3d4-0000-4000-8000-000000000004', '192.168.7.9', 'asia', 7),
    (8, 'sam@beta.example', 'adam@beta.example', '603-33-4444', '+15551234567', 73000, '1993-06-15', '[1, 2, "x"]',
     '{{a,b},{c,d}}', 'say hello', 'a1b2c3d4-0000-4000-8000-000000000005', '172.16.0.1', 'eu', 8);
CREATE TABLE contacts (
    id int PRIMARY KEY, person_id int REFERENCES people, email text, ssn varchar(11), kind text, amount numeric
);
INSERT INTO contacts
    SELECT g, g % 8 + 1, (SELECT email FROM people WHERE id = (g * 3) % 8 + 1), (SELECT ssn FROM people WHERE id = (g * 5) % 8 + 1),
           CASE g % 3 WHEN 0 THEN 'home' WHEN 1 THEN 'work' ELSE 'other' END, g * 1.5
    FROM generate_series(1, 20) g;
INSERT INTO contacts VALUES (21, NULL, 'nobody@nowhere.example', '700-00-0001', 'home', 0);
CREATE TABLE events (id int, email text, kind text) PARTITION BY RANGE (id);
CREATE TABLE events_low PARTITION OF events FOR VALUES FROM (0) TO (10);
CREATE TABLE events_high PARTITION OF events FOR VALUES FROM (10) TO (1000);
INSERT INTO events SELECT g, (SELECT email FROM people WHERE id = g % 8 + 1), 'seen' FROM generate_series(1, 16) g;
CREATE TABLE kin (id int, email text);
CREATE TABLE staff (grade int) INHERITS (kin);
INSERT INTO kin VALUES (1, 'zoe@alpha.example'), (2, NULL);
INSERT INTO staff VALUES (3, 'adam@beta.example', 1), (4, 'new@staff.example', 2);
CREATE TABLE clean (id int PRIMARY KEY, label text, n int);
INSERT INTO clean SELECT g, 'label ' || g, g % 3 FROM generate_series(1, 8) g;
CREATE VIEW mail AS SELECT id, email AS address, region FROM people;
CREATE VIEW both_mail AS SELECT id, email FROM people UNION ALL SELECT id, email FROM contacts;
CREATE VIEW eu AS SELECT p.id, p.email, c.kind, c.email AS other FROM people p JOIN contacts c ON c.person_id = p.id WHERE p.region = 'eu';
CREATE VIEW loud AS SELECT id, upper(email) AS shout, length(note) AS size FROM people;
CREATE MATERIALIZED VIEW kept AS SELECT id, email AS who, ssn FROM people;
ANALYZE;
