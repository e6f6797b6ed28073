//! What everyday tools send is understood.
//!
//! The `.sql` files hold the distinct texts that psql (every backslash command, versions 15 and 18), `pg_dump
//! --schema-only`, the inspectors of SQLAlchemy and Django, pgcli's completion, pgjdbc's `DatabaseMetaData` and
//! Python drivers sent to PostgreSQL 15, and under `18/` what they send to PostgreSQL 18 besides. Texts are separated
//! by lines of eight dashes.

#[cfg(test)]
mod fixture;

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet, HashMap};
    use std::sync::Arc;

    use statement::{
        FunctionUse, Kind, Limits, OpaqueReason, Prepared, Scope, SettingClass, Settings,
        Statement, analyze,
    };

    use crate::fixture;

    const FOR_15: [(&str, &str); 8] = [
        ("psql", include_str!("psql.sql")),
        ("psql18", include_str!("psql18.sql")),
        ("pg_dump", include_str!("pg_dump.sql")),
        ("sqlalchemy", include_str!("sqlalchemy.sql")),
        ("django", include_str!("django.sql")),
        ("pgcli", include_str!("pgcli.sql")),
        ("jdbc", include_str!("jdbc.sql")),
        ("drivers", include_str!("drivers.sql")),
    ];
    const FOR_18: [(&str, &str); 3] = [
        ("psql", include_str!("18/psql.sql")),
        ("pg_dump", include_str!("18/pg_dump.sql")),
        ("sqlalchemy", include_str!("18/sqlalchemy.sql")),
    ];

    /// What is refused on purpose: part of a text, and why.
    const REFUSED: &[(&str, &str)] = &[
        (
            "umoptions",
            "\\deu+ shows the options of user mappings: passwords",
        ),
        ("subconninfo", "\\dRs+ shows connection strings: passwords"),
        (
            "FROM \"pg_stat_statements",
            "inspectdb reads rows of a view over an extension's function",
        ),
    ];

    /// What the texts before prepared and declared.
    #[derive(Default)]
    struct Session {
        prepared: HashMap<String, Arc<str>>,
        cursors: HashMap<String, Arc<Statement>>,
    }

    impl Prepared for Session {
        fn statement(&self, name: &str) -> Option<Arc<str>> {
            self.prepared.get(name).cloned()
        }
        fn cursor(&self, name: &str) -> Option<Arc<Statement>> {
            self.cursors.get(name).cloned()
        }
    }

    impl Session {
        fn note(&mut self, statement: &Statement) {
            match &statement.kind {
                Kind::Prepare { name, text, .. } => {
                    self.prepared.insert(name.clone(), text.as_str().into());
                }
                Kind::Declare { cursor, inner, .. } => {
                    self.cursors
                        .insert(cursor.clone(), Arc::new((**inner).clone()));
                }
                _ => {}
            }
        }
    }

    fn check(rows: &str, tools: &[(&str, &str)]) {
        let catalog = fixture::catalog(rows);
        let settings = Settings::default();
        let mut faults: BTreeMap<String, (usize, String)> = BTreeMap::new();
        let mut refused = BTreeSet::new();
        let mut fault = |what: String, tool: &str, text: &str| {
            faults
                .entry(what)
                .or_insert_with(|| (0, format!("{tool}: {text}")))
                .0 += 1;
        };
        for (tool, texts) in tools {
            let mut session = Session::default();
            for text in texts.split("\n--------\n") {
                let scope = Scope {
                    catalog: &catalog,
                    settings: &settings,
                    prepared: &session,
                    limits: Limits::default(),
                };
                let analysis = match analyze(text, &scope) {
                    Ok(analysis) => analysis,
                    Err(error) => {
                        fault(error.to_string(), tool, text);
                        continue;
                    }
                };
                for statement in &analysis.statements {
                    session.note(statement);
                }
                let expected = REFUSED.iter().find(|(part, _)| text.contains(part));
                let mut understood = true;
                for statement in &analysis.statements {
                    for reason in &statement.opaque {
                        understood = false;
                        if expected.is_none() {
                            fault(format!("opaque: {reason}"), tool, text);
                        } else {
                            let secret = matches!(reason, OpaqueReason::SystemColumn { .. });
                            assert!(secret, "refused for another reason: {reason}: {text}");
                        }
                    }
                    for function in &statement.functions {
                        if let FunctionUse::Unlisted { name, .. } = function {
                            understood = false;
                            if expected.is_none() {
                                fault(format!("unlisted: {name}"), tool, text);
                            }
                        }
                    }
                    for change in &statement.settings {
                        if matches!(
                            change.class(),
                            SettingClass::Reserved | SettingClass::Meaning
                        ) {
                            fault(format!("setting: {}", change.name), tool, text);
                        }
                    }
                }
                if let Some((part, why)) = expected {
                    assert!(!understood, "allowed, though {why}: {text}");
                    refused.insert(*part);
                }
            }
        }
        assert!(faults.is_empty(), "{} kinds: {faults:#?}", faults.len());
    }

    #[test]
    fn tools_of_postgresql_15_are_understood() {
        check(include_str!("catalog.tsv"), &FOR_15);
    }

    #[test]
    fn tools_of_postgresql_18_are_understood() {
        check(include_str!("18/catalog.tsv"), &FOR_18);
    }
}
