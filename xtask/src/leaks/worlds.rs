//! The second oracle: two databases that differ only in masked values must give the same answers.
//!
//! Stand-ins may differ between the worlds, but only by a renaming that is one-to-one over the whole case.

use std::collections::{HashMap, HashSet};

use super::case::Transcript;
use super::corpus::{Case, Kind};

/// Text replaced to make the second world from the set-up script, whole values first.
///
/// Order, length and sign of the values change, so that whatever depends on them shows.
const SECOND_WORLD: &[(&str, &str)] = &[
    (
        "zqxcanary.alice@example.com",
        "wobblythrush.zoe.longer@example.org",
    ),
    ("zqxcanary.bob@example.com", "wobblythrush.adam@example.org"),
    ("zqxcanarytag", "aawobblythrushtag"),
    ("zqxcanarytwo", "zzwobblythrush"),
    ("zqxcanary", "wobblythrush"),
    ("912-84-7731", "655-01-9928"),
    ("913-55-1942", "123-99-4410"),
    ("900-00-0000", "899-11-1111"),
    ("918273", "54321"),
    ("827364", "765432"),
    ("+4915123987654", "+33612345678"),
    ("+4915198712345", "+33687654321"),
];

/// The set-up script of the second world.
pub(crate) fn second(setup: &str) -> String {
    SECOND_WORLD
        .iter()
        .fold(setup.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// What the answers of two statements say that differs, for kind `inf`: rows, tags, errors.
pub(crate) fn statements_differ(case: &Case, transcript: &Transcript) -> Option<String> {
    match (transcript.answers.as_slice(), case.statements.as_slice()) {
        ([one, two], [first, second]) => {
            let own: HashSet<&str> = words(first).chain(words(second)).collect();
            let (one, two) = (said(one, &own), said(two, &own));
            one.iter()
                .zip(&two)
                .find(|(a, b)| a != b)
                .map(|(a, b)| format!("{a} ≠ {b}"))
                .or_else(|| {
                    (one.len() != two.len()).then(|| format!("{} ≠ {} lines", one.len(), two.len()))
                })
        }
        _ => None,
    }
}

/// What a person would compare by eye. An error that names a column the statement names says nothing of its values,
/// so the statements' own words are blanked in errors; in rows they are not.
fn said(answer: &crate::lab::Answer, own: &HashSet<&str>) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for set in &answer.sets {
        lines.extend(set.text().into_iter().map(|row| row.join("|")));
        lines.push(set.tag.clone());
    }
    if !answer.copied.is_empty() {
        lines.extend(
            String::from_utf8_lossy(&answer.copied)
                .lines()
                .map(str::to_owned),
        );
    }
    for fields in answer.errors.iter().chain(&answer.notices) {
        lines.push(format!(
            "{} {}",
            fields.code(),
            without_words(fields.message(), own)
        ));
    }
    lines.extend(
        answer
            .notifications
            .iter()
            .map(|(channel, payload)| format!("{channel}: {payload}")),
    );
    lines.push(char::from(answer.status).to_string());
    lines
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c| !in_word(c)).filter(|word| !word.is_empty())
}

fn in_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn without_words(message: &str, own: &HashSet<&str>) -> String {
    message
        .split_inclusive(|c| !in_word(c))
        .map(|part| {
            let bare = part.trim_end_matches(|c| !in_word(c));
            if own.contains(bare) {
                part.replacen(bare, "·", 1)
            } else {
                part.to_owned()
            }
        })
        .collect()
}

/// How two worlds' transcripts of one case differ beyond a renaming of stand-ins.
///
/// `same` says whether two numbers are the oids of one object in either world.
pub(crate) fn differ(
    case: &Case,
    one: &Transcript,
    two: &Transcript,
    same: &dyn Fn(&str, &str) -> bool,
) -> Option<String> {
    if case.kind == Kind::Time {
        return None;
    }
    let mut there: HashMap<String, String> = HashMap::new();
    let mut back: HashMap<String, String> = HashMap::new();
    if one.answers.len() != two.answers.len() {
        return Some("one world ended early".to_owned());
    }
    for (a, b) in one.answers.iter().zip(&two.answers) {
        let (a, b) = (pieces(a), pieces(b));
        if a.len() != b.len() {
            return Some(format!("{} ≠ {} lines", a.len(), b.len()));
        }
        for (a, b) in a.into_iter().zip(b) {
            if a == b || same(&a, &b) {
                continue;
            }
            let renamed = is_stand_in(&a)
                && is_stand_in(&b)
                && *there.entry(a.clone()).or_insert_with(|| b.clone()) == b
                && *back.entry(b.clone()).or_insert_with(|| a.clone()) == a;
            if !renamed {
                return Some(format!("{} ≠ {}", short(&a), short(&b)));
            }
        }
    }
    None
}

