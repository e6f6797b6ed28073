//! What computes with masked columns, computing with NULL instead.

use std::fmt::Write;

use expect_test::{Expect, expect};
use statement::{ColumnId, Limits, NothingPrepared, Rewording, Scope, Usage};

use crate::fixture::{catalog_with, settings};

/// email, ssn, salary, profile and tags of `customers`.
fn is_masked(column: ColumnId) -> bool {
    column.relation == 17095 && (2..=6).contains(&column.attribute)
}

/// A view that computes with a masked column.
const SEEN: &str = "relation\t90001\tpublic\tseen\tv\tp\t90002\t9001\tfalse\tfalse\tfalse\t SELECT customers.id,\\n    lower(customers.email) AS low,\\n    customers.email\\n   FROM public.customers;
column\t90001\t1\tid\t23\t-1\tfalse\tfalse\t\t
column\t90001\t2\tlow\t25\t-1\tfalse\tfalse\t\t
column\t90001\t3\temail\t25\t-1\tfalse\tfalse\t\t";

/// Each text after `degrade`, and whether what came out is clean and has the same names.
fn check(texts: &[&str], expect: Expect) {
    let catalog = catalog_with(SEEN);
    let settings = settings();
    let scope = Scope {
        catalog: &catalog,
        settings: &settings,
        prepared: &NothingPrepared,
        limits: Limits::default(),
    };
    let mut out = String::new();
    for text in texts {
        let Some(degraded) =
            statement::reword(text, &[], &scope, Rewording::Nulls, &[], |column, _| {
                is_masked(column)
            })
        else {
            writeln!(out, "refused: {text}").unwrap();
            continue;
        };
        writeln!(out, "{}", degraded.text).unwrap();
        let before = statement::analyze(text, &scope).unwrap();
        let after = match statement::analyze(&degraded.text, &scope) {
            Ok(after) => after,
            Err(error) => {
                writeln!(out, "  {error}").unwrap();
                continue;
            }
        };
        let (before, after) = (&before.statements[0], &after.statements[0]);
        let names = |statement: &statement::Statement| {
            let inner = match &statement.kind {
                statement::Kind::Prepare { inner, .. } | statement::Kind::Declare { inner, .. } => {
                    inner
                }
                _ => statement,
            };
            let outputs = inner.outputs.iter().map(|output| output.name.to_string());
            outputs.collect::<Vec<_>>()
        };
        if names(before) != names(after) {
            writeln!(out, "  names: {:?} {:?}", names(before), names(after)).unwrap();
        }
        if before.outputs_complete != after.outputs_complete || after.opaque != before.opaque {
            writeln!(out, "  opaque: {:?}", after.opaque).unwrap();
        }
        for used in &after.columns {
            if is_masked(used.column) && used.usage != Usage::Projected {
                writeln!(out, "  still: {} {:?}", used.name, used.usage).unwrap();
            }
        }
    }
    expect.assert_eq(&out);
}

