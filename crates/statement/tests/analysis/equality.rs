//! What uses of columns tell, and what decides the order of rows.

use std::fmt::Write;

use expect_test::{Expect, expect};
use statement::{ColumnId, Place, Tells, Usage};

use crate::fixture::{analyze_in, catalog_with};

/// Two tables with columns to compare, one of them under a collation of its own.
const PEOPLE: &str = "relation\t90001\tpublic\tpeople\tr\tp\t90002\t9001\tfalse\tfalse\tfalse\t\\N
column\t90001\t1\tid\t23\t-1\tfalse\tfalse\t\t
column\t90001\t2\temail\t25\t-1\tfalse\tfalse\t\t
column\t90001\t3\tbackup\t1043\t-1\tfalse\tfalse\t\t
column\t90001\t4\tloose\t25\t-1\tfalse\tfalse\t\t
column\t90001\t5\tprice\t1700\t-1\tfalse\tfalse\t\t
column\t90001\t6\tregion\t25\t-1\tfalse\tfalse\t\t
column\t90001\t7\tratio\t701\t-1\tfalse\tfalse\t\t
loose collation\t90001\t4
relation\t90011\tpublic\tmails\tr\tp\t90012\t9001\tfalse\tfalse\tfalse\t\\N
column\t90011\t1\tid\t23\t-1\tfalse\tfalse\t\t
column\t90011\t2\temail\t25\t-1\tfalse\tfalse\t\t
column\t90011\t3\ttext\t25\t-1\tfalse\tfalse\t\t
relation\t90021\tpublic\tpairs\tv\tp\t90022\t9001\tfalse\tfalse\tfalse\t SELECT p.id,\\n    p.email\\n   FROM (public.people p\\n     JOIN public.mails m ON ((m.email = p.email)));
column\t90021\t1\tid\t23\t-1\tfalse\tfalse\t\t
column\t90021\t2\temail\t25\t-1\tfalse\tfalse\t\t
relation\t90031\tpublic\tlinks\tr\tp\t90032\t9001\tfalse\tfalse\tfalse\t\\N
column\t90031\t1\tid\t23\t-1\tfalse\tfalse\t\t
column\t90031\t2\tref\t25\t-1\tfalse\tfalse\t\t
column\t90031\t3\tusual\t25\t-1\tfalse\ttrue\t\t
foreign_key\t90033\t90031\t{2}\t90001\t{2}\ta\ta
foreign_key\t90034\t90031\t{3}\t90001\t{4}\ta\ta
relation\t90041\tpublic\tcopies\tr\tp\t90042\t9001\tfalse\tfalse\tfalse\t\\N
column\t90041\t1\tid\t23\t-1\tfalse\tfalse\t\t
column\t90041\t2\tname\t25\t-1\tfalse\tfalse\t\t
column\t90041\t3\tmail\t25\t-1\tfalse\tfalse\t\t
foreign_key\t90043\t90041\t{3,2}\t90011\t{2,3}\tc\ta
relation\t90051\tpublic\tlinked\tv\tp\t90052\t9001\tfalse\tfalse\tfalse\t SELECT links.id,\\n    links.ref\\n   FROM public.links;
column\t90051\t1\tid\t23\t-1\tfalse\tfalse\t\t
column\t90051\t2\tref\t25\t-1\tfalse\tfalse\t\t";

/// Each text with the uses of text columns, but for selecting them, and its order.
fn check(texts: &[&str], expect: Expect) {
    let catalog = catalog_with(PEOPLE);
    let name = |column: ColumnId| match catalog.column_name(column) {
        Some((_, relation, name)) => format!("{relation}.{name}"),
        None => "?".into(),
    };
    let mut out = String::new();
    for text in texts {
        let analysis = analyze_in(&catalog, text).unwrap();
        let statement = &analysis.statements[0];
        writeln!(out, "{text}\n  {:?}", statement.order).unwrap();
        for reason in &statement.opaque {
            writeln!(out, "  opaque: {reason}").unwrap();
        }
        for used in &statement.columns {
            if matches!(&*used.name, "id" | "region" | "price" | "ratio")
                || used.usage == Usage::Projected
            {
                continue;
            }
            let names = |columns: &[ColumnId]| {
                let names: Vec<String> = columns.iter().map(|column| name(*column)).collect();
                names.join(", ")
            };
            let tells = match &used.tells {
                Tells::Anything => "anything".into(),
                Tells::Nullness => "which are NULL".into(),
                Tells::Equality(columns) => format!("which are equal among {}", names(columns)),
                Tells::Match(columns) => {
                    format!("which are equal to what is given, among {}", names(columns))
                }
            };
            writeln!(out, "  {:?} {}: {tells}", used.usage, name(used.column)).unwrap();
        }
    }
    expect.assert_eq(&out);
}

