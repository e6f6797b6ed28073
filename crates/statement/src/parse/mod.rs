//! From text to tree: the only module that touches the foreign parser.
//!
//! The parser is PostgreSQL's own grammar in C. [`crate::limits`] bounds the text before it gets here. The tree it
//! gives is walked with an explicit depth counter; what this module does not know becomes opaque.

mod ddl;
mod expr;
mod json;
mod named;
mod objects;
mod position;
mod query;
mod tables;
mod utility;
mod write;

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pg_raw_parse::Node;
use pg_raw_parse::list::NodeList;

use crate::Error;
use crate::ast::{Alias, Ident, Path, Table, Tree};

/// One statement of a text.
#[derive(Debug)]
pub(crate) struct Parsed {
    /// Where it stands, trimmed of blanks, comments before it and its semicolon.
    pub(crate) text: Range<usize>,
    pub(crate) tree: Tree,
    /// Where constants begin in the text, ascending.
    pub(crate) constants: Vec<usize>,
}

/// Why a conversion stops as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    TooDeep,
}

pub(super) type Result<T> = std::result::Result<T, Stop>;

fn run(text: &str) -> std::result::Result<pg_raw_parse::ParseResult, pg_raw_parse::Error> {
    pg_raw_parse::parse(text)
}

/// The statements of a text.
pub(crate) fn parse(
    text: &str,
    depth: usize,
    statements: usize,
) -> std::result::Result<Vec<Parsed>, Error> {
    // Accessors of the foreign tree panic when a node is not what the parser's headers promise.
    catch_unwind(AssertUnwindSafe(|| convert(text, depth, statements))).unwrap_or(Err(
        Error::Internal("the parse tree has an unexpected form"),
    ))
}

fn convert(text: &str, depth: usize, limit: usize) -> std::result::Result<Vec<Parsed>, Error> {
    let list = match run(text) {
        Ok(result) => result.into_inner(),
        Err(error) => return Err(fault(text, &error)),
    };
    if list.len() > limit {
        return Err(Error::TooMany { limit });
    }
    let mut parsed = Vec::with_capacity(list.len());
    for raw in list.iter() {
        let mut converter = Converter {
            depth: 0,
            limit: depth,
            constants: Vec::new(),
        };
        let tree = converter
            .tree(raw.stmt())
            .map_err(|Stop::TooDeep| Error::TooDeep { limit: depth })?;
        converter.constants.sort_unstable();
        let start = usize::try_from(raw.stmt_location).unwrap_or(0);
        let end = match usize::try_from(raw.stmt_len) {
            Ok(length) if length > 0 => start.saturating_add(length).min(text.len()),
            _ => text.len(),
        };
        parsed.push(Parsed {
            text: start.min(end)..end,
            tree,
            constants: converter.constants,
        });
    }
    Ok(parsed)
}

fn fault(text: &str, error: &pg_raw_parse::Error) -> Error {
    let pg_raw_parse::Error::Parse(parse) = error else {
        return Error::Internal("the parser failed");
    };
    let message = parse.to_string();
    let unsupported = ["not supported", "not implemented", "not yet implemented"]
        .iter()
        .any(|words| message.contains(words));
    Error::Syntax {
        position: position::of(text, &message),
        sqlstate: if unsupported { "0A000" } else { "42601" },
        message,
    }
}

/// Turns foreign nodes into ours.
pub(super) struct Converter {
    depth: usize,
    limit: usize,
    /// Where the constants among the expressions begin.
    constants: Vec<usize>,
}

impl Converter {
    /// Runs `work` one level deeper.
    fn deeper<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth >= self.limit {
            return Err(Stop::TooDeep);
        }
        self.depth += 1;
        let result = work(self);
        self.depth -= 1;
        result
    }

    fn table(&mut self, range: &pg_raw_parse::nodes::RangeVar) -> Table {
        Table {
            database: range.catalogname().map(Into::into),
            schema: range.schemaname().map(Into::into),
            name: range.relname().unwrap_or_default().into(),
            alias: range.alias().map(alias),
            temporary: range.relpersistence as u8 == b't',
        }
    }
}

fn alias(alias: &pg_raw_parse::nodes::Alias) -> Alias {
    Alias {
        name: alias.aliasname().unwrap_or_default().into(),
        columns: names(alias.colnames()),
    }
}

/// The strings of a list; other nodes are left out.
fn names(list: &NodeList) -> Path {
    list.iter()
        .filter_map(|node| node.as_str().map(Ident::from))
        .collect()
}

/// The strings of a list, when it holds nothing else.
fn path(list: &NodeList) -> Option<Path> {
    let names = names(list);
    (names.len() == list.len()).then_some(names)
}

fn is_none(node: Node<'_>) -> bool {
    matches!(node, Node::None)
}
