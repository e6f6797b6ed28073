//! A catalog loaded from PostgreSQL 15 (`tests/everyday/catalog.tsv`), and rows that no server should send.

use proptest::prelude::*;

use super::*;

/// The rows of [`LOAD`] as the leak corpus's database gives them.
const ROWS: &str = include_str!("../../tests/everyday/catalog.tsv");

fn unescape(field: &str) -> Option<String> {
    if field == "\\N" {
        return None;
    }
    let mut text = String::new();
    let mut characters = field.chars();
    while let Some(next) = characters.next() {
        text.push(match next {
            '\\' => match characters.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                Some('r') => '\r',
                Some(other) => other,
                None => panic!("{field}"),
            },
            other => other,
        });
    }
    Some(text)
}

fn load(builder: &mut Builder, rows: &str) -> String {
    let mut fingerprint = String::new();
    for line in rows.lines() {
        let (section, rest) = line.split_once('\t').unwrap();
        if section == "fingerprint" {
            fingerprint = rest.to_owned();
            continue;
        }
        let fields: Vec<_> = rest.split('\t').map(unescape).collect();
        let fields: Vec<_> = fields.iter().map(Option::as_deref).collect();
        builder.row(section, &fields).unwrap();
    }
    fingerprint
}

fn snapshot() -> Catalog {
    let mut builder = Builder::new();
    let fingerprint = load(&mut builder, ROWS);
    builder.finish(fingerprint)
}

#[test]
fn resolves_columns_by_name_and_back() {
    let catalog = snapshot();
    let email = catalog.column("public", "customers", "email").unwrap();
    assert_eq!(email.attribute, 2);
    assert_eq!(
        catalog.column_name(email),
        Some(("public", "customers", "email"))
    );
    assert_eq!(catalog.column_type(email), Some((25, -1)));
    let ssn = catalog.column("public", "customers", "ssn").unwrap();
    assert_eq!(catalog.column_type(ssn), Some((1043, 11 + 4)));
    assert_eq!(catalog.column("public", "customers", "nope"), None);
    assert_eq!(catalog.column("nope", "customers", "email"), None);
    let ctid = catalog.column("public", "customers", "ctid").unwrap();
    assert_eq!(ctid.attribute, -1);
    assert_eq!(catalog.column("public", "v1", "ctid"), None);
    assert_eq!(catalog.server_version() / 10_000, 15);
    assert!(!catalog.fingerprint().is_empty());
    assert_eq!(catalog.database(), "tools");
}

#[test]
fn knows_views_inheritance_and_indexes() {
    let catalog = snapshot();
    let view = catalog.relation("public", "v2").unwrap();
    assert_eq!(view.kind, RelationKind::View);
    assert!(
        view.view_definition
            .as_deref()
            .unwrap()
            .contains("public.v1")
    );
    let stored = catalog.relation("public", "mv").unwrap();
    assert_eq!(stored.kind, RelationKind::MaterialisedView);
    assert!(stored.view_definition.is_some());
    let system = catalog.relation("pg_catalog", "pg_stats").unwrap();
    assert!(system.system && system.view_definition.is_none());
    assert!(system.column("histogram_bounds").is_some());

    let parent = catalog.column("public", "parent", "email").unwrap();
    let child = catalog.column("public", "child", "email").unwrap();
    assert_eq!(catalog.family(parent).collect::<Vec<_>>(), [parent, child]);
    assert_eq!(catalog.family(child).collect::<Vec<_>>(), [child, parent]);
    let extra = catalog.column("public", "child", "extra").unwrap();
    assert_eq!(catalog.family(extra).collect::<Vec<_>>(), [extra]);
    assert_eq!(
        catalog.descendants(parent.relation),
        [parent.relation, child.relation]
    );
    let part = catalog.relation("public", "part").unwrap();
    assert_eq!(part.kind, RelationKind::Partitioned);
    assert_eq!(catalog.children(part.oid).count(), 1);

    let customers = catalog.relation("public", "customers").unwrap();
    assert_eq!(customers.indexes.len(), 2);
    let primary = customers.indexes.iter().find(|index| index.primary);
    assert_eq!(primary.unwrap().attributes, [1]);
    let index = catalog.relation("public", "customers_pkey").unwrap();
    assert_eq!(index.index_of, Some(customers.oid));
    assert_eq!(
        catalog
            .relation_of_row_type(customers.row_type)
            .map(|relation| relation.oid),
        Some(customers.oid)
    );
}

