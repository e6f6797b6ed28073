//! Which stand-in of the second world stands for which of the first.
//!
//! The worlds' values are related row by row, so their stand-ins are too. They are learnt from what the gateway makes
//! of the labelled columns, and only what was learnt may differ between the worlds: anything else that depends on a
//! value, a hash or a length of it, differs and is found. What is learnt is looked at itself: a value is no stand-in
//! for itself, and what a label does not declare may not differ.

use std::collections::HashMap;

use anyhow::{Result, bail};
use mask::Label;

use super::declared::tells_equality;
use super::raw::Raw;
use super::{Mapping, Which};
use crate::lab::{Client, Extended};
use crate::leaks::labels::{Labelled, quoted};

/// One side's stand-ins, each with the name it has in both worlds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    /// By the first bytes, longest first.
    by_start: HashMap<[u8; 2], Vec<(Vec<u8>, u32)>>,
}

impl Names {
    fn insert(&mut self, token: Vec<u8>, name: u32) {
        let Some(start) = token.first_chunk::<2>() else {
            return;
        };
        let all = self.by_start.entry(*start).or_default();
        all.push((token, name));
        all.sort_by_key(|(token, _)| std::cmp::Reverse(token.len()));
    }

    /// The bytes with each stand-in replaced by its name.
    pub(crate) fn rename(&self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        let mut rest = bytes;
        let mut before = None;
        while let Some((first, tail)) = rest.split_first() {
            match self.at(rest, before) {
                Some((length, name)) => {
                    out.extend_from_slice(format!("\u{27e8}{name}\u{27e9}").as_bytes());
                    before = rest.get(length - 1).copied();
                    rest = rest.get(length..).unwrap_or_default();
                }
                None => {
                    out.push(*first);
                    before = Some(*first);
                    rest = tail;
                }
            }
        }
        out
    }

    fn at(&self, rest: &[u8], before: Option<u8>) -> Option<(usize, u32)> {
        let all = self.by_start.get(rest.first_chunk::<2>()?)?;
        all.iter()
            .find(|(token, _)| {
                // a short one inside of a word is another word
                let apart = token.len() >= 8
                    || !(in_word(before) || in_word(rest.get(token.len()).copied()));
                apart && rest.starts_with(token)
            })
            .map(|(token, name)| (token.len(), *name))
    }
}

fn in_word(byte: Option<u8>) -> bool {
    byte.is_some_and(|byte| byte.is_ascii_alphanumeric())
}

/// A column and its cells, in the order of rows.
#[derive(Clone, Debug)]
pub(crate) struct Cells {
    column: String,
    label: Label,
    cells: Vec<Option<Vec<u8>>>,
}

/// What a masked principal gets for each labelled column that holds rows, in text and in binary format, and as text
/// where that has more room.
pub(crate) fn answers(client: &mut Client, columns: &[Labelled]) -> Result<Vec<Cells>> {
    let mut all = Vec::new();
    for column in columns.iter().filter(|column| column.stored) {
        let label = Label::new(&column.label)?;
        let name = quoted(&column.column);
        let forms = [
            (name.clone(), false, ""),
            (name.clone(), true, " (binary)"),
            (format!("{name}::text"), false, " (as text)"),
        ];
        for (form, binary, suffix) in forms {
            let text = format!("select {form} from only {}", column.relation());
            let how = Extended {
                binary,
                ..Extended::default()
            };
            let answer = client.extended(&text, &how)?;
            if let Some(error) = answer.error() {
                // not every type's values are served as text
                if form != name {
                    continue;
                }
                bail!("`{text}` is not served, so that its stand-ins are not known: {error}");
            }
            let rows = answer.sets.into_iter().flat_map(|set| set.rows);
            all.push(Cells {
                column: format!("{}{suffix}", column.path()),
                label: label.clone(),
                cells: rows.filter_map(|row| row.into_iter().next()).collect(),
            });
        }
    }
    Ok(all)
}

/// Both sides' stand-ins.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tokens {
    pub(crate) first: Names,
    pub(crate) second: Names,
    there: HashMap<Vec<u8>, (Vec<u8>, u32)>,
    back: HashMap<Vec<u8>, Vec<u8>>,
    /// Stand-ins by the last part of their column's name.
    columns: HashMap<String, Vec<[String; 2]>>,
    raw: Raw,
}

impl Tokens {
    /// Learns what both worlds' [`answers`] say, and holds it against the values themselves. What a label declares and
    /// does not hold comes second: a column and what is wrong with it.
    pub(crate) fn learnt(
        one: &[Cells],
        two: &[Cells],
        mapping: &Mapping,
    ) -> (Tokens, Vec<(String, String)>) {
        let mut tokens = Tokens {
            raw: Raw::of(&mapping.parts),
            ..Tokens::default()
        };
        let mut broken = Vec::new();
        if one.len() != two.len() {
            let why = format!("{} ≠ {} columns are served", one.len(), two.len());
            broken.push(("all".to_owned(), why));
        }
        for (one, two) in one.iter().zip(two) {
            if let Err(why) = tokens.learn(&one.column, &one.label, &one.cells, &two.cells) {
                broken.push((one.column.clone(), why));
            }
        }
        (tokens, broken)
    }

