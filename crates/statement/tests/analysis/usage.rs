//! How columns are used.

use expect_test::expect;

use crate::show::check;

#[test]
fn projected() {
    check(
        "select email, email as e, (email), email::text, ssn::varchar(11) from customers",
        expect![[r#"
            SELECT ReadOnly
              access: read public.customers
              Projected customers.email
              Projected customers.ssn
              -> email: customers.email as customers.email
              -> e: customers.email as customers.email
              -> email: customers.email as customers.email
              -> email: customers.email as customers.email
              -> ssn: customers.ssn as customers.ssn
        "#]],
    );
}

#[test]
fn casts_that_change_something() {
    check(
        "select ssn::text, ssn::varchar, ssn::varchar(5), email collate \"C\" from customers",
        expect![[r#"
            SELECT ReadOnly
              access: read public.customers
              Expression customers.ssn
              Expression customers.email
              Projected customers.ssn
              -> ssn: customers.ssn as -
              -> ssn: customers.ssn as -
              -> ssn: derived as -
              -> email: derived as -
        "#]],
    );
}

#[test]
fn predicates() {
    check(
        "select 1 from customers where email like 'a%' and ssn in ('1') or note is null",
        expect![[r#"
            SELECT ReadOnly
              access: read public.customers
              Predicate customers.email
              Predicate customers.ssn
              Predicate customers.note
              -> ?column?: clean as -
        "#]],
    );
}

#[test]
fn joins() {
    check(
        "select 1 from customers c join clean l on l.label = c.email",
        expect![[r#"
            SELECT ReadOnly
              access: read public.customers, read public.clean
              Join clean.label
              Join customers.email
              -> ?column?: clean as -
        "#]],
    );
}

#[test]
fn groups_by_name_alias_and_number() {
    check(
        "select email as e, region, note from customers group by e, 2, customers.note",
        expect![[r#"
            SELECT ReadOnly
              access: read public.customers
              Group customers.email
              Group customers.region
              Group customers.note
              Projected customers.email
              Projected customers.region
              Projected customers.note
              -> e: customers.email as customers.email
              -> region: customers.region as customers.region
              -> note: customers.note as customers.note
        "#]],
    );
}

#[test]
fn group_by_prefers_columns_to_aliases() {
    check(
        "select email as region from customers group by region",
        expect![[r#"
            SELECT ReadOnly
              access: read public.customers
              Group customers.region
              Projected customers.email
              -> region: customers.email as customers.email
        "#]],
    );
}

#[test]
fn order_by_prefers_aliases_to_columns() {
    check(
        "select id as email from customers order by email",
        expect![[r#"
            SELECT ReadOnly
              access: read public.customers
              Order customers.id
              Projected customers.id
              -> email: customers.id as customers.id
        "#]],
    );
}

#[test]
fn order_by_expression_means_columns() {
    check(
        "select id as email from customers order by email || ''",
        expect![[r#"
            SELECT ReadOnly
              access: read public.customers
              Order customers.email
              Projected customers.id
              -> email: customers.id as customers.id
        "#]],
    );
}

#[test]
fn order_by_number() {
    check(
        "select region, email from customers order by 2",
        expect![[r#"
            SELECT ReadOnly
              access: read public.customers
              Order customers.email
              Projected customers.region
              Projected customers.email
              -> region: customers.region as customers.region
              -> email: customers.email as customers.email
        "#]],
    );
}

#[test]
fn distinct() {
    check(
        "select distinct email from customers",
        expect![[r#"
        SELECT ReadOnly
          access: read public.customers
          Distinct customers.email
          Projected customers.email
          -> email: customers.email as customers.email
    "#]],
    );
}

#[test]
fn distinct_on() {
    check(
        "select distinct on (ssn) email from customers order by ssn",
        expect![[r#"
            SELECT ReadOnly
              access: read public.customers
              Distinct customers.ssn
              Order customers.ssn
              Projected customers.email
              -> email: customers.email as customers.email
        "#]],
    );
}

#[test]
fn grouping_sets() {
    check(
        "select region, count(*) from customers group by grouping sets ((region), (email, ssn), ())",
        expect![[r#"
            SELECT ReadOnly
              access: read public.customers
              Group customers.region
              Group customers.email
              Group customers.ssn
              Projected customers.region
              -> region: customers.region as customers.region
              -> count: clean as -
        "#]],
    );
}

#[test]
fn set_operations() {
    check(
        "select email from customers union all select label from clean order by 1",
        expect![[r#"
            SELECT ReadOnly
              access: read public.customers, read public.clean
              Order customers.email
              Order clean.label
              Projected customers.email
              Projected clean.label
              -> email: customers.email or clean.label as -
        "#]],
    );
}

#[test]
fn aggregates() {
    check(
        "select count(*), count(email), max(salary) filter (where ssn = '1'), string_agg(note, ',' order by region) from customers",
        expect![[r#"
            SELECT ReadOnly
              access: read public.customers
              Aggregate customers.email
              Aggregate customers.salary
              Predicate customers.ssn
              Aggregate customers.note
              Aggregate customers.region
              -> count: clean as -
              -> count: derived as -
              -> max: derived as -
              -> string_agg: derived as -
        "#]],
    );
}

#[test]
fn windows() {
    check(
        "select rank() over w, sum(salary) over (partition by region) from customers window w as (order by email)",
        expect![[r#"
            SELECT ReadOnly
              access: read public.customers
              Aggregate customers.salary
              Group customers.region
              Order customers.email
              -> rank: derived as -
              -> sum: derived as -
        "#]],
    );
}

#[test]
fn in_subselect() {
    check(
        "select label from clean where label in (select email from customers)",
        expect![[r#"
            SELECT ReadOnly
              access: read public.clean, read public.customers
              Predicate clean.label
              Predicate customers.email
              Projected clean.label
              -> label: clean.label as clean.label
        "#]],
    );
}

#[test]
fn exists_uses_no_output() {
    check(
        "select 1 from clean where exists (select email from customers)",
        expect![[r#"
            SELECT ReadOnly
              access: read public.clean, read public.customers
              -> ?column?: clean as -
        "#]],
    );
}

#[test]
fn scalar_subselects() {
    check(
        "select (select email from customers limit 1), array(select ssn from customers)",
        expect![[r#"
            SELECT ReadOnly
              access: read public.customers
              Expression customers.ssn
              Projected customers.email
              -> email: customers.email as -
              -> array: derived as -
        "#]],
    );
}

#[test]
fn row_comparison() {
    check(
        "select 1 from customers where (email, ssn) = ('a', 'b')",
        expect![[r#"
            SELECT ReadOnly
              access: read public.customers
              Predicate customers.email
              Predicate customers.ssn
              -> ?column?: clean as -
        "#]],
    );
}

#[test]
fn limit() {
    check(
        "select 1 from clean limit (select salary from customers where id = 1)",
        expect![[r#"
            SELECT ReadOnly
              access: read public.clean, read public.customers
              Predicate customers.id
              Predicate customers.salary
              -> ?column?: clean as -
        "#]],
    );
}

#[test]
fn explain_projects_nothing() {
    check(
        "explain select email from customers",
        expect![[r#"
        EXPLAIN ReadOnly
          access: read public.customers
          Expression customers.email
          -> QUERY PLAN: derived as -
    "#]],
    );
}

#[test]
fn locking() {
    check(
        "select email from customers for update",
        expect![[r#"
        SELECT Write
          access: read public.customers, lock public.customers
          Projected customers.email
          -> email: customers.email as customers.email
    "#]],
    );
}

#[test]
fn unused_outputs_of_subqueries() {
    check(
        "select q.id from (select id, email, upper(ssn) as s from customers) q",
        expect![[r#"
            SELECT ReadOnly
              access: read public.customers
              Expression customers.ssn
              Projected customers.id
              -> id: customers.id as customers.id
        "#]],
    );
}

#[test]
fn materialised_and_modifying_queries() {
    check(
        "with q as materialized (select email from customers), d as (delete from clean returning label) select q.email, d.label from q, d",
        expect![[r#"
            SELECT Write, no where
              access: read public.customers, delete public.clean, read public.clean
              Projected customers.email
              Projected clean.label
              -> email: customers.email as customers.email
              -> label: clean.label as clean.label
        "#]],
    );
}

#[test]
fn json_and_xml() {
    check(
        "select json_object('a': email), xmlelement(name x, ssn), json_value(profile, '$.a') from customers",
        expect![[r#"
            SELECT ReadOnly
              access: read public.customers
              Expression customers.email
              Expression customers.ssn
              Expression customers.profile
              -> json_object: derived as -
              -> xmlelement: derived as -
              -> json_value: derived as -
        "#]],
    );
}

#[test]
fn a_scalar_subselect_gives_its_output_as_it_is() {
    check(
        "select o.id, (select c.email from customers c where c.id = o.id) as mail, \
         ((select email from customers limit 1))::text from clean o",
        expect![[r#"
            SELECT ReadOnly
              access: read public.clean, read public.customers
              Predicate customers.id
              Predicate clean.id
              Projected clean.id
              Projected customers.email
              -> id: clean.id as clean.id
              -> mail: customers.email as -
              -> email: customers.email as -
        "#]],
    );
    check(
        "select x.mail from (select (select ssn from customers) as mail) x order by x.mail",
        expect![[r#"
            SELECT ReadOnly
              access: read public.customers
              Order customers.ssn
              Projected customers.ssn
              -> mail: customers.ssn as -
        "#]],
    );
    check(
        "select upper((select email from customers)), array(select email from customers), \
         (select c from customers c), (select email from customers union select note from customers)",
        expect![[r#"
            SELECT ReadOnly
              access: read public.customers
              Expression customers.email
              WholeRow customers.id
              WholeRow customers.email
              WholeRow customers.ssn
              WholeRow customers.salary
              WholeRow customers.profile
              WholeRow customers.tags
              WholeRow customers.note
              WholeRow customers.region
              SetOperation customers.email
              SetOperation customers.note
              Projected customers.email
              Projected customers.note
              -> upper: derived as -
              -> array: derived as -
              -> c: derived as -
              -> email: customers.email or customers.note as -
        "#]],
    );
}

#[test]
fn union_all_keeps_values_of_one_type() {
    check(
        "select email from customers union all select note from customers",
        expect![[r#"
            SELECT ReadOnly
              access: read public.customers
              Projected customers.email
              Projected customers.note
              -> email: customers.email or customers.note as -
        "#]],
    );
    check(
        "select email from customers union all select label from clean union all select email from customers",
        expect![[r#"
            SELECT ReadOnly
              access: read public.customers, read public.clean
              Projected customers.email
              Projected clean.label
              -> email: customers.email or clean.label as -
        "#]],
    );
    check(
        "select email from customers union all select 'x' union select note from customers",
        expect![[r#"
            SELECT ReadOnly
              access: read public.customers
              SetOperation customers.email
              SetOperation customers.note
              -> email: derived as -
        "#]],
    );
    check(
        "copy (select email from customers union all select email from customers) to stdout",
        expect![[r#"
            COPY ReadOnly
              access: read public.customers, export public.customers
              Projected customers.email
              -> email: customers.email as -
        "#]],
    );
    check(
        "copy (select email from customers union all select note from customers) to stdout",
        expect![[r#"
            COPY ReadOnly
              access: read public.customers, export public.customers
              SetOperation customers.email
              SetOperation customers.note
              Projected customers.email
              Projected customers.note
              -> email: customers.email or customers.note as -
        "#]],
    );
}