#[test]
fn knows_what_users_defined() {
    let catalog = snapshot();
    let function = catalog.functions_named("f_tab").next().unwrap();
    assert!(function.returns_set && &*function.language == "sql");
    assert!(catalog.functions_named("lower").next().is_none());
    assert_eq!(catalog.functions_named("p_out").count(), 1);
    assert_eq!(
        catalog.functions_named("p_out").next().unwrap().kind,
        FunctionKind::Procedure
    );
    assert!(catalog.function_by_oid(function.oid).is_some());
    assert!(catalog.operators_named("->").count() > 0, "hstore");
    assert!(catalog.casts().count() > 0);
    let citext = catalog.type_named("public", "citext").unwrap();
    assert!(citext.user_io && citext.category == b'S' && !citext.system);
    let text = catalog.type_named("pg_catalog", "text").unwrap();
    assert_eq!((text.oid, text.array, text.user_io), (25, 1009, false));
    assert_eq!(catalog.types_named("text").count(), 1);
    let each = catalog.built_in_functions_named("json_each");
    let outputs: Vec<_> = each[0].outputs.iter().map(|(name, _)| &**name).collect();
    assert_eq!(outputs, ["key", "value"]);
}

#[test]
fn attaches_code_to_what_runs_it() {
    let mut builder = Builder::new();
    load(&mut builder, ROWS);
    let customers = snapshot().relation("public", "customers").unwrap().oid;
    let oid = customers.to_string();
    let row = |builder: &mut Builder, section: &str, fields: &[&str]| {
        let fields: Vec<_> = fields.iter().map(|field| Some(*field)).collect();
        builder.row(section, &fields).unwrap();
    };
    row(
        &mut builder,
        "trigger",
        &[&oid, "tr", "21", "true", "99001", "public", "trg"],
    );
    row(
        &mut builder,
        "rule",
        &[&oid, "ru", "3", "true", "true", "CREATE RULE ru …"],
    );
    for _ in 0..2 {
        let code = ["default", "function", "99002", "public", "f"];
        row(
            &mut builder,
            "code",
            &[[&*oid, "0"].as_slice(), &code].concat(),
        );
    }
    row(
        &mut builder,
        "code",
        &[
            "0",
            "99010",
            "constraint",
            "function",
            "99003",
            "public",
            "g",
        ],
    );
    row(
        &mut builder,
        "type",
        &[
            "99010", "public", "dm", "d", "S", "0", "99011", "25", "-1", "0", "false",
        ],
    );
    row(
        &mut builder,
        "type",
        &[
            "99011", "public", "_dm", "b", "A", "99010", "0", "0", "-1", "0", "false",
        ],
    );
    row(
        &mut builder,
        "foreign_key",
        &["99020", &oid, "{4}", &oid, "{1}", "c", "n"],
    );
    let catalog = builder.finish(String::new());
    let customers = catalog.relation_by_oid(customers).unwrap();
    let trigger = &customers.triggers[0];
    assert!(trigger.on_insert() && trigger.on_update() && !trigger.on_delete());
    assert!(trigger.enabled && &*trigger.function.name == "trg");
    assert_eq!(customers.rules[0].event, RuleEvent::Insert);
    assert_eq!(customers.user_code.len(), 1);
    let key = &customers.references[0];
    assert_eq!((key.on_update, key.on_delete), (b'c', b'n'));
    assert!(customers.referenced_by.contains(key));
    let code = catalog.type_code(99_011);
    assert_eq!(code.len(), 1, "through the array");
    assert_eq!(code[0].origin, CodeOrigin::Constraint);
}

#[test]
fn overlay_hides_nothing_and_is_replaced_not_stacked() {
    let shared = snapshot();
    let temporary = |name: &str| {
        let mut builder = Builder::new();
        let row = [
            "90001",
            "pg_temp_3",
            name,
            "r",
            "t",
            "90002",
            "7",
            "false",
            "false",
            "false",
        ];
        let mut row: Vec<_> = row.iter().map(|field| Some(*field)).collect();
        row.push(None);
        builder.row("relation", &row).unwrap();
        let parent = shared.relation("public", "parent").unwrap().oid.to_string();
        builder
            .row("inheritance", &[Some("90001"), Some(&parent)])
            .unwrap();
        builder
    };
    let parent = shared.relation("public", "parent").unwrap().oid;
    let one = shared.overlay(temporary("customers"));
    assert_eq!(one.relations_named("customers").count(), 2);
    assert!(one.relation("pg_temp_3", "customers").is_some());
    assert!(one.relation("public", "customers").is_some());
    assert_eq!(one.children(parent).count(), 2);
    assert_eq!(one.fingerprint(), shared.fingerprint());
    let two = one.overlay(temporary("other"));
    assert!(two.relation("pg_temp_3", "customers").is_none());
    assert!(shared.relation("pg_temp_3", "customers").is_none());
}

