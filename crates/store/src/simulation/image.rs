//! What is on the simulated medium, what is only in the page cache, and what is left
//! of both after a power cut.
//!
//! A file is what its last successful sync made durable, and the changes since. At a
//! power cut each sector of 512 bytes stands as it was after any number of the changes
//! that touched it, independent of all others: so writes are dropped, torn and
//! reordered. One sector may be torn at any byte. A file's length is any that it had
//! since. Names in a directory are durable by a sync of the directory; of the others
//! any subset survives, each rename as a whole.
//!
//! A failed sync is one of Linux: the pages count as clean afterwards. What they hold
//! can be read until the power is cut, may be on the medium by chance, and no later
//! sync of that file makes it durable.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::random::Random;

pub(super) const SECTOR: usize = 512;

/// Number of a file, whatever its name.
pub(super) type Node = u64;

/// A change of a file's content.
#[derive(Clone)]
pub(super) enum Change {
    Write { at: usize, bytes: Arc<[u8]> },
    Length(usize),
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Change::Write { at, bytes } => {
                let end = at + bytes.len();
                if content.len() < end {
                    content.resize(end, 0);
                }
                content[*at..end].copy_from_slice(bytes);
            }
            Change::Length(length) => content.resize(*length, 0),
        }
    }
}

/// A file.
#[derive(Clone, Default)]
pub(super) struct Content {
    durable: Arc<Vec<u8>>,
    /// What readers see.
    pub(super) cached: Arc<Vec<u8>>,
    /// Changes a sync would make durable.
    pending: Vec<Change>,
    /// Changes that a failed sync gave up.
    given_up: Vec<Change>,
}

impl Content {
    pub(super) fn change(&mut self, change: Change) {
        change.apply(Arc::make_mut(&mut self.cached));
        if let Change::Write { at, bytes } = &change {
            let (from, to) = (*at, at + bytes.len());
            // Written once more, it is as if it had not failed.
            self.given_up.retain(|one| match one {
                Change::Write { at, bytes } => *at < from || at + bytes.len() > to,
                Change::Length(_) => true,
            });
        }
        self.pending.push(change);
    }

    pub(super) fn sync(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        if self.given_up.is_empty() {
            self.durable = Arc::clone(&self.cached);
        } else {
            let durable = Arc::make_mut(&mut self.durable);
            for change in &self.pending {
                change.apply(durable);
            }
            // What was cut off cannot come back.
            let length = self.cached.len();
            self.given_up.retain(|change| match change {
                Change::Write { at, .. } => *at < length,
                Change::Length(_) => false,
            });
        }
        self.pending.clear();
    }

    /// Gives up what is pending; whether that was more than a length.
    pub(super) fn fail_sync(&mut self) -> bool {
        let bytes = |change: &Change| matches!(change, Change::Write { .. });
        let lost = self.pending.iter().any(bytes);
        self.given_up.append(&mut self.pending);
        lost
    }

    /// Whether it holds something that a failed sync gave up and that still counts.
    pub(super) fn holds_given_up(&self) -> bool {
        let length = self.cached.len();
        self.given_up
            .iter()
            .any(|change| matches!(change, Change::Write { at, .. } if *at < length))
    }

    fn is_settled(&self) -> bool {
        self.pending.is_empty() && self.given_up.is_empty()
    }

    /// What a power cut leaves.
    fn survivor(&self, luck: Luck, random: &mut Random) -> Arc<Vec<u8>> {
        if self.is_settled() {
            return Arc::clone(&self.durable);
        }
        let changes: Vec<&Change> = self.given_up.iter().chain(&self.pending).collect();
        let mut content = Vec::clone(&self.durable);
        match luck {
            Luck::None => {}
            Luck::All => changes.iter().for_each(|change| change.apply(&mut content)),
            // In the order of writing, the last one torn at any byte.
            Luck::Prefix => {
                let whole = random.below(changes.len() + 1);
                changes[..whole]
                    .iter()
                    .for_each(|change| change.apply(&mut content));
                if let Some(Change::Write { at, bytes }) = changes.get(whole) {
                    let torn = bytes[..random.below(bytes.len() + 1)].into();
                    Change::Write {
                        at: *at,
                        bytes: torn,
                    }
                    .apply(&mut content);
                }
            }
            Luck::Sectors => {
                // All versions the content ever had, then each sector of any of them.
                let mut versions = vec![content];
                for change in &changes {
                    let mut next = versions.last().unwrap().clone();
                    change.apply(&mut next);
                    versions.push(next);
                }
                let length = versions[random.below(versions.len())].len();
                let mut mixed = vec![0; length];
                let tear = random.once_in(2).then(|| random.below(length.max(1)));
                for start in (0..length).step_by(SECTOR) {
                    let end = (start + SECTOR).min(length);
                    let mut take = |from: usize, to: usize, version: usize| {
                        let version: &Vec<u8> = &versions[version];
                        let to = to.min(version.len());
                        if from < to {
                            mixed[from..to].copy_from_slice(&version[from..to]);
                        }
                    };
                    let version = random.below(versions.len());
                    match tear.filter(|tear| (start..end).contains(tear)) {
                        // A sector is written from its beginning, so that what comes
                        // after the tear is older.
                        Some(tear) => {
                            let older = random.below(version + 1);
                            take(start, tear, version);
                            take(tear, end, older);
                        }
                        None => take(start, end, version),
                    }
                }
                content = mixed;
            }
        }
        Arc::new(content)
    }
}