    /// The text with each `{{column:row}}` replaced by that stand-in of a world; rows are counted round.
    pub(crate) fn filled(&self, text: &str, world: Which) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, inside, after)) = super::placeholder(rest) {
            out.push_str(before);
            let pair = inside.split_once(':').and_then(|(column, row)| {
                let all = self.columns.get(column)?;
                all.get(row.parse::<usize>().ok()?.checked_rem(all.len())?)
            });
            let [one, two] = pair.cloned().unwrap_or_default();
            out.push_str(if world == Which::First { &one } else { &two });
            rest = after;
        }
        out + rest
    }

    /// Learns a column from what both worlds gave for it, row by row. Tells of a pair that breaks what a label
    /// declares: two values equal in one world alone, a value that stands for itself, a difference where the label
    /// does not even tell which values are equal.
    fn learn(
        &mut self,
        column: &str,
        label: &Label,
        one: &[Option<Vec<u8>>],
        two: &[Option<Vec<u8>>],
    ) -> Result<(), String> {
        if one.len() != two.len() {
            return Err(format!("{column}: {} ≠ {} rows", one.len(), two.len()));
        }
        for (place, (a, b)) in one.iter().zip(two).enumerate() {
            match (a, b) {
                (Some(a), Some(b)) => {
                    let last = column.rsplit('.').next().unwrap_or_default();
                    let kept = self.columns.entry(last.to_owned()).or_default();
                    kept.push([a, b].map(|bytes| String::from_utf8_lossy(bytes).into_owned()));
                    for (a, b) in leaves(a, b).map_err(|why| format!("{column}: {why}"))? {
                        self.pair(column, label, a, b)?;
                    }
                }
                (None, None) => {}
                _ => return Err(format!("{column}: NULL in one world only, in row {place}")),
            }
        }
        Ok(())
    }

    fn pair(&mut self, column: &str, label: &Label, a: Vec<u8>, b: Vec<u8>) -> Result<(), String> {
        let unlike = |what: &str| {
            let (a, b) = (String::from_utf8_lossy(&a), String::from_utf8_lossy(&b));
            Err(format!("{column}: {a} ~ {b}: {what}"))
        };
        if a != b {
            if !tells_equality(label) {
                return unlike("the label declares nothing of which they tell");
            }
            if self.raw.is_in(&a, Which::First) || self.raw.is_in(&b, Which::Second) {
                return unlike("a value itself");
            }
        }
        match self.there.get(&a) {
            Some((known, _)) if *known == b => return Ok(()),
            Some(_) => return unlike("equal in the first world, different in the second"),
            None if self.back.contains_key(&b) => {
                return unlike("different in the first world, equal in the second");
            }
            None => {}
        }
        let name = u32::try_from(self.there.len()).unwrap_or(u32::MAX);
        self.there.insert(a.clone(), (b.clone(), name));
        self.back.insert(b.clone(), a.clone());
        // what is the same in both worlds needs no name
        if a != b {
            self.first.insert(a, name);
            self.second.insert(b, name);
        }
        Ok(())
    }
}

/// What stands for one value in either world.
type Pair = (Vec<u8>, Vec<u8>);

/// Pairs of stand-ins inside of two values: the whole, or the strings of a document or an array, which must have one
/// shape.
fn leaves(a: &[u8], b: &[u8]) -> Result<Vec<Pair>, String> {
    let inside = |bytes: &[u8]| {
        let text = std::str::from_utf8(bytes).ok()?;
        let opens = text.starts_with(['{', '[']);
        opens.then(|| strings(text))
    };
    match (inside(a), inside(b)) {
        (Some(one), Some(two)) if one.len() == two.len() => Ok(one.into_iter().zip(two).collect()),
        (None, None) => Ok(vec![(a.to_vec(), b.to_vec())]),
        _ => Err(format!(
            "of another shape: {} ~ {}",
            String::from_utf8_lossy(a),
            String::from_utf8_lossy(b)
        )),
    }
}

