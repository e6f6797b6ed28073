//! The database floor: what is to be done for it, and whether it holds (docs/floor.md).
//!
//! Nothing here decides about a statement: what is found goes into the world that statements are judged in.

mod apply;
mod drift;
mod plan;
mod queries;

use session::{Drift, Labels};
use statement::{Catalog, Limits, NothingPrepared, Oid, Scope, Settings};

pub use apply::{Floored, apply, check, plan};
pub(crate) use drift::{Question, ask};
pub use plan::{Plan, Step, schema_of_views};

/// Views and materialised views that read a labelled column in any way, or of which nobody can tell.
pub(crate) fn tainted(catalog: &Catalog, labels: &Labels, limits: Limits) -> Vec<Oid> {
    let settings = Settings {
        search_path: Vec::new(),
        temp_schema: None,
        known: true,
    };
    let scope = Scope {
        catalog,
        settings: &settings,
        prepared: &NothingPrepared,
        limits,
    };
    let mut tainted: Vec<Oid> = catalog
        .relations()
        .filter(|relation| relation.view_definition.is_some())
        .filter(|view| {
            let columns = || view.columns.iter().map(|c| quoted(&c.name));
            let list = columns().collect::<Vec<_>>().join(", ");
            let text = format!(
                "SELECT {list} FROM {}.{}",
                quoted(&view.schema),
                quoted(&view.name)
            );
            match statement::analyze(&text, &scope) {
                Ok(analysis) => analysis.statements.iter().any(|read| {
                    !read.opaque.is_empty()
                        || !read.outputs_complete
                        || read
                            .columns
                            .iter()
                            .any(|used| labels.get(used.column).is_some())
                }),
                Err(_) => true,
            }
        })
        .map(|view| view.oid)
        .collect();
    tainted.sort_unstable();
    tainted
}

/// An identifier as SQL takes it in any place: always in quotes, so that no key word stands bare.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The findings of a floor whose role does not exist.
pub(crate) fn missing(role: &str) -> Drift {
    Drift {
        kind: "no-role".to_owned(),
        object: role.to_owned(),
        what: "does not exist".to_owned(),
        repair: vec!["-- weir floor apply".to_owned()],
    }
}
