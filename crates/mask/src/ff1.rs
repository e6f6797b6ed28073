//! FF1, the format-preserving encryption of NIST SP 800-38G: a keyed permutation of the strings of one
//! length over one alphabet. On integers instead of numeral strings, with one AES key schedule for all calls.
//!
//! What must never happen here: a domain of fewer than a million strings, whose permutation could be
//! written down (SP 800-38G Rev. 1 makes that bound a requirement).

use aes::Aes256Enc;
use aes::cipher::{Array, BlockCipherEncrypt, BlockSizeUser, KeyInit, consts::U16};

/// Fewest strings of a domain (SP 800-38G Rev. 1, section 4.4).
const MIN_DOMAIN: u128 = 1_000_000;
/// Halves are below this, so that four more bytes fit beside one in a `u128`.
const MAX_HALF: u128 = 1 << 96;
const ROUNDS: u8 = 10;

mod long;

type Block = Array<u8, U16>;

/// A block cipher of AES's block size that can be used forward.
pub(crate) trait Cipher: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> {}
impl<C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>> Cipher for C {}

/// FF1 under one key. Wiped on drop (by `aes`).
pub(crate) struct Ff1<C = Aes256Enc>(C);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Encrypt,
    Decrypt,
}

impl Ff1 {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(Aes256Enc::new(key.into()))
    }
}

impl<C: Cipher> Ff1<C> {
    /// Permutes numerals below `radix` (2 to 256), most significant first. `None`, and nothing is done:
    /// the domain is below a million or half of it above 2⁹⁶, or a numeral is none.
    pub(crate) fn numerals(
        &self,
        direction: Direction,
        radix: u32,
        tweak: &[u8],
        numerals: &mut [u8],
    ) -> Option<()> {
        if !(2..=256).contains(&radix) || numerals.iter().any(|n| u32::from(*n) >= radix) {
            return None;
        }
        let (left, right) = numerals.split_at_mut_checked(numerals.len() / 2)?;
        let modulus = |half: &[u8]| {
            let length = u32::try_from(half.len()).ok()?;
            u128::from(radix)
                .checked_pow(length)
                .filter(|size| *size <= MAX_HALF)
        };
        let [low, high] = [modulus(left)?, modulus(right)?];
        if low.saturating_mul(high) < MIN_DOMAIN {
            return None;
        }
        let length = u32::try_from(left.len() + right.len()).ok()?;
        let prf = Prf::new(&self.0, radix, length, tweak, bytes_of(high));
        let [mut a, mut b] = [number(left, radix), number(right, radix)];
        for round in order(direction) {
            let (target, source, modulus) = match round % 2 {
                0 => (&mut a, b, low),
                _ => (&mut b, a, high),
            };
            let key = remainder(prf.of(round, source), modulus);
            let sum = match direction {
                Direction::Encrypt => *target + key,
                Direction::Decrypt => *target + modulus - key,
            };
            *target = if sum < modulus { sum } else { sum - modulus };
        }
        string(a, radix, left);
        string(b, radix, right);
        Some(())
    }

    /// Permutes a string of bytes: radix 256, of 3 to 1,024 bytes. `None`: it is shorter or longer.
    pub(crate) fn bytes(
        &self,
        direction: Direction,
        tweak: &[u8],
        string: &mut [u8],
    ) -> Option<()> {
        const LENGTHS: std::ops::RangeInclusive<usize> = 3..=1024;
        /// Halves of so many bytes are integers.
        const SHORT: usize = 24;
        match string.len() {
            length if !LENGTHS.contains(&length) => None,
            ..=SHORT => self.numerals(direction, 256, tweak, string),
            _ => long::permute(&self.0, direction, tweak, string),
        }
    }
}

fn order(direction: Direction) -> impl Iterator<Item = u8> {
    (0..ROUNDS).map(move |round| match direction {
        Direction::Encrypt => round,
        Direction::Decrypt => ROUNDS - 1 - round,
    })
}

