//! Short texts of few characters as a number, and the number sealed as numerals of one radix.

use zeroize::{Zeroize, Zeroizing};

use crate::ff1::{Direction, Ff1, string};

/// Characters a text may be made of, and how many of them are taken.
pub(super) struct Alphabet {
    chars: &'static [u8],
    longest: usize,
}

impl Alphabet {
    pub(super) const fn new(chars: &'static [u8], longest: usize) -> Self {
        Self { chars, longest }
    }

    fn base(&self) -> u128 {
        self.chars.len() as u128 + 1
    }

    /// The text as digits of a number, the end of a shorter one as zeros.
    pub(super) fn number(&self, text: &str) -> Option<u128> {
        if text.len() > self.longest {
            return None;
        }
        let mut bytes = text.bytes();
        let mut number = 0u128;
        for _ in 0..self.longest {
            let code = match bytes.next() {
                None => 0,
                Some(byte) => self.chars.iter().position(|char| *char == byte)? as u128 + 1,
            };
            number = number.checked_mul(self.base())?.checked_add(code)?;
        }
        Some(number)
    }

    /// The text of a number.
    pub(super) fn text(&self, mut number: u128) -> Option<Zeroizing<String>> {
        let mut text = Zeroizing::new(vec![0u8; self.longest]);
        for char in text.iter_mut().rev() {
            let code = (number % self.base()) as usize;
            if let Some(at) = code.checked_sub(1) {
                *char = *self.chars.get(at)?;
            }
            number /= self.base();
        }
        text.retain(|char| *char != 0);
        (number == 0)
            .then(|| std::str::from_utf8(&text).map(|text| Zeroizing::new(text.to_owned())))?
            .ok()
    }
}

/// Numerals of a radix: some for the number, and before them zeros that prove it.
pub(super) struct Seal {
    pub radix: u32,
    pub zeros: usize,
    pub numerals: usize,
}

/// Numerals as they are written, up to radix 36.
const DIGITS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

impl Seal {
    /// Seals a number as text; `None` if it has more numerals.
    pub(super) fn seal(&self, cipher: &Ff1, mut number: u128) -> Option<Vec<u8>> {
        let mut numerals = vec![0u8; self.zeros + self.numerals];
        number = string(number, self.radix, numerals.get_mut(self.zeros..)?);
        if number != 0 {
            numerals.zeroize();
            return None;
        }
        cipher.numerals(Direction::Encrypt, self.radix, b"", &mut numerals)?;
        for numeral in &mut numerals {
            *numeral = *DIGITS.get(usize::from(*numeral))?;
        }
        Some(numerals)
    }

    /// Opens what [`Seal::seal`] made under this key.
    pub(super) fn open(&self, cipher: &Ff1, text: &[u8]) -> Option<u128> {
        if text.len() != self.zeros + self.numerals {
            return None;
        }
        let mut numerals = Zeroizing::new(text.to_vec());
        for numeral in numerals.iter_mut() {
            *numeral = match *numeral {
                digit @ b'0'..=b'9' => digit - b'0',
                letter @ b'A'..=b'Z' => letter - b'A' + 10,
                _ => return None,
            };
        }
        cipher.numerals(Direction::Decrypt, self.radix, b"", &mut numerals)?;
        let (zeros, numerals) = numerals.split_at_checked(self.zeros)?;
        if zeros.iter().any(|numeral| *numeral != 0) {
            return None;
        }
        numerals.iter().try_fold(0u128, |number, numeral| {
            number
                .checked_mul(u128::from(self.radix))?
                .checked_add(u128::from(*numeral))
        })
    }
}
