//! Whether a stand-in is, or holds, a value itself.

use std::collections::HashSet;
use std::net::IpAddr;

use super::Which;

/// Values of both worlds.
#[derive(Clone, Debug, Default)]
pub(super) struct Raw {
    first: Values,
    second: Values,
}

#[derive(Clone, Debug, Default)]
struct Values {
    whole: HashSet<Vec<u8>>,
    /// Long enough to be there by no chance.
    inside: Vec<Vec<u8>>,
    /// Long enough not to stand alone by chance.
    words: Vec<Vec<u8>>,
}

impl Raw {
    /// Of values and their images.
    pub(super) fn of(parts: &[(String, String)]) -> Raw {
        let mut raw = Raw::default();
        for (one, two) in parts {
            raw.first.insert(one);
            raw.second.insert(two);
        }
        raw
    }

    /// Whether a world's answer is one of its values, or holds one.
    pub(super) fn is_in(&self, answer: &[u8], world: Which) -> bool {
        match world {
            Which::First => self.first.are_in(answer),
            Which::Second => self.second.are_in(answer),
        }
    }
}

impl Values {
    fn insert(&mut self, value: &str) {
        for bytes in forms(value) {
            match bytes.len() {
                0 => continue,
                1..=3 => {}
                4..=7 => self.words.push(bytes.clone()),
                _ => self.inside.push(bytes.clone()),
            }
            self.whole.insert(bytes);
        }
    }

    fn are_in(&self, answer: &[u8]) -> bool {
        let alone = |word: &Vec<u8>| {
            let places = answer.windows(word.len()).enumerate();
            places.filter(|(_, part)| part == word).any(|(at, _)| {
                let before = at.checked_sub(1).and_then(|at| answer.get(at));
                let after = answer.get(at + word.len());
                ![before, after]
                    .into_iter()
                    .flatten()
                    .any(u8::is_ascii_alphanumeric)
            })
        };
        let held = |value: &Vec<u8>| answer.windows(value.len()).any(|part| part == value);
        self.whole.contains(answer) || self.inside.iter().any(held) || self.words.iter().any(alone)
    }
}

/// A value as text and, of addresses and UUIDs, as bytes: that is how binary format has them.
fn forms(value: &str) -> Vec<Vec<u8>> {
    let mut all = vec![value.as_bytes().to_vec()];
    match value.split('/').next().unwrap_or_default().parse() {
        Ok(IpAddr::V4(address)) => all.push(address.octets().to_vec()),
        Ok(IpAddr::V6(address)) => all.push(address.octets().to_vec()),
        Err(_) => {}
    }
    let digits: String = value.chars().filter(|c| *c != '-').collect();
    if value.len() == 36 && digits.len() == 32 {
        all.extend(u128::from_str_radix(&digits, 16).map(|number| number.to_be_bytes().to_vec()));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_in_every_form() {
        let parts = ["10.1.2.3", "0b3f9c1e-5a4d-4c7b-9e8f-112233445566", "b"]
            .map(|one| (one.to_owned(), "other-thing".to_owned()));
        let raw = Raw::of(&parts);
        for answer in [
            b"10.1.2.3/32".as_slice(),
            &[2, 32, 0, 4, 10, 1, 2, 3],
            &0x0b3f_9c1e_5a4d_4c7b_9e8f_1122_3344_5566u128.to_be_bytes(),
            b"b",
        ] {
            assert!(raw.is_in(answer, Which::First), "{answer:?}");
            assert!(!raw.is_in(answer, Which::Second), "{answer:?}");
        }
        assert!(!raw.is_in(b"u_b", Which::First));
    }
}
