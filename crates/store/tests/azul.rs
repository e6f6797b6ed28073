//! An exported log as another implementation sees it: azul's `signed_note` and
//! `tlog_tiles` verify signature, inclusion and consistency, and reject what is altered.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

mod common;

use std::path::{Path, PathBuf};

use common::{options, refused};
use signed_note::{Note, StandardVerifier, VerifierList};
use store::export::export;
use store::read::Reader;
use store::{Ledger, Store, rotate};
use tlog_tiles::{
    Checkpoint, Error, Hash, HashReader as _, Tile, TileHashReader, TileReader, check_record,
    check_tree, prove_record, prove_tree, record_hash, stored_hash_index, tree_hash,
};

/// An exported log in a folder.
struct Folder(PathBuf);

impl TileReader for Folder {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, Error> {
        let read = |tile: &Tile| {
            // C2SP leaves out the height.
            let path = tile.path().replacen("tile/8/", "tile/", 1);
            let bytes = std::fs::read(self.0.join(path)).unwrap_or_default();
            let length = tile.width() as usize * 32;
            if bytes.len() == length {
                Ok(bytes)
            } else {
                Err(Error::InvalidTile)
            }
        };
        tiles.iter().map(read).collect()
    }

    fn save_tiles(&self, _: &[Tile], _: &[Vec<u8>]) {}
}

/// The checkpoint, if these keys vouch for it.
fn checkpoint(text: &[u8], vkey: &str) -> Result<Checkpoint, String> {
    let key = StandardVerifier::new(vkey).map_err(|error| error.to_string())?;
    let note = Note::from_bytes(text).map_err(|error| error.to_string())?;
    note.verify(&VerifierList::new(vec![Box::new(key)]))
        .map_err(|error| error.to_string())?;
    Checkpoint::from_bytes(note.text()).map_err(|error| error.to_string())
}

fn entries(folder: &Path, index: u64, width: u64) -> Result<Vec<Vec<u8>>, String> {
    let path = match width {
        256 => format!("tile/entries/{index:03}"),
        width => format!("tile/entries/{index:03}.p/{width}"),
    };
    let bytes = std::fs::read(folder.join(&path)).map_err(|_| format!("no {path}"))?;
    let (mut entries, mut rest) = (Vec::new(), bytes.as_slice());
    while let [high, low, behind @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        if behind.len() < length {
            return Err(format!("{path} is cut"));
        }
        entries.push(behind[..length].to_vec());
        rest = &behind[length..];
    }
    if entries.len() as u64 != width || !rest.is_empty() {
        return Err(format!("{path} has {} entries", entries.len()));
    }
    Ok(entries)
}

/// What an auditor's own program would do: every entry, and an older checkpoint.
fn audit(folder: &Path, vkey: &str, old: Option<&[u8]>) -> Result<u64, String> {
    let text = std::fs::read(folder.join("checkpoint")).map_err(|error| error.to_string())?;
    let head = checkpoint(&text, vkey)?;
    let (size, root) = (head.size(), *head.hash());
    let tiles = Folder(folder.to_owned());
    let reader = TileHashReader::new(size, root, &tiles);
    let say = |what: &str, error: Error| format!("{what}: {error}");
    if tree_hash(size, &reader).map_err(|error| say("tree", error))? != root {
        return Err("root".to_owned());
    }
    for index in 0..size.div_ceil(256) {
        let width = (size - index * 256).min(256);
        let leaves: Vec<u64> = (index * 256..).take(width as usize).collect();
        let stored: Vec<u64> = leaves.iter().map(|at| stored_hash_index(0, *at)).collect();
        let stored = reader.read_hashes(&stored);
        let stored = stored.map_err(|error| say("leaves", error))?;
        let entries = entries(folder, index, width)?;
        for ((sequence, entry), stored) in leaves.into_iter().zip(&entries).zip(stored) {
            let hash = record_hash(entry);
            if hash != stored {
                return Err(format!("the tile's hash of {sequence} is another"));
            }
            if !sequence.is_multiple_of(19) && sequence + 1 != size {
                continue;
            }
            let proof = prove_record(size, sequence, &reader);
            let proof = proof.map_err(|error| say("proof", error))?;
            check_record(&proof, size, root, sequence, hash)
                .map_err(|error| say("inclusion", error))?;
        }
    }
    if let Some(old) = old {
        let old = checkpoint(old, vkey)?;
        let consistent = |from: u64, hash: Hash| {
            let proof = prove_tree(size, from, &reader).map_err(|error| say("proof", error))?;
            check_tree(&proof, size, root, from, hash).map_err(|error| say("consistency", error))
        };
        consistent(old.size(), *old.hash())?;
    }
    Ok(size)
}

