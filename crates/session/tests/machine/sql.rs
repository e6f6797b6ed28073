//! The few statements the model server knows.

use crate::fixture::{APP_CUSTOMERS, CLEAN, CUSTOMERS};

/// Whatever stands for a value that must not leave holds this.
pub(crate) const RAW: &str = "@raw";

/// A result column: name, origin table and attribute, type.
pub(crate) type Column = (&'static str, u32, i16, u32);

/// What a statement does, once names in it are found.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Stmt {
    Empty,
    Select(Rows),
    CreateTemp,
    /// Writes; the tag says how many rows.
    Write(&'static str),
    /// Writes and returns rows.
    Returning(Rows, &'static str),
    Begin,
    Commit,
    Rollback,
    Savepoint(String),
    RollbackTo(String),
    Release(String),
    SetPath(String),
    Prepare(String, String),
    Execute(String),
    Deallocate(Option<String>),
    DiscardAll,
    Declare(String, String),
    Fetch(String, usize),
    CloseCursor(String),
    CopyOut(Vec<String>),
    CopyIn,
    /// Fails when it runs.
    Fails(&'static str, String),
    /// Fails when it is parsed.
    Wrong(&'static str, String),
    /// Weir asks for settings.
    AskSettings,
    /// Weir asks for a section of the catalog.
    AskCatalog(&'static str),
    AskPath,
}

/// Rows of a result.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rows {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<String>>,
    /// The SQLSTATE it fails with after its rows.
    pub(crate) fails: Option<(&'static str, String)>,
}

/// The statements of a string.
pub(crate) fn split(text: &str) -> Vec<&str> {
    let parts: Vec<&str> = text.split(';').filter(|p| !bare(p).is_empty()).collect();
    if parts.is_empty() { vec![""] } else { parts }
}

/// Without comments and space around.
pub(crate) fn bare(text: &str) -> String {
    let mut text = text.trim().to_owned();
    while let Some(start) = text.find("/*") {
        let end = text[start..]
            .find("*/")
            .map_or(text.len(), |e| start + e + 2);
        text.replace_range(start..end, " ");
        text = text.trim().to_owned();
    }
    text
}

/// Reads one statement under a `search_path`.
pub(crate) fn read(text: &str, path: &str) -> Stmt {
    let text = bare(text);
    let words: Vec<&str> = text.split_whitespace().collect();
    let word = |i: usize| words.get(i).copied().unwrap_or_default().to_owned();
    let rest = |separator: &str| {
        text.split_once(separator)
            .map(|(_, rest)| rest.trim().to_owned())
            .unwrap_or_default()
    };
    match (
        word(0).to_lowercase().as_str(),
        word(1).to_lowercase().as_str(),
    ) {
        ("", _) => Stmt::Empty,
        ("select", _) if text.contains("current_schemas") => Stmt::AskSettings,
        ("select", _) if text.contains("set_config('search_path'") => Stmt::AskPath,
        ("select", _) if text.contains("set_config('application_name'") => Stmt::AskPath,
        ("select", _) => select(&text["select".len()..], path),
        ("insert", _) if text.contains("returning") => {
            let (_, list) = text.split_once("returning").unwrap();
            match select(&format!("{list} from clean"), path) {
                Stmt::Select(rows) => Stmt::Returning(rows, "INSERT 0 3"),
                other => other,
            }
        }
        ("insert", _) if text.contains("'dup'") => Stmt::Fails(
            "23505",
            "duplicate key value, Key (label)=(dup) already exists".into(),
        ),
        ("insert", _) => Stmt::Write("INSERT 0 1"),
        ("update", _) if text.contains("returning") => {
            let (_, list) = text.split_once("returning").unwrap();
            match select(&format!("{list} from customers"), path) {
                Stmt::Select(rows) => Stmt::Returning(rows, "UPDATE 3"),
                other => other,
            }
        }
        ("update", _) => Stmt::Write("UPDATE 3"),
        ("delete", _) => Stmt::Write("DELETE 3"),
        ("create", "table") => Stmt::Write("CREATE TABLE"),
        ("create", "temp") => Stmt::CreateTemp,
        ("drop", "table") => Stmt::Write("DROP TABLE"),
        ("begin", _) => Stmt::Begin,
        ("commit", _) => Stmt::Commit,
        ("rollback", "to") => Stmt::RollbackTo(word(2)),
        ("rollback", _) => Stmt::Rollback,
        ("savepoint", _) => Stmt::Savepoint(word(1)),
        ("release", _) => Stmt::Release(word(1)),
        ("set", "search_path") => Stmt::SetPath(word(3)),
        ("prepare", _) => Stmt::Prepare(word(1), rest(" as ")),
        ("execute", _) => Stmt::Execute(word(1)),
        ("deallocate", "all") => Stmt::Deallocate(None),
        ("deallocate", _) => Stmt::Deallocate(Some(word(1))),
        ("discard", "all") => Stmt::DiscardAll,
        ("declare", _) => Stmt::Declare(word(1), rest(" for ")),
        ("fetch", "all") => Stmt::Fetch(word(3), usize::MAX),
        ("fetch", _) => Stmt::Fetch(word(3), word(1).parse().unwrap_or(1)),
        ("close", _) => Stmt::CloseCursor(word(1)),
        ("copy", _) if text.contains("to stdout") => {
            let list = text.split(['(', ')']).nth(1).unwrap_or("id");
            match select(&format!("{list} from customers"), path) {
                Stmt::Select(rows) => {
                    Stmt::CopyOut(rows.rows.iter().map(|row| row.join("\t") + "\n").collect())
                }
                other => other,
            }
        }
        ("copy", _) if text.contains("nosuch") => {
            Stmt::Wrong("42P01", "relation \"nosuch\" does not exist".into())
        }
        ("copy", _) => Stmt::CopyIn,
        _ => Stmt::Wrong("42601", "syntax error".into()),
    }
}

fn select(text: &str, path: &str) -> Stmt {
    let rows = |columns, rows| {
        Stmt::Select(Rows {
            columns,
            rows,
            fails: None,
        })
    };
    let (list, from) = text.split_once(" from ").unwrap_or((text, ""));
    let list = list.trim();
    let distinct = list.strip_prefix("distinct on (");
    let list = distinct.map_or(list, |rest| {
        rest.split_once(") ").map_or(rest, |(_, list)| list)
    });
    if let Ok(number) = list.parse::<i32>() {
        return rows(vec![("?column?", 0, 0, 23)], vec![vec![number.to_string()]]);
    }
    if list == "1/0" {
        return Stmt::Fails("22012", "division by zero".into());
    }
    let from = from.trim();
    let app = path == "app" && from.starts_with("customers") || from.starts_with("app.customers");
    if list == "10/(3-id)" {
        return Stmt::Select(Rows {
            columns: vec![("?column?", 0, 0, 23)],
            rows: vec![vec!["5".into()], vec!["10".into()]],
            fails: Some((
                "22012",
                format!("division by zero near {}", if app { "v1" } else { RAW }),
            )),
        });
    }
    let mut columns = Vec::new();
    for name in list.split(',').map(str::trim) {
        let public = from.contains("customers");
        columns.push(match name {
            "id" if app => ("id", APP_CUSTOMERS, 1, 23),
            "email" if app => ("email", APP_CUSTOMERS, 2, 25),
            "id" if public => ("id", CUSTOMERS, 1, 23),
            "email" if public => ("email", CUSTOMERS, 2, 25),
            "note" if public => ("note", CUSTOMERS, 7, 25),
            "id" => ("id", CLEAN, 1, 23),
            "label" => ("label", CLEAN, 2, 25),
            other if other.contains("(NULL::") => ("computed", 0, 0, 25),
            other => return Stmt::Wrong("42703", format!("column \"{other}\" does not exist")),
        });
    }
    let value = |column: &Column, i: usize| match *column {
        (_, CUSTOMERS, 2, _) => format!("u{i}{RAW}"),
        (_, _, 1, _) => i.to_string(),
        (_, 0, 0, 25) => "null".into(),
        _ => format!("v{i}"),
    };
    let data = (1..=3)
        .map(|i| columns.iter().map(|column| value(column, i)).collect())
        .collect();
    rows(columns, data)
}

/// A cell in a result format.
pub(crate) fn cell(text: &str, type_oid: u32, binary: bool) -> Vec<u8> {
    match (binary, type_oid, text.parse::<i32>()) {
        (true, 23, Ok(number)) => number.to_be_bytes().to_vec(),
        _ => text.as_bytes().to_vec(),
    }
}