/// Cells and other facts of an answer, each a piece that may be renamed as a whole. Numbers that differ from run to
/// run (oids, transaction ids, log positions, times, our own request ids) are blanked.
fn pieces(answer: &crate::lab::Answer) -> Vec<String> {
    let mut found = Vec::new();
    for set in &answer.sets {
        for row in &set.rows {
            found.push(format!("row of {}", row.len()));
            for cell in row {
                let cell = cell
                    .as_ref()
                    .map_or("NULL".into(), |bytes| String::from_utf8_lossy(bytes));
                split_words(&cell, &mut found);
            }
        }
        found.push(set.tag.clone());
    }
    for line in String::from_utf8_lossy(&answer.copied).lines() {
        found.push("line".to_owned());
        split_words(line, &mut found);
    }
    for fields in answer.errors.iter().chain(&answer.notices) {
        found.push(format!("{} {}", fields.code(), fields.message()));
    }
    for (channel, payload) in &answer.notifications {
        found.push(format!("{channel}: {payload}"));
    }
    found.push(char::from(answer.status).to_string());
    found
}

/// A cell may hold several stand-ins (an array, a JSON document, a CSV line): each word is a piece.
fn split_words(cell: &str, found: &mut Vec<String>) {
    let word = |c: char| c.is_alphanumeric() || matches!(c, '@' | '.' | '_' | '-' | '+');
    let mut rest = cell;
    while let Some(first) = rest.chars().next() {
        let kind = word(first);
        let end = rest.find(|c| word(c) != kind).unwrap_or(rest.len());
        let (head, tail) = rest.split_at(end);
        found.push(head.to_owned());
        rest = tail;
    }
    found.push("·".to_owned());
}

/// A stand-in is long enough to carry no small number, count, flag or id.
fn is_stand_in(text: &str) -> bool {
    text.len() >= 8 && !text.contains(char::is_whitespace)
}

fn short(text: &str) -> String {
    text.chars().take(70).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::Answer;
    use crate::lab::client::ResultSet;

    fn transcript(cells: &[&str]) -> Transcript {
        let rows = cells
            .iter()
            .map(|cell| vec![Some(cell.as_bytes().to_vec())])
            .collect();
        let set = ResultSet {
            rows,
            tag: "SELECT".into(),
            ..ResultSet::default()
        };
        Transcript {
            answers: vec![Answer {
                sets: vec![set],
                ..Answer::default()
            }],
            ..Transcript::default()
        }
    }

    fn check(one: &[&str], two: &[&str]) -> bool {
        let case = Case {
            id: "x".into(),
            class: "x".into(),
            kind: Kind::Q,
            statements: Vec::new(),
            oracle: None,
            leaks_unmasked: true,
        };
        differ(&case, &transcript(one), &transcript(two), &|a, b| {
            (a, b) == ("17001", "18001")
        })
        .is_some()
    }

    #[test]
    fn stand_ins_may_be_renamed_one_to_one() {
        assert!(!check(
            &["u_aaaaaaaa@x.invalid", "1"],
            &["u_bbbbbbbb@x.invalid", "1"]
        ));
        assert!(!check(
            &["{u_aaaaaaaa,u_cccccccc}"],
            &["{u_bbbbbbbb,u_dddddddd}"]
        ));
        assert!(
            check(&["u_aaaaaaaa", "u_aaaaaaaa"], &["u_bbbbbbbb", "u_cccccccc"]),
            "equality differs"
        );
        assert!(
            check(&["u_aaaaaaaa", "u_dddddddd"], &["u_bbbbbbbb", "u_bbbbbbbb"]),
            "equality differs"
        );
    }

    #[test]
    fn counts_ids_and_order_may_not_differ() {
        assert!(check(&["1", "2"], &["2", "1"]));
        assert!(check(&["17002"], &["18001"]));
        assert!(!check(&["17001"], &["18001"]), "the oids of one object");
        assert!(check(&["t"], &["f"]));
        assert!(check(&["27"], &["35"]));
        assert!(check(&["1"], &["1", "2"]));
    }

    #[test]
    fn errors_may_repeat_the_statement_but_nothing_else() {
        let blank = |statement: &str| {
            without_words(
                "column customers.email (label email) is masked",
                &words(statement).collect(),
            )
        };
        assert_eq!(
            blank("select email from customers"),
            "column ·.· (label ·) is masked"
        );
        assert_ne!(
            blank("select ssn from customers"),
            blank("select email from customers")
        );
    }

    #[test]
    fn the_second_world_keeps_no_canary() {
        let setup = "('zqxcanary.alice@example.com','912-84-7731',918273,'+4915123987654','{zqxcanarytag}')";
        let other = second(setup);
        for canary in ["zqxcanary", "912-84", "918273", "+49151"] {
            assert!(!other.contains(canary), "{other}");
        }
    }
}