/// A log exported twice, with the checkpoint in between.
fn exported(dir: &Path, folder: &Path) -> Vec<u8> {
    let grow = |count| {
        let store = Store::open(dir, options()).unwrap();
        for statement in 0..count {
            store.append(refused("alice", statement)).unwrap();
        }
        store.close();
        export(&Reader::open(dir).unwrap(), folder, &mut |_| {}).unwrap();
    };
    grow(290);
    let old = std::fs::read(folder.join("checkpoint")).unwrap();
    grow(300);
    old
}

#[test]
fn azul_verifies_an_exported_log() {
    let (dir, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let old = exported(dir.path(), out.path());
    let vkey = Reader::open(dir.path()).unwrap().vkey().to_string();
    assert_eq!(audit(out.path(), &vkey, Some(&old)), Ok(594));
}

#[test]
fn azul_verifies_with_either_key_while_they_overlap() {
    let (dir, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let old = exported(dir.path(), out.path());
    let before = Reader::open(dir.path()).unwrap().vkey().to_string();
    rotate::request(dir.path(), 3_600_000).unwrap();
    Store::open(dir.path(), options()).unwrap().close();
    let reader = Reader::open(dir.path()).unwrap();
    export(&reader, out.path(), &mut |_| {}).unwrap();
    assert_eq!(audit(out.path(), &before, Some(&old)), Ok(597));
    assert_eq!(audit(out.path(), &reader.vkey().to_string(), None), Ok(597));
}

#[test]
fn azul_rejects_what_is_altered() {
    let (dir, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let old = exported(dir.path(), out.path());
    let vkey = Reader::open(dir.path()).unwrap().vkey().to_string();
    let names = [
        "checkpoint",
        "tile/0/000",
        "tile/0/001",
        "tile/0/002.p/82",
        "tile/1/000.p/2",
        "tile/entries/000",
        "tile/entries/002.p/82",
    ];
    let mut rejected = 0;
    for name in names {
        let path = out.path().join(name);
        let whole = std::fs::read(&path).unwrap();
        let mut try_with = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            let told = audit(out.path(), &vkey, Some(&old));
            assert!(told.is_err(), "{name}: {told:?}");
            rejected += 1;
        };
        for position in [0, whole.len() / 2, whole.len() - 2] {
            let mut bytes = whole.clone();
            bytes[position] ^= 1;
            try_with(&bytes);
        }
        try_with(&whole[..whole.len() / 2]);
        std::fs::remove_file(&path).unwrap();
        assert!(audit(out.path(), &vkey, Some(&old)).is_err());
        std::fs::write(&path, &whole).unwrap();
    }
    assert_eq!(rejected, 28);

    // Another log of the same name and size: another key, another history.
    let (fork, forked) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    exported(fork.path(), forked.path());
    assert!(audit(forked.path(), &vkey, None).is_err());
    let other = Reader::open(fork.path()).unwrap().vkey().to_string();
    assert!(audit(forked.path(), &other, None).is_ok());
    assert!(audit(forked.path(), &other, Some(&old)).is_err());
    assert_eq!(audit(out.path(), &vkey, Some(&old)), Ok(594));
}
