//! Which column a name means.

use expect_test::expect;

use crate::show::check;

#[test]
fn aliases_rename_columns() {
    check(
        "select x, t.a from customers as t(a, x)",
        expect![[r#"
        SELECT ReadOnly
          access: read public.customers
          Projected customers.email
          Projected customers.id
          -> x: customers.email as customers.email
          -> a: customers.id as customers.id
    "#]],
    );
}

#[test]
fn a_column_of_an_inner_query_hides_that_of_an_outer() {
    check(
        "select (select label from (select n as label from clean) q) from clean",
        expect![[r#"
            SELECT ReadOnly
              access: read public.clean
              Projected clean.n
              -> label: clean.n as -
        "#]],
    );
}

#[test]
fn a_join_condition_sees_only_its_own_sides() {
    check(
        "select (select 1 from clean a, (select 1 as k) b join (select 2 as k2) c on label = 'x') from clean",
        expect![[r#"
            SELECT ReadOnly
              access: read public.clean
              Join clean.label
              -> ?column?: clean as -
        "#]],
    );
}

#[test]
fn a_subselect_in_from_does_not_see_its_siblings() {
    check(
        "select (select s.e from clean c2, (select email as e) s) from customers",
        expect![[r#"
            SELECT ReadOnly
              access: read public.customers, read public.clean
              Projected customers.email
              -> e: customers.email as -
        "#]],
    );
}

#[test]
fn lateral_sees_its_siblings() {
    check(
        "select s.l from clean c, lateral (select c.label as l) s",
        expect![[r#"
            SELECT ReadOnly
              access: read public.clean
              Projected clean.label
              -> l: clean.label as clean.label
        "#]],
    );
}

#[test]
fn using_merges_columns() {
    check(
        "select id, a.id, b.id from clean a left join customers b using (id)",
        expect![[r#"
            SELECT ReadOnly
              access: read public.clean, read public.customers
              Join clean.id
              Join customers.id
              Projected clean.id
              Projected customers.id
              -> id: clean.id as clean.id
              -> id: clean.id as clean.id
              -> id: customers.id as customers.id
        "#]],
    );
}

#[test]
fn natural_join_merges_all_common_columns() {
    check(
        "select * from parent natural join part",
        expect![[r#"
        SELECT ReadOnly
          access: read public.parent, read public.part
          Join parent.id
          Join part.id
          Join parent.email
          Join part.email
          Projected parent.id
          Projected parent.email
          -> id: parent.id as parent.id
          -> email: parent.email as parent.email
    "#]],
    );
}

#[test]
fn a_full_join_computes_its_merged_column() {
    check(
        "select id from parent full join part using (id)",
        expect![[r#"
            SELECT ReadOnly
              access: read public.parent, read public.part
              Join parent.id
              Join part.id
              Projected parent.id
              Projected part.id
              -> id: parent.id or part.id as -
        "#]],
    );
}

#[test]
fn a_join_alias_hides_what_it_joins() {
    check(
        "select j.email, j.label from (customers c join clean l on c.id = l.id) as j",
        expect![[r#"
            SELECT ReadOnly
              access: read public.customers, read public.clean
              Join customers.id
              Join clean.id
              Projected customers.email
              Projected clean.label
              -> email: customers.email as customers.email
              -> label: clean.label as clean.label
        "#]],
    );
}

#[test]
fn a_using_alias_holds_merged_columns() {
    check(
        "select u.id, label from clean join customers using (id) as u",
        expect![[r#"
            SELECT ReadOnly
              access: read public.clean, read public.customers
              Join clean.id
              Join customers.id
              Projected clean.id
              Projected clean.label
              -> id: clean.id as clean.id
              -> label: clean.label as clean.label
        "#]],
    );
}

#[test]
fn function_notation_of_a_column() {
    check(
        "select email(c), (c).ssn from customers c",
        expect![[r#"
        SELECT ReadOnly
          access: read public.customers
          Projected customers.email
          Projected customers.ssn
          -> email: customers.email as customers.email
          -> ssn: customers.ssn as customers.ssn
    "#]],
    );
}

#[test]
fn column_notation_of_a_function() {
    check(
        "select c.emailof from customers c",
        expect![[r#"
        SELECT Unknown
          access: read public.customers
          WholeRow customers.id
          WholeRow customers.email
          WholeRow customers.ssn
          WholeRow customers.salary
          WholeRow customers.profile
          WholeRow customers.tags
          WholeRow customers.note
          WholeRow customers.region
          -> emailof: derived as -
          calls: public.emailof
    "#]],
    );
}

#[test]
fn whole_rows() {
    check(
        "select c, count(c), row_to_json(c.*) from customers c group by c",
        expect![[r#"
            SELECT ReadOnly
              access: read public.customers
              WholeRow customers.id
              WholeRow customers.email
              WholeRow customers.ssn
              WholeRow customers.salary
              WholeRow customers.profile
              WholeRow customers.tags
              WholeRow customers.note
              WholeRow customers.region
              -> c: derived as customers[0]
              -> count: derived as -
              -> row_to_json: derived as -
        "#]],
    );
}

#[test]
fn system_columns() {
    check(
        "select ctid, tableoid, clean.xmin from clean",
        expect![[r#"
            SELECT ReadOnly
              access: read public.clean
              Projected clean.ctid
              Projected clean.tableoid
              Projected clean.xmin
              -> ctid: clean.ctid as clean.ctid
              -> tableoid: clean.tableoid as clean.tableoid
              -> xmin: clean.xmin as clean.xmin
        "#]],
    );
}

#[test]
fn unknown_names() {
    check(
        "select nothing, clean.nothing from clean",
        expect![[r#"
            SELECT Unknown
              access: read public.clean
              -> nothing: derived as -
              -> nothing: derived as -
              opaque: column nothing does not exist
            names missing
        "#]],
    );
}

#[test]
fn ambiguous_names() {
    check(
        "select id from clean, customers",
        expect![[r#"
        SELECT Unknown
          access: read public.clean, read public.customers
          -> id: derived as -
          opaque: column id is ambiguous
    "#]],
    );
}

#[test]
fn names_of_outputs() {
    check(
        "select q.* from (select case id when 1 then label else label end, coalesce(label), label::varchar, 1::int, (select 2), array[1], n[1], -n, exists(select 1), (select n from clean limit 1)::text, extract(year from now()), current_date, nullif(n, 1), greatest(1, 2) from clean) q",
        expect![[r#"
            SELECT ReadOnly
              access: read public.clean
              Expression clean.id
              Expression clean.label
              Expression clean.n
              Projected clean.label
              -> label: derived as -
              -> coalesce: derived as -
              -> label: clean.label as -
              -> int4: clean as -
              -> ?column?: clean as -
              -> array: clean as -
              -> n: derived as -
              -> ?column?: derived as -
              -> exists: clean as -
              -> n: derived as -
              -> extract: clean as -
              -> current_date: clean as -
              -> nullif: derived as -
              -> greatest: clean as -
        "#]],
    );
}

#[test]
fn functions_in_from() {
    check(
        "select g, u.x, k.ordinality, e.key from generate_series(1, 2) g, unnest(array[1]) u(x), generate_series(1, 2) with ordinality k, json_each('{}') e",
        expect![[r#"
            SELECT ReadOnly
              -> g: clean as -
              -> x: clean as -
              -> ordinality: clean as -
              -> key: clean as -
        "#]],
    );
}

#[test]
fn rows_from_several_functions() {
    check(
        "select * from rows from (generate_series(1, 2), json_each('{}')) as r(a, b)",
        expect![[r#"
            SELECT ReadOnly
              -> a: clean as -
              -> b: clean as -
              -> value: clean as -
        "#]],
    );
}

#[test]
fn column_definitions() {
    check(
        "select * from json_to_record('{}') as r(a int, b text)",
        expect![[r#"
            SELECT ReadOnly
              -> a: clean as -
              -> b: clean as -
        "#]],
    );
}

#[test]
fn common_table_expressions_hide_tables() {
    check(
        "with customers as (select label as email from clean) select email from customers",
        expect![[r#"
            SELECT ReadOnly
              access: read public.clean
              Projected clean.label
              -> email: clean.label as clean.label
        "#]],
    );
}

#[test]
fn recursive_queries() {
    check(
        "with recursive t(n, e) as (select id, email from customers union all select n + 1, e from t where n < 10) select n, e from t",
        expect![[r#"
            SELECT ReadOnly
              access: read public.customers
              SetOperation customers.id
              SetOperation customers.email
              Predicate customers.id
              Predicate customers.email
              Expression customers.id
              Expression customers.email
              -> n: derived as -
              -> e: derived as -
        "#]],
    );
}

#[test]
fn recursive_siblings_in_any_order() {
    check(
        "with recursive a as (select * from b), b as (select label from clean) select * from a",
        expect![[r#"
            SELECT ReadOnly
              access: read public.clean
              Projected clean.label
              -> label: clean.label as clean.label
        "#]],
    );
}

#[test]
fn without_recursive_a_query_sees_elder_siblings_only() {
    check(
        "with a as (select email from customers), customers as (select email from a) select email from customers",
        expect![[r#"
            SELECT ReadOnly
              access: read public.customers
              Projected customers.email
              -> email: customers.email as customers.email
        "#]],
    );
}

#[test]
fn views_are_followed() {
    check(
        "select v1.email, v2.label, mv.label from v1, v2, mv",
        expect![[r#"
            SELECT ReadOnly
              access: read public.v1, read public.customers (indirect), read public.v2, read public.mv
              Projected customers.email
              Projected v1.email
              Projected v2.label
              Expression customers.email
              Expression v1.email
              Projected mv.label
              -> email: customers.email as v1.email
              -> label: derived as v2.label
              -> label: customers.email as mv.label
        "#]],
    );
}

#[test]
fn an_unused_computed_column_of_a_view_does_not_count() {
    check(
        "select id from v2",
        expect![[r#"
        SELECT ReadOnly
          access: read public.v2, read public.v1 (indirect), read public.customers (indirect)
          Projected customers.id
          Projected v1.id
          Projected v2.id
          -> id: customers.id as v2.id
    "#]],
    );
}

#[test]
fn what_an_extension_brings_as_well_is_the_servers_own() {
    check(
        "select gen_random_uuid()",
        expect![[r#"
        SELECT Volatile
          -> gen_random_uuid: clean as -
    "#]],
    );
    check(
        "select public.gen_random_uuid()",
        expect![[r#"
        SELECT Unknown
          -> gen_random_uuid: derived as -
          calls: public.gen_random_uuid
    "#]],
    );
}
