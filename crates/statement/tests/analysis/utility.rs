//! Statements that are not queries.

use expect_test::expect;

use crate::show::check;

#[test]
fn copy_out() {
    check(
        "copy customers (email, id) to stdout (format csv, header, force_quote *)",
        expect![[r#"
            COPY ReadOnly
              access: read public.customers, export public.customers
              Projected customers.email
              Projected customers.id
              -> email: customers.email as customers.email
              -> id: customers.id as customers.id
        "#]],
    );
}

#[test]
fn copy_in() {
    check(
        "copy customers (id, email) from stdin (format csv, delimiter ';') where id > 1",
        expect![[r#"
            COPY Write
              access: insert public.customers, read public.customers
              Predicate customers.id
              Written customers.id
              Written customers.email
        "#]],
    );
}

#[test]
fn copy_a_query() {
    check(
        "copy (select upper(email) from customers) to stdout with binary",
        expect![[r#"
            COPY ReadOnly
              access: read public.customers, export public.customers
              Expression customers.email
              -> upper: derived as -
        "#]],
    );
}

#[test]
fn copy_to_program() {
    check(
        "copy customers to program 'cat'",
        expect![[r#"
        COPY Unknown
          access: read public.customers, export public.customers
          Projected customers.id
          Projected customers.email
          Projected customers.ssn
          Projected customers.salary
          Projected customers.profile
          Projected customers.tags
          Projected customers.note
          Projected customers.region
          -> id: customers.id as customers.id
          -> email: customers.email as customers.email
          -> ssn: customers.ssn as customers.ssn
          -> salary: customers.salary as customers.salary
          -> profile: customers.profile as customers.profile
          -> tags: customers.tags as customers.tags
          -> note: customers.note as customers.note
          -> region: customers.region as customers.region
          opaque: it reaches files or programs of the server
    "#]],
    );
}

#[test]
fn copy_in_another_encoding() {
    check(
        "copy clean to stdout (encoding 'latin1')",
        expect![[r#"
        COPY Unknown
          access: read public.clean, export public.clean
          Projected clean.id
          Projected clean.label
          Projected clean.n
          -> id: clean.id as clean.id
          -> label: clean.label as clean.label
          -> n: clean.n as clean.n
          opaque: COPY option encoding is not understood
    "#]],
    );
}

#[test]
fn prepared_in_the_same_text() {
    check(
        "prepare p (int) as select email from customers where id = $1; execute p (1); deallocate p",
        expect![[r#"
            PREPARE ReadOnly
              access: read public.customers
              Predicate customers.id
              Projected customers.email
            SELECT ReadOnly
              access: read public.customers
              Predicate customers.id
              Projected customers.email
              -> email: customers.email as customers.email
            DEALLOCATE Session
        "#]],
    );
}

#[test]
fn unknown_prepared_statement() {
    check(
        "execute nothing",
        expect![[r#"
        EXECUTE Unknown, outputs open
          opaque: prepared statement nothing is not known
    "#]],
    );
}

#[test]
fn cursors() {
    check(
        "begin; declare c no scroll cursor with hold for select email from customers; fetch 10 from c; move c; close c; commit",
        expect![[r#"
            BEGIN TransactionControl
            DECLARE CURSOR ReadOnly
              access: read public.customers
              Projected customers.email
            FETCH ReadOnly
              access: read public.customers
              Projected customers.email
              -> email: customers.email as customers.email
            MOVE ReadOnly
              access: read public.customers
              Projected customers.email
            CLOSE CURSOR Session
            COMMIT TransactionControl
        "#]],
    );
}

#[test]
fn settings() {
    check(
        "set search_path = app, public; set local work_mem = '1MB'; reset all; set role postgres; set weir.purpose = 'x'; set weir.identity = 'y'",
        expect![[r#"
            SET Session
              access: set setting search_path
              set: search_path Literal(["app", "public"]) Modelled
            SET Session
              set: work_mem Literal(["1MB"]) Harmless
            RESET Session
              access: set setting 
              set:  Default Meaning
            SET Unknown
              access: set setting role
              set: role Literal(["postgres"]) Meaning
              opaque: the session's settings are not known
            SET Unknown
              set: weir.purpose Literal(["x"]) Harmless
              opaque: the session's settings are not known
            SET Unknown
              access: set setting weir.identity
              set: weir.identity Literal(["y"]) Reserved
              opaque: the session's settings are not known
        "#]],
    );
}

#[test]
fn set_config() {
    check(
        "select set_config('search_path', 'app, public', true), set_config('jit', $1, false)",
        expect![[r#"
            SELECT Session
              -> set_config: clean as -
              -> set_config: clean as -
              set: search_path Literal(["app, public"]) Modelled
              set: jit NotConstant Harmless
        "#]],
    );
}

#[test]
fn set_config_of_something() {
    check(
        "select set_config(label, 'x', true) from clean",
        expect![[r#"
            SELECT Unknown
              access: read public.clean
              Expression clean.label
              -> set_config: derived as -
              opaque: it changes a setting in a way that cannot be foreseen
        "#]],
    );
}

#[test]
fn search_path_counts_at_once() {
    check(
        "set search_path = nowhere; select 1 from clean",
        expect![[r#"
            SET Session
              access: set setting search_path
              set: search_path Literal(["nowhere"]) Modelled
            SELECT Unknown
              access: read .clean?
              -> ?column?: clean as -
              opaque: relation clean does not exist
            names missing
        "#]],
    );
}

#[test]
fn unknown_path_makes_the_rest_opaque() {
    check(
        "reset search_path; select 1 from clean",
        expect![[r#"
        RESET Session
          access: set setting search_path
          set: search_path Default Modelled
        SELECT Unknown
          access: read public.clean
          -> ?column?: clean as -
          opaque: the session's settings are not known
    "#]],
    );
}

#[test]
fn transactions() {
    check(
        "begin; savepoint a; rollback to a; release a; commit and chain; rollback",
        expect![[r#"
            BEGIN TransactionControl
            SAVEPOINT TransactionControl
            ROLLBACK TransactionControl
            RELEASE TransactionControl
            COMMIT TransactionControl
            ROLLBACK TransactionControl
        "#]],
    );
}

#[test]
fn create_and_use() {
    check(
        "create table t (id int primary key, e text check (e <> '')); create index on t (e); insert into t values (1, 'a'); select e from t",
        expect![[r#"
            CREATE TABLE Definition
              access: create public.t?
            CREATE INDEX Definition
              access: alter public.t?
            INSERT Write
              access: insert public.t?
              Unresolved t.*
              Unresolved t.*
            SELECT ReadOnly
              access: read public.t?
              Unresolved t.*
              Unresolved t.e
              -> e: derived as -
        "#]],
    );
}

#[test]
fn rename_and_use() {
    check(
        "alter table customers rename column email to e; select e, ssn from customers",
        expect![[r#"
            ALTER TABLE Definition
              access: alter public.customers
            SELECT ReadOnly
              access: read public.customers
              Expression customers.ssn
              Unresolved customers.*
              Unresolved customers.e
              -> e: derived as -
              -> ssn: derived as -
        "#]],
    );
}

#[test]
fn foreign_keys_and_indexes() {
    check(
        "alter table clean add foreign key (id) references customers (id); create index on customers (lower(email)) where salary > 1",
        expect![[r#"
            ALTER TABLE Definition
              access: alter public.clean, read public.customers
              Join customers.id
              Join clean.id
            CREATE INDEX Definition
              access: alter public.customers
              WrittenFrom customers.email
              WrittenFrom customers.salary
        "#]],
    );
}

#[test]
fn change_of_type() {
    check(
        "alter table customers alter column email type int using length(email)",
        expect![[r#"
            ALTER TABLE Definition
              access: alter public.customers
              WrittenFrom customers.email
        "#]],
    );
}

#[test]
fn create_view() {
    check(
        "create view w as select email from customers",
        expect![[r#"
            CREATE VIEW Definition
              access: read public.customers, create public.w?
              WrittenFrom customers.email
        "#]],
    );
}

#[test]
fn drop_and_truncate() {
    check(
        "drop table clean, customers; drop schema app cascade; truncate parent cascade",
        expect![[r#"
            DROP TABLE Definition
              access: drop public.clean, drop public.customers
            DROP SCHEMA Definition
              access: drop schema app
            TRUNCATE TABLE Write
              access: truncate public.parent
        "#]],
    );
}

#[test]
fn roles_and_grants() {
    check(
        "create role r; grant select on customers to r; grant all on all tables in schema public to r; alter table clean owner to r",
        expect![[r#"
            CREATE ROLE Definition
              access: create role r
            GRANT Definition
              access: grant public.customers
            GRANT Definition
              access: grant privileges 
            ALTER TABLE Definition
              access: alter public.clean, grant public.clean
        "#]],
    );
}

#[test]
fn code_as_text() {
    check(
        "do $$ begin end $$; load 'x'",
        expect![[r#"
        DO Unknown
          opaque: it runs code given as text
        LOAD Unknown
          opaque: it runs code given as text
    "#]],
    );
}

#[test]
fn call() {
    check(
        "call p_out('x')",
        expect![[r#"
        CALL Unknown, outputs open
          calls: public.p_out
    "#]],
    );
}

#[test]
fn listen_and_notify() {
    check(
        "listen ch; notify ch, 'x'; unlisten *",
        expect![[r#"
        LISTEN Session
          access: notify channel ch
        NOTIFY Write
          access: notify channel ch
        UNLISTEN Session
    "#]],
    );
}

#[test]
fn lock_and_maintain() {
    check(
        "lock table clean; vacuum customers; analyze; refresh materialized view mv; reindex table clean",
        expect![[r#"
            LOCK TABLE Write
              access: lock public.clean
            VACUUM Write
              access: maintain public.customers
            ANALYZE Write
              access: maintain database 
            REFRESH MATERIALIZED VIEW Write
              access: maintain public.mv, read public.customers (indirect)
            REINDEX Write
              access: maintain public.clean
        "#]],
    );
}

#[test]
fn discard() {
    check(
        "discard all; select 1 from clean",
        expect![[r#"
        DISCARD ALL Definition
          set: search_path Default Modelled
          set: role Default Meaning
          set: session_authorization Default Meaning
        SELECT Unknown
          access: read public.clean
          -> ?column?: clean as -
          opaque: the session's settings are not known
    "#]],
    );
}

#[test]
fn explain_analyze_of_a_write() {
    check(
        "explain (analyze) delete from clean",
        expect![[r#"
        EXPLAIN Write, no where
          access: delete public.clean
          -> QUERY PLAN: derived as -
    "#]],
    );
}

#[test]
fn system_relations() {
    check(
        "select rolname from pg_roles; select rolpassword from pg_authid; select * from pg_stat_activity",
        expect![[r#"
            SELECT ReadOnly
              access: read pg_catalog.pg_roles
              Projected pg_roles.rolname
              -> rolname: pg_roles.rolname as pg_roles.rolname
            SELECT Unknown
              access: read pg_catalog.pg_authid
              Projected pg_authid.rolpassword
              -> rolpassword: pg_authid.rolpassword as pg_authid.rolpassword
              opaque: system column pg_catalog.pg_authid.rolpassword may hold values of rows
            SELECT Unknown
              access: read pg_catalog.pg_stat_activity
              Projected pg_stat_activity.datid
              Projected pg_stat_activity.datname
              Projected pg_stat_activity.pid
              Projected pg_stat_activity.leader_pid
              Projected pg_stat_activity.usesysid
              Projected pg_stat_activity.usename
              Projected pg_stat_activity.application_name
              Projected pg_stat_activity.client_addr
              Projected pg_stat_activity.client_hostname
              Projected pg_stat_activity.client_port
              Projected pg_stat_activity.backend_start
              Projected pg_stat_activity.xact_start
              Projected pg_stat_activity.query_start
              Projected pg_stat_activity.state_change
              Projected pg_stat_activity.wait_event_type
              Projected pg_stat_activity.wait_event
              Projected pg_stat_activity.state
              Projected pg_stat_activity.backend_xid
              Projected pg_stat_activity.backend_xmin
              Projected pg_stat_activity.query_id
              Projected pg_stat_activity.query
              Projected pg_stat_activity.backend_type
              -> datid: pg_stat_activity.datid as pg_stat_activity.datid
              -> datname: pg_stat_activity.datname as pg_stat_activity.datname
              -> pid: pg_stat_activity.pid as pg_stat_activity.pid
              -> leader_pid: pg_stat_activity.leader_pid as pg_stat_activity.leader_pid
              -> usesysid: pg_stat_activity.usesysid as pg_stat_activity.usesysid
              -> usename: pg_stat_activity.usename as pg_stat_activity.usename
              -> application_name: pg_stat_activity.application_name as pg_stat_activity.application_name
              -> client_addr: pg_stat_activity.client_addr as pg_stat_activity.client_addr
              -> client_hostname: pg_stat_activity.client_hostname as pg_stat_activity.client_hostname
              -> client_port: pg_stat_activity.client_port as pg_stat_activity.client_port
              -> backend_start: pg_stat_activity.backend_start as pg_stat_activity.backend_start
              -> xact_start: pg_stat_activity.xact_start as pg_stat_activity.xact_start
              -> query_start: pg_stat_activity.query_start as pg_stat_activity.query_start
              -> state_change: pg_stat_activity.state_change as pg_stat_activity.state_change
              -> wait_event_type: pg_stat_activity.wait_event_type as pg_stat_activity.wait_event_type
              -> wait_event: pg_stat_activity.wait_event as pg_stat_activity.wait_event
              -> state: pg_stat_activity.state as pg_stat_activity.state
              -> backend_xid: pg_stat_activity.backend_xid as pg_stat_activity.backend_xid
              -> backend_xmin: pg_stat_activity.backend_xmin as pg_stat_activity.backend_xmin
              -> query_id: pg_stat_activity.query_id as pg_stat_activity.query_id
              -> query: pg_stat_activity.query as pg_stat_activity.query
              -> backend_type: pg_stat_activity.backend_type as pg_stat_activity.backend_type
              opaque: system column pg_catalog.pg_stat_activity.query may hold values of rows
        "#]],
    );
}

#[test]
fn functions_that_reach_out() {
    check(
        "select pg_read_file('x'), lo_get(1), nextval('s'), pg_sleep(1), random(), current_user",
        expect![[r#"
            SELECT Unknown
              -> pg_read_file: derived as -
              -> lo_get: derived as -
              -> nextval: clean as -
              -> pg_sleep: clean as -
              -> random: clean as -
              -> current_user: clean as -
              calls: ?.pg_read_file (not listed), ?.lo_get (not listed)
            names missing
        "#]],
    );
}

#[test]
fn operators_of_extensions() {
    check(
        "select label = 'a', label || 'b', 'a' -> 'b' from clean",
        expect![[r#"
            SELECT Unknown
              access: read public.clean
              Expression clean.label
              Expression clean.label
              -> ?column?: derived as -
              -> ?column?: derived as -
              -> ?column?: derived as -
              calls: public.->
        "#]],
    );
}

#[test]
fn syntax_errors() {
    check(
        "select 1 from where",
        expect![[r#"
        42601 Syntax { message: "syntax error at or near \"where\"", position: Some(15), sqlstate: "42601" }
    "#]],
    );
}

#[test]
fn empty_texts() {
    check(" ; -- nothing", expect![[""]]);
}
