use proptest::prelude::*;

use super::*;
use crate::merkle::{Tree, leaf_hash, root as tree_root};

fn tile(content: Content, index: u64, width: u16) -> Tile {
    Tile::new(content, index, width).unwrap()
}

#[test]
fn paths_are_those_of_the_specification() {
    for (path, expected) in [
        (
            "tile/0/x001/x234/067",
            tile(Content::Hashes(0), 1_234_067, 256),
        ),
        ("tile/1/000", tile(Content::Hashes(1), 0, 256)),
        ("tile/63/999.p/1", tile(Content::Hashes(63), 999, 1)),
        (
            "tile/entries/x001/000.p/255",
            tile(Content::Entries, 1000, 255),
        ),
        (
            "tile/0/x018/x446/x744/x073/x709/x551/615",
            tile(Content::Hashes(0), u64::MAX, 256),
        ),
    ] {
        assert_eq!(path.parse(), Ok(expected), "{path}");
        assert_eq!(expected.to_string(), path);
    }
    for path in [
        "",
        "checkpoint",
        "tile",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/x000/000",
        "tile/0/x001",
        "tile/0/001/000",
        "tile/0/x001/x000",
        "tile/00/000",
        "tile/64/000",
        "tile/+1/000",
        "tile/8/L/000",
        "tile/data/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000/",
        "tile/0/../0/000",
        "/tile/0/000",
        "tile/0/x018/x446/x744/x073/x709/x551/616",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/x999/999",
    ] {
        assert!(path.parse::<Tile>().is_err(), "{path}");
    }
}

#[test]
fn a_tree_of_seventy_thousand_is_as_the_specification_says() {
    let all = |content: Content, size| {
        let tiles: Vec<Tile> = content.tiles(0, size).collect();
        let partial = tiles.last().filter(|last| !last.is_full());
        let partial = partial.map(Tile::width);
        (tiles.len() - usize::from(partial.is_some()), partial)
    };
    assert_eq!(all(Content::Hashes(0), 70_000), (273, Some(112)));
    assert_eq!(all(Content::Hashes(1), 70_000), (1, Some(17)));
    assert_eq!(all(Content::Hashes(2), 70_000), (0, Some(1)));
    assert_eq!(all(Content::Entries, 70_000), (273, Some(112)));
    assert_eq!(Content::of_tree(70_000).count(), 4);
    assert_eq!(all(Content::Hashes(0), 256), (1, None));
    assert_eq!(all(Content::Hashes(1), 256), (0, Some(1)));
    assert_eq!(Content::of_tree(256).count(), 3);
    assert_eq!(Content::of_tree(0).count(), 0);
    assert_eq!(Content::of_tree(u64::MAX).count(), 9);
}

#[test]
fn an_end_is_the_smallest_tree_that_has_the_tile() {
    assert_eq!(tile(Content::Entries, 2, 3).end(), Some(515));
    assert_eq!(tile(Content::Hashes(1), 0, 17).end(), Some(17 * 256));
    assert_eq!(tile(Content::Hashes(8), 0, 1).end(), None);
    assert_eq!(tile(Content::Hashes(63), 5, 1).end(), None);
    assert_eq!(tile(Content::Hashes(0), u64::MAX, 256).end(), None);
}

#[test]
fn a_level_is_made_of_the_full_tiles_below() {
    let mut tree = Tree::new();
    for n in 0..70_000_u32 {
        tree.push(leaf_hash(&n.to_be_bytes()));
    }
    let hashes = |tile: Tile| -> Vec<Hash> {
        let Content::Hashes(level) = tile.content() else {
            panic!()
        };
        let first = tile.index() * 256;
        (first..first + u64::from(tile.width()))
            .map(|index| tree.node(level * 8, index).unwrap())
            .collect()
    };
    for tile in Content::Hashes(0).tiles(0, 70_000).filter(Tile::is_full) {
        let below = hashes(tile);
        let above = tree.node(8, tile.index()).unwrap();
        assert_eq!(root(&below), above);
        let bytes = encode_hashes(&below);
        assert_eq!(bytes.len(), 8192);
        assert_eq!(decode_hashes(&bytes, 256).unwrap(), below);
        assert!(decode_hashes(&bytes, 255).is_err());
        assert!(decode_hashes(&bytes[1..], 256).is_err());
    }
    let node = |level, index| tree.node(level, index);
    assert_eq!(
        root(&hashes(tile(Content::Hashes(0), 0, 112))),
        tree_root(112, &node).unwrap()
    );
}

proptest! {
    #[test]
    fn what_is_bundled_is_read(entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..20)) {
        let mut bundle = Vec::new();
        for entry in &entries {
            encode_entry(entry, &mut bundle).unwrap();
        }
        let width = entries.len() as u16;
        prop_assert_eq!(decode_entries(&bundle, width).unwrap(), entries);
        prop_assert!(decode_entries(&bundle[..bundle.len() - 1], width).is_err());
        prop_assert!(decode_entries(&bundle, width + 1).is_err());
        prop_assert!(decode_entries(&bundle, width - 1).is_err());
    }

    #[test]
    fn a_path_names_one_tile(level in 0..=64_u8, index: u64, width in 1..=256_u16) {
        let content = if level == 64 { Content::Entries } else { Content::Hashes(level) };
        let tile = tile(content, index >> (level % 64), width);
        prop_assert_eq!(tile.to_string().parse(), Ok(tile));
    }
}

#[test]
fn an_entry_that_is_too_long_is_refused() {
    assert!(encode_entry(&[0; 65_535], &mut Vec::new()).is_ok());
    assert!(encode_entry(&[0; 65_536], &mut Vec::new()).is_err());
}
