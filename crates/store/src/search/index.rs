//! Where segments are kept, and which of them count.
//!
//! A segment is named after the entries it covers, `FROM-TO.parquet`, and written
//! whole. It is derived from the ledger alone, so whatever is half-written, foreign
//! or missing is told and made again. Where two begin at the same entry, the one that
//! goes further counts: so a short segment is replaced without a moment in which its
//! entries are in none.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use datafusion::parquet::arrow::async_reader::MetadataFetch;
use datafusion::parquet::errors::ParquetError;
use datafusion::parquet::file::metadata::ParquetMetaDataReader;
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _, TryFutureExt as _, TryStreamExt as _};
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt as _, path::Path as Key};

use super::error::{Error, Fault};
use super::schema::{self, VERSION};
use super::segment::{self, About, Dictionaries, KEY, hex};
use crate::disk::{Disk as _, RealDisk};
use crate::read::Reader;

/// Requests that are under way at one time.
const AT_ONCE: usize = 16;
/// What is read of a segment's end at first: mostly its whole footer.
const FOOTER_BYTES: usize = 64 << 10;

/// Where an index is: a folder, or a bucket of an S3-compatible store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A folder of this machine.
    Folder(PathBuf),
    /// `s3://bucket/prefix`; access as the environment says (`AWS_ACCESS_KEY_ID`,
    /// `AWS_REGION`, `AWS_ENDPOINT_URL` and so on).
    S3(String),
}

impl Place {
    /// A URL, or the path of a folder.
    ///
    /// # Errors
    /// A URL of a kind that is not supported, as a text for operators.
    pub fn parse(text: &str) -> Result<Place, String> {
        match text.split_once("://") {
            None => Ok(Place::Folder(text.into())),
            Some(("file", path)) if path.starts_with('/') => Ok(Place::Folder(path.into())),
            Some(("s3", rest)) if !rest.is_empty() && !rest.starts_with('/') => {
                Ok(Place::S3(text.trim_end_matches('/').to_owned()))
            }
            Some(_) => Err(format!(
                "\"{text}\" is no place for the search index: write a folder or \"s3://bucket/prefix\""
            )),
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Place::Folder(path) => path.display().fmt(f),
            Place::S3(url) => url.fmt(f),
        }
    }
}

/// The index of one ledger.
#[derive(Clone, Debug)]
pub struct Index {
    place: Place,
    pub(super) store: Arc<dyn ObjectStore>,
    prefix: Key,
    pub(super) origin: String,
    pub(super) log: [u8; 16],
}

/// A segment that counts.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) about: About,
    pub(super) object: ObjectMeta,
}

/// What is in the place of an index.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// In order, without overlaps.
    pub(super) segments: Vec<Arc<Segment>>,
    /// What is not used, and why.
    pub(super) faults: Vec<Fault>,
    /// What a longer segment replaces, and what was pruned.
    pub(super) superseded: Vec<Key>,
    /// Entries before this one were pruned.
    pub(super) minimum: u64,
}

impl Index {
    /// The index of the reader's ledger in a place, which may be empty. Nothing is
    /// made or changed.
    ///
    /// # Errors
    /// [`Error::Place`], [`Error::Store`].
    pub fn open(reader: &Reader, place: &Place) -> Result<Index, Error> {
        let (store, prefix): (Arc<dyn ObjectStore>, _) = match place {
            // What is not there is as good as empty.
            Place::Folder(folder) if !folder.exists() => (Arc::new(InMemory::new()), String::new()),
            Place::Folder(folder) => {
                let local = LocalFileSystem::new_with_prefix(folder)
                    .map_err(Error::store("open", &place.to_string()))?;
                (Arc::new(local), String::new())
            }
            Place::S3(url) => {
                let store = AmazonS3Builder::from_env()
                    .with_url(url)
                    .build()
                    .map_err(Error::store("open", url))?;
                let path = url.splitn(4, '/').nth(3).unwrap_or_default();
                (Arc::new(store), path.to_owned())
            }
        };
        Ok(Index {
            place: place.clone(),
            store,
            prefix: Key::from(format!("{prefix}/v{VERSION}")),
            origin: reader.vkey().name().to_owned(),
            log: reader.log_id,
        })
    }

    /// As [`Index::open`], and makes the folder if it is one.
    ///
    /// # Errors
    /// As [`Index::open`].
    pub fn create(reader: &Reader, place: &Place) -> Result<Index, Error> {
        if let Place::Folder(folder) = place {
            let folder = folder.join(format!("v{VERSION}"));
            RealDisk
                .create_dir(&folder)
                .map_err(Error::folder(folder))?;
        }
        Index::open(reader, place)
    }

