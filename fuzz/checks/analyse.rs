//! Whatever text arrives: analysis ends, does not panic, and never calls a
//! statement read-only whose text holds a word that writes as a statement of its
//! own. The catalog is empty, so every relation is unresolved.

use statement::{Catalog, Effect, Limits, NothingPrepared, Scope, Settings};

pub(crate) fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let catalog = Catalog::empty();
    let settings = Settings::default();
    let limits = Limits {
        text_bytes: 64 * 1024,
        ..Limits::default()
    };
    let scope = Scope {
        catalog: &catalog,
        settings: &settings,
        prepared: &NothingPrepared,
        limits,
    };
    let Ok(analysis) = statement::analyze(text, &scope) else {
        return;
    };
    for statement in &analysis.statements {
        // What stands in the text is what is recorded: the range must be one.
        assert!(text.get(statement.text.clone()).is_some());
        let writes = [
            "INSERT",
            "UPDATE",
            "DELETE",
            "MERGE",
            "TRUNCATE TABLE",
            "DROP TABLE",
            "CREATE TABLE",
        ];
        if writes.contains(&statement.command) {
            assert_ne!(statement.effect, Effect::ReadOnly, "{}", statement.command);
        }
        // A literal-free shape is stable: its own shape is itself.
        if statement.opaque.is_empty()
            && let Ok(again) = statement::analyze(&statement.shape, &scope)
            && let [same] = again.statements.as_slice()
        {
            assert_eq!(same.command, statement.command);
        }
    }
}
