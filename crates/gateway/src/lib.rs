//! Listeners, TLS and upstream connections around the session machine.
//!
//! A thin shell: it moves bytes, keeps catalogs fresh and ends sessions; what a
//! statement may do is decided in `session`.

mod admin;
mod cancel;
mod error;
pub mod floor;
mod gateway;
pub mod labels;
mod login;
mod metrics;
mod probe;
mod proxy_protocol;
mod random;
mod relay;
mod serve;
pub mod setup;
mod stream;
mod target;
mod tiles;
mod tls;
mod upstream;

pub use admin::serve_admin;
pub use error::Error;
pub use gateway::Gateway;
pub use probe::{Bound, column, look_at_columns, probe, world};
pub use setup::Setup;
pub use tiles::serve_tiles;
pub use upstream::Failure;

/// Milliseconds since 1970.
pub(crate) fn unix_ms() -> u64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