#[test]
fn comparisons_of_columns_tell_which_are_equal() {
    check(
        &[
            "select 1 from people p join mails m on m.email = p.email",
            "select 1 from people p join mails m using (email)",
            "select 1 from people p natural join mails m",
            "select 1 from people p full join mails m using (email)",
            "select 1 from people p where email in (select email from mails)",
            "select 1 from people p where email not in (select email from mails)",
            "select 1 from people p where email <> all (select m.email from mails m)",
            "select 1 from people p where exists (select from mails m where m.email = p.email and m.id > 3)",
            "select p.email is not distinct from m.email from people p, mails m",
            "select 1 from people where email operator(pg_catalog.=) backup or email <> backup",
            "select 1 from people p, mails m where p.email in (m.email, m.text)",
            "select email, count(*) from people group by email",
            "select email as e, count(*) from people group by e",
            "select email, count(*) from people group by 1",
            "select email, region, count(*) from people group by rollup (email, region)",
            "select distinct email, region from people",
            "select email from people union select email from mails",
            "select email from people except all select email from mails",
            "select count(email), count(distinct email) from people",
            "select count(*) over (partition by email) from people",
            "select id from people where email is null or backup is not null",
            "select 1 from pairs",
            "select a.email from (select email from people) a join (select email from mails) b on a.email = b.email",
            "with e as (select email from mails) select 1 from people p join e using (email)",
        ],
        expect![[r#"
            select 1 from people p join mails m on m.email = p.email
              Plan
              Join mails.email: which are equal among mails.email, people.email
              Join people.email: which are equal among mails.email, people.email
            select 1 from people p join mails m using (email)
              Plan
              Join people.email: which are equal among people.email, mails.email
              Join mails.email: which are equal among people.email, mails.email
            select 1 from people p natural join mails m
              Plan
              Join people.email: which are equal among people.email, mails.email
              Join mails.email: which are equal among people.email, mails.email
            select 1 from people p full join mails m using (email)
              Plan
              Join people.email: which are equal among people.email, mails.email
              Join mails.email: which are equal among people.email, mails.email
            select 1 from people p where email in (select email from mails)
              Plan
              Predicate people.email: which are equal among people.email, mails.email
              Predicate mails.email: which are equal among people.email, mails.email
            select 1 from people p where email not in (select email from mails)
              Plan
              Predicate people.email: which are equal among people.email, mails.email
              Predicate mails.email: which are equal among people.email, mails.email
            select 1 from people p where email <> all (select m.email from mails m)
              Plan
              Predicate people.email: which are equal among people.email, mails.email
              Predicate mails.email: which are equal among people.email, mails.email
            select 1 from people p where exists (select from mails m where m.email = p.email and m.id > 3)
              Plan
              Predicate mails.email: which are equal among mails.email, people.email
              Predicate people.email: which are equal among mails.email, people.email
            select p.email is not distinct from m.email from people p, mails m
              Plan
              Expression people.email: which are equal among people.email, mails.email
              Expression mails.email: which are equal among people.email, mails.email
            select 1 from people where email operator(pg_catalog.=) backup or email <> backup
              Plan
              Predicate people.email: which are equal among people.email, people.backup
              Predicate people.backup: which are equal among people.email, people.backup
            select 1 from people p, mails m where p.email in (m.email, m.text)
              Plan
              Predicate people.email: which are equal among people.email, mails.email, mails.text
              Predicate mails.email: which are equal among people.email, mails.email, mails.text
              Predicate mails.text: which are equal among people.email, mails.email, mails.text
            select email, count(*) from people group by email
              Plan
              Group people.email: which are equal among people.email
            select email as e, count(*) from people group by e
              Plan
              Group people.email: which are equal among people.email
            select email, count(*) from people group by 1
              Plan
              Group people.email: which are equal among people.email
            select email, region, count(*) from people group by rollup (email, region)
              Plan
              Group people.email: which are equal among people.email
            select distinct email, region from people
              Plan
              Distinct people.email: which are equal among people.email
            select email from people union select email from mails
              Plan
              SetOperation people.email: which are equal among people.email, mails.email
              SetOperation mails.email: which are equal among people.email, mails.email
            select email from people except all select email from mails
              Plan
              SetOperation people.email: which are equal among people.email, mails.email
              SetOperation mails.email: which are equal among people.email, mails.email
            select count(email), count(distinct email) from people
              Chance
              Aggregate people.email: which are NULL
              Aggregate people.email: which are equal among people.email
            select count(*) over (partition by email) from people
              Plan
              Group people.email: which are equal among people.email
            select id from people where email is null or backup is not null
              Plan
              Predicate people.email: which are NULL
              Predicate people.backup: which are NULL
            select 1 from pairs
              Plan
              Join mails.email: which are equal among mails.email, people.email
              Join people.email: which are equal among mails.email, people.email
            select a.email from (select email from people) a join (select email from mails) b on a.email = b.email
              Plan
              Join people.email: which are equal among people.email, mails.email
              Join mails.email: which are equal among people.email, mails.email
            with e as (select email from mails) select 1 from people p join e using (email)
              Plan
              Join people.email: which are equal among people.email, mails.email
              Join mails.email: which are equal among people.email, mails.email
        "#]],
    );
}

#[test]
fn whatever_is_more_than_that_tells_anything() {
    check(
        &[
            "select 1 from people p join mails m on m.email > p.email",
            "select 1 from people p join mails m on m.email = lower(p.email)",
            "select 1 from people p join mails m on m.email = p.email || ''",
            "select 1 from people p join mails m on m.email::bytea = p.email::bytea",
            "select 1 from people p join mails m on m.email = p.email collate \"C\"",
            "select 1 from people where email = loose",
            "select count(distinct loose) from people group by loose",
            "select distinct loose from people",
            "select loose from people union select email from mails",
            "select 1 from people where email = 'x'",
            "select 1 from people where email = $1",
            "select 1 from people where email in ('a', region, backup)",
            "select 1 from people where email = any (array[backup])",
            "select 1 from people where email = any (select array_agg(email) from mails)",
            "select 1 from people where email > all (select email from mails)",
            "select 1 from people p, mails m where (p.email, p.id) = (m.email, m.id)",
            "select 1 from people p, mails m where (p.email, p.id) in (select m.email, m.id)",
            "select 1 from people where email like backup or email ~ backup",
            "select nullif(email, backup) from people",
            "select case email when backup then 1 end from people",
            "select count(email || '') from people group by lower(email)",
            "select distinct on (email) id from people",
            "select max(email) from people",
            "select email from people union select 'x'",
            "select coalesce(email, 'x') is null from people",
            "select p is null from people p",
        ],
        expect![[r#"
            select 1 from people p join mails m on m.email > p.email
              Plan
              Join mails.email: anything
              Join people.email: anything
            select 1 from people p join mails m on m.email = lower(p.email)
              Plan
              Join people.email: anything
              Join mails.email: anything
            select 1 from people p join mails m on m.email = p.email || ''
              Plan
              Join people.email: anything
              Join mails.email: anything
            select 1 from people p join mails m on m.email::bytea = p.email::bytea
              Plan
              Join mails.email: anything
              Join people.email: anything
            select 1 from people p join mails m on m.email = p.email collate "C"
              Plan
              Join people.email: anything
              Join mails.email: anything
            select 1 from people where email = loose
              Plan
              Predicate people.email: anything
              Predicate people.loose: anything
            select count(distinct loose) from people group by loose
              Plan
              Aggregate people.loose: anything
              Group people.loose: anything
            select distinct loose from people
              Plan
              Distinct people.loose: anything
            select loose from people union select email from mails
              Plan
              SetOperation people.loose: anything
              SetOperation mails.email: anything
            select 1 from people where email = 'x'
              Plan
              Predicate people.email: which are equal to what is given, among people.email
            select 1 from people where email = $1
              Plan
              Predicate people.email: which are equal to what is given, among people.email
            select 1 from people where email in ('a', region, backup)
              Plan
              Predicate people.email: which are equal to what is given, among people.email, people.region, people.backup
              Predicate people.backup: which are equal to what is given, among people.email, people.region, people.backup
            select 1 from people where email = any (array[backup])
              Plan
              Predicate people.email: which are equal among people.email, people.backup
              Predicate people.backup: which are equal among people.email, people.backup
            select 1 from people where email = any (select array_agg(email) from mails)
              PlanWithin
              Aggregate mails.email: anything
              Predicate people.email: anything
            select 1 from people where email > all (select email from mails)
              Plan
              Predicate people.email: anything
              Predicate mails.email: anything
            select 1 from people p, mails m where (p.email, p.id) = (m.email, m.id)
              Plan
              Predicate people.email: anything
              Predicate mails.email: anything
            select 1 from people p, mails m where (p.email, p.id) in (select m.email, m.id)
              Plan
              Predicate people.email: anything
              Predicate mails.email: anything
            select 1 from people where email like backup or email ~ backup
              Plan
              Predicate people.email: anything
              Predicate people.backup: anything
            select nullif(email, backup) from people
              Plan
              Expression people.email: anything
              Expression people.backup: anything
            select case email when backup then 1 end from people
              Plan
              Expression people.email: anything
              Expression people.backup: anything
            select count(email || '') from people group by lower(email)
              PlanWithin
              Aggregate people.email: anything
              Group people.email: anything
            select distinct on (email) id from people
              PlanWithin
              Distinct people.email: anything
            select max(email) from people
              Chance
              Aggregate people.email: anything
            select email from people union select 'x'
              Plan
              SetOperation people.email: anything
            select coalesce(email, 'x') is null from people
              Plan
              Expression people.email: anything
            select p is null from people p
              Plan
              WholeRow people.email: anything
              WholeRow people.backup: anything
              WholeRow people.loose: anything
        "#]],
    );
}

#[test]
fn order_is_that_of_chance_or_of_the_plan() {
    check(
        &[
            "select id from people",
            "select id from people order by gen_random_uuid()",
            "select id from people order by pg_catalog.gen_random_uuid()",
            "select id from people order by id, pg_catalog.gen_random_uuid() limit 3",
            "select id from people order by pg_catalog.gen_random_uuid(), id",
            "select id from people order by random()",
            "select count(*) from people",
            "select count(*) from people group by id",
            "select max(price) from people",
            "select sum(price), avg(id) from people",
            "select sum(ratio) from people",
            "select sum(price * 2) from people",
            "select max(region), min(id) from people",
            "select array_agg(id) from people",
            "select array(select id from people)",
            "select string_agg(region, ',') from people",
            "select distinct price from people",
            "select price from people group by price",
            "select id from people union select price from people",
            "select id from people where id in (select id from people limit 1)",
            "select 1 from (select id from people order by pg_catalog.gen_random_uuid() limit 1) x",
            "(select id from people limit 1) union all select 1",
            "select id from people where id = (select count(id) from mails)",
            "select row_number() over () from people",
            "select sum(id) over (partition by region) from people",
            "select sum(id) over (partition by region order by id) from people",
            "select sum(id) over (rows unbounded preceding) from people",
            "select sum(id) over w from people window w as (partition by region)",
            "select (select count(p.id) from mails limit 1) from people p",
            "select * from (select distinct id from people) as x order by pg_catalog.gen_random_uuid()",
            "select json_agg(id) from people",
            "select json_arrayagg(id) from people",
        ],
        expect![[r#"
            select id from people
              Plan
            select id from people order by gen_random_uuid()
              Plan
            select id from people order by pg_catalog.gen_random_uuid()
              Chance
            select id from people order by id, pg_catalog.gen_random_uuid() limit 3
              Chance
            select id from people order by pg_catalog.gen_random_uuid(), id
              Plan
            select id from people order by random()
              Plan
            select count(*) from people
              Chance
            select count(*) from people group by id
              Plan
            select max(price) from people
              PlanWithin
            select sum(price), avg(id) from people
              Chance
            select sum(ratio) from people
              PlanWithin
            select sum(price * 2) from people
              Chance
            select max(region), min(id) from people
              Chance
            select array_agg(id) from people
              PlanWithin
            select array(select id from people)
              PlanWithin
            select string_agg(region, ',') from people
              PlanWithin
            select distinct price from people
              PlanWithin
            select price from people group by price
              PlanWithin
            select id from people union select price from people
              PlanWithin
            select id from people where id in (select id from people limit 1)
              PlanWithin
            select 1 from (select id from people order by pg_catalog.gen_random_uuid() limit 1) x
              Plan
            (select id from people limit 1) union all select 1
              PlanWithin
            select id from people where id = (select count(id) from mails)
              Plan
            select row_number() over () from people
              PlanWithin
            select sum(id) over (partition by region) from people
              Plan
            select sum(id) over (partition by region order by id) from people
              PlanWithin
            select sum(id) over (rows unbounded preceding) from people
              PlanWithin
            select sum(id) over w from people window w as (partition by region)
              PlanWithin
            select (select count(p.id) from mails limit 1) from people p
              PlanWithin
            select * from (select distinct id from people) as x order by pg_catalog.gen_random_uuid()
              Chance
            select json_agg(id) from people
              PlanWithin
            select json_arrayagg(id) from people
              PlanWithin
        "#]],
    );
}

#[test]
fn foreign_keys_look_for_what_is_written() {
    check(
        &[
            "insert into links (ref, usual) values ('a', null)",
            "insert into links (id, ref, usual) values (1, $1, 'a'), (2, lower($2), 'b')",
            "update links set ref = 'a'",
            "update links set ref = upper('a')",
            "delete from links where ref = 'a'",
            "insert into linked (ref) values ('a')",
            "copy links (ref, usual) from stdin",
        ],
        expect![[r#"
            insert into links (ref, usual) values ('a', null)
              Chance
              Written links.ref: which are equal to what is given, among links.ref, people.email
              Predicate people.email: which are equal to what is given, among links.ref, people.email
              Written links.usual: anything
              Predicate people.loose: anything
            insert into links (id, ref, usual) values (1, $1, 'a'), (2, lower($2), 'b')
              Chance
              Written links.ref: anything
              Predicate people.email: anything
              Written links.usual: anything
              Predicate people.loose: anything
            update links set ref = 'a'
              Plan
              Written links.ref: which are equal to what is given, among links.ref, people.email
              Predicate people.email: which are equal to what is given, among links.ref, people.email
            update links set ref = upper('a')
              Plan
              Written links.ref: anything
              Predicate people.email: anything
            delete from links where ref = 'a'
              Plan
              Predicate links.ref: which are equal to what is given, among links.ref
            insert into linked (ref) values ('a')
              Chance
              Written links.ref: which are equal to what is given, among links.ref, people.email
              Written linked.ref: which are equal to what is given, among links.ref, people.email
              Predicate people.email: which are equal to what is given, among links.ref, people.email
              Predicate people.loose: anything
            copy links (ref, usual) from stdin
              Plan
              Written links.ref: anything
              Predicate people.email: anything
              Written links.usual: anything
              Predicate people.loose: anything
        "#]],
    );
}

#[test]
fn a_default_is_looked_for_too() {
    check(
        &[
            "insert into links (id) values (1)",
            "insert into linked (id) values (1)",
            "copy links (id) from stdin",
        ],
        expect![[r#"
        insert into links (id) values (1)
          Chance
          Predicate people.loose: anything
        insert into linked (id) values (1)
          Chance
          Predicate people.loose: anything
        copy links (id) from stdin
          Plan
          Predicate people.loose: anything
    "#]],
    );
}

#[test]
fn keys_of_several_columns_prove_nothing() {
    check(
        &[
            "insert into copies (mail) values ('a')",
            "update mails set email = 'a'",
        ],
        expect![[r#"
        insert into copies (mail) values ('a')
          Chance
          Written copies.mail: anything
          Predicate mails.email: anything
          Predicate mails.text: anything
        update mails set email = 'a'
          Plan
          Written copies.mail: anything
          Written copies.name: anything
          Written mails.email: anything
          Predicate copies.mail: anything
          Predicate copies.name: anything
    "#]],
    );
}

#[test]
fn only_a_condition_by_itself_seeks_one_value() {
    let places = |text: &str| {
        let analysis = analyze_in(&catalog_with(PEOPLE), text).unwrap();
        let given = analysis.statements[0].given.iter();
        given.map(|given| given.place).collect::<Vec<_>>()
    };
    for text in [
        "update people set id = 1 where email = 'a'",
        "delete from people where id > 3 and 'a' = email",
        "insert into mails select id from people where email = $1 and id < 3",
    ] {
        assert_eq!(places(text), [Place::Sought], "{text}");
    }
    for text in [
        "update people set id = 1 where email <> 'a'",
        "update people set id = 1 where not email = 'a'",
        "update people set id = 1 where email = 'a' or id = 2",
        "update people set id = 1 where (email = 'a') is not true",
        "update people set id = 1 where email in ('a')",
    ] {
        assert_eq!(places(text), [Place::Compared], "{text}");
    }
}

#[test]
fn merge_writes_no_tokens() {
    let text = "merge into people p using mails m on m.id = p.id when matched then update set email = 'a' when not matched then insert (email) values ('b')";
    let analysis = analyze_in(&catalog_with(PEOPLE), text).unwrap();
    assert_eq!(analysis.statements[0].given, []);
}
