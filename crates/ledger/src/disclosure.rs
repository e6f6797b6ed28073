//! Salted digests of what may identify people or hold values (RFC 9901, SD-JWT §4.2).
//!
//! A disclosure is the base64url text of the JSON array `[salt, name, value]`; the
//! entry holds only the digest of that text, in `_sd`. With the disclosure anyone
//! can check it against the entry; without its salt nobody can guess it.

use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::{DecodeSliceError, Engine};
use sha2::{Digest, Sha256};

use crate::Error;

/// Bytes of a salt: 128 bits (RFC 9901 §9.3).
pub const SALT_BYTES: usize = 16;

/// Bytes of a digest's text: base64url of SHA-256 without padding.
pub const DIGEST_BYTES: usize = 43;

/// Encodes one disclosure.
///
/// # Errors
/// [`Error::BadDisclosure`] if the value cannot be JSON, which no string causes.
pub fn encode(name: &str, value: &str, salt: &[u8; SALT_BYTES]) -> Result<String, Error> {
    let mut array = Vec::with_capacity(value.len().saturating_add(48));
    serde_json::to_writer(&mut array, &(URL_SAFE_NO_PAD.encode(salt), name, value))
        .map_err(|_| Error::BadDisclosure("value is not JSON"))?;
    Ok(URL_SAFE_NO_PAD.encode(array))
}

/// The digest of an encoded disclosure, as it stands in `_sd`.
#[must_use]
pub fn digest(encoded: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(encoded.as_bytes()))
}

/// As [`digest`], without a string of its own.
#[must_use]
pub fn digest_bytes(encoded: &[u8]) -> [u8; DIGEST_BYTES] {
    let mut text = [0; DIGEST_BYTES];
    // The text of a digest is always as long as that.
    let _ = URL_SAFE_NO_PAD.encode_slice(Sha256::digest(encoded), &mut text);
    text
}

/// Checks the form of a disclosure: whether [`decode`] would read it.
///
/// # Errors
/// As [`decode`].
pub fn check(encoded: &[u8]) -> Result<(), Error> {
    #[derive(serde::Deserialize)]
    struct Text<'a>(
        #[serde(borrow)]
        #[expect(dead_code, reason = "only its form counts")]
        std::borrow::Cow<'a, str>,
    );
    let mut short = [0; 512];
    let long;
    let array = match URL_SAFE_NO_PAD.decode_slice(encoded, &mut short) {
        Ok(length) => short.get(..length).unwrap_or_default(),
        Err(DecodeSliceError::OutputSliceTooSmall) => {
            long = URL_SAFE_NO_PAD.decode(encoded);
            match &long {
                Ok(array) => array.as_slice(),
                Err(_) => return Err(Error::BadDisclosure("not base64url")),
            }
        }
        Err(DecodeSliceError::DecodeError(_)) => {
            return Err(Error::BadDisclosure("not base64url"));
        }
    };
    serde_json::from_slice::<(Text<'_>, Text<'_>, serde::de::IgnoredAny)>(array)
        .map(|_| ())
        .map_err(|_| Error::BadDisclosure("not an array of salt, name and value"))
}

/// A decoded disclosure.
#[derive(Clone, PartialEq, Eq)]
pub struct Opened {
    /// What it is.
    pub name: String,
    /// The value.
    pub value: String,
}

/// The value stays out of logs and panics.
impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Decodes one disclosure; a value that is not a string is given as its JSON text.
///
/// # Errors
/// [`Error::BadDisclosure`] if it is not base64url of an array of three with a salt
/// and a name.
pub fn decode(encoded: &str) -> Result<Opened, Error> {
    let array = URL_SAFE_NO_PAD
        .decode(encoded)
        .map_err(|_| Error::BadDisclosure("not base64url"))?;
    let (_, name, value): (String, String, serde_json::Value) = serde_json::from_slice(&array)
        .map_err(|_| Error::BadDisclosure("not an array of salt, name and value"))?;
    let value = match value {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    Ok(Opened { name, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9901 §4.2.1 and §4.2.3.
    #[test]
    fn the_example_of_the_rfc() {
        let encoded = "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0";
        assert_eq!(
            digest(encoded),
            "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0"
        );
        let opened = decode(encoded).unwrap();
        assert_eq!(
            (opened.name.as_str(), opened.value.as_str()),
            ("family_name", "Möbius")
        );
    }

    #[test]
    fn what_is_checked_is_what_can_be_decoded() {
        let long = format!("[\"salt\",\"text\",\"{}\"]", "x".repeat(2000));
        for text in [
            "[\"s\",\"n\",\"v\"]",
            "[\"s\\n\",\"n\",{\"a\":[1,null]}]",
            &long,
            "[1,\"n\",\"v\"]",
            "[\"s\",2,\"v\"]",
            "[\"s\",\"n\"]",
            "[\"s\",\"n\",\"v\",\"w\"]",
            "[\"s\",\"n\",\"v\"",
            "\"s\"",
            "",
        ] {
            let encoded = URL_SAFE_NO_PAD.encode(text);
            assert_eq!(
                check(encoded.as_bytes()),
                decode(&encoded).map(|_| ()),
                "{text}"
            );
        }
        assert_eq!(check(b"*"), decode("*").map(|_| ()));
    }

    #[test]
    fn round_trip() {
        let encoded = encode("text", "select '\"\u{1}'", &[7; SALT_BYTES]).unwrap();
        let opened = decode(&encoded).unwrap();
        assert_eq!(
            (opened.name.as_str(), opened.value.as_str()),
            ("text", "select '\"\u{1}'")
        );
        assert_eq!(digest(&encoded).len(), DIGEST_BYTES);
        assert_eq!(
            digest_bytes(encoded.as_bytes()),
            digest(&encoded).as_bytes()
        );
    }
}
