//! A text as few bytes, whose number tells no more than its length in steps.

use zeroize::Zeroizing;

/// Bytes of a step, and characters of [`ALPHABET`] in one.
pub(super) const STEP_BYTES: usize = 16;
const STEP_CHARS: usize = 23;
/// What most addresses and names of accounts are made of: 42 with the end, and 42²³ is below 2¹²⁸.
const ALPHABET: &[u8; 41] = b"abcdefghijklmnopqrstuvwxyz0123456789.-_@+";
const BASE: u128 = ALPHABET.len() as u128 + 1;

/// What a packed text starts with.
const FEW: u8 = 0;
const ANY: u8 = 1;

/// Appends a byte for the coding and whole steps, at least one.
pub(super) fn pack(text: &str, out: &mut Vec<u8>) {
    let start = out.len();
    out.push(FEW);
    let steps = text.as_bytes().chunks(STEP_CHARS);
    let empty: &[u8] = &[];
    for step in steps.chain(text.is_empty().then_some(empty)) {
        let mut number = 0u128;
        for at in 0..STEP_CHARS {
            let code = match step.get(at) {
                None => 0,
                Some(byte) => match code(*byte) {
                    Some(code) => code,
                    None => return any(text, start, out),
                },
            };
            number = number * BASE + code;
        }
        out.extend_from_slice(&number.to_be_bytes());
    }
}

fn any(text: &str, start: usize, out: &mut Vec<u8>) {
    out.truncate(start);
    out.push(ANY);
    out.extend_from_slice(text.as_bytes());
    let steps = text.len().div_ceil(STEP_BYTES).max(1);
    out.resize(start + 1 + steps * STEP_BYTES, 0);
}

fn code(byte: u8) -> Option<u128> {
    Some(match byte {
        b'a'..=b'z' => u128::from(byte - b'a') + 1,
        b'0'..=b'9' => u128::from(byte - b'0') + 27,
        b'.' => 37,
        b'-' => 38,
        b'_' => 39,
        b'@' => 40,
        b'+' => 41,
        _ => return None,
    })
}

/// The text of what [`pack`] appended.
pub(super) fn unpack(packed: &[u8]) -> Option<Zeroizing<String>> {
    let (coding, steps) = packed.split_first()?;
    let mut text = Zeroizing::new(Vec::with_capacity(steps.len() * 2));
    match *coding {
        FEW => {
            for step in steps.as_chunks::<STEP_BYTES>().0 {
                let mut number = u128::from_be_bytes(*step);
                let mut chars = [0u8; STEP_CHARS];
                for char in chars.iter_mut().rev() {
                    let code = (number % BASE) as usize;
                    *char = match code.checked_sub(1) {
                        Some(at) => *ALPHABET.get(at)?,
                        None => 0,
                    };
                    number /= BASE;
                }
                text.extend(chars.iter().copied().filter(|char| *char != 0));
            }
        }
        ANY => {
            let end = steps
                .iter()
                .rposition(|byte| *byte != 0)
                .map_or(0, |at| at + 1);
            text.extend_from_slice(steps.get(..end)?);
        }
        _ => return None,
    }
    Some(Zeroizing::new(std::str::from_utf8(&text).ok()?.to_owned()))
}