/// The words of a document or an array: names of fields too, which may be stand-ins.
fn strings(text: &str) -> Vec<Vec<u8>> {
    let between = |c: char| matches!(c, '{' | '}' | '[' | ']' | ',' | ' ' | ':');
    let mut found = Vec::new();
    let mut letters = text.chars().peekable();
    while let Some(first) = letters.next() {
        let mut word = String::new();
        if first == '"' {
            while let Some(c) = letters.next() {
                match c {
                    '"' => break,
                    '\\' => word.extend(letters.next()),
                    other => word.push(other),
                }
            }
        } else if between(first) {
            continue;
        } else {
            word.push(first);
            while let Some(c) = letters.next_if(|c| !between(*c)) {
                word.push(c);
            }
        }
        found.push(word.into_bytes());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learn(tokens: &mut Tokens, one: &[&str], two: &[&str]) -> Result<(), String> {
        let rows = |all: &[&str]| -> Vec<Option<Vec<u8>>> {
            all.iter()
                .map(|cell| (*cell != "NULL").then(|| cell.as_bytes().to_vec()))
                .collect()
        };
        tokens.learn("c", &Label::new("email").unwrap(), &rows(one), &rows(two))
    }

    #[test]
    fn only_what_was_learnt_is_renamed() {
        let mut tokens = Tokens::default();
        learn(&mut tokens, &["u_aaaaaaaa", "Ada"], &["u_bbbbbbbbb", "Bo"]).unwrap();
        let name =
            |names: &Names, text: &str| String::from_utf8(names.rename(text.as_bytes())).unwrap();
        let one = name(&tokens.first, "x,u_aaaaaaaa;(Ada) Adam u_cccccccc");
        let two = name(&tokens.second, "x,u_bbbbbbbbb;(Bo) Adam u_cccccccc");
        assert_eq!(one, two);
        assert!(one.contains(" Adam u_cccccccc"));
        assert_ne!(
            name(&tokens.first, "u_aaaaaaaa"),
            name(&tokens.second, "u_aaaaaaaa")
        );
    }

    #[test]
    fn a_text_may_name_a_stand_in() {
        let mut tokens = Tokens::default();
        learn(&mut tokens, &["a1", "a2"], &["b1", "b2"]).unwrap();
        let filled = |world| tokens.filled("'{{c:1}}', {{c:2}}, {{d:0}}", world);
        assert_eq!(filled(Which::First), "'a2', a1, ");
        assert_eq!(filled(Which::Second), "'b2', b1, ");
    }

    #[test]
    fn equality_must_be_the_same_in_both_worlds() {
        let mut tokens = Tokens::default();
        assert!(learn(&mut tokens, &["a", "a", "NULL"], &["b", "b", "NULL"]).is_ok());
        assert!(learn(&mut tokens, &["a"], &["c"]).is_err());
        assert!(learn(&mut tokens, &["d"], &["b"]).is_err());
        assert!(learn(&mut tokens, &["d"], &["NULL"]).is_err());
        assert!(learn(&mut tokens, &["d", "e"], &["f"]).is_err());
    }

    #[test]
    fn arrays_and_documents_are_learnt_leaf_by_leaf() {
        let mut tokens = Tokens::default();
        let one = [r#"{"phone": "t_aa", "n": [0, "t_cc"]}"#, "{t_aa,t_dd}"];
        let two = [r#"{"phone": "t_bb", "n": [0, "t_ee"]}"#, "{t_bb,t_ff}"];
        learn(&mut tokens, &one, &two).unwrap();
        assert_eq!(
            tokens.first.rename(b"<t_dd>"),
            tokens.second.rename(b"<t_ff>")
        );
    }

    #[test]
    fn a_value_does_not_stand_for_itself() {
        let parts = [("zoe@a.example", "xy@b.test"), ("adam", "u")]
            .map(|(a, b)| (a.to_owned(), b.to_owned()));
        let heard = |one: &str, two: &str| {
            let mut tokens = Tokens {
                raw: Raw::of(&parts),
                ..Tokens::default()
            };
            learn(&mut tokens, &[one], &[two])
        };
        assert!(heard("u_aaaaaaaa", "u_bbbbbbbb").is_ok());
        for (one, two) in [
            ("zoe@a.example", "xy@b.test"),
            ("u_zoe@a.example", "u_b"),
            ("u_a", "u_xy@b.test"),
            ("adam", "u_b"),
            ("u-adam", "u_b"),
            (r#"{"n": "adam"}"#, r#"{"n": "t_b"}"#),
        ] {
            assert!(heard(one, two).is_err(), "{one} ~ {two}");
        }
        // a short value may be part of a longer word
        assert!(heard("u_adamant", "u_b").is_ok());
    }

    #[test]
    fn what_tells_not_even_equality_is_the_same() {
        let mut tokens = Tokens::default();
        let salary = Label::new("salary").unwrap();
        let cell = |text: &str| [Some(text.as_bytes().to_vec())];
        let mut heard = |one: &str, two: &str| tokens.learn("c", &salary, &cell(one), &cell(two));
        assert!(heard("0", "0").is_ok());
        assert!(heard("0", "9").is_err());
    }

    #[test]
    fn documents_have_one_shape() {
        let mut tokens = Tokens::default();
        assert!(learn(&mut tokens, &[r#"["t_a"]"#], &[r#"["t_b", "t_c"]"#]).is_err());
        assert!(learn(&mut tokens, &[r#"["t_a"]"#], &["t_d"]).is_err());
    }
}
