//! The corpus file: statements by which an under-authorised client could pull masked values out.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// How a case is sent.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// Simple query.
    Q,
    /// One after the other, then `select 1`.
    Multi,
    /// Extended protocol.
    X,
    /// Extended protocol without Describe.
    Xnd,
    /// Extended protocol, binary results.
    Xb,
    /// Extended protocol with the parameter `ZZ`.
    Xp,
    /// Two statements; a leak when their answers differ.
    Inf,
    /// Two statements; a leak when the first takes 0.2 s longer.
    Time,
    /// FunctionCall message.
    Fcall,
    /// Start-up with `replication=database`.
    Repl,
}

/// What counts as a leak beyond a raw value in the bytes received.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Extra {
    /// A binary integer.
    Int,
    /// Reversed, hex, base64, rot13, hashed, spelled, … forms.
    Encoded,
}

/// One case. Further fields are a corpus's own notes.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) class: String,
    pub(crate) kind: Kind,
    pub(crate) statements: Vec<String>,
    #[serde(default)]
    pub(crate) oracle: Option<Extra>,
    #[serde(default)]
    pub(crate) leaks_unmasked: bool,
}

/// Reads a corpus and moves it to this run's server: see [`relocate`].
pub(crate) fn read(file: &Path, files: &Path, port: u16) -> Result<Vec<Case>> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let entries: Vec<serde_json::Value> = serde_json::from_str(&text).with_context(|| {
        format!(
            "{} is not a corpus: a list of cases in JSON",
            file.display()
        )
    })?;
    let mut cases = Vec::new();
    for (place, entry) in entries.into_iter().enumerate() {
        let id = entry
            .get("id")
            .map_or_else(|| format!("number {}", place + 1), ToString::to_string);
        let case: Case = serde_json::from_value(entry)
            .with_context(|| format!("{}: case {id} cannot be read", file.display()))?;
        if case.statements.is_empty() {
            bail!("{}: case {id} has no statements", file.display());
        }
        cases.push(case);
    }
    for case in &mut cases {
        for statement in &mut case.statements {
            *statement = relocate(statement, files, port);
        }
    }
    Ok(cases)
}

/// Puts a folder the server may write into, and the server's own port, in the place of those that corpora name.
pub(crate) fn relocate(text: &str, files: &Path, port: u16) -> String {
    text.replace("/srv/leaks", &files.display().to_string())
        .replace("port=55435", &format!("port={port}"))
}
