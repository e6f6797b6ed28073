//! A certificate authority and server certificate for one test.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

/// Paths of what was made.
#[derive(Clone, Debug)]
pub struct Certificates {
    /// Certificate of the authority, PEM: what a client trusts.
    pub authority: PathBuf,
    /// Server certificate, PEM.
    pub certificate: PathBuf,
    /// Server key, PEM, readable by its owner only.
    pub key: PathBuf,
}

/// Makes an authority and a server certificate for `localhost` and `127.0.0.1` in a folder.
///
/// # Errors
/// When files cannot be written.
pub fn certificates(folder: &Path) -> Result<Certificates> {
    use std::os::unix::fs::PermissionsExt;

    let authority_key = rcgen::KeyPair::generate()?;
    let mut authority = rcgen::CertificateParams::new(Vec::new())?;
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    authority
        .distinguished_name
        .push(rcgen::DnType::CommonName, "lab authority");
    authority.key_usages = vec![
        rcgen::KeyUsagePurpose::KeyCertSign,
        rcgen::KeyUsagePurpose::DigitalSignature,
    ];
    let authority_certificate = authority.self_signed(&authority_key)?;
    let issuer = rcgen::Issuer::new(authority, authority_key);

    let key = rcgen::KeyPair::generate()?;
    let mut server =
        rcgen::CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()])?;
    server
        .distinguished_name
        .push(rcgen::DnType::CommonName, "localhost");
    let certificate = server.signed_by(&key, &issuer)?;

    let made = Certificates {
        authority: folder.join("ca.pem"),
        certificate: folder.join("server.pem"),
        key: folder.join("server.key"),
    };
    fs::write(&made.authority, authority_certificate.pem())?;
    fs::write(&made.certificate, certificate.pem())?;
    fs::write(&made.key, key.serialize_pem())?;
    fs::set_permissions(&made.key, fs::Permissions::from_mode(0o600))?;
    Ok(made)
}
