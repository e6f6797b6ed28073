//! Reads TOML with the place of every value, and collects faults instead of
//! stopping at the first.

use std::cell::RefCell;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{Fault, nearest};
use super::keys::Keys;

/// A file being read.
pub(super) struct Source<'a> {
    text: &'a str,
    /// Relative paths start here.
    pub(super) folder: &'a Path,
    faults: RefCell<Vec<Fault>>,
}

impl<'a> Source<'a> {
    pub(super) fn new(text: &'a str, folder: &'a Path) -> Self {
        Self {
            text,
            folder,
            faults: RefCell::default(),
        }
    }

    pub(super) fn fault(
        &self,
        span: Range<usize>,
        message: impl Into<String>,
        help: Option<String>,
    ) {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        self.faults.borrow_mut().push(Fault {
            line,
            column,
            message: message.into(),
            help,
        });
    }

    pub(super) fn into_faults(self) -> Vec<Fault> {
        self.faults.into_inner()
    }
}

/// One table, with its name for messages.
#[derive(Clone)]
pub(super) struct Section<'a> {
    source: &'a Source<'a>,
    name: String,
    span: Range<usize>,
    table: &'a DeTable<'a>,
}

/// One value.
#[derive(Clone)]
pub(super) struct Entry<'a> {
    source: &'a Source<'a>,
    /// `section.key`.
    pub(super) name: String,
    value: &'a Spanned<DeValue<'a>>,
}

impl<'a> Section<'a> {
    pub(super) fn top(source: &'a Source<'a>, table: &'a DeTable<'a>) -> Self {
        Self {
            source,
            name: String::new(),
            span: 0..0,
            table,
        }
        .checked(super::keys::TOP)
    }

    /// Reports the keys that do not belong here.
    pub(super) fn checked(self, keys: &Keys) -> Self {
        for key in self
            .table
            .keys()
            .filter(|key| !keys.keys.contains(&key.get_ref().as_ref()))
        {
            let word = key.get_ref();
            let place = if self.name.is_empty() {
                "weir.toml".to_owned()
            } else {
                format!("[{}]", self.name)
            };
            let help = match nearest(word, keys.keys.iter().copied()) {
                Some(meant) => format!("Did you mean `{meant}`?"),
                None => format!("There are {}.", keys.keys.join(", ")),
            };
            self.source.fault(
                key.span(),
                format!("unknown key `{word}` in {place}"),
                Some(help),
            );
        }
        self
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn fault(&self, message: impl Into<String>, help: Option<String>) {
        self.source.fault(self.span.clone(), message, help);
    }

    /// A path relative to the configuration file.
    pub(super) fn relative(&self, path: &str) -> PathBuf {
        self.source.folder.join(path)
    }

    pub(super) fn get(&self, key: &str) -> Option<Entry<'a>> {
        let value = self.table.get(key)?;
        Some(Entry {
            source: self.source,
            name: join(&self.name, key),
            value,
        })
    }

    /// As [`Section::get`]; its absence is a fault.
    pub(super) fn need(&self, key: &str, example: &str) -> Option<Entry<'a>> {
        let entry = self.get(key);
        if entry.is_none() {
            let place = if self.name.is_empty() {
                "weir.toml".to_owned()
            } else {
                format!("[{}]", self.name)
            };
            self.fault(
                format!("{place} has no `{key}`"),
                Some(format!("For example: {key} = {example}")),
            );
        }
        entry
    }

    /// A section below this one.
    pub(super) fn section(&self, key: &str, keys: &Keys) -> Option<Section<'a>> {
        Some(self.get(key)?.section()?.checked(keys))
    }

    /// Everything in a section whose keys are names, in order of names.
    pub(super) fn named(&self) -> impl Iterator<Item = (&'a str, Entry<'a>)> + use<'a> {
        let (source, name, table) = (self.source, self.name.clone(), self.table);
        table.iter().map(move |(key, value)| {
            let key: &'a str = key.get_ref();
            (
                key,
                Entry {
                    source,
                    name: join(&name, key),
                    value,
                },
            )
        })
    }
}

