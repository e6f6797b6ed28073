use proptest::prelude::*;

use super::*;
use crate::event::shape::hex;

/// The reference tree of the certificate-transparency project for RFC 6962.
const LEAVES: [&[u8]; 8] = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    b"\x50\x51\x52\x53\x54\x55\x56\x57",
    b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
];

const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

const A: &str = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7";
const B: &str = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e";
const C: &str = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4";
const D: &str = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b";
const E: &str = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0";
const F: &str = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a";

fn tree(leaves: impl Iterator<Item = Vec<u8>>) -> Tree {
    let mut tree = Tree::new();
    leaves.for_each(|leaf| tree.push(leaf_hash(&leaf)));
    tree
}

fn vectors() -> Tree {
    tree(LEAVES.iter().map(|leaf| leaf.to_vec()))
}

fn counted(size: u64) -> Tree {
    tree((0..size).map(|n| n.to_be_bytes().to_vec()))
}

fn hexes(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(|hash| hex(hash)).collect()
}

#[test]
fn roots_are_those_of_rfc_6962() {
    let mut frontier = Frontier::new();
    let tree = vectors();
    for (size, expected) in ROOTS.iter().enumerate() {
        assert_eq!(hex(&frontier.root()), *expected, "frontier of {size}");
        let root = root(size as u64, &|level, index| tree.node(level, index)).unwrap();
        assert_eq!(hex(&root), *expected, "tree of {size}");
        if let Some(leaf) = LEAVES.get(size) {
            frontier.push(leaf_hash(leaf));
        }
    }
}

#[test]
fn inclusion_proofs_are_those_of_rfc_6962() {
    let tree = vectors();
    let check = |index, size, expected: &[&str]| {
        let proof = inclusion(index, size, &|level, index| tree.node(level, index)).unwrap();
        assert_eq!(hexes(&proof), expected, "{index} in {size}");
    };
    check(0, 1, &[]);
    check(0, 8, &[A, B, C]);
    check(5, 8, &[D, E, ROOTS[4]]);
    check(2, 3, &[ROOTS[2]]);
    check(1, 5, &[ROOTS[1], B, D]);
}

#[test]
fn consistency_proofs_are_those_of_rfc_6962() {
    let tree = vectors();
    let check = |old, new, expected: &[&str]| {
        let proof = consistency(old, new, &|level, index| tree.node(level, index)).unwrap();
        assert_eq!(hexes(&proof), expected, "{old} to {new}");
    };
    check(1, 1, &[]);
    check(1, 8, &[A, B, C]);
    check(6, 8, &[F, E, ROOTS[4]]);
    check(2, 5, &[B, D]);
}

#[test]
fn every_proof_verifies_and_no_other() {
    const SIZE: u64 = 70;
    let tree = counted(SIZE);
    let node = |level, index| tree.node(level, index);
    for size in 0..=SIZE {
        let new = root(size, &node).unwrap();
        for index in 0..size {
            let proof = inclusion(index, size, &node).unwrap();
            let leaf = node(0, index).unwrap();
            assert_eq!(verify_inclusion(&leaf, index, size, &proof, &new), Ok(()));
            assert!(verify_inclusion(&new, index, size, &proof, &leaf).is_err() || size == 1);
            assert!(verify_inclusion(&leaf, size, size, &proof, &new).is_err());
            let mut long = proof.clone();
            long.push(leaf);
            assert!(verify_inclusion(&leaf, index, size, &long, &new).is_err());
        }
        for old in 0..=size {
            let proof = consistency(old, size, &node).unwrap();
            let before = root(old, &node).unwrap();
            assert_eq!(verify_consistency(old, size, &proof, &before, &new), Ok(()));
            for cut in 0..proof.len() {
                let mut wrong = proof.clone();
                wrong[cut][0] ^= 1;
                assert!(verify_consistency(old, size, &wrong, &before, &new).is_err());
                let short = &proof[..cut];
                assert!(verify_consistency(old, size, short, &before, &new).is_err());
            }
        }
    }
}

proptest! {
    #[test]
    fn lying_sizes_never_panic(index: u64, size: u64, proof in proptest::collection::vec(any::<[u8; 32]>(), 0..70)) {
        let _ = verify_inclusion(&[0; 32], index, size, &proof, &[1; 32]);
        let _ = verify_consistency(index, size, &proof, &[0; 32], &[1; 32]);
    }
}

#[test]
fn a_frontier_of_peaks_goes_on_as_the_one_it_was() {
    let leaves = counted(300);
    let mut whole = Frontier::new();
    for size in 0..300 {
        let mut again = Frontier::of_peaks(whole.size(), whole.peaks().to_vec()).unwrap();
        assert_eq!(again, whole);
        let leaf = leaves.node(0, size).unwrap();
        let mut noted = Vec::new();
        again.push_noting(leaf, |level, node| noted.push((level, node)));
        whole.push(leaf);
        assert_eq!(again, whole);
        for (level, node) in noted {
            assert_eq!(leaves.node(level, size >> level), Some(node));
        }
    }
    assert_eq!(Frontier::of_peaks(3, vec![[0; 32]]), None);
}

#[test]
fn a_subtree_has_the_root_of_its_node() {
    let tree = counted(64);
    for level in 0..=6 {
        for index in 0..(64 >> level) {
            let below: Vec<_> = (index << level..(index + 1) << level)
                .map(|n| tree.node(0, n).unwrap())
                .collect();
            assert_eq!(subtree(&below), tree.node(level, index));
        }
    }
    assert_eq!((subtree(&[]), subtree(&[[0; 32]; 3])), (None, None));
}
