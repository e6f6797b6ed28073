use super::*;

fn held(path: Option<&str>, label: &str) -> Held {
    Held {
        path: path.map(str::to_owned),
        label: label.to_owned(),
        class: String::new(),
        sensitive: label != NONE,
        confidence: 1.0,
        evidence: Vec::new(),
    }
}

#[test]
fn a_column_has_one_label() {
    let none = [held(None, NONE)];
    assert_eq!(label_of(&none, false, true), NONE);
    assert_eq!(label_of(&none, false, false), UNCLASSIFIED);
    assert_eq!(
        label_of(&[held(Some("[]"), "email")], false, false),
        "email"
    );
    let paths = [held(Some("$.a"), "email"), held(Some("$.b"), NONE)];
    assert_eq!(label_of(&paths, true, false), "json");
    assert_eq!(label_of(&paths, false, true), "free-text");
    // What is no word in a file masks.
    assert_eq!(label("NONE").unwrap().as_str(), UNCLASSIFIED);
    assert!(label(NONE).is_none());
}

#[test]
fn keys_that_may_be_values_are_not_shown() {
    let path = |steps: &[&str]| {
        let steps = steps.iter().map(|step| (*step).to_owned()).collect();
        shown(&detect::Path::Json(steps)).to_string()
    };
    assert_eq!(path(&["kunde", "e-mail", "*"]), "$.kunde[\"e-mail\"][*]");
    assert_eq!(path(&["Anna Schmidt", "n"]), "$[*].n");
    assert_eq!(path(&["DE89370400440532013000"]), "$[*]");
    assert_eq!(path(&[&"x".repeat(64)]), "$[*]");
}

#[test]
fn targets_have_files_of_their_own() {
    let folder = std::path::Path::new("/s");
    let names = ["a.b", "a_b", "a b", "ä", "a%2Eb", "a.found", "a"];
    let mut files: Vec<_> = names
        .iter()
        .map(|name| Files::of(folder, name))
        .flat_map(|files| [files.bindings(), files.found(), files.reviewed()])
        .collect();
    files.sort();
    files.dedup();
    assert_eq!(files.len(), 3 * names.len());
    assert_eq!(
        Files::of(folder, "prod-app_1").found(),
        folder.join("labels/prod-app_1.found.json")
    );
}

/// A catalog of one table, whose columns have these names and types.
fn catalog(columns: &[(&str, u32)]) -> statement::Catalog {
    let mut builder = statement::catalog::Builder::new();
    let mut row = |section: &str, text: String| {
        let fields: Vec<Option<&str>> = text
            .split('\t')
            .map(|field| (field != "\\N").then_some(field))
            .collect();
        builder.row(section, &fields).unwrap();
    };
    let table = "90001\tapp\tt\tr\tp\t90002\t9001\tfalse\tfalse\tfalse\t\\N";
    row("relation", table.to_owned());
    for (at, (name, ty)) in columns.iter().enumerate() {
        let at = at + 1;
        row(
            "column",
            format!("90001\t{at}\t{name}\t{ty}\t-1\tfalse\tfalse\t\t"),
        );
    }
    builder.finish("test".into())
}

fn found(attribute: i16, column: &str, label: &str) -> Found {
    Found {
        relation: 90001,
        attribute,
        type_oid: 25,
        schema: "app".to_owned(),
        table: "t".to_owned(),
        column: column.to_owned(),
        at_ms: 1,
        label: label.to_owned(),
        failed: None,
        doubt: (label == UNCLASSIFIED).then(|| "too little".to_owned()),
        held: Vec::new(),
    }
}

