//! Ways around the analysis that were found by attack.

use statement::Usage;

use crate::fixture::analyze;

/// Whether the last statement of a text is opaque.
fn is_opaque(text: &str) -> bool {
    let analysis = analyze(text).unwrap();
    !analysis.statements.last().unwrap().opaque.is_empty()
}

/// The uses of `customers.email` in a text of one statement.
fn uses(text: &str) -> Vec<Usage> {
    let analysis = analyze(text).unwrap();
    let columns = &analysis.statements[0].columns;
    let email = |used: &&statement::ColumnUse| &*used.name == "email";
    columns
        .iter()
        .filter(email)
        .map(|used| used.usage)
        .collect()
}

#[test]
fn what_came_with_the_server_stays_as_it_is() {
    for text in [
        "create or replace function pg_catalog.pg_get_viewdef(oid) returns text language sql as 'select 1'",
        "alter function pg_catalog.query_to_xml(text, boolean, boolean, text) rename to xmlcomment",
        "alter function query_to_xml(text, boolean, boolean, text) rename to xmlcomment",
        "alter function md5(text) rename to md6",
        "create or replace aggregate pg_catalog.max(text) (sfunc = f, stype = text)",
        "create operator pg_catalog.=== (leftarg = text, rightarg = text, function = texteq)",
        "alter view v1 set schema information_schema",
        "set search_path = pg_catalog; create function length(text) returns text language sql as 'select 1'",
    ] {
        assert!(is_opaque(text), "{text}");
    }
    for text in [
        "create or replace function public.f(text) returns text language sql as 'select 1'",
        "create function f(text) returns text language sql as 'select 1'",
        "alter function f_txt(int) rename to g",
        "create aggregate mine(text) (sfunc = textcat, stype = text)",
    ] {
        assert!(!is_opaque(text), "{text}");
    }
}

#[test]
fn nothing_is_put_in_the_place_of_an_operator() {
    let operator = "create operator public.!? (leftarg = jsonb, rightarg = text, function = f";
    assert!(is_opaque(&format!(
        "{operator}, negator = operator(pg_catalog.?))"
    )));
    assert!(is_opaque(&format!(
        "{operator}, commutator = operator(pg_catalog.?))"
    )));
    assert!(is_opaque(&format!("{operator}, restrict = f)")));
    assert!(!is_opaque(&format!("{operator})")));
    assert!(is_opaque("create type t (input = f, output = g)"));
    assert!(!is_opaque("create type t as (a int)"));
}

#[test]
fn families_of_tables_are_not_changed_unseen() {
    for text in [
        "alter table customers inherit clean",
        "alter table customers no inherit clean",
        "alter table clean attach partition customers for values in (1)",
        "alter table clean detach partition customers",
        "create table mine () inherits (customers)",
        "create table mine (leak text generated always as (email) stored) inherits (clean, customers)",
        "create temp table mine (n int, check (ascii(email) < n)) inherits (customers)",
        "create table mine (like clean including all) inherits (customers)",
        "create table mine partition of customers (check (email < 'm')) for values in ('a')",
        "create table mine partition of customers default partition by range (email)",
    ] {
        assert_eq!(uses(text), [Usage::WrittenFrom], "{text}");
    }
    for text in [
        "alter table child add leak text generated always as (upper(email)) stored",
        "alter table child add check (email < 'm')",
        "alter table child alter extra type text using email",
    ] {
        assert!(uses(text).contains(&Usage::WrittenFrom), "{text}");
    }
    // Of the definitions of another table come no rows.
    assert_eq!(uses("create table mine (like customers including all)"), []);
}

#[test]
fn serial_is_known() {
    for ty in ["serial", "bigserial", "smallserial", "serial8"] {
        assert!(
            !is_opaque(&format!("create table t (id {ty} primary key)")),
            "{ty}"
        );
        assert!(
            !is_opaque(&format!("alter table clean add column s {ty}")),
            "{ty}"
        );
    }
    assert!(is_opaque("create table t (id public.serial)"));
}

#[test]
fn a_default_is_written_by_who_sets_it() {
    assert_eq!(
        uses("alter table customers alter column email set default 'a'"),
        [Usage::Written]
    );
    assert_eq!(
        uses("alter view v1 alter column email set default 'a'"),
        [Usage::Written, Usage::Written]
    );
    assert_eq!(
        uses("alter table customers alter column email drop default"),
        []
    );
}

#[test]
fn rows_are_not_put_in_the_order_of_an_index() {
    for text in [
        "cluster customers using customers_email_key",
        "alter table customers cluster on customers_email_key",
    ] {
        assert_eq!(uses(text), [Usage::Order], "{text}");
    }
}

#[test]
fn a_foreign_key_to_the_primary_key_reads_that_alone() {
    assert_eq!(uses("create table o (c int references customers)"), []);
    assert_eq!(
        uses("create table o (c text references customers (email))"),
        [Usage::Join]
    );
}

#[test]
fn settings_of_sessions_to_come_are_settings() {
    assert!(is_opaque("alter role postgres set enable_seqscan = off"));
    assert!(is_opaque("alter database leaks set log_statement = 'all'"));
    assert!(!is_opaque(
        "alter role postgres set statement_timeout = '5s'"
    ));
    assert!(!is_opaque(
        "alter role postgres set search_path = app, public"
    ));
    assert!(!is_opaque("alter role postgres reset all"));
}

#[test]
fn a_table_is_not_made_from_what_was_prepared_earlier() {
    assert!(is_opaque(
        "prepare p as select 1; create table t as execute p"
    ));
}

#[test]
fn a_path_within_a_text_is_the_servers() {
    for text in [
        "begin; set local search_path = s2; commit; select id from clean",
        "select set_config('search_path', 'public', false) where false; select id from clean",
        "explain select set_config('search_path', 'public', false); select id from clean",
        "set search_path = 'public,s2'; select id from clean",
        "set search_path = \"PUBLIC\"; select id from clean",
    ] {
        assert!(is_opaque(text), "{text}");
    }
    assert!(!is_opaque("set search_path = public; select id from clean"));
    assert!(!is_opaque(
        "set search_path = s2, public; select id from clean"
    ));
}