#[test]
fn an_empty_catalog_resolves_nothing() {
    let catalog = Catalog::empty();
    assert_eq!(catalog.fingerprint(), "");
    assert_eq!(catalog.relations().count(), 0);
    let column = ColumnId {
        relation: 1,
        attribute: 1,
    };
    assert_eq!(catalog.family(column).collect::<Vec<_>>(), [column]);
}

#[test]
fn cycles_in_inheritance_end() {
    let mut builder = Builder::new();
    for (child, parent) in [("1", "2"), ("2", "3"), ("3", "1"), ("1", "1")] {
        builder
            .row("inheritance", &[Some(child), Some(parent)])
            .unwrap();
    }
    assert_eq!(builder.finish(String::new()).descendants(1).len(), 3);
}

#[test]
fn refuses_rows_that_do_not_fit() {
    let refused = |section: &str, fields: &[Option<&str>]| {
        Builder::new().row(section, fields).unwrap_err();
    };
    refused("nope", &[]);
    refused("schema", &[Some("1")]);
    refused("schema", &[Some("1"), None]);
    refused("schema", &[Some("-1"), Some("a")]);
    refused("schema", &[Some("1"), Some(&"a".repeat(2_000))]);
    refused("inheritance", &[Some("1"), Some("4294967296")]);
    let column = |attribute| ["1", attribute, "a", "25", "-1", "f", "f", "", ""].map(Some);
    refused("column", &column("0"));
    refused("column", &column("32768"));
    let keys = ["1", "2", "{1,2}", "3", "{1}", "a", "a"].map(Some);
    refused("foreign_key", &keys);
    let mut twice = Builder::new();
    let ty = ["1", "s", "t", "b", "S", "0", "0", "0", "-1", "0", "f"].map(Some);
    twice.row("type", &ty).unwrap();
    assert_eq!(twice.row("type", &ty), Err(Error::Duplicate("type")));
}

#[test]
fn arrays_in_text_form_are_read() {
    let check = |text: &str, expected: Option<&[Option<&str>]>| {
        let array = literal::array(text);
        let array: Option<Vec<_>> = array
            .as_ref()
            .map(|array| array.iter().map(Option::as_deref).collect());
        assert_eq!(array.as_deref(), expected, "{text}");
    };
    check("{}", Some(&[]));
    check("{a,NULL,\"NULL\"}", Some(&[Some("a"), None, Some("NULL")]));
    check(r#"{"a\"b\\c,}",""}"#, Some(&[Some("a\"b\\c,}"), Some("")]));
    for malformed in [
        "", "{", "}", "{a", "{a,}", "{,a}", "{\"a}", "{{a}}", "{a\"b}", "{\"a\"b}", "{\\",
    ] {
        check(malformed, None);
    }
    assert_eq!(literal::numbers::<i16>("{1,-2}"), Some(vec![1, -2]));
    assert_eq!(literal::vector::<u32>("1 2"), Some(vec![1, 2]));
    assert_eq!(literal::vector::<i16>("1 x"), None);
}

proptest! {
    #[test]
    fn no_row_makes_it_panic(
        section in 0..LOAD.len(),
        fields in proptest::collection::vec(proptest::option::of("[-0-9tf{},\"\\\\ a]{0,6}"), 0..17),
    ) {
        let mut builder = Builder::new();
        let fields: Vec<_> = fields.iter().map(Option::as_deref).collect();
        let _ = builder.row(LOAD[section].section, &fields);
        let catalog = builder.finish(String::new());
        for relation in catalog.relations() {
            let _ = catalog.descendants(relation.oid);
            let _ = catalog.type_code(relation.row_type);
        }
    }

    #[test]
    fn any_text_is_an_array_or_not(text in "\\PC{0,40}") {
        let _ = literal::array(&text);
    }
}
