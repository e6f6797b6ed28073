//! Making proofs (RFC 6962 §2.1.1 and §2.1.2).

use super::{Hash, empty_root, node_hash};
use crate::Error;

/// Root of the tree of the first `size` leaves.
///
/// # Errors
/// [`Error::MissingNode`] if `node` lacks a complete node.
pub fn root(size: u64, node: &dyn Fn(u8, u64) -> Option<Hash>) -> Result<Hash, Error> {
    if size == 0 {
        return Ok(empty_root());
    }
    range(0, size, node)
}

/// Proof that leaf `index` is in the tree of the first `size` leaves: siblings from
/// the leaf up.
///
/// # Errors
/// [`Error::OutsideTree`]; [`Error::MissingNode`] if `node` lacks a complete node.
pub fn inclusion(
    index: u64,
    size: u64,
    node: &dyn Fn(u8, u64) -> Option<Hash>,
) -> Result<Vec<Hash>, Error> {
    if index >= size {
        return Err(Error::OutsideTree { index, size });
    }
    let mut proof = Vec::new();
    let (mut low, mut high) = (0, size);
    while high - low > 1 {
        let middle = low + split(high - low);
        if index < middle {
            proof.push(range(middle, high, node)?);
            high = middle;
        } else {
            proof.push(range(low, middle, node)?);
            low = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// Proof that the tree of `old` leaves is a prefix of the tree of `new` leaves.
///
/// # Errors
/// [`Error::OutsideTree`] if `old > new`; [`Error::MissingNode`].
pub fn consistency(
    old: u64,
    new: u64,
    node: &dyn Fn(u8, u64) -> Option<Hash>,
) -> Result<Vec<Hash>, Error> {
    if old > new {
        return Err(Error::OutsideTree {
            index: old,
            size: new,
        });
    }
    if old == 0 || old == new {
        return Ok(Vec::new());
    }
    let mut proof = Vec::new();
    let (mut low, mut high) = (0, new);
    // `whole`: the old tree is exactly a subtree that the verifier knows as old root.
    let mut whole = true;
    while old != high {
        let middle = low + split(high - low);
        if old <= middle {
            proof.push(range(middle, high, node)?);
            high = middle;
        } else {
            proof.push(range(low, middle, node)?);
            low = middle;
            whole = false;
        }
    }
    if !whole {
        proof.push(range(low, high, node)?);
    }
    proof.reverse();
    Ok(proof)
}

/// Largest power of two smaller than `count` (which is at least 2).
fn split(count: u64) -> u64 {
    1 << (63 - count.saturating_sub(1).leading_zeros().min(63))
}

/// Hash over leaves `low..high`, where `low` is a multiple of the smallest power of
/// two not below their number. Recursion is at most 64 deep.
fn range(low: u64, high: u64, node: &dyn Fn(u8, u64) -> Option<Hash>) -> Result<Hash, Error> {
    let count = high - low;
    if count.is_power_of_two() {
        let level = count.trailing_zeros();
        let index = low >> level;
        let level = u8::try_from(level).unwrap_or(u8::MAX);
        return node(level, index).ok_or(Error::MissingNode { level, index });
    }
    let middle = low + split(count);
    Ok(node_hash(
        &range(low, middle, node)?,
        &range(middle, high, node)?,
    ))
}