impl<'a> Entry<'a> {
    pub(super) fn fault(&self, message: impl Into<String>, help: Option<String>) {
        self.source.fault(self.value.span(), message, help);
    }

    fn wrong(&self, wanted: &str) {
        let found = self.value.get_ref().type_str();
        self.fault(
            format!("`{}` must be {wanted}, not {found}", self.name),
            None,
        );
    }

    pub(super) fn section(&self) -> Option<Section<'a>> {
        let DeValue::Table(table) = self.value.get_ref() else {
            self.wrong("a table");
            return None;
        };
        Some(Section {
            source: self.source,
            name: self.name.clone(),
            span: self.value.span(),
            table,
        })
    }

    pub(super) fn array(&self) -> Vec<Entry<'a>> {
        let DeValue::Array(items) = self.value.get_ref() else {
            self.wrong("a list");
            return Vec::new();
        };
        let entry = |value: &'a Spanned<DeValue<'a>>| Entry {
            source: self.source,
            name: self.name.clone(),
            value,
        };
        items.iter().map(entry).collect()
    }

    /// A text that is not empty.
    pub(super) fn text(&self) -> Option<&'a str> {
        match self.value.get_ref() {
            DeValue::String(text) if text.is_empty() => {
                self.fault(format!("`{}` is empty", self.name), None);
                None
            }
            DeValue::String(text) => Some(text),
            _ => {
                self.wrong("a text in quotes");
                None
            }
        }
    }

    pub(super) fn texts(&self) -> Vec<&'a str> {
        self.array().iter().filter_map(Entry::text).collect()
    }

    pub(super) fn flag(&self) -> Option<bool> {
        match self.value.get_ref() {
            DeValue::Boolean(flag) => Some(*flag),
            _ => {
                self.wrong("true or false");
                None
            }
        }
    }

    pub(super) fn number(&self, range: std::ops::RangeInclusive<u64>) -> Option<u64> {
        let number = match self.value.get_ref() {
            DeValue::Integer(number) => u64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        let fits = number.filter(|n| range.contains(n));
        if fits.is_none() {
            self.fault(
                format!(
                    "`{}` must be a number from {} to {}",
                    self.name,
                    range.start(),
                    range.end()
                ),
                None,
            );
        }
        fits
    }

    /// A text that `parse` understands; its error becomes the fault.
    pub(super) fn parsed<T>(&self, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        match parse(self.text()?) {
            Ok(value) => Some(value),
            Err(message) => {
                self.fault(message, None);
                None
            }
        }
    }

    /// A size in bytes: a text with a unit, or a number.
    pub(super) fn bytes(&self, range: std::ops::RangeInclusive<u64>) -> Option<u64> {
        let bytes = match self.value.get_ref() {
            DeValue::Integer(_) => self.number(0..=u64::MAX),
            _ => self.parsed(super::unit::bytes),
        }?;
        if range.contains(&bytes) {
            return Some(bytes);
        }
        let limits = format!("from {} to {} bytes", range.start(), range.end());
        self.fault(format!("`{}` must be {limits}", self.name), None);
        None
    }

    pub(super) fn word<T: Copy>(&self, words: &[(&str, T)]) -> Option<T> {
        let text = self.text()?;
        let found = words
            .iter()
            .find(|(word, _)| *word == text)
            .map(|(_, value)| *value);
        if found.is_none() {
            let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let help = nearest(text, names.iter().copied())
                .map(|meant| format!("Did you mean \"{meant}\"?"));
            self.fault(
                format!(
                    "`{}` must be one of \"{}\"",
                    self.name,
                    names.join("\", \"")
                ),
                help,
            );
        }
        found
    }

    /// A path, relative to the configuration file.
    pub(super) fn path(&self) -> Option<PathBuf> {
        Some(self.source.folder.join(self.text()?))
    }

    pub(super) fn is_table(&self) -> bool {
        self.value.get_ref().is_table()
    }
}

fn join(section: &str, key: &str) -> String {
    let plain = !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    let key = if plain {
        key.to_owned()
    } else {
        format!("{key:?}")
    };
    if section.is_empty() {
        key
    } else {
        format!("{section}.{key}")
    }
}
