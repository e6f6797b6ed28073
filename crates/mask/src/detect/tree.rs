//! Values with parts: JSON documents by path, arrays by element.

use std::collections::BTreeMap;

use serde_json::Value;

use super::amount::{Amount, tells};
use super::evidence::Path;

/// Most paths of one column, most values kept of one path, deepest nesting.
const MAX_PATHS: usize = 500;
pub(crate) const MAX_VALUES: usize = 1000;
const MAX_DEPTH: usize = 24;
/// An object with more keys than this over all documents is a map, and its keys are data.
const MAX_KEYS: usize = 60;

/// Leaves by path.
#[derive(Debug, Default)]
pub(crate) struct Leaves<'a> {
    pub(crate) paths: BTreeMap<Vec<String>, Vec<String>>,
    /// Documents with a leaf that tells something.
    telling: Vec<&'a str>,
    /// Something was passed over.
    in_part: bool,
}

impl Leaves<'_> {
    /// What there is to judge the documents by.
    pub(crate) fn amount(&self) -> Amount {
        let mute = |values: &Vec<String>| !values.iter().any(|value| tells(value));
        Amount {
            in_part: self.in_part || self.paths.values().any(mute),
            ..Amount::of(self.telling.iter().copied())
        }
    }
}

/// Collects the leaves of documents; what cannot be read is passed over.
pub(crate) fn leaves<'a>(documents: impl Iterator<Item = &'a str>) -> Leaves<'a> {
    let mut read: Vec<(&str, Value)> = Vec::new();
    let mut leaves = Leaves::default();
    for text in documents {
        match serde_json::from_str::<Value>(text) {
            Ok(value) => read.push((text, value)),
            Err(_) => leaves.in_part |= tells(text),
        }
    }
    let mut keys: BTreeMap<Vec<String>, std::collections::BTreeSet<String>> = BTreeMap::new();
    for (_, value) in &read {
        count_keys(value, &mut Vec::new(), &mut keys);
    }
    for (text, value) in &read {
        if walk(value, &mut Vec::new(), &keys, &mut leaves) {
            leaves.telling.push(text);
        }
    }
    leaves
}

type Keys = BTreeMap<Vec<String>, std::collections::BTreeSet<String>>;

fn count_keys(value: &Value, path: &mut Vec<String>, keys: &mut Keys) {
    if path.len() >= MAX_DEPTH {
        return;
    }
    match value {
        Value::Object(map) => {
            if keys.len() < MAX_PATHS || keys.contains_key(path) {
                let known = keys.entry(path.clone()).or_default();
                for key in map.keys() {
                    if known.len() <= MAX_KEYS {
                        known.insert(key.clone());
                    }
                }
            }
            for (key, value) in map {
                path.push(key.clone());
                count_keys(value, path, keys);
                path.pop();
            }
        }
        Value::Array(all) => {
            path.push(Path::ANY.to_owned());
            for value in all {
                count_keys(value, path, keys);
            }
            path.pop();
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Collects the leaves of one document; gives whether one tells something.
fn walk(value: &Value, path: &mut Vec<String>, keys: &Keys, leaves: &mut Leaves<'_>) -> bool {
    if path.len() >= MAX_DEPTH {
        leaves.in_part = true;
        return false;
    }
    let leaf = match value {
        Value::Null | Value::Bool(_) => return false,
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(all) => {
            path.push(Path::ANY.to_owned());
            let mut telling = false;
            for value in all {
                telling |= walk(value, path, keys, leaves);
            }
            path.pop();
            return telling;
        }
        Value::Object(map) => {
            let data = keys.get(path).is_some_and(|known| known.len() > MAX_KEYS);
            let mut telling = false;
            for (key, value) in map {
                let odd = data
                    || key.contains('@')
                    || key.chars().filter(char::is_ascii_digit).count() > 5;
                // A key that is data is looked at by nobody.
                leaves.in_part |= odd;
                path.push(if odd {
                    Path::ANY.to_owned()
                } else {
                    key.clone()
                });
                telling |= walk(value, path, keys, leaves);
                path.pop();
            }
            return telling;
        }
    };
    let telling = tells(&leaf);
    if let Some(values) = leaves.paths.get_mut(path) {
        if values.len() < MAX_VALUES {
            values.push(leaf);
        }
    } else if leaves.paths.len() < MAX_PATHS {
        leaves.paths.insert(path.clone(), vec![leaf]);
    } else {
        leaves.in_part = true;
    }
    telling
}

/// Whether a text begins as an object or a list of JSON does.
pub(crate) fn looks_like_json(text: &str) -> bool {
    let text = text.trim();
    (text.starts_with('{') && text.ends_with('}') && text.contains(':'))
        || (text.starts_with('[') && text.ends_with(']'))
}

/// The elements of an array in PostgreSQL's text format, at any depth, without NULLs (PostgreSQL docs, 8.15.6).
pub(crate) fn elements(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    // Bounds may stand before: `[0:2]={…}`.
    let body = text
        .find('{')
        .and_then(|at| text.get(at..))
        .unwrap_or_default();
    let mut chars = body.chars();
    let (mut element, mut quoted, mut was_quoted) = (String::new(), false, false);
    while let Some(c) = chars.next() {
        match c {
            '\\' => element.extend(chars.next()),
            '"' => {
                quoted = !quoted;
                was_quoted = true;
            }
            '{' | '}' | ',' if !quoted => {
                let null = !was_quoted && element.eq_ignore_ascii_case("null");
                if !element.is_empty() && !null && all.len() < MAX_VALUES {
                    all.push(std::mem::take(&mut element));
                }
                element.clear();
                was_quoted = false;
            }
            c => element.push(c),
        }
    }
    all
}
