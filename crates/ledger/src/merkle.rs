//! The Merkle tree of RFC 6962 §2.1 over SHA-256.
//!
//! A node is named by its *level* (0: leaf hashes) and its *index* in that level; a
//! node of level `l` covers the 2ˡ leaves from `index << l`. Proofs are made from
//! complete nodes only, read through a closure, so they come from memory or tiles
//! alike (C2SP tlog-tiles stores every eighth level).

use sha2::{Digest, Sha256};

mod check;
mod prove;
#[cfg(test)]
mod tests;

pub use check::{verify_consistency, verify_inclusion};
pub use prove::{consistency, inclusion, root};

/// A SHA-256 digest.
pub type Hash = [u8; 32];

/// Hash of a leaf: SHA-256 of 0x00 and its bytes.
#[must_use]
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([0]);
    hasher.update(leaf);
    hasher.finalize().into()
}

/// Hash of an inner node: SHA-256 of 0x01 and both children.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([1]);
    hasher.update(left);
    hasher.update(right);
    hasher.finalize().into()
}

/// Root of the empty tree: SHA-256 of nothing.
#[must_use]
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

/// Root of the complete subtree over these hashes of one level; `None` unless their
/// number is a power of two.
#[must_use]
pub fn subtree(hashes: &[Hash]) -> Option<Hash> {
    if !hashes.len().is_power_of_two() {
        return None;
    }
    let mut level = hashes.to_vec();
    while level.len() > 1 {
        let (pairs, _) = level.as_chunks::<2>();
        level = pairs
            .iter()
            .map(|[left, right]| node_hash(left, right))
            .collect();
    }
    level.first().copied()
}

/// What is needed to append: the complete subtrees that cover the leaves, largest
/// first. At most 64 hashes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

impl Frontier {
    /// The empty tree.
    #[must_use]
    pub fn new() -> Frontier {
        Frontier::default()
    }

    /// Number of leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The tree of `size` leaves whose complete subtrees, largest first, have these
    /// roots; `None` if there cannot be so many.
    #[must_use]
    pub fn of_peaks(size: u64, peaks: Vec<Hash>) -> Option<Frontier> {
        let fits = u32::try_from(peaks.len()) == Ok(size.count_ones());
        fits.then_some(Frontier { size, peaks })
    }

    /// The roots of the complete subtrees, largest first.
    #[must_use]
    pub fn peaks(&self) -> &[Hash] {
        &self.peaks
    }

    /// Appends the hash of a leaf.
    pub fn push(&mut self, leaf: Hash) {
        self.push_noting(leaf, |_, _| {});
    }

    /// As [`Frontier::push`]; `complete` is given each node that this leaf completes,
    /// with its level, from the leaf up.
    pub fn push_noting(&mut self, leaf: Hash, mut complete: impl FnMut(u8, Hash)) {
        let mut node = leaf;
        complete(0, node);
        // Each trailing one of the size is a complete subtree to merge with.
        for level in 1..=self.size.trailing_ones() {
            match self.peaks.pop() {
                Some(left) => node = node_hash(&left, &node),
                None => break,
            }
            complete(u8::try_from(level).unwrap_or(u8::MAX), node);
        }
        self.peaks.push(node);
        self.size = self.size.saturating_add(1);
    }

    /// Root of the tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        match peaks.next() {
            None => empty_root(),
            Some(last) => peaks.fold(*last, |right, left| node_hash(left, &right)),
        }
    }
}

/// A whole tree in memory: 64 bytes for each leaf.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    levels: Vec<Vec<Hash>>,
}

impl Tree {
    /// The empty tree.
    #[must_use]
    pub fn new() -> Tree {
        Tree::default()
    }

    /// Number of leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.levels.first().map_or(0, |leaves| leaves.len() as u64)
    }

    /// Appends the hash of a leaf.
    pub fn push(&mut self, leaf: Hash) {
        let mut node = leaf;
        for level in 0.. {
            if self.levels.len() == level {
                self.levels.push(Vec::new());
            }
            let Some(nodes) = self.levels.get_mut(level) else {
                return;
            };
            nodes.push(node);
            if nodes.len() % 2 == 1 {
                return;
            }
            match nodes.last_chunk::<2>() {
                Some([left, right]) => node = node_hash(left, right),
                None => return,
            }
        }
    }

    /// A complete node.
    #[must_use]
    pub fn node(&self, level: u8, index: u64) -> Option<Hash> {
        let nodes = self.levels.get(usize::from(level))?;
        nodes.get(usize::try_from(index).ok()?).copied()
    }
}
