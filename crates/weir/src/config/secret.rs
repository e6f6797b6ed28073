//! Where a secret lies: in a file or in the environment, never in `weir.toml`.

use std::fmt;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use identity::Secret;

/// Longest secret, in bytes.
const MAX_BYTES: u64 = 64 * 1024;

/// The place of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// The file's text without its last line break.
    File(PathBuf),
    /// An environment variable.
    Environment(String),
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SecretSource::File(path) => write!(f, "file {}", path.display()),
            SecretSource::Environment(name) => write!(f, "environment variable {name}"),
        }
    }
}

impl SecretSource {
    /// Reads the secret. Errors name the place, never the value.
    pub fn read(&self) -> Result<Secret<String>> {
        let text = match self {
            SecretSource::File(path) => {
                let size = std::fs::metadata(path)
                    .with_context(|| format!("cannot read {self}"))?
                    .len();
                if size > MAX_BYTES {
                    bail!("{self} is larger than {MAX_BYTES} bytes: is it the right file?");
                }
                let mut text =
                    std::fs::read_to_string(path).with_context(|| format!("cannot read {self}"))?;
                if text.ends_with('\n') {
                    text.pop();
                    if text.ends_with('\r') {
                        text.pop();
                    }
                }
                text
            }
            SecretSource::Environment(name) => match std::env::var(name) {
                Ok(text) => text,
                Err(std::env::VarError::NotPresent) => bail!("{self} is not set"),
                Err(std::env::VarError::NotUnicode(_)) => bail!("{self} is not UTF-8"),
            },
        };
        if text.is_empty() {
            bail!("{self} is empty");
        }
        Ok(Secret::new(text))
    }

    /// Reads 32 bytes written as 64 hexadecimal digits or as base64.
    pub fn read_key(&self) -> Result<Secret<[u8; 32]>> {
        let text = self.read()?;
        let text = text.expose().trim();
        let bytes =
            hex(text).or_else(|| base64::engine::general_purpose::STANDARD.decode(text).ok());
        match bytes.map(<[u8; 32]>::try_from) {
            Some(Ok(key)) => Ok(Secret::new(key)),
            Some(Err(_)) | None => {
                bail!(
                    "{self} does not hold a key: 32 bytes as 64 hexadecimal digits or base64 (openssl rand -hex 32)"
                )
            }
        }
    }

    /// A remark when others on this machine can read the secret.
    #[must_use]
    pub fn exposed(&self) -> Option<String> {
        use std::os::unix::fs::PermissionsExt as _;
        let SecretSource::File(path) = self else {
            return None;
        };
        let mode = std::fs::metadata(path).ok()?.permissions().mode();
        (mode & 0o007 != 0).then(|| {
            format!(
                "{} can be read by everybody on this machine: chmod 600",
                path.display()
            )
        })
    }
}

fn hex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 {
        return None;
    }
    let digit = |b: &u8| {
        char::from(*b)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    text.as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some(digit(high)? * 16 + digit(low)?),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_key_in_either_form_and_says_where_a_wrong_one_lies() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mask.key");
        let source = SecretSource::File(path.clone());
        let hex = "00".repeat(31) + "ff";
        for text in [
            format!("{hex}\n"),
            hex.clone(),
            format!("{}\r\n", "A".repeat(42) + "D/"),
            "A".repeat(43) + "=",
        ] {
            std::fs::write(&path, &text).unwrap();
            let read = source.read_key();
            assert_eq!(read.is_ok(), !text.contains("D/"), "{text}");
        }
        for text in ["", "\n", "abc", &"0".repeat(63), &"g".repeat(64)] {
            std::fs::write(&path, text).unwrap();
            let fault = source.read_key().err().unwrap().to_string();
            assert!(fault.contains("mask.key"), "{fault}");
        }
        let missing = SecretSource::Environment("WEIR_TEST_NO_SUCH_VARIABLE".to_owned());
        assert_eq!(
            missing.read().err().unwrap().to_string(),
            "environment variable WEIR_TEST_NO_SUCH_VARIABLE is not set"
        );
    }
}
