//! COPY.

use super::{Draft, Reader};
use crate::ast::{Copy, Ident, OptionValue};
use crate::resolve::{Lineage, Meant, Resolver, Rows, ScopeColumn};
use crate::{
    CopyDirection, CopyFormat, CopyOptions, Effect, Header, Kind, Object, OpaqueReason, Source,
    Usage, Verb,
};

impl<'a> Reader<'a> {
    pub(super) fn copy(&self, resolver: &mut Resolver<'a>, copy: &'a Copy) -> Draft {
        if !copy.stdio {
            resolver.facts.opaque(OpaqueReason::ServerFile);
        }
        let rows = match (&copy.query, copy.from) {
            (Some(query), _) => {
                let rows = resolver.query(query);
                resolver.facts.by_chance = resolver.comes_by_chance(query);
                rows
            }
            (None, from) => self.copy_relation(resolver, copy, from),
        };
        if let Some(filter) = &copy.filter {
            resolver.copy_filter(copy.table.as_ref(), filter);
        }
        let names: Vec<&str> = rows.columns.iter().map(|column| &*column.name).collect();
        let (format, options) = options(resolver, &copy.options, &names);
        let columns = rows
            .columns
            .iter()
            .map(|column| match column.lineage.source() {
                Source::Column(found) => Some(found),
                Source::AnyOf(_) => {
                    // Its fields are known by one column each.
                    resolver.facts.lineage(&column.lineage, Usage::SetOperation);
                    None
                }
                Source::Clean | Source::Derived => None,
            })
            .collect();
        if copy.from {
            resolver.facts.raise(Effect::Write);
            for column in &rows.columns {
                resolver.written(column, None, Verb::Insert);
            }
            resolver.left_out(&rows.columns);
        } else {
            self.export(resolver);
        }
        Draft {
            command: "COPY",
            kind: Kind::Copy {
                direction: if copy.from {
                    CopyDirection::From
                } else {
                    CopyDirection::To
                },
                stdio: copy.stdio,
                format,
                options,
                columns,
            },
            rows: if copy.from { Rows::default() } else { rows },
            silent: false,
        }
    }

    /// Whatever COPY … TO reads by name, it exports.
    fn export(&self, resolver: &mut Resolver<'a>) {
        let read: Vec<Object> = resolver
            .facts
            .touched()
            .filter(|access| access.verb == Verb::Read && !access.indirect)
            .map(|access| access.object)
            .collect();
        for object in read {
            resolver.facts.access(Verb::Export, object, false);
        }
    }

    fn copy_relation(&self, resolver: &mut Resolver<'a>, copy: &'a Copy, from: bool) -> Rows {
        let Some(table) = &copy.table else {
            resolver
                .facts
                .opaque(OpaqueReason::Construct("COPY of unusual form"));
            return Rows {
                columns: Vec::new(),
                open: true,
            };
        };
        let meant = resolver.find(table);
        let mut all = resolver.copied(table, if from { Verb::Insert } else { Verb::Read });
        if copy.columns.is_empty() {
            // Generated columns take no part unless they are named.
            if let Meant::Relation(relation) = meant {
                all.columns.retain(|column| {
                    relation
                        .column(&column.name)
                        .is_none_or(|column| !column.generated)
                });
            }
            return all;
        }
        let mut columns: Vec<ScopeColumn> = Vec::with_capacity(copy.columns.len());
        for name in &copy.columns {
            match all.columns.iter().find(|column| *column.name == **name) {
                Some(column) => columns.push(column.clone()),
                None => {
                    if all.open {
                        resolver.facts.unresolved("", &table.name, name);
                    } else {
                        resolver.facts.missing("column", &**name);
                    }
                    columns.push(ScopeColumn {
                        name: (&**name).into(),
                        lineage: Lineage::computed(false),
                        ty: crate::resolve::Ty::Other,
                    });
                }
            }
        }
        Rows {
            columns,
            open: false,
        }
    }
}

fn word(value: &OptionValue) -> Option<&str> {
    match value {
        OptionValue::Text(text) => Some(text),
        _ => None,
    }
}

fn is_on(value: &OptionValue) -> Option<bool> {
    match value {
        OptionValue::Absent => Some(true),
        OptionValue::Text(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "on" | "1" => Some(true),
            "false" | "off" | "0" => Some(false),
            _ => None,
        },
        OptionValue::Star | OptionValue::List(_) | OptionValue::Other => None,
    }
}

fn byte(value: &OptionValue) -> Option<u8> {
    match word(value)?.as_bytes() {
        [byte] => Some(*byte),
        _ => None,
    }
}

/// COPY's options (commands/copy.c, ProcessCopyOptions).
fn options(
    resolver: &mut Resolver<'_>,
    given: &[(Ident, OptionValue)],
    columns: &[&str],
) -> (CopyFormat, CopyOptions) {
    let mut format = CopyFormat::Text;
    for (name, value) in given {
        match (&**name, word(value)) {
            ("format", Some("text")) => format = CopyFormat::Text,
            ("format", Some("csv")) => format = CopyFormat::Csv,
            ("format", Some("binary")) => format = CopyFormat::Binary,
            ("format", _) => refuse(resolver, name),
            _ => {}
        }
    }
    let csv = format == CopyFormat::Csv;
    let mut options = CopyOptions {
        delimiter: if csv { b',' } else { b'\t' },
        null: if csv { String::new() } else { "\\N".into() },
        quote: b'"',
        escape: b'"',
        header: Header::Absent,
        force_quote: vec![false; columns.len()],
        force_quote_all: false,
        default: None,
    };
    let mut escape = None;
    for (name, value) in given {
        let understood = match &**name {
            "format" | "freeze" | "force_not_null" | "force_null" | "on_error"
            | "log_verbosity" | "reject_limit" => true,
            "delimiter" => byte(value).map(|byte| options.delimiter = byte).is_some(),
            "quote" => byte(value).map(|byte| options.quote = byte).is_some(),
            "escape" => byte(value).map(|byte| escape = Some(byte)).is_some(),
            "null" => word(value).map(|word| options.null = word.into()).is_some(),
            "default" => word(value)
                .map(|word| options.default = Some(word.into()))
                .is_some(),
            "header" => header(value)
                .map(|header| options.header = header)
                .is_some(),
            "encoding" => word(value).is_some_and(|word| {
                matches!(
                    word.to_ascii_lowercase().as_str(),
                    "utf8" | "utf-8" | "unicode"
                )
            }),
            "force_quote" => force_quote(value, columns, &mut options),
            _ => false,
        };
        if !understood {
            refuse(resolver, name);
        }
    }
    options.escape = escape.unwrap_or(options.quote);
    (format, options)
}

fn header(value: &OptionValue) -> Option<Header> {
    if word(value).is_some_and(|word| word.eq_ignore_ascii_case("match")) {
        return Some(Header::Match);
    }
    is_on(value).map(|on| if on { Header::Present } else { Header::Absent })
}

fn force_quote(value: &OptionValue, columns: &[&str], options: &mut CopyOptions) -> bool {
    match value {
        OptionValue::Star => {
            options.force_quote_all = true;
            options.force_quote.fill(true);
            true
        }
        OptionValue::List(names) => {
            for (flag, column) in options.force_quote.iter_mut().zip(columns) {
                *flag |= names.iter().any(|name| **name == **column);
            }
            true
        }
        OptionValue::Absent | OptionValue::Text(_) | OptionValue::Other => false,
    }
}

fn refuse(resolver: &mut Resolver<'_>, name: &str) {
    resolver
        .facts
        .opaque(OpaqueReason::CopyOption(name.to_owned()));
}