#[test]
fn computed_references_become_typed_nulls() {
    check(
        &[
            "select id, lower(email) from customers",
            "select c.email || '!', email from customers c",
            "select ssn::text, salary + 1 from public.customers",
            "select max(salary), count(distinct email) from customers",
            "select id from customers order by email desc nulls last, id",
            "select tags[1], c.tags[1:2], profile->>'a' from customers c",
            "select case when email like '%x' then 1 else 2 end from customers",
            "select percentile_cont(0.5) within group (order by salary) from customers",
            "select (select max(c.salary) from customers c), (select length(email)) from customers",
            "select string_agg(email, ',' order by ssn) filter (where id > 3) from customers",
            "select rank() over (order by salary), sum(salary) over w from customers window w as (order by email)",
            "values ((select max(salary) from customers))",
            "select array_agg(email), array(select ssn from customers) from customers",
            "select (select email from customers limit 1) || 'x'",
            "select x.n from customers c, lateral (select length(c.email) as n) x",
            "with e as (select email as m from customers) select upper(m), m from e",
            "with e(m) as (select email from customers) select upper(e.m) from e",
            "select upper(a.email) from (select b.email from customers b) a",
        ],
        expect![[r#"
            select id, lower((NULL::pg_catalog."text")) from customers
            select (NULL::pg_catalog."text") || '!', email from customers c
            select ssn::text, (NULL::pg_catalog."int4") + 1 from public.customers
            select max((NULL::pg_catalog."int4")), count(distinct (NULL::pg_catalog."text")) from customers
            select id from customers order by (NULL::pg_catalog."text") desc nulls last, id
            select (NULL::pg_catalog."text"[])[1] AS "tags", (NULL::pg_catalog."text"[])[1:2] AS "tags", (NULL::pg_catalog."jsonb")->>'a' from customers c
            select case when (NULL::pg_catalog."text") like '%x' then 1 else 2 end from customers
            select percentile_cont(0.5) within group (order by (NULL::pg_catalog."int4")) from customers
            select (select max((NULL::pg_catalog."int4")) from customers c), (select length((NULL::pg_catalog."text"))) from customers
            select string_agg((NULL::pg_catalog."text"), ',' order by (NULL::pg_catalog."varchar")) filter (where id > 3) from customers
            select rank() over (order by (NULL::pg_catalog."int4")), sum((NULL::pg_catalog."int4")) over w from customers window w as (order by (NULL::pg_catalog."text"))
            values ((select max((NULL::pg_catalog."int4")) from customers))
            select array_agg((NULL::pg_catalog."text")), array(select (NULL::pg_catalog."varchar") AS "ssn" from customers) from customers
            select (select (NULL::pg_catalog."text") AS "email" from customers limit 1) || 'x'
            select x.n from customers c, lateral (select length((NULL::pg_catalog."text")) as n) x
            with e as (select email as m from customers) select upper((NULL::pg_catalog."text")), m from e
            with e(m) as (select email from customers) select upper((NULL::pg_catalog."text")) from e
            select upper((NULL::pg_catalog."text")) from (select b.email from customers b) a
        "#]],
    );
}

#[test]
fn outputs_keep_their_names() {
    check(
        &[
            "select email::varchar from customers",
            "select email::varchar as e, ssn::varchar x, email::varchar(3), email || 'a' from customers",
            "select email collate \"C\", tags[1] from customers",
            "select case when id = 1 then 'a' else email end, coalesce(email, 'a') from customers",
            "select 1, email::varchar -- why, from\n, 2",
            "select id is distinct from 1, email::varchar is distinct from 'a', email::varchar from customers",
            "select (email)::varchar, cast(email as varchar) from customers order by email::varchar",
            "select a.email from (select email::varchar from customers) a",
            "select email::varchar",
            "select email::varchar from customers union select 'a'",
        ],
        expect![[r#"
            refused: select email::varchar from customers
            select email::varchar as e, ssn::varchar x, (NULL::pg_catalog."text")::varchar(3) AS "email", (NULL::pg_catalog."text") || 'a' from customers
            select (NULL::pg_catalog."text") collate "C" AS "email", (NULL::pg_catalog."text"[])[1] AS "tags" from customers
            select case when id = 1 then 'a' else (NULL::pg_catalog."text") end AS "email", coalesce((NULL::pg_catalog."text"), 'a') from customers
            refused: select 1, email::varchar -- why, from
            , 2
            select id is distinct from 1, (NULL::pg_catalog."text")::varchar is distinct from 'a', email::varchar from customers
            select (email)::varchar, cast(email as varchar) from customers order by (NULL::pg_catalog."text")::varchar
            refused: select a.email from (select email::varchar from customers) a
            refused: select email::varchar
            refused: select email::varchar from customers union select 'a'
        "#]],
    );
}

#[test]
fn order_by_means_outputs_first() {
    check(
        &[
            "select id, email from customers order by email",
            "select id, email from customers order by 2, 1",
            "select id, email as e from customers order by e limit 3",
            "select email as id, id as x from customers order by id",
            "select id as email from customers order by email",
            "select * from customers order by email",
            "select * from customers order by 2",
            "select id, lower(email) from customers order by 2",
        ],
        expect![[r#"
            select id, email from customers order by (NULL::pg_catalog."text")
            select id, email from customers order by (NULL::pg_catalog."text"), 1
            select id, email as e from customers order by (NULL::pg_catalog."text") limit 3
            select email as id, id as x from customers order by (NULL::pg_catalog."text")
            refused: select id as email from customers order by email
            select * from customers order by (NULL::pg_catalog."text")
            select * from customers order by (NULL::pg_catalog."text")
            select id, lower((NULL::pg_catalog."text")) from customers order by 2
        "#]],
    );
}

#[test]
fn names_are_found_however_they_are_written() {
    check(
        &[
            "select lower(\"email\") from customers",
            "select lower(EMAIL), lower(C . /* a . b */ Email) from customers c",
            "select lower(public.customers.email), lower(customers -- a\n.email) from customers",
            "select lower(\"a\"\"b\".email) from customers \"a\"\"b\"",
            "select lower(\"select\") from (select email as \"select\" from customers) x",
            "select lower(größe) from (select email as größe from customers) ä",
            "select lower(\"Ä b\".\"é.\") from (select email as \"é.\" from customers) \"Ä b\"",
            "select lower(x.from) from (select email as from from customers) x",
            "select '😀', lower(email), $$email$$, 'email' from customers",
            "select lower(U&\"em\\0061il\") from customers",
            "select lower(e) from (select email e from customers) x where 'e' = 'e'",
        ],
        expect![[r#"
            select lower((NULL::pg_catalog."text")) from customers
            select lower((NULL::pg_catalog."text")), lower((NULL::pg_catalog."text")) from customers c
            select lower((NULL::pg_catalog."text")), lower((NULL::pg_catalog."text")) from customers
            select lower((NULL::pg_catalog."text")) from customers "a""b"
            select lower((NULL::pg_catalog."text")) from (select email as "select" from customers) x
            select lower((NULL::pg_catalog."text")) from (select email as größe from customers) ä
            select lower((NULL::pg_catalog."text")) from (select email as "é." from customers) "Ä b"
            select lower((NULL::pg_catalog."text")) from (select email as from from customers) x
            select '😀', lower((NULL::pg_catalog."text")), $$email$$, 'email' from customers
            refused: select lower(U&"em\0061il") from customers
            select lower((NULL::pg_catalog."text")) from (select email e from customers) x where 'e' = 'e'
        "#]],
    );
}

#[test]
fn scopes_are_kept_apart() {
    check(
        &[
            "select lower(email), (select lower(email) from (select region as email) y) from customers",
            "select lower(x.email) from customers c join (select id, region as email from customers) x on x.id = c.id",
            "select lower(c.email), (select lower(c.region) from customers c limit 1) from customers c",
            "with email as (select region as email from customers) select lower(email.email), email from email",
            "select lower(n.email) from customers c, lateral (select c.email) n",
            "select lower(email) from customers natural join (select id from customers) x",
            "select lower(email) from customers a join customers b using (id, email)",
        ],
        expect![[r#"
            select lower((NULL::pg_catalog."text")), (select lower(email) from (select region as email) y) from customers
            refused: select lower(x.email) from customers c join (select id, region as email from customers) x on x.id = c.id
            select lower((NULL::pg_catalog."text")), (select lower(c.region) from customers c limit 1) from customers c
            refused: with email as (select region as email from customers) select lower(email.email), email from email
            select lower((NULL::pg_catalog."text")) from customers c, lateral (select c.email) n
            select lower((NULL::pg_catalog."text")) from customers natural join (select id from customers) x
            refused: select lower(email) from customers a join customers b using (id, email)
        "#]],
    );
}

#[test]
fn what_decides_rows_or_has_no_name_is_not_rewritten() {
    check(
        &[
            "select id from customers where lower(email) like 'a%'",
            "select id from customers where id = (select max(salary) from customers)",
            "select region from customers group by region having max(email) > 'a'",
            "select lower(email) from customers group by lower(email)",
            "select lower(email) from customers group by 1",
            "select distinct lower(email) from customers order by email",
            "select distinct email from customers",
            "select distinct on (email) id from customers",
            "select count(*) filter (where email like 'a%') from customers",
            "select row_number() over (partition by email) from customers",
            "select lower(email) from customers union select email from customers",
            "select lower(c::text) from customers c",
            "select to_json(c), lower(email) from customers c",
            "select lower((c).email) from customers c",
            "select id from customers limit (select max(salary) from customers)",
            "select a.id from customers a join customers b on lower(a.email) = b.region",
            "select (select max(c.salary)) from customers c",
            "select (select max(salary) from clean) from customers",
            "select id, email from customers",
            "select lower(region) from customers",
        ],
        expect![[r#"
            refused: select id from customers where lower(email) like 'a%'
            refused: select id from customers where id = (select max(salary) from customers)
            refused: select region from customers group by region having max(email) > 'a'
            refused: select lower(email) from customers group by lower(email)
            select lower((NULL::pg_catalog."text")) from customers group by 1
            select distinct lower((NULL::pg_catalog."text")) from customers order by (NULL::pg_catalog."text")
            refused: select distinct email from customers
            refused: select distinct on (email) id from customers
            refused: select count(*) filter (where email like 'a%') from customers
            refused: select row_number() over (partition by email) from customers
            refused: select lower(email) from customers union select email from customers
            refused: select lower(c::text) from customers c
            refused: select to_json(c), lower(email) from customers c
            refused: select lower((c).email) from customers c
            refused: select id from customers limit (select max(salary) from customers)
            refused: select a.id from customers a join customers b on lower(a.email) = b.region
            refused: select (select max(c.salary)) from customers c
            refused: select (select max(salary) from clean) from customers
            refused: select id, email from customers
            refused: select lower(region) from customers
        "#]],
    );
}

#[test]
fn queries_in_other_statements() {
    check(
        &[
            "copy (select reverse(reverse(email)) from customers) to stdout",
            "copy (select email::varchar, ssn from customers) to stdout with (format csv, header, force_quote (email))",
            "declare c cursor for select lower(email), email from customers",
            "prepare p (text) as select replace(email, $1, ''), email::varchar from customers",
            "select replace(email, $1, '') from customers",
        ],
        expect![[r#"
            copy (select reverse(reverse((NULL::pg_catalog."text"))) from customers) to stdout
            refused: copy (select email::varchar, ssn from customers) to stdout with (format csv, header, force_quote (email))
            declare c cursor for select lower((NULL::pg_catalog."text")), email from customers
            prepare p (text) as select replace((NULL::pg_catalog."text"), $1, ''), email::varchar from customers
            select replace((NULL::pg_catalog."text"), $1, '') from customers
        "#]],
    );
}

#[test]
fn what_views_compute_with_is_null_where_it_is_used() {
    check(
        &[
            "select low from seen",
            "select low, email from seen order by email",
            "select id from seen order by low",
            "select low from seen order by low",
            "select low, low || 'x' from seen order by 1",
            "select email, s.low || 'x' from seen s",
            "select id, email from seen",
            "select * from seen",
            "select * from seen order by low",
            "select id from seen where low = 'x'",
        ],
        expect![[r#"
            select (NULL::pg_catalog."text") AS "low" from seen
            select (NULL::pg_catalog."text") AS "low", email from seen order by (NULL::pg_catalog."text")
            select id from seen order by (NULL::pg_catalog."text")
            select (NULL::pg_catalog."text") AS "low" from seen order by (NULL::pg_catalog."text")
            select (NULL::pg_catalog."text") AS "low", (NULL::pg_catalog."text") || 'x' from seen order by (NULL::pg_catalog."text")
            select email, (NULL::pg_catalog."text") || 'x' from seen s
            refused: select id, email from seen
            refused: select * from seen
            refused: select * from seen order by low
            refused: select id from seen where low = 'x'
        "#]],
    );
}
