//! Connections to servers, TLS verified.

use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{Remote, Scheme};

/// For a connection to be made, TLS included.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection, encrypted or not.
pub(super) trait Connection: AsyncRead + AsyncWrite + Send {}
impl<T: AsyncRead + AsyncWrite + Send> Connection for T {}

/// Connects to a server.
///
/// # Errors
/// Why it does not work, for operators.
pub(super) async fn connect(remote: &Remote) -> Result<Pin<Box<dyn Connection>>, String> {
    let endpoint = &remote.endpoint;
    let opening = async {
        let tcp = TcpStream::connect((endpoint.host.as_str(), endpoint.port)).await;
        let tcp =
            tcp.map_err(|error| format!("cannot connect to {}: {error}", endpoint.authority()))?;
        let _ = tcp.set_nodelay(true);
        if !matches!(endpoint.scheme, Scheme::Https | Scheme::Tls) {
            return Ok(Box::pin(tcp) as Pin<Box<dyn Connection>>);
        }
        let connector = connector(remote.authorities.as_deref())?;
        let name = ServerName::try_from(endpoint.host.clone())
            .map_err(|_| format!("\"{}\" is not a host name", endpoint.host))?;
        let tls = connector.connect(name, tcp).await;
        let tls = tls.map_err(|error| format!("TLS with {}: {error}", endpoint.authority()))?;
        Ok(Box::pin(tls) as Pin<Box<dyn Connection>>)
    };
    match tokio::time::timeout(PATIENCE, opening).await {
        Ok(opened) => opened,
        Err(_) => Err(format!("{} does not answer", endpoint.authority())),
    }
}

/// TLS 1.2 or 1.3, the server's certificate verified for its name.
fn connector(authorities: Option<&Path>) -> Result<TlsConnector, String> {
    let mut roots = RootCertStore::empty();
    match authorities {
        Some(path) => {
            let cannot =
                |why: &dyn std::fmt::Display| format!("authorities in {}: {why}", path.display());
            let certificates =
                CertificateDer::pem_file_iter(path).map_err(|error| cannot(&error))?;
            for certificate in certificates {
                let certificate = certificate.map_err(|error| cannot(&error))?;
                roots.add(certificate).map_err(|error| cannot(&error))?;
            }
        }
        None => {
            let system = rustls_native_certs::load_native_certs().certs;
            let (_, _) = roots.add_parsable_certificates(system);
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config).into())
}