    /// Where it is.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    fn key(&self, name: &str) -> Key {
        self.prefix.clone().join(name)
    }

    fn fault<T>(
        &self,
        operation: &'static str,
        result: object_store::Result<T>,
    ) -> Result<T, Error> {
        result.map_err(Error::store(operation, &self.place.to_string()))
    }

    /// What is there.
    pub(super) async fn layout(&self) -> Result<Layout, Error> {
        let listed = self.store.list(Some(&self.prefix)).try_collect::<Vec<_>>();
        let listed = self.fault("list", listed.await)?;
        let mut layout = Layout::default();
        let mut candidates = Vec::new();
        for object in listed {
            let name = object.location.filename().unwrap_or_default().to_owned();
            if name == MINIMUM {
                layout.minimum = self.read_minimum().await?;
            } else if let Some(range) = covered(&name) {
                candidates.push((range, name, object));
            } else if !name.ends_with(".tmp") {
                layout.faults.push(Fault {
                    name,
                    reason: "it is not named like a segment".to_owned(),
                });
            }
        }
        let read = futures::stream::iter(candidates)
            .map(|(range, name, object)| async move {
                let about = self.about(&object, range).await;
                (range, name, object, about)
            })
            .buffer_unordered(AT_ONCE)
            .collect::<Vec<_>>()
            .await;
        let mut sound = Vec::new();
        for (range, name, object, about) in read {
            match about {
                Ok(Some(about)) => sound.push((range, Segment { about, object })),
                // It was replaced since it was listed.
                Ok(None) => {}
                Err(Error::Segment(fault)) => layout.faults.push(Fault { name, ..fault }),
                Err(error) => return Err(error),
            }
        }
        layout
            .faults
            .sort_by(|one, other| one.name.cmp(&other.name));
        // The longest first of those that begin at the same entry.
        sound.sort_by_key(|((from, to), _)| (*from, std::cmp::Reverse(*to)));
        let mut covered = layout.minimum;
        for ((from, to), segment) in sound {
            if to <= covered || from < covered && !layout.segments.is_empty() {
                layout.superseded.push(segment.object.location);
                continue;
            }
            covered = to;
            layout.segments.push(Arc::new(segment));
        }
        Ok(layout)
    }

    /// What a segment says about itself, if it is one of this log; `None` if it is gone.
    async fn about(&self, object: &ObjectMeta, range: (u64, u64)) -> Result<Option<About>, Error> {
        let bad = |reason: String| {
            Error::Segment(Fault {
                name: object.location.filename().unwrap_or_default().to_owned(),
                reason,
            })
        };
        let fetch = Fetch {
            store: &*self.store,
            key: &object.location,
        };
        let metadata = ParquetMetaDataReader::new()
            .with_prefetch_hint(Some(FOOTER_BYTES))
            .load_and_finish(fetch, object.size)
            .await;
        let metadata = match metadata {
            Ok(metadata) => metadata,
            // The store failed, which says nothing about the segment.
            Err(ParquetError::External(error)) => match error.downcast::<object_store::Error>() {
                Ok(gone) if matches!(*gone, object_store::Error::NotFound { .. }) => {
                    return Ok(None);
                }
                Ok(error) => return self.fault("read", Err(*error)),
                Err(_) => return Err(bad("it cannot be read".to_owned())),
            },
            Err(_) => return Err(bad("it is half-written or damaged".to_owned())),
        };
        let values = metadata.file_metadata().key_value_metadata();
        let value = values.and_then(|values| values.iter().find(|value| value.key == KEY));
        let about = value.and_then(|value| value.value.as_deref());
        let about: About = about
            .and_then(|text| serde_json::from_str(text).ok())
            .ok_or_else(|| bad("it is not a segment of Weir's".to_owned()))?;
        if about.v != VERSION {
            return Err(bad(format!("it has form {}, not {VERSION}", about.v)));
        }
        if about.log != hex(&self.log) {
            return Err(bad(format!("it is of another log, {}", about.origin)));
        }
        if (about.from, about.to) != range {
            return Err(bad("it is of other entries than its name says".to_owned()));
        }
        let rows = u64::try_from(metadata.file_metadata().num_rows()).ok();
        if rows != Some(about.rows) {
            return Err(bad("it has not the rows it says".to_owned()));
        }
        Ok(Some(about))
    }

    /// The dictionaries of a segment.
    ///
    /// # Errors
    /// [`Error::Segment`] if they are damaged; [`Error::Store`].
    pub(super) async fn dictionaries(&self, segment: &Segment) -> Result<Dictionaries, Error> {
        let location = &segment.object.location;
        let blocks = self
            .store
            .get_ranges(location, &segment.about.blocks())
            .await;
        let blocks = self.fault("read", blocks)?;
        let [forms, sessions] = blocks.as_slice() else {
            return Err(segment.fault("a dictionary is missing"));
        };
        segment
            .about
            .dictionaries(forms, sessions)
            .map_err(|reason| segment.fault(reason))
    }

    /// The whole file of a segment.
    pub(super) async fn bytes(&self, segment: &Segment) -> Result<Bytes, Error> {
        let got = self.store.get(&segment.object.location).await;
        let got = self.fault("read", got)?;
        self.fault("read", got.bytes().await)
    }

    /// Reads everything in a segment.
    ///
    /// # Errors
    /// [`Error::Segment`] if it is damaged; [`Error::Store`].
    pub(super) async fn read_whole(&self, segment: &Segment) -> Result<(), Error> {
        self.dictionaries(segment).await?;
        let bytes = self.bytes(segment).await?;
        segment::decode(&bytes, &schema::schema())
            .map(|_| ())
            .map_err(|_| segment.fault("it cannot be read"))
    }

    /// Writes a segment; afterwards it is there whole, also after a loss of power.
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::Ledger`].
    pub(super) async fn put(&self, from: u64, to: u64, bytes: Vec<u8>) -> Result<(), Error> {
        self.put_named(&format!("{from:012}-{to:012}.parquet"), bytes)
            .await
    }

    async fn put_named(&self, name: &str, bytes: Vec<u8>) -> Result<(), Error> {
        if let Place::Folder(folder) = &self.place {
            let folder = folder.join(format!("v{VERSION}"));
            let path = folder.join(name);
            return Ok(crate::files::write(&RealDisk, &folder, &path, &bytes)?);
        }
        let put = self.store.put(&self.key(name), bytes.into()).await;
        self.fault("write", put).map(|_| ())
    }

    /// Removes these; what is gone already does not matter.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub(super) async fn remove(&self, keys: &[Key]) -> Result<(), Error> {
        for key in keys {
            match self.store.delete(key).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return self.fault("remove from", Err(error)),
            }
        }
        Ok(())
    }

    /// Removes everything but the segments of these entries; how many things.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub(super) async fn remove_all_but(&self, kept: &BTreeSet<(u64, u64)>) -> Result<usize, Error> {
        let listed = self.store.list(Some(&self.prefix)).try_collect::<Vec<_>>();
        let mut gone = Vec::new();
        for object in self.fault("list", listed.await)? {
            let name = object.location.filename().unwrap_or_default();
            let kept = covered(name).is_some_and(|range| kept.contains(&range));
            if !kept && name != MINIMUM {
                gone.push(object.location);
            }
        }
        self.remove(&gone).await?;
        Ok(gone.len())
    }

    /// Drops the segments whose entries all come before `minimum`. What is dropped
    /// is not found any more and not made again; proofs are not touched.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn prune(&self, minimum: u64) -> Result<usize, Error> {
        let layout = self.layout().await?;
        if minimum <= layout.minimum {
            return Ok(0);
        }
        // First the word, then the deed: what is half done is done again.
        self.put_named(MINIMUM, format!("{minimum}\n").into_bytes())
            .await?;
        let gone: Vec<Key> = layout
            .segments
            .iter()
            .filter(|segment| segment.about.to <= minimum)
            .map(|segment| segment.object.location.clone())
            .collect();
        self.remove(&gone).await?;
        Ok(gone.len())
    }

    async fn read_minimum(&self) -> Result<u64, Error> {
        let got = self.store.get(&self.key(MINIMUM)).await;
        let got = self.fault("read", got)?;
        let bytes = self.fault("read", got.bytes().await)?;
        let text = std::str::from_utf8(&bytes).unwrap_or_default();
        text.trim()
            .parse()
            .map_err(|_| Error::Place(format!("{MINIMUM} in {} holds no number", self.place)))
    }
}

/// Reads the footer of a segment.
struct Fetch<'a> {
    store: &'a dyn ObjectStore,
    key: &'a Key,
}

impl MetadataFetch for Fetch<'_> {
    fn fetch(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ParquetError>> {
        self.store
            .get_range(self.key, range)
            .map_err(|error| ParquetError::External(Box::new(error)))
            .boxed()
    }
}

/// Object that holds the first entry that was not pruned.
const MINIMUM: &str = "minimum";

/// The entries a segment of this name covers.
fn covered(name: &str) -> Option<(u64, u64)> {
    let (from, to) = name.strip_suffix(".parquet")?.split_once('-')?;
    let range = (from.parse().ok()?, to.parse().ok()?);
    (range.0 < range.1).then_some(range)
}

impl Segment {
    /// Its name.
    pub(super) fn name(&self) -> &str {
        self.object.location.filename().unwrap_or_default()
    }

    pub(super) fn fault(&self, reason: impl Into<String>) -> Error {
        Error::Segment(Fault {
            name: self.name().to_owned(),
            reason: reason.into(),
        })
    }
}

/// For the folder of an index inside a ledger's directory.
#[must_use]
pub fn default_folder(ledger: &Path) -> PathBuf {
    ledger.join("search")
}
