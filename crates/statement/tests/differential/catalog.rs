//! Catalogs loaded from a live server.

use statement::catalog::{Builder, Catalog, FINGERPRINT, LOAD, LOAD_TEMP, Query};

use crate::server::Server;

/// The leak corpus's database, without its extensions' needs.
pub(crate) const SETUP: &str = include_str!("setup.sql");

fn script(before: &str, queries: &[Query]) -> String {
    let mut script = format!("{before}SET search_path = '';\n");
    for query in queries {
        script.push_str(&format!(
            "SELECT '{}', rows.* FROM ({}) rows;\n",
            query.section, query.sql
        ));
    }
    script
}

fn build(rows: Vec<Vec<Option<String>>>) -> Builder {
    let mut builder = Builder::new();
    for row in rows {
        let row: Vec<_> = row.iter().map(Option::as_deref).collect();
        builder.row(row[0].unwrap(), &row[1..]).unwrap();
    }
    builder
}

/// Loads the shared snapshot.
pub(crate) fn load(server: &Server, database: &str) -> Catalog {
    build(server.records(database, &script("", LOAD))).finish(fingerprint(server, database, ""))
}

fn fingerprint(server: &Server, database: &str, before: &str) -> String {
    let script = format!("{before}SET search_path = '';\n{FINGERPRINT};");
    server.records(database, &script)[0][0].clone().unwrap()
}

#[test]
fn the_fingerprint_changes_with_whatever_a_load_reads() {
    let Some(server) = Server::start() else {
        eprintln!("no PostgreSQL 15 here");
        return;
    };
    server.records("postgres", SETUP);
    server.records(
        "postgres",
        "CREATE ROLE reader; CREATE EXTENSION citext; CREATE EXTENSION pg_trgm;",
    );
    let mut last = (
        fingerprint(&server, "postgres", ""),
        load_text(&server, LOAD),
    );
    for change in [
        "CREATE SCHEMA s",
        "CREATE TABLE s.t(a int, b text)",
        "ALTER TABLE s.t RENAME COLUMN a TO c",
        "ALTER TABLE s.t ALTER COLUMN c TYPE bigint",
        "ALTER TABLE s.t ADD COLUMN d int DEFAULT 1",
        "ALTER TABLE s.t ALTER COLUMN d DROP DEFAULT",
        "ALTER TABLE s.t DROP COLUMN d",
        "ALTER TABLE s.t ALTER COLUMN c SET NOT NULL",
        "ALTER TABLE s.t RENAME TO u",
        "CREATE VIEW s.v AS SELECT c FROM s.u",
        "CREATE OR REPLACE VIEW s.v AS SELECT c, b FROM s.u",
        "ALTER VIEW s.v RENAME COLUMN c TO x",
        "CREATE INDEX ON s.u(b)",
        "CREATE INDEX ON s.u USING gin (b gin_trgm_ops)",
        "CREATE FUNCTION s.f(int) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'begin return true; end'",
        "CREATE OR REPLACE FUNCTION s.f(int) RETURNS boolean VOLATILE LANGUAGE plpgsql AS 'begin return true; end'",
        "ALTER TABLE s.u ADD CONSTRAINT k CHECK (s.f(c::int))",
        "ALTER TABLE s.u DROP CONSTRAINT k",
        "CREATE FUNCTION s.tf() RETURNS trigger LANGUAGE plpgsql AS 'begin return new; end'",
        "CREATE TRIGGER tr BEFORE INSERT ON s.u FOR EACH ROW EXECUTE FUNCTION s.tf()",
        "ALTER TABLE s.u DISABLE TRIGGER tr",
        "DROP TRIGGER tr ON s.u",
        "CREATE RULE ru AS ON DELETE TO s.u DO ALSO SELECT 1",
        "CREATE POLICY po ON s.u USING (c > 0)",
        "ALTER POLICY po ON s.u USING (c > 1)",
        "ALTER TABLE s.u ENABLE ROW LEVEL SECURITY",
        "CREATE DOMAIN s.dom AS int",
        "ALTER DOMAIN s.dom ADD CONSTRAINT dc CHECK (s.f(value))",
        "CREATE TYPE s.e AS ENUM ('a')",
        "CREATE TYPE s.pair AS (a int, b s.dom)",
        "ALTER TYPE s.pair ADD ATTRIBUTE c text",
        "CREATE OPERATOR s.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq)",
        "CREATE CAST (s.pair AS text) WITH INOUT AS ASSIGNMENT",
        "CREATE TABLE s.child() INHERITS (s.u)",
        "ALTER TABLE s.child NO INHERIT s.u",
        "CREATE TABLE s.fk(id int REFERENCES customers ON DELETE CASCADE)",
        "CREATE TABLE s.parts(a int) PARTITION BY RANGE (a)",
        "CREATE TABLE s.p1 PARTITION OF s.parts FOR VALUES FROM (1) TO (2)",
        "ALTER TABLE s.parts DETACH PARTITION s.p1",
        "CREATE FUNCTION s.et() RETURNS event_trigger LANGUAGE plpgsql AS 'begin end'",
        "CREATE EVENT TRIGGER et ON ddl_command_end EXECUTE FUNCTION s.et()",
        "ALTER EVENT TRIGGER et DISABLE",
        "ALTER TABLE s.fk SET SCHEMA public",
        "ALTER SCHEMA s RENAME TO r",
        "DROP SCHEMA r CASCADE",
    ] {
        server.records("postgres", &format!("{change};"));
        let next = (
            fingerprint(&server, "postgres", ""),
            load_text(&server, LOAD),
        );
        // otherwise the change proves nothing
        assert_ne!(last.1, next.1, "not loaded: {change}");
        assert_ne!(last.0, next.0, "not in the fingerprint: {change}");
        last = next;
    }
    for steady in [
        "INSERT INTO clean VALUES (3, 'x', 3); ANALYZE; VACUUM",
        "CREATE TEMP TABLE clean(id int); CREATE TEMP VIEW v AS SELECT 1",
        "ALTER TYPE \"Mood\" ADD VALUE IF NOT EXISTS 'c'",
    ] {
        for statement in steady.split("; ") {
            server.records("postgres", &format!("{statement};"));
        }
        assert_eq!(last.0, fingerprint(&server, "postgres", ""), "{steady}");
    }
    let inside = "CREATE TEMP TABLE gone(id int);";
    assert_eq!(
        last.0,
        fingerprint(&server, "postgres", inside),
        "temporary objects have no part"
    );
    let twice = |change: &str| {
        let names = format!("BEGIN; ALTER TABLE clean RENAME COLUMN n TO n1; {change}");
        fingerprint(&server, "postgres", &names)
    };
    assert_ne!(
        twice(""),
        twice("ALTER TABLE clean RENAME COLUMN n1 TO n2;"),
        "twice in one transaction"
    );
}

