//! A static log that is served over HTTP.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use ledger::tile::Tile;
use store::export::Source;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, http::StatusCode};

/// Most bytes of an answer: a bundle of 256 of the longest entries.
const MAX_BYTES: u64 = 256 * (2 + 65_535) + 1;
/// For one answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A log at an address.
pub(crate) struct Remote {
    agent: Agent,
    /// Ends in a slash.
    prefix: String,
}

impl Remote {
    /// The log at this address, the part before `/checkpoint`.
    pub(crate) fn new(url: &str) -> Result<Remote> {
        if !["http://", "https://"]
            .iter()
            .any(|scheme| url.starts_with(scheme))
        {
            bail!("\"{url}\" is not an address: write \"https://HOST/PATH\"");
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut tls = TlsConfig::builder().unversioned_rustls_crypto_provider(provider);
        if url.starts_with("https://") {
            let found = rustls_native_certs::load_native_certs();
            let certificates = found.certs.iter().map(|one| Certificate::from_der(one));
            let certificates: Vec<_> = certificates.map(|one| one.to_owned()).collect();
            if certificates.is_empty() {
                bail!("this machine knows no certificate authorities, so no https can be verified");
            }
            tls = tls.root_certs(RootCerts::Specific(Arc::new(certificates)));
        }
        let config = Agent::config_builder()
            .tls_config(tls.build())
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            .build();
        Ok(Remote {
            agent: config.new_agent(),
            prefix: format!("{}/", url.trim_end_matches('/')),
        })
    }

    fn fetch(&self, url: &str) -> Result<Option<Vec<u8>>> {
        let mut answer = self.agent.get(url).call()?;
        match answer.status() {
            StatusCode::OK => {
                let body = answer.body_mut().with_config().limit(MAX_BYTES);
                Ok(Some(body.read_to_vec()?))
            }
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(None),
            other => bail!("the server answers {other}"),
        }
    }
}

impl Source for Remote {
    fn get(&self, path: &str) -> Result<Option<Vec<u8>>, store::Error> {
        let url = format!("{}{path}", self.prefix);
        let fetched = self.fetch(&url).with_context(|| format!("GET {url}"));
        fetched.map_err(|error| store::Error::Source(format!("{error:#}")))
    }

    /// An HTTP server lists nothing.
    fn partial(&self, _: Tile) -> Result<Vec<Tile>, store::Error> {
        Ok(Vec::new())
    }
}
