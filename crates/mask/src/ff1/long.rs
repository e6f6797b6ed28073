//! FF1 of byte strings whose halves are too long for integers: numbers of base 256, added digit by digit.

use zeroize::Zeroizing;

use super::{Cipher, Direction, encipher, head, order};

/// Permutes a string of bytes.
pub(super) fn permute<C: Cipher>(
    cipher: &C,
    direction: Direction,
    tweak: &[u8],
    string: &mut [u8],
) -> Option<()> {
    let length = string.len();
    let (left, right) = string.split_at_mut_checked(length / 2)?;
    let bytes = right.len();
    let head = encipher(cipher, head(256, u32::try_from(length).ok()?, tweak.len()));
    let whole = (tweak.len() + bytes + 1).next_multiple_of(16);
    let mut q = Zeroizing::new(vec![0u8; whole]);
    q.iter_mut().zip(tweak).for_each(|(to, from)| *to = *from);
    let mut s = Zeroizing::new(vec![0u8; bytes.next_multiple_of(4) + 4]);
    for round in order(direction) {
        let (target, source): (&mut [u8], &[u8]) = match round % 2 {
            0 => (left, right),
            _ => (right, left),
        };
        let (before, number) = q.split_at_mut_checked(whole - bytes)?;
        *before.last_mut()? = round;
        // A shorter half has a leading zero.
        let (zeros, number) = number.split_at_mut_checked(bytes - source.len())?;
        zeros.fill(0);
        number.copy_from_slice(source);
        let (blocks, _) = q.as_chunks::<16>();
        let r = (blocks.iter()).fold(head, |chain, block| {
            encipher(cipher, chain ^ u128::from_be_bytes(*block))
        });
        for (j, chunk) in (0u128..).zip(s.chunks_mut(16)) {
            let block = if j == 0 { r } else { encipher(cipher, r ^ j) };
            chunk
                .iter_mut()
                .zip(block.to_be_bytes())
                .for_each(|(to, from)| *to = from);
        }
        add(direction, target, s.get(s.len() - target.len()..)?);
    }
    Some(())
}

/// Adds or subtracts modulo the length of both.
fn add(direction: Direction, target: &mut [u8], key: &[u8]) {
    let mut carry = false;
    for (digit, key) in target.iter_mut().zip(key).rev() {
        (*digit, carry) = match direction {
            Direction::Encrypt => digit.carrying_add(*key, carry),
            Direction::Decrypt => digit.borrowing_sub(*key, carry),
        };
    }
}
