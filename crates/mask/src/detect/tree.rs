//! Values with parts: JSON documents by path, arrays by element.

use std::collections::BTreeMap;

use serde_json::Value;

use super::evidence::Path;

/// Most paths of one column, most values kept of one path, deepest nesting.
const MAX_PATHS: usize = 500;
const MAX_VALUES: usize = 1000;
const MAX_DEPTH: usize = 24;
/// An object with more keys than this over all documents is a map, and its keys are data.
const MAX_KEYS: usize = 60;

/// Leaves by path.
#[derive(Debug, Default)]
pub(crate) struct Leaves {
    pub(crate) paths: BTreeMap<Vec<String>, Vec<String>>,
}

/// Collects the leaves of documents; what cannot be read is passed over.
pub(crate) fn leaves<'a>(documents: impl Iterator<Item = &'a str>) -> Leaves {
    let mut read: Vec<Value> = Vec::new();
    for text in documents {
        if let Ok(value) = serde_json::from_str::<Value>(text) {
            read.push(value);
        }
    }
    let mut keys: BTreeMap<Vec<String>, std::collections::BTreeSet<String>> = BTreeMap::new();
    for value in &read {
        count_keys(value, &mut Vec::new(), &mut keys);
    }
    let mut leaves = Leaves {
        paths: BTreeMap::new(),
    };
    for value in &read {
        walk(value, &mut Vec::new(), &keys, &mut leaves.paths);
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

fn walk(
    value: &Value,
    path: &mut Vec<String>,
    keys: &Keys,
    paths: &mut BTreeMap<Vec<String>, Vec<String>>,
) {
    if path.len() >= MAX_DEPTH {
        return;
    }
    let leaf = match value {
        Value::Null | Value::Bool(_) => return,
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(all) => {
            path.push(Path::ANY.to_owned());
            for value in all {
                walk(value, path, keys, paths);
            }
            path.pop();
            return;
        }
        Value::Object(map) => {
            let data = keys.get(path).is_some_and(|known| known.len() > MAX_KEYS);
            for (key, value) in map {
                let odd = data
                    || key.contains('@')
                    || key.chars().filter(char::is_ascii_digit).count() > 5;
                path.push(if odd {
                    Path::ANY.to_owned()
                } else {
                    key.clone()
                });
                walk(value, path, keys, paths);
                path.pop();
            }
            return;
        }
    };
    if let Some(values) = paths.get_mut(path) {
        if values.len() < MAX_VALUES {
            values.push(leaf);
        }
    } else if paths.len() < MAX_PATHS {
        paths.insert(path.clone(), vec![leaf]);
    }
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