fn load_text(server: &Server, queries: &[Query]) -> Vec<Vec<Option<String>>> {
    let mut rows = server.records("postgres", &script("", queries));
    rows.sort();
    rows
}

#[test]
fn temporary_objects_lie_over_the_snapshot() {
    let Some(server) = Server::start() else {
        eprintln!("no PostgreSQL 15 here");
        return;
    };
    server.records("postgres", SETUP);
    let shared = load(&server, "postgres");
    let before = "CREATE TEMP TABLE customers(id int primary key, email text) ; \
        CREATE TEMP TABLE more() INHERITS (public.parent); \
        CREATE TEMP TABLE pg_class(relname text, relkind text); CREATE TEMP TABLE pg_namespace(oid int); \
        CREATE DOMAIN pg_temp.text AS int; CREATE DOMAIN pg_temp.oid AS int; CREATE DOMAIN pg_temp.int8 AS int; \
        CREATE TEMP VIEW tv AS SELECT email FROM pg_temp.customers; \
        CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1';";
    let rows = server.records("postgres", &script(before, LOAD_TEMP));
    let session = shared.overlay(build(rows));
    let schema = session
        .relations_named("more")
        .next()
        .map(|relation| relation.schema.to_string())
        .unwrap();
    assert!(schema.starts_with("pg_temp_"));
    assert_eq!(session.relations_named("customers").count(), 2);
    assert!(session.relation("public", "customers").is_some());
    assert!(session.column(&schema, "customers", "email").is_some());
    let view = session.relation(&schema, "tv").unwrap();
    assert!(view.view_definition.is_some());
    assert_eq!(session.functions_named("f").count(), 1);
    assert_eq!(session.types_named("text").count(), 2);
    let parent = session.relation("public", "parent").unwrap().oid;
    assert_eq!(
        session.children(parent).count(),
        shared.children(parent).count() + 1
    );
    // the queries of the snapshot do not see them, nor are they misled by them
    let rows = server.records("postgres", &script(before, LOAD));
    assert_eq!(
        build(rows).finish(String::new()).relations().count(),
        shared.relations().count()
    );
}

#[test]
fn no_cast_of_an_administrator_is_run() {
    let Some(server) = Server::start() else {
        eprintln!("no PostgreSQL 15 here");
        return;
    };
    server.records("postgres", SETUP);
    let types = [
        "oid",
        "xid",
        "cid",
        "int2",
        "int4",
        "int8",
        "boolean[]",
        "int2vector",
        "oidvector",
        "regproc",
        "int2[]",
        "oid[]",
        "name[]",
        "text[]",
        "\"char\"[]",
    ];
    let mut casts = String::new();
    for (number, from) in types.iter().enumerate() {
        casts.push_str(&format!(
            "CREATE FUNCTION public.lie_{number}({from}) RETURNS text LANGUAGE plpgsql \
             AS 'begin raise exception ''ran''; end'; \
             CREATE CAST ({from} AS text) WITH FUNCTION public.lie_{number}({from}) AS IMPLICIT;"
        ));
    }
    server.records("postgres", &casts);
    let cast = server.psql(
        "postgres",
        &[],
        "SELECT 1::pg_catalog.oid::pg_catalog.text;",
    );
    assert!(String::from_utf8_lossy(&cast.stderr).contains("ran"));
    let catalog = load(&server, "postgres");
    assert!(catalog.relation("public", "customers").is_some());
    let before = "CREATE TEMP TABLE more(id int);";
    let temporary = build(server.records("postgres", &script(before, LOAD_TEMP)));
    assert_eq!(
        catalog.overlay(temporary).relations_named("more").count(),
        1
    );
}