/// Files in a folder of their own.
fn files(name: &str) -> Files {
    let folder = std::env::temp_dir().join(format!("weir-labels-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    Files::of(&folder, "shop")
}

fn masks(discovery: &Discovery, catalog: &statement::Catalog) -> Vec<String> {
    let mut bound = std::collections::HashMap::new();
    discovery.add(catalog, true, &mut bound);
    let mut all: Vec<String> = bound
        .iter()
        .map(|(column, label)| format!("{} {}", column.attribute, label.as_str()))
        .collect();
    all.sort();
    all
}

fn unseen(discovery: &Discovery, catalog: &statement::Catalog) -> Vec<i16> {
    let all = discovery.unseen(catalog, &|_| false);
    all.into_iter()
        .flat_map(|wanted| wanted.attributes)
        .collect()
}

#[test]
fn findings_are_of_one_database_one_type_and_one_name() {
    let files = files("bound");
    let discovery = Discovery::new(files.clone());
    assert!(discovery.of_database(Some("1:2".to_owned())));
    let first = catalog(&[("a", 25), ("b", 25), ("c", 25)]);
    assert_eq!(unseen(&discovery, &first), [1, 2, 3]);
    let all = vec![
        found(1, "a", NONE),
        found(2, "b", "email"),
        found(3, "c", NONE),
    ];
    discovery
        .keep("9:9", &first, &[90001], all.clone())
        .unwrap();
    assert_eq!(unseen(&discovery, &first), [1, 2, 3], "of another database");
    discovery.keep("1:2", &first, &[90001], all).unwrap();
    assert_eq!(masks(&discovery, &first), ["2 email"]);
    assert!(unseen(&discovery, &first).is_empty());
    // Names swapped: nobody knows that `a` is still what held nothing; a mask follows the column.
    let renamed = catalog(&[("c", 25), ("x", 25), ("c2", 23)]);
    assert_eq!(
        masks(&discovery, &renamed),
        ["1 unclassified", "2 email", "3 unclassified"]
    );
    assert_eq!(unseen(&discovery, &renamed), [1, 3]);
    assert!(discovery.is_renamed(&renamed));
    discovery.keep("1:2", &renamed, &[], Vec::new()).unwrap();
    assert_eq!(files.read_found().unwrap().columns[1].column, "x");
    // Another process finds it again, but not for another database, and not for one that does not tell.
    for (database, label) in [
        (Some("1:2"), "2 email"),
        (Some("3:4"), "2 unclassified"),
        (None, "2 unclassified"),
    ] {
        let next = Discovery::new(files.clone());
        next.of_database(database.map(str::to_owned));
        assert!(
            masks(&next, &first).contains(&label.to_owned()),
            "{database:?}"
        );
    }
}

#[test]
fn a_look_in_vain_takes_nothing_back_and_waits() {
    let discovery = Discovery::new(files("again"));
    discovery.of_database(Some("1:2".to_owned()));
    let catalog = catalog(&[("a", 25), ("b", 25), ("c", 25)]);
    let keep = |all: Vec<Found>| {
        let weighed = discovery.weigh(all);
        let changed = weighed.iter().filter(|(_, changed)| *changed).count();
        let all = weighed.into_iter().map(|(found, _)| found).collect();
        discovery.keep("1:2", &catalog, &[90001], all).unwrap();
        changed
    };
    let doubtful = || found(3, "c", UNCLASSIFIED);
    assert_eq!(
        keep(vec![
            found(1, "a", NONE),
            found(2, "b", "email"),
            doubtful()
        ]),
        3
    );
    // Too little to tell: not again at once.
    assert!(unseen(&discovery, &catalog).is_empty());
    let failed = |attribute, column: &str| Found {
        failed: Some("locked".to_owned()),
        doubt: None,
        ..found(attribute, column, UNCLASSIFIED)
    };
    assert_eq!(
        keep(vec![failed(1, "a"), failed(2, "b"), failed(3, "c")]),
        0
    );
    assert_eq!(masks(&discovery, &catalog), ["2 email", "3 unclassified"]);
    // Emptied: it does not hold nothing any more, and what masked still does.
    assert_eq!(
        keep(vec![
            found(1, "a", UNCLASSIFIED),
            found(2, "b", UNCLASSIFIED)
        ]),
        1
    );
    assert_eq!(
        masks(&discovery, &catalog),
        ["1 unclassified", "2 email", "3 unclassified"]
    );
}

#[test]
fn decisions_that_were_in_force_are_missed() {
    let files = files("missed");
    let decision = Reviewed {
        database: "1:2".to_owned(),
        relation: 90001,
        attribute: 1,
        type_oid: 25,
        name: "app.t.a".to_owned(),
        label: "note".to_owned(),
        by: "erin".to_owned(),
        why: "ticket".to_owned(),
        at_ms: 1,
    };
    let push = |reviews: &mut Reviews| {
        reviews.decisions.push(decision);
        Ok::<(), std::io::Error>(())
    };
    files.change(push).unwrap();
    let catalog = catalog(&[("a", 1043), ("b", 25)]);
    let discovery = Discovery::new(files.clone());
    // Whatever the type is by now.
    assert!(masks(&discovery, &catalog).contains(&"1 note".to_owned()));
    discovery.remember().unwrap();
    std::fs::remove_file(files.reviewed()).unwrap();
    assert!(files.read_reviews().is_err());
    let next = Discovery::new(files.clone());
    let mut bound = std::collections::HashMap::new();
    next.add(&catalog, false, &mut bound);
    assert_eq!(
        bound.len(),
        2,
        "lost decisions mask all, without discover too"
    );
}