/// A change of names.
#[derive(Clone, Debug)]
pub(super) enum Naming {
    Make(PathBuf, Node),
    Remove(PathBuf),
    Rename(PathBuf, PathBuf, Node),
}

impl Naming {
    fn directory(&self) -> &Path {
        match self {
            Naming::Make(path, _) | Naming::Remove(path) | Naming::Rename(path, ..) => {
                path.parent().unwrap()
            }
        }
    }

    fn apply(&self, names: &mut BTreeMap<PathBuf, Node>) {
        match self {
            Naming::Make(path, node) => {
                names.insert(path.clone(), *node);
            }
            Naming::Remove(path) => {
                names.remove(path);
            }
            Naming::Rename(from, to, node) => {
                if names.get(from) == Some(node) {
                    names.remove(from);
                }
                names.insert(to.clone(), *node);
            }
        }
    }
}

/// Directories are files without content.
pub(super) const DIRECTORY: Node = 0;

/// How the cut treats what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Luck {
    None,
    All,
    Prefix,
    Sectors,
}

/// The medium with the page cache over it.
#[derive(Clone)]
pub(super) struct Image {
    files: BTreeMap<Node, Content>,
    durable_names: BTreeMap<PathBuf, Node>,
    pub(super) names: BTreeMap<PathBuf, Node>,
    pending: Vec<Naming>,
    next: Node,
}

impl Image {
    /// An empty file system with one directory.
    pub(super) fn new(root: &Path) -> Image {
        let names = BTreeMap::from([(root.to_owned(), DIRECTORY)]);
        Image {
            files: BTreeMap::new(),
            durable_names: names.clone(),
            names,
            pending: Vec::new(),
            next: DIRECTORY + 1,
        }
    }

    pub(super) fn file(&self, node: Node) -> &Content {
        &self.files[&node]
    }

    pub(super) fn file_mut(&mut self, node: Node) -> &mut Content {
        self.files.get_mut(&node).unwrap()
    }

    /// What a name stands for.
    pub(super) fn read(&self, path: &Path) -> Option<&[u8]> {
        let node = self.names.get(path).filter(|node| **node != DIRECTORY)?;
        Some(&self.files[node].cached)
    }

    pub(super) fn make(&mut self, path: &Path) -> Node {
        let node = self.next;
        self.next += 1;
        self.files.insert(node, Content::default());
        self.rename_all(Naming::Make(path.to_owned(), node));
        node
    }

    pub(super) fn make_directory(&mut self, path: &Path) {
        if !self.names.contains_key(path) {
            self.rename_all(Naming::Make(path.to_owned(), DIRECTORY));
        }
    }

    pub(super) fn rename_all(&mut self, naming: Naming) {
        naming.apply(&mut self.names);
        self.pending.push(naming);
    }

    /// Makes the names of a directory durable.
    pub(super) fn sync_names(&mut self, directory: &Path) {
        let (done, rest) = std::mem::take(&mut self.pending)
            .into_iter()
            .partition(|naming| naming.directory() == directory);
        self.pending = rest;
        let done: Vec<Naming> = done;
        for naming in done {
            naming.apply(&mut self.durable_names);
        }
    }

    /// Whether a power cut has nothing to choose.
    pub(super) fn is_settled(&self) -> bool {
        self.pending.is_empty() && self.files.values().all(Content::is_settled)
    }

    /// What a power cut leaves.
    pub(super) fn cut(&self, luck: Luck, random: &mut Random) -> Image {
        let mut names = self.durable_names.clone();
        let prefix = random.below(self.pending.len() + 1);
        for (index, naming) in self.pending.iter().enumerate() {
            let survives = match luck {
                Luck::None => false,
                Luck::All => true,
                Luck::Prefix => index < prefix,
                Luck::Sectors => random.once_in(2),
            };
            if survives {
                naming.apply(&mut names);
            }
        }
        // A name whose directory did not survive is gone with it.
        let kept = |path: &Path| {
            let above = path.ancestors().skip(1);
            let mut above = above.filter(|above| *above != Path::new("/"));
            above.all(|above| names.get(above) == Some(&DIRECTORY))
        };
        let names: BTreeMap<_, _> = names
            .iter()
            .filter(|(path, _)| kept(path))
            .map(|(path, node)| (path.clone(), *node))
            .collect();
        let mut files = BTreeMap::new();
        for node in names.values().filter(|node| **node != DIRECTORY) {
            let content = self.files[node].survivor(luck, random);
            files.insert(
                *node,
                Content {
                    durable: Arc::clone(&content),
                    cached: content,
                    ..Content::default()
                },
            );
        }
        Image {
            files,
            durable_names: names.clone(),
            names,
            pending: Vec::new(),
            next: self.next,
        }
    }

    /// Bytes that are assigned to files.
    pub(super) fn used(&self) -> usize {
        let held = |node: &Node| self.files.get(node).map_or(0, |file| file.cached.len());
        self.names.values().map(held).sum()
    }
}