/// The first block, `P` (SP 800-38G, algorithm 7, step 5).
fn head(radix: u32, length: u32, tweak: usize) -> u128 {
    let fields = [
        (0x0001_0201, 104),
        (u128::from(radix), 80),
        (u128::from(ROUNDS), 72),
        (u128::from(length / 2 % 256), 64),
        (u128::from(length), 32),
        (tweak as u128, 0),
    ];
    fields
        .into_iter()
        .fold(0, |block, (field, at)| block | field << at)
}

/// Bytes that hold every number below a modulus: `b`.
fn bytes_of(modulus: u128) -> u32 {
    (u128::BITS - (modulus - 1).leading_zeros()).div_ceil(8)
}

fn encipher<C: Cipher>(cipher: &C, block: u128) -> u128 {
    let mut block = Block::from(block.to_be_bytes());
    cipher.encrypt_block(&mut block);
    u128::from_be_bytes(block.into())
}

/// What is added in each round (steps 6.i to 6.iv), as a number of `d` bytes. With halves of up to twelve bytes, all
/// that changes from round to round lies in the last block of `Q`, and one block is as much as is taken of `S`.
struct Prf<'c, C> {
    cipher: &'c C,
    /// The chain up to that block, and what of it does not change.
    chain: u128,
    /// Bits of the number: 8 `b`.
    bits: u32,
    /// Bits of a block beyond `d` bytes.
    rest: u32,
}

impl<'c, C: Cipher> Prf<'c, C> {
    fn new(cipher: &'c C, radix: u32, length: u32, tweak: &[u8], bytes: u32) -> Self {
        let mut chain = encipher(cipher, head(radix, length, tweak.len()));
        let whole = (tweak.len() + bytes as usize + 1).next_multiple_of(16);
        let mut q = vec![0u8; if tweak.is_empty() { 0 } else { whole }];
        q.iter_mut().zip(tweak).for_each(|(to, from)| *to = *from);
        let mut blocks = q.as_chunks::<16>().0.iter().peekable();
        while let Some(block) = blocks.next() {
            chain ^= u128::from_be_bytes(*block);
            if blocks.peek().is_some() {
                chain = encipher(cipher, chain);
            }
        }
        Self {
            cipher,
            chain,
            bits: 8 * bytes,
            rest: 128 - 8 * (bytes.next_multiple_of(4) + 4),
        }
    }

    fn of(&self, round: u8, number: u128) -> u128 {
        let block = self.chain ^ (u128::from(round) << self.bits | number);
        encipher(self.cipher, block) >> self.rest
    }
}

fn remainder(number: u128, modulus: u128) -> u128 {
    match (u64::try_from(number), u64::try_from(modulus)) {
        _ if modulus.is_power_of_two() => number & (modulus - 1),
        (Ok(number), Ok(modulus)) => u128::from(number % modulus),
        _ => number % modulus,
    }
}

fn number(numerals: &[u8], radix: u32) -> u128 {
    numerals.iter().fold(0, |number, numeral| {
        number * u128::from(radix) + u128::from(*numeral)
    })
}

/// Writes a number as numerals, with zeros before it; what does not fit is left.
pub(crate) fn string(mut number: u128, radix: u32, numerals: &mut [u8]) -> u128 {
    // Eight numerals at a time are a number that is divided fast.
    const STEP: usize = 8;
    let base = u128::from(radix).pow(STEP as u32);
    for step in numerals.rchunks_mut(STEP) {
        let full = step.len() == STEP;
        let mut part = match u64::try_from(number) {
            Ok(small) if full => {
                let base = base as u64;
                number = if radix == 256 {
                    0
                } else {
                    u128::from(small.checked_div(base).unwrap_or(0))
                };
                small.checked_rem(base).unwrap_or(small)
            }
            _ if full => {
                let part = number % base;
                number /= base;
                part as u64
            }
            _ => {
                let base = u128::from(radix).pow(step.len() as u32);
                let part = number % base;
                number /= base;
                part as u64
            }
        };
        for numeral in step.iter_mut().rev() {
            *numeral = (part % u64::from(radix)) as u8;
            part /= u64::from(radix);
        }
    }
    number
}

#[cfg(test)]
mod tests;
