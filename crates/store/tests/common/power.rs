//! A disk in memory that loses power: what was not synced is there, or not, or in part.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use store::disk::{Disk, File, Lock, Mode, Space};

/// A file's content as it is seen, and as it is on the medium.
#[derive(Clone, Default)]
struct Content {
    seen: Vec<u8>,
    durable: Vec<u8>,
}

/// Names and contents. A name is durable when its directory was synced.
#[derive(Clone, Default)]
pub struct Image {
    contents: Vec<Content>,
    seen: BTreeMap<PathBuf, usize>,
    durable: BTreeMap<PathBuf, usize>,
}

#[derive(Default)]
struct State {
    image: Image,
    /// Operations that still succeed, if it is going to lose power.
    left: Option<u64>,
    /// As it was when the power went.
    lost: Option<Image>,
}

#[derive(Clone, Default)]
pub struct PowerDisk(Arc<Mutex<State>>);

struct PowerFile {
    disk: PowerDisk,
    content: usize,
}

struct NoLock;
impl Lock for NoLock {}

/// How much survives of what was not synced.
#[derive(Clone, Copy, Debug)]
pub enum Survives {
    Nothing,
    Everything,
    /// Each name and each half of a file's change by itself, chosen by this number.
    Some(u64),
}

impl Image {
    /// What is on the medium afterwards.
    #[must_use]
    pub fn after(&self, survives: Survives) -> Image {
        let mut random = match survives {
            Survives::Some(seed) => seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            Survives::Nothing | Survives::Everything => 1,
        };
        let mut lucky = || match survives {
            Survives::Nothing => false,
            Survives::Everything => true,
            Survives::Some(_) => {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                random & 8 == 0
            }
        };
        let contents = self.contents.iter().map(|content| {
            let (mut seen, durable) = (content.seen.clone(), &content.durable);
            let middle = seen.len() / 2;
            let halves = [0..middle, middle..seen.len()];
            for half in halves {
                if !lucky() {
                    for at in half {
                        seen[at] = durable.get(at).copied().unwrap_or(0);
                    }
                }
            }
            if !lucky() {
                seen.resize(durable.len(), 0);
            }
            Content {
                durable: seen.clone(),
                seen,
            }
        });
        let contents = contents.collect();
        let all: BTreeSet<_> = self.seen.keys().chain(self.durable.keys()).collect();
        let names = all.into_iter().filter_map(|path| {
            let names = if lucky() { &self.seen } else { &self.durable };
            names.get(path).map(|content| (path.clone(), *content))
        });
        let names: BTreeMap<_, _> = names.collect();
        Image {
            contents,
            seen: names.clone(),
            durable: names,
        }
    }
}

impl PowerDisk {
    pub fn new(image: Image) -> PowerDisk {
        let disk = PowerDisk::default();
        disk.state(|state| state.image = image);
        disk
    }

    fn state<T>(&self, with: impl FnOnce(&mut State) -> T) -> T {
        with(&mut self.0.lock().unwrap())
    }

    pub fn image(&self) -> Image {
        self.state(|state| state.image.clone())
    }

    /// From here on, this many changes succeed.
    pub fn lose_power_after(&self, changes: u64) {
        self.state(|state| state.left = Some(changes));
    }

    /// As it was when the power went, if it did.
    pub fn lost(&self) -> Option<Image> {
        self.state(|state| state.lost.clone())
    }

    /// One operation that changes something.
    fn change<T>(&self, with: impl FnOnce(&mut Image) -> io::Result<T>) -> io::Result<T> {
        self.state(|state| {
            if state.left == Some(0) {
                state.lost.get_or_insert_with(|| state.image.clone());
                return Err(io::Error::from_raw_os_error(5));
            }
            if let Some(left) = &mut state.left {
                *left -= 1;
            }
            with(&mut state.image)
        })
    }

    fn look<T>(&self, with: impl FnOnce(&Image) -> io::Result<T>) -> io::Result<T> {
        self.state(|state| match state.lost {
            Some(_) => Err(io::Error::from_raw_os_error(5)),
            None => with(&state.image),
        })
    }
}

fn not_found() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl Disk for PowerDisk {
    fn create_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.look(|image| {
            let here = image.seen.keys().filter(|path| path.parent() == Some(dir));
            let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
            Ok(here.map(name).collect())
        })
    }
    fn open(&self, path: &Path, mode: Mode) -> io::Result<Arc<dyn File>> {
        let found = self.look(|image| Ok(image.seen.get(path).copied()))?;
        let content = match (mode, found) {
            (Mode::Read | Mode::Write, Some(content)) => content,
            (Mode::Read | Mode::Write, None) => return Err(not_found()),
            (Mode::Create, Some(_)) => return Err(io::ErrorKind::AlreadyExists.into()),
            (Mode::Create, None) => self.change(|image| {
                image.contents.push(Content::default());
                let content = image.contents.len() - 1;
                image.seen.insert(path.to_owned(), content);
                Ok(content)
            })?,
        };
        let disk = self.clone();
        Ok(Arc::new(PowerFile { disk, content }))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change(|image| {
            let content = image.seen.remove(from).ok_or_else(not_found)?;
            image.seen.insert(to.to_owned(), content);
            Ok(())
        })
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.change(|image| image.seen.remove(path).map(|_| ()).ok_or_else(not_found))
    }
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.change(|image| {
            let here = |path: &PathBuf| path.parent() == Some(dir);
            image.durable.retain(|path, _| !here(path));
            let seen = image.seen.iter().filter(|(path, _)| here(path));
            let seen: Vec<_> = seen
                .map(|(path, content)| (path.clone(), *content))
                .collect();
            image.durable.extend(seen);
            Ok(())
        })
    }
    fn space(&self, _: &Path) -> io::Result<Space> {
        Ok(Space {
            used_bytes: 1,
            available_bytes: 1 << 40,
        })
    }
    fn lock(&self, _: &Path) -> io::Result<Option<Box<dyn Lock>>> {
        Ok(Some(Box::new(NoLock)))
    }
}

impl File for PowerFile {
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        self.disk.look(|image| {
            let seen = &image.contents[self.content].seen;
            let from = seen.get(offset as usize..).unwrap_or_default();
            let count = from.len().min(into.len());
            into[..count].copy_from_slice(&from[..count]);
            Ok(count)
        })
    }
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.disk.change(|image| {
            let seen = &mut image.contents[self.content].seen;
            let end = offset as usize + bytes.len();
            if seen.len() < end {
                seen.resize(end, 0);
            }
            seen[offset as usize..end].copy_from_slice(bytes);
            Ok(())
        })
    }
    fn sync(&self) -> io::Result<()> {
        self.disk.change(|image| {
            let content = &mut image.contents[self.content];
            content.durable.clone_from(&content.seen);
            Ok(())
        })
    }
    fn allocate(&self, length: u64) -> io::Result<()> {
        self.truncate(length)
    }
    fn truncate(&self, length: u64) -> io::Result<()> {
        self.disk.change(|image| {
            image.contents[self.content].seen.resize(length as usize, 0);
            Ok(())
        })
    }
    fn length(&self) -> io::Result<u64> {
        self.disk
            .look(|image| Ok(image.contents[self.content].seen.len() as u64))
    }
}
