//! Checking proofs (RFC 9162 §2.1.3.2 and §2.1.4.2, the verification algorithms for
//! the tree of RFC 6962).

use super::{Hash, empty_root, node_hash};
use crate::Error;

/// Checks that the leaf with hash `leaf` stands at `index` in the tree of `size`
/// leaves with `root`.
///
/// # Errors
/// [`Error::OutsideTree`]; [`Error::ProofMismatch`].
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), Error> {
    if index >= size {
        return Err(Error::OutsideTree { index, size });
    }
    let (mut position, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in proof {
        if last == 0 {
            return Err(Error::ProofMismatch);
        }
        if position & 1 == 1 || position == last {
            hash = node_hash(sibling, &hash);
            while position & 1 == 0 && position != 0 {
                position >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        position >>= 1;
        last >>= 1;
    }
    if last == 0 && hash == *root {
        Ok(())
    } else {
        Err(Error::ProofMismatch)
    }
}

/// Checks that the tree of `old` leaves with `old_root` is a prefix of the tree of
/// `new` leaves with `new_root`.
///
/// # Errors
/// [`Error::OutsideTree`] if `old > new`; [`Error::ProofMismatch`].
pub fn verify_consistency(
    old: u64,
    new: u64,
    proof: &[Hash],
    old_root: &Hash,
    new_root: &Hash,
) -> Result<(), Error> {
    let check = |holds: bool| {
        if holds {
            Ok(())
        } else {
            Err(Error::ProofMismatch)
        }
    };
    if old > new {
        return Err(Error::OutsideTree {
            index: old,
            size: new,
        });
    }
    if old == 0 {
        return check(proof.is_empty() && *old_root == empty_root());
    }
    if old == new {
        return check(proof.is_empty() && old_root == new_root);
    }
    let mut hashes = proof.iter();
    let first = if old.is_power_of_two() {
        Some(old_root)
    } else {
        hashes.next()
    };
    let Some(first) = first else {
        return check(false);
    };
    let (mut position, mut last) = (old - 1, new - 1);
    while position & 1 == 1 {
        position >>= 1;
        last >>= 1;
    }
    let (mut from_old, mut from_new) = (*first, *first);
    for sibling in hashes {
        if last == 0 {
            return check(false);
        }
        if position & 1 == 1 || position == last {
            from_old = node_hash(sibling, &from_old);
            from_new = node_hash(sibling, &from_new);
            while position & 1 == 0 && position != 0 {
                position >>= 1;
                last >>= 1;
            }
        } else {
            from_new = node_hash(&from_new, sibling);
        }
        position >>= 1;
        last >>= 1;
    }
    check(last == 0 && from_old == *old_root && from_new == *new_root)
}
