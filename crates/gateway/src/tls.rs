//! TLS on both legs: rustls with aws-lc-rs.

use std::path::Path;
use std::sync::Arc;

use identity::scram::ChannelBinding;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, ServerConfig, SignatureScheme};

use crate::Error;
use crate::setup::{ServerTls, TlsMode};

/// The ALPN protocol of direct TLS (PostgreSQL docs, 55.2.9).
pub(crate) const ALPN: &[u8] = b"postgresql";

/// TLS of a listener.
#[derive(Clone)]
pub(crate) struct Accepting {
    pub acceptor: tokio_rustls::TlsAcceptor,
    /// What SCRAM-PLUS binds to; none when the certificate's signature names no digest.
    pub binding: Option<ChannelBinding>,
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn tls_error(what: &str, path: &Path, error: impl std::fmt::Display) -> Error {
    Error::Tls(format!("{what} {}: {error}", path.display()))
}

/// Reads a listener's certificate and key.
pub(crate) fn accepting(files: &ServerTls) -> Result<Accepting, Error> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect)
        .map_err(|e| tls_error("cannot read certificate", &files.certificate, e))?;
    let Some(leaf) = chain.first() else {
        return Err(tls_error(
            "cannot read certificate",
            &files.certificate,
            "no certificate in the file",
        ));
    };
    let binding = ChannelBinding::of_certificate(leaf);
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|e| tls_error("cannot read key", &files.key, e))?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|e| Error::Tls(e.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|e| tls_error("certificate and key do not fit:", &files.certificate, e))?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(Accepting {
        acceptor: Arc::new(config).into(),
        binding,
    })
}

/// TLS towards an upstream.
pub(crate) fn opening(
    mode: TlsMode,
    authorities: Option<&Path>,
) -> Result<Option<tokio_rustls::TlsConnector>, Error> {
    if mode == TlsMode::Disable {
        return Ok(None);
    }
    let mut roots = RootCertStore::empty();
    match authorities {
        Some(path) => {
            let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(path)
                .and_then(Iterator::collect)
                .map_err(|e| tls_error("cannot read certificate authorities", path, e))?;
            for certificate in certificates {
                roots
                    .add(certificate)
                    .map_err(|e| tls_error("bad certificate authority in", path, e))?;
            }
        }
        None => {
            let (_, _) =
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|e| Error::Tls(e.to_string()))?;
    let config = match mode {
        TlsMode::Disable => return Ok(None),
        TlsMode::VerifyFull => builder.with_root_certificates(roots).with_no_client_auth(),
        TlsMode::VerifyCa | TlsMode::Require => {
            let inner = (mode == TlsMode::VerifyCa)
                .then(|| {
                    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build()
                })
                .transpose()
                .map_err(|e| Error::Tls(format!("certificate authorities: {e}")))?;
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Lax {
                    inner,
                    provider: provider(),
                }))
                .with_no_client_auth()
        }
    };
    Ok(Some(Arc::new(config).into()))
}

/// The name a certificate is checked against.
pub(crate) fn server_name(host: &str) -> Result<ServerName<'static>, Error> {
    ServerName::try_from(host.to_owned())
        .map_err(|_| Error::Tls(format!("\"{host}\" is not a host name")))
}

/// What SCRAM-PLUS towards a server binds to.
pub(crate) fn upstream_binding(
    stream: &tokio_rustls::client::TlsStream<tokio::net::TcpStream>,
) -> Option<ChannelBinding> {
    let (_, connection) = stream.get_ref();
    ChannelBinding::of_certificate(connection.peer_certificates()?.first()?)
}

/// `sslmode=require` and `verify-ca`: chosen by the operator, named in the docs
/// as weaker. Handshake signatures are checked all the same.
#[derive(Debug)]
struct Lax {
    inner: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Lax {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        use rustls::CertificateError::{NotValidForName, NotValidForNameContext};
        let Some(inner) = &self.inner else {
            return Ok(ServerCertVerified::assertion());
        };
        match inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // The chain was checked before the name.
            Err(rustls::Error::InvalidCertificate(
                NotValidForName | NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
