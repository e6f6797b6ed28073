//! A catalog to analyse against.

use statement::catalog::{Builder, Catalog};
use statement::{Analysis, Limits, NothingPrepared, Scope, Settings};

/// The database of the leak corpus, as `statement::catalog::LOAD` reads it.
const ROWS: &str = include_str!("../everyday/catalog.tsv");

pub(crate) fn catalog() -> Catalog {
    catalog_with("")
}

/// With further rows.
pub(crate) fn catalog_with(more: &str) -> Catalog {
    let mut builder = Builder::new();
    for line in ROWS.lines().chain(more.lines()) {
        let (section, rest) = line.split_once('\t').unwrap();
        if section == "fingerprint" {
            continue;
        }
        let fields: Vec<Option<String>> = rest
            .split('\t')
            .map(|field| {
                (field != "\\N").then(|| {
                    field
                        .replace("\\n", "\n")
                        .replace("\\t", "\t")
                        .replace("\\\\", "\\")
                })
            })
            .collect();
        let fields: Vec<Option<&str>> = fields.iter().map(Option::as_deref).collect();
        builder.row(section, &fields).unwrap();
    }
    builder.finish(String::new())
}

pub(crate) fn settings() -> Settings {
    Settings {
        search_path: vec!["public".into()],
        temp_schema: None,
        known: true,
    }
}

pub(crate) fn analyze_in(catalog: &Catalog, text: &str) -> Result<Analysis, statement::Error> {
    statement::analyze(
        text,
        &Scope {
            catalog,
            settings: &settings(),
            prepared: &NothingPrepared,
            limits: Limits::default(),
        },
    )
}

pub(crate) fn analyze(text: &str) -> Result<Analysis, statement::Error> {
    thread_local! {
        static CATALOG: Catalog = catalog();
    }
    CATALOG.with(|catalog| analyze_in(catalog, text))
}
