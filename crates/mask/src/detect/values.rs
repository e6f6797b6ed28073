//! Words that stand in few columns but those about people: genders, beliefs, illnesses.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::fold;

pub(crate) const GENDER: u8 = 1;
pub(crate) const SALUTATION: u8 = 2;
pub(crate) const DEMOGRAPHIC: u8 = 4;
pub(crate) const HEALTH: u8 = 8;

/// The lists a whole value stands in.
pub(crate) fn flags(value: &str) -> u8 {
    static VALUES: OnceLock<HashMap<String, u8>> = OnceLock::new();
    let values = VALUES.get_or_init(|| {
        let mut values: HashMap<String, u8> = HashMap::new();
        for line in include_str!("values.txt").lines() {
            let flag = match line.split_once(": ") {
                Some(("gender", list)) => Some((GENDER, list)),
                Some(("salutation", list)) => Some((SALUTATION, list)),
                Some(("demographic", list)) => Some((DEMOGRAPHIC, list)),
                Some(("health", list)) => Some((HEALTH, list)),
                Some(_) | None => None,
            };
            if let Some((flag, list)) = flag {
                for word in list.split_whitespace() {
                    *values
                        .entry(fold::text(&word.replace('_', " ")))
                        .or_default() |= flag;
                }
            }
        }
        values
    });
    if value.len() > 60 {
        return 0;
    }
    let folded = fold::text(value.trim_end_matches('.')).replace('_', " ");
    let listed = values.get(folded.trim()).copied().unwrap_or(0);
    if listed == 0 && medical_end(&folded) {
        HEALTH
    } else {
        listed
    }
}

/// Ends of words that name illnesses and medicines.
fn medical_end(folded: &str) -> bool {
    const ENDS: &[&str] = &[
        "itis",
        "emia",
        "aemia",
        "osis",
        "oma",
        "pathy",
        "algia",
        "ectomy",
        "cillin",
        "statin",
        "sartan",
        "olol",
        "azole",
        "mycin",
        "prazole",
        "tidine",
        "zepam",
        "xetine",
        "gliptin",
        "dipine",
        "thyroidism",
        "cephalus",
        "plegia",
        "phobia",
    ];
    let last = folded.rsplit(' ').next().unwrap_or_default();
    last.len() > 6 && ENDS.iter().any(|end| last.ends_with(end))
}

/// A code of ICD-10: a letter, two digits, and mostly a point with more.
pub(crate) fn is_icd10(value: &str) -> bool {
    let bytes = value.as_bytes();
    let head = matches!(
        bytes,
        [
            b'A'..=b'T' | b'V'..=b'Z',
            b'0'..=b'9',
            b'0'..=b'9' | b'A' | b'B',
            ..,
        ]
    );
    let tail = bytes.get(3..).unwrap_or_default();
    head && match tail.split_first() {
        Some((b'.', rest)) => {
            (1..=4).contains(&rest.len()) && rest.iter().all(u8::is_ascii_alphanumeric)
        }
        Some(_) | None => false,
    }
}
