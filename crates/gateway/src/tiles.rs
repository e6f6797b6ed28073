//! The ledger for auditors, over HTTP: the paths of C2SP tlog-tiles, read-only.
//!
//! Entries name principals, tables and columns, and nobody is asked who they are, so
//! this has a listener of its own. Nothing is served that no checkpoint covers.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use ledger::tile::{Content, Tile, encode_hashes};
use store::Store;
use store::read::Reader;
use store::tiles::Tiles;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::Error;

/// Most requests at one time; the next ones are told to come again.
const MAX_REQUESTS: usize = 32;
/// Most of them that read the disk at one time.
const MAX_READING: usize = 2;

/// What stands under a tile's path never changes.
const IMMUTABLE: HeaderValue = HeaderValue::from_static("max-age=31536000, immutable");
/// May change, or appear, at any time.
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// Serves until the process ends; gives the address bound.
///
/// # Errors
/// The address cannot be bound; the ledger cannot be read.
pub async fn serve_tiles(address: SocketAddr, store: &Store) -> Result<SocketAddr, Error> {
    let listener = TcpListener::bind(address)
        .await
        .map_err(|source| Error::Listen { address, source })?;
    let bound = listener
        .local_addr()
        .map_err(|source| Error::Listen { address, source })?;
    let log = Arc::new(Log {
        reader: store.reader()?,
        tiles: Mutex::new(None),
        requests: Semaphore::new(MAX_REQUESTS),
        reading: Semaphore::new(MAX_READING),
    });
    let router = Router::new()
        .route("/checkpoint", get(checkpoint))
        .route("/tile/{*path}", get(tile))
        .layer(middleware::from_fn_with_state(Arc::clone(&log), bounded))
        .with_state(log);
    tokio::spawn(async move {
        let _ = axum::serve(listener, router).await;
    });
    Ok(bound)
}

/// The log as it is served.
struct Log {
    reader: Reader,
    /// Made at the first request: most ledgers are never asked.
    tiles: Mutex<Option<Tiles>>,
    requests: Semaphore,
    reading: Semaphore,
}

/// Why there is no answer.
enum Refusal {
    /// No such resource, or not yet.
    NotFound,
    /// It is not kept any more.
    Gone,
    /// The ledger cannot be read.
    Unreadable(store::Error),
}

impl From<store::Error> for Refusal {
    fn from(error: store::Error) -> Refusal {
        match error {
            store::Error::Pruned { .. } => Refusal::Gone,
            other => Refusal::Unreadable(other),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, text) = match self {
            Refusal::NotFound => (
                StatusCode::NOT_FOUND,
                "there is no such resource, or not yet\n",
            ),
            Refusal::Gone => (StatusCode::GONE, "it is not kept any more\n"),
            Refusal::Unreadable(error) => {
                // Paths and causes are for the operator.
                eprintln!("weir: the ledger cannot be served: {error}");
                let text = "the ledger cannot be read at the moment\n";
                (StatusCode::SERVICE_UNAVAILABLE, text)
            }
        };
        (status, [(CACHE_CONTROL, NO_CACHE)], text).into_response()
    }
}

/// Lets only so many requests in.
async fn bounded(State(log): State<Arc<Log>>, request: Request, next: Next) -> Response {
    let Ok(_permit) = log.requests.try_acquire() else {
        let text = "too many requests at one time; try again\n";
        return (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
    };
    next.run(request).await
}

impl Log {
    /// Reads the disk, away from the tasks that serve.
    async fn read<T: Send + 'static>(
        self: Arc<Log>,
        read: impl FnOnce(&Log) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        // The semaphore is never closed, and what is spawned does not panic.
        let _permit = self.reading.acquire().await;
        let log = Arc::clone(&self);
        let done = tokio::task::spawn_blocking(move || read(&log)).await;
        done.unwrap_or(Err(Refusal::NotFound))
    }

    fn tile(&self, tile: Tile) -> Result<Vec<u8>, Refusal> {
        let end = tile.end().ok_or(Refusal::NotFound)?;
        let mut tiles = self.tiles.lock().unwrap_or_else(PoisonError::into_inner);
        if tiles.as_ref().is_none_or(|tiles| tiles.size() < end) {
            let (checkpoint, _) = self.reader.checkpoint()?;
            if checkpoint.size < end {
                return Err(Refusal::NotFound);
            }
            match tiles.as_mut() {
                Some(tiles) => tiles.grow(checkpoint.size)?,
                None => *tiles = Some(Tiles::open(self.reader.clone(), checkpoint.size)?),
            }
        }
        let tiles = tiles.as_ref().ok_or(Refusal::NotFound)?;
        let (index, width) = (tile.index(), u64::from(tile.width()));
        Ok(match tile.content() {
            Content::Entries => tiles.bundle(index, width)?,
            Content::Hashes(level) => encode_hashes(&tiles.tile(level, index, width)?),
        })
    }
}

/// The signed tree head; its tag is a hash of its text, signatures included.
async fn checkpoint(State(log): State<Arc<Log>>, headers: HeaderMap) -> Result<Response, Refusal> {
    let text = log.read(|log| Ok(log.reader.checkpoint()?.1)).await?;
    let digest = ledger::event::shape_hash(&text);
    let tag = HeaderValue::try_from(format!("\"{digest}\"")).unwrap_or(NO_CACHE);
    let known = headers
        .get(IF_NONE_MATCH)
        .is_some_and(|known| *known == tag);
    let headers = [(CACHE_CONTROL, NO_CACHE), (ETAG, tag), (CONTENT_TYPE, TEXT)];
    Ok(if known {
        (StatusCode::NOT_MODIFIED, headers).into_response()
    } else {
        (headers, text).into_response()
    })
}

/// A tile or entry bundle, full or partial.
async fn tile(State(log): State<Arc<Log>>, request: Request) -> Result<Response, Refusal> {
    let path = request.uri().path().trim_start_matches('/').parse();
    let tile: Tile = path.map_err(|_| Refusal::NotFound)?;
    let bytes = log.read(move |log| log.tile(tile)).await?;
    let headers = [(CACHE_CONTROL, IMMUTABLE), (CONTENT_TYPE, BYTES)];
    Ok((headers, bytes).into_response())
}
