//! The leak corpus: statements by which a client could pull masked values out of a database.
//!
//! For each the analysis must give the gate a handle: the labelled columns are outputs as they are (then they are
//! masked), or something is reported for which the gate refuses.

#[cfg(test)]
#[path = "../analysis/fixture.rs"]
mod fixture;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fmt::Write;

    use expect_test::expect_file;
    use statement::{
        Analysis, Catalog, ColumnId, FunctionUse, SettingClass, Source, Statement, Usage,
    };

    use crate::fixture::{analyze, catalog};

    const CORPUS: &str = include_str!("corpus.json");

    fn labelled(catalog: &Catalog) -> BTreeSet<ColumnId> {
        let mut columns: BTreeSet<ColumnId> = ["email", "ssn", "salary", "profile", "tags", "note"]
            .iter()
            .map(|name| catalog.column("public", "customers", name).unwrap())
            .collect();
        for relation in ["parent", "child", "part", "part1"] {
            columns.insert(catalog.column("public", relation, "email").unwrap());
        }
        columns
    }

    /// What the gate would do for a principal who may see no labelled column raw.
    fn verdict(
        analysis: &Result<Analysis, statement::Error>,
        labelled: &BTreeSet<ColumnId>,
    ) -> String {
        let analysis = match analysis {
            Ok(analysis) => analysis,
            Err(error) => return format!("refused: {}", error.sqlstate()),
        };
        let mut masked = 0;
        for statement in &analysis.statements {
            if let Some(why) = refusal(statement, labelled) {
                return format!("refused: {why}");
            }
            masked += statement
                .outputs
                .iter()
                .filter(|output| match &output.source {
                    Source::Column(column) => labelled.contains(column),
                    Source::AnyOf(columns) => columns.iter().any(|id| labelled.contains(id)),
                    Source::Clean | Source::Derived => false,
                })
                .count();
        }
        match masked {
            0 => "clean".into(),
            count => format!("masked: {count}"),
        }
    }

    fn refusal(statement: &Statement, labelled: &BTreeSet<ColumnId>) -> Option<String> {
        if let Some(reason) = statement.opaque.first() {
            return Some(reason.to_string());
        }
        for function in &statement.functions {
            if let FunctionUse::Unlisted { name, .. } = function {
                return Some(format!("calls {name}"));
            }
        }
        for change in &statement.settings {
            if change.class() != SettingClass::Harmless {
                return Some(format!("sets {}", change.name));
            }
        }
        let used = statement.columns.iter().filter(|column| {
            labelled.contains(&column.column) || column.usage == Usage::Unresolved
        });
        for column in used {
            let projected = column.usage == Usage::Projected;
            if !projected {
                return Some(format!(
                    "{:?} {}.{}",
                    column.usage, column.relation, column.name
                ));
            }
        }
        (!statement.outputs_complete).then(|| "outputs not known".into())
    }

    #[test]
    fn every_leaking_statement_gives_the_gate_a_handle() {
        let catalog = catalog();
        let labelled = labelled(&catalog);
        let cases: serde_json::Value = serde_json::from_str(CORPUS).unwrap();
        let mut out = String::new();
        for case in cases.as_array().unwrap() {
            for text in case["statements"].as_array().unwrap() {
                let text = text.as_str().unwrap();
                let line = verdict(&analyze(text), &labelled);
                writeln!(out, "{} {text}\n      {line}", case["id"].as_str().unwrap()).unwrap();
            }
        }
        expect_file!["verdicts.txt"].assert_eq(&out);
    }
}
