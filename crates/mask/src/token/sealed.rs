//! Texts of any length, sealed, as letters and digits of base32 (RFC 4648 section 6, lower case, unpadded).

use zeroize::Zeroizing;

use super::pack;
use crate::ff1::{Direction, Ff1};

/// What proves a token: 40 bits.
const ZEROS: [u8; 5] = [0; 5];
/// Most steps, so that a token of them is still an e-mail address (254 characters).
const MAX_STEPS: usize = 8;

/// Base32 characters of the shortest seal.
pub(super) const SHORTEST: usize = (ZEROS.len() + 1 + pack::STEP_BYTES) * 8 / 5 + 1;

/// Seals a text. `None`: it is too long.
pub(super) fn seal(cipher: &Ff1, text: &str) -> Option<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(2 * SHORTEST));
    bytes.extend_from_slice(&ZEROS);
    pack::pack(text, &mut bytes);
    if bytes.len() > ZEROS.len() + 1 + MAX_STEPS * pack::STEP_BYTES {
        return None;
    }
    cipher.bytes(Direction::Encrypt, b"", &mut bytes)?;
    Some(base32(&bytes))
}

/// Opens a seal that this key made.
pub(super) fn open(cipher: &Ff1, seal: &[u8]) -> Option<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(unbase32(seal)?);
    let steps = bytes.len().checked_sub(ZEROS.len() + 1)?;
    if steps % pack::STEP_BYTES != 0 || !(1..=MAX_STEPS).contains(&(steps / pack::STEP_BYTES)) {
        return None;
    }
    cipher.bytes(Direction::Decrypt, b"", &mut bytes)?;
    pack::unpack(bytes.strip_prefix(&ZEROS)?)
}

const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

fn base32(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() * 8 / 5 + 1);
    for five in bytes.chunks(5) {
        let number = (five.iter().chain([0u8; 5].iter()).take(5))
            .fold(0u64, |number, byte| number << 8 | u64::from(*byte));
        let digits = (five.len() * 8).div_ceil(5);
        out.extend(
            (0..digits).filter_map(|at| DIGITS.get((number >> (35 - 5 * at)) as usize & 31)),
        );
    }
    out
}

fn unbase32(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() * 5 / 8 + 5);
    let (mut number, mut bits) = (0u32, 0u32);
    for char in text {
        number = number << 5 | u32::from(digit(*char)?);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            out.push((number >> bits) as u8);
            number &= (1 << bits) - 1;
        }
    }
    Some(out)
}

fn digit(char: u8) -> Option<u8> {
    match char {
        b'a'..=b'z' => Some(char - b'a'),
        b'2'..=b'7' => Some(char - b'2' + 26),
        _ => None,
    }
}

/// Could it be part of a seal?
pub(super) fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| digit(byte).is_some())
}
