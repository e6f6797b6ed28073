//! Tiles and bundles are those of the entries, wherever they lie.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

mod common;

use common::{intent, options};
use ledger::merkle::{self, Tree, leaf_hash};
use ledger::{Ledger, Sequence};
use store::read::Reader;
use store::tiles::{TILE_WIDTH, Tiles};
use store::{Error, Store};

/// All entries of a ledger, and their tree.
fn oracle(reader: &Reader) -> (Vec<Vec<u8>>, Tree) {
    let (mut leaves, mut tree) = (Vec::new(), Tree::new());
    let mut entries = reader.entries(Sequence(0));
    while let Some(record) = entries.next().unwrap() {
        tree.push(leaf_hash(&record.leaf));
        leaves.push(record.leaf);
    }
    (leaves, tree)
}

fn bundle(leaves: &[Vec<u8>]) -> Vec<u8> {
    let prefixed = |leaf: &Vec<u8>| {
        let length = u16::try_from(leaf.len()).unwrap();
        [&length.to_be_bytes(), leaf.as_slice()].concat()
    };
    leaves.iter().flat_map(prefixed).collect()
}

#[test]
fn tiles_and_bundles_are_those_of_the_entries() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), options()).unwrap();
    for statement in 0..700 {
        store.append(intent("alice", statement)).unwrap();
    }
    store.close();
    let reader = Reader::open(dir.path()).unwrap();
    let (leaves, tree) = oracle(&reader);
    let (checkpoint, _) = reader.checkpoint().unwrap();
    let mut tiles = Tiles::open(reader.clone(), 300).unwrap();
    assert!(matches!(
        tiles.bundle(1, TILE_WIDTH),
        Err(Error::NoSuchEntry { .. })
    ));
    tiles.grow(checkpoint.size).unwrap();
    assert_eq!((tiles.size(), tiles.minimum()), (702, 0));
    for (index, part) in leaves.chunks(256).enumerate() {
        let (index, width) = (index as u64, part.len() as u64);
        assert_eq!(tiles.bundle(index, width).unwrap(), bundle(part));
        let hashes: Vec<_> = part.iter().map(|leaf| leaf_hash(leaf)).collect();
        assert_eq!(tiles.tile(0, index, width).unwrap(), hashes);
    }
    let above: Vec<_> = (0..2).map(|n| tree.node(8, n).unwrap()).collect();
    assert_eq!(tiles.tile(1, 0, 2).unwrap(), above);
    assert!(tiles.tile(1, 0, 3).is_err());
    assert_eq!(
        tiles.leaf_hashes(Sequence(250), 20).unwrap(),
        (250..270)
            .map(|n| tree.node(0, n).unwrap())
            .collect::<Vec<_>>()
    );
    let node = |level, index| tiles.node(level, index).ok();
    assert_eq!(
        merkle::root(checkpoint.size, &node).unwrap(),
        checkpoint.root
    );
    assert!(Tiles::open(reader, 703).is_err());
}
