use super::*;

fn analysed(text: &str) -> Statement {
    let catalog = Catalog::empty();
    let settings = statement::Settings {
        search_path: vec!["public".into()],
        temp_schema: None,
        known: true,
    };
    let scope = statement::Scope {
        catalog: &catalog,
        settings: &settings,
        prepared: &statement::NothingPrepared,
        limits: statement::Limits::default(),
    };
    let mut statements = statement::analyze(text, &scope).unwrap().statements;
    statements.remove(0)
}

fn change(text: &str) -> Change {
    let mut change = Change::default();
    change.add(&analysed(text));
    change
}

/// Whether a change is known to concern who reads `public.customers`.
fn concerns(text: &str) -> bool {
    let read = analysed("select id from public.customers");
    change(text).concerns(&Names::read_by(&read), &Catalog::empty())
}

#[test]
fn a_change_concerns_who_reads_a_relation_of_its_names() {
    for text in [
        "alter table customers rename email to e2",
        "alter table x rename to customers",
        "alter table customers rename to x",
        "alter table app.customers set schema public",
        "create view app.customers as select 1 as id",
        "create table customers (id int)",
        "select 1 as id into customers",
        "drop table customers",
        "create function upper(text) returns text language sql as 'select 1'",
        "alter schema app rename to public",
        "create extension citext",
        "commit prepared 'x'",
    ] {
        assert!(concerns(text), "{text}");
    }
    for text in [
        "alter table notes rename a to b",
        "create table notes (id int)",
        "drop table notes cascade",
        "create index on customers (id)",
        "comment on table customers is 'x'",
        "grant select on customers to app",
        "discard temp",
    ] {
        assert!(!concerns(text), "{text}");
    }
}

#[test]
fn temporary_objects_are_nobody_elses() {
    assert!(change("create temp table customers (id int)").is_nothing());
    assert!(change("discard temp").is_nothing());
}

#[test]
fn what_is_on_its_way_is_in_no_generation() {
    let definitions = Definitions::default();
    let (own, other) = (definitions.number(), definitions.number());
    let read = analysed("select id from customers");
    let doubt = |session, generation| {
        let names = Names::read_by(&read);
        definitions.doubt(session, generation, &names, &Catalog::empty())
    };
    assert!(definitions.quiet(0));
    let first = definitions.number();
    definitions.announce(first, other, &change("alter table customers rename a to b"));
    assert!(!definitions.quiet(7));
    assert_eq!(doubt(own, 7), Doubt::Some);
    assert_eq!(doubt(other, 7), Doubt::None);
    definitions.settle(first, 8);
    assert!(definitions.quiet(8));
    assert_eq!(doubt(own, 8), Doubt::None);
    assert_eq!(doubt(own, 7), Doubt::Some);
    // A second one may have undone what the first one did.
    let second = definitions.number();
    definitions.announce(
        second,
        other,
        &change("alter table customers rename b to a"),
    );
    assert_eq!(doubt(own, 7), Doubt::Grave);
    assert_eq!(doubt(own, 8), Doubt::Some);
    // What another session announced meanwhile stays on its way.
    let third = definitions.number();
    definitions.announce(third, own, &change("create table notes (id int)"));
    definitions.settle(second, 9);
    assert!(!definitions.quiet(9));
}

#[test]
fn what_is_not_kept_any_more_is_a_grave_doubt() {
    let definitions = Definitions::default();
    for generation in 1..=1_100 {
        let number = definitions.number();
        definitions.announce(number, 1, &change("create table notes (id int)"));
        definitions.settle(number, generation);
    }
    let read = analysed("select id from customers");
    let names = Names::read_by(&read);
    let doubt = |generation| definitions.doubt(0, generation, &names, &Catalog::empty());
    assert_eq!(doubt(1), Doubt::Grave);
    assert_eq!(doubt(500), Doubt::None);
}
