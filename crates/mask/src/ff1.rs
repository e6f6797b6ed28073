//! FF1, the format-preserving encryption of NIST SP 800-38G: a keyed permutation of the strings of one
//! length over one alphabet. On integers instead of numeral strings, with one AES key schedule for all calls.
//!
//! What must never happen here: a domain of fewer than a million strings, whose permutation could be
//! written down (SP 800-38G Rev. 1 makes that bound a requirement).

use aes::Aes256Enc;
use aes::cipher::{Array, BlockCipherEncrypt, BlockSizeUser, KeyInit, consts::U16};
use zeroize::Zeroizing;

/// Fewest strings of a domain (SP 800-38G Rev. 1, section 4.4).
const MIN_DOMAIN: u128 = 1_000_000;
/// Halves are below this, so that four more bytes fit beside one in a `u128`.
const MAX_HALF: u128 = 1 << 96;
const ROUNDS: u8 = 10;

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
        let moduli = [modulus(left)?, modulus(right)?];
        let [low, high] = moduli;
        if low.saturating_mul(high) < MIN_DOMAIN {
            return None;
        }
        let [mut a, mut b] = [number(left, radix), number(right, radix)];
        let bytes = (u128::BITS - (high - 1).leading_zeros()).div_ceil(8) as usize;
        let mut rounds = Rounds::new(&self.0, radix, left.len() + right.len(), tweak, bytes)?;
        for round in order(direction) {
            let (target, source, modulus) = match round % 2 {
                0 => (&mut a, &b, low),
                _ => (&mut b, &a, high),
            };
            let written = source.to_be_bytes();
            let key = remainder(rounds.of(round, written.get(16 - bytes..)?), modulus);
            *target = match direction {
                Direction::Encrypt => (*target + key) % modulus,
                Direction::Decrypt => (*target + modulus - key) % modulus,
            };
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
        if !LENGTHS.contains(&string.len()) {
            return None;
        }
        let length = string.len();
        let (left, right) = string.split_at_mut_checked(length / 2)?;
        let bytes = right.len();
        let mut rounds = Rounds::new(&self.0, 256, length, tweak, bytes)?;
        for round in order(direction) {
            let (target, source): (&mut [u8], &[u8]) = match round % 2 {
                0 => (left, right),
                _ => (right, left),
            };
            let key = rounds.of(round, source);
            let low = key.get(key.len() - target.len()..)?;
            let mut carry = 0i16;
            for (digit, key) in target.iter_mut().zip(low).rev() {
                let key = i16::from(*key);
                let sum = carry
                    + match direction {
                        Direction::Encrypt => i16::from(*digit) + key,
                        Direction::Decrypt => i16::from(*digit) - key,
                    };
                *digit = sum.rem_euclid(256) as u8;
                carry = sum.div_euclid(256);
            }
        }
        Some(())
    }
}

fn order(direction: Direction) -> impl Iterator<Item = u8> {
    (0..ROUNDS).map(move |round| match direction {
        Direction::Encrypt => round,
        Direction::Decrypt => ROUNDS - 1 - round,
    })
}

/// What is added in each round (SP 800-38G, algorithm 7, steps 5 and 6.i to 6.iv).
struct Rounds<'c, C> {
    cipher: &'c C,
    /// The cipher of `P`, which is the same in all rounds.
    head: Block,
    /// `Q`: tweak, zeros, round, number.
    q: Zeroizing<Vec<u8>>,
    /// Bytes of the number: `b`.
    bytes: usize,
    /// `S`, of `d` bytes.
    s: Zeroizing<Vec<u8>>,
}

impl<'c, C: Cipher> Rounds<'c, C> {
    fn new(cipher: &'c C, radix: u32, length: usize, tweak: &[u8], bytes: usize) -> Option<Self> {
        let [_, radix @ ..] = radix.to_be_bytes();
        let mut p = [
            1,
            2,
            1,
            0,
            0,
            0,
            ROUNDS,
            (length / 2) as u8,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
        ];
        let numbers = [
            u32::try_from(length).ok()?,
            u32::try_from(tweak.len()).ok()?,
        ];
        let tail = numbers.into_iter().flat_map(u32::to_be_bytes);
        p.iter_mut()
            .skip(3)
            .zip(radix)
            .for_each(|(to, from)| *to = from);
        p.iter_mut()
            .skip(8)
            .zip(tail)
            .for_each(|(to, from)| *to = from);
        let mut head = Block::from(p);
        cipher.encrypt_block(&mut head);
        let whole = (tweak.len() + bytes + 1).next_multiple_of(16);
        let mut q = Zeroizing::new(Vec::with_capacity(whole));
        q.extend_from_slice(tweak);
        q.resize(whole, 0);
        let s = Zeroizing::new(vec![0; bytes.next_multiple_of(4) + 4]);
        Some(Self {
            cipher,
            head,
            q,
            bytes,
            s,
        })
    }

    /// `S` of a round, given `NUM(B)`; a shorter number has leading zeros.
    fn of(&mut self, round: u8, number: &[u8]) -> &[u8] {
        let mut places = self.q.iter_mut().rev();
        let digits = number.iter().rev().copied().chain(std::iter::repeat(0));
        places
            .by_ref()
            .take(self.bytes)
            .zip(digits)
            .for_each(|(to, from)| *to = from);
        if let Some(place) = places.next() {
            *place = round;
        }
        let mut r = self.head;
        for block in self.q.chunks_exact(16) {
            r.iter_mut().zip(block).for_each(|(to, from)| *to ^= from);
            self.cipher.encrypt_block(&mut r);
        }
        for (j, chunk) in self.s.chunks_mut(16).enumerate() {
            let mut block = r;
            if j > 0 {
                let counter = (j as u128).to_be_bytes();
                block
                    .iter_mut()
                    .zip(counter)
                    .for_each(|(to, from)| *to ^= from);
                self.cipher.encrypt_block(&mut block);
            }
            chunk
                .iter_mut()
                .zip(block)
                .for_each(|(to, from)| *to = from);
        }
        &self.s
    }
}

/// A big-endian number of whole fours of bytes, modulo at most [`MAX_HALF`].
fn remainder(bytes: &[u8], modulus: u128) -> u128 {
    if let (Ok(number), Ok(modulus)) = (bytes.try_into(), u64::try_from(modulus)) {
        return u128::from(u64::from_be_bytes(number) % modulus);
    }
    let (fours, _) = bytes.as_chunks::<4>();
    fours.iter().fold(0, |rest, four| {
        (rest << 32 | u128::from(u32::from_be_bytes(*four))) % modulus
    })
}

fn number(numerals: &[u8], radix: u32) -> u128 {
    numerals.iter().fold(0, |number, numeral| {
        number * u128::from(radix) + u128::from(*numeral)
    })
}

fn string(mut number: u128, radix: u32, numerals: &mut [u8]) {
    for numeral in numerals.iter_mut().rev() {
        *numeral = match u64::try_from(number) {
            Ok(small) => {
                number = u128::from(small / u64::from(radix));
                (small % u64::from(radix)) as u8
            }
            Err(_) => {
                let last = number % u128::from(radix);
                number /= u128::from(radix);
                last as u8
            }
        };
    }
}

#[cfg(test)]
mod tests;
