//! Keys: one per label, derived from the root key (HKDF-SHA-256, RFC 5869), kept as HMAC states and AES key
//! schedules.

use std::ops::RangeInclusive;

use crate::ff1::Ff1;
use crate::label::{Label, labels};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroize;

/// One label's keys, ready to use. No `Debug`, wiped on drop (by `hmac` and `aes`).
pub(crate) struct TokenKey {
    hmac: Hmac<Sha256>,
    cipher: Option<Ff1>,
}

/// What a value is under a key: everything in a stand-in is drawn from it.
pub(crate) type Digest = [u8; 32];

impl TokenKey {
    /// Of the key for stand-ins, and the key for tokens.
    fn new(mut key: [u8; 32], tokens: Option<[u8; 32]>) -> Self {
        let hmac = keyed(&key);
        key.zeroize();
        let cipher = tokens.map(|mut key| {
            let cipher = Ff1::new(&key);
            key.zeroize();
            cipher
        });
        Self { hmac, cipher }
    }

    /// What makes the label's tokens, if it has any.
    pub(crate) fn cipher(&self) -> Option<&Ff1> {
        self.cipher.as_ref()
    }

    /// The digest of a value given in parts.
    pub(crate) fn digest<'a>(&self, parts: impl IntoIterator<Item = &'a [u8]>) -> Digest {
        let mut mac = self.hmac.clone();
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// The digest to draw again from, when a stand-in came out equal to its value.
    pub(crate) fn again(&self, digest: &Digest) -> Digest {
        self.digest([b"\0again".as_slice(), digest])
    }
}

/// The keys of one scope: of the epoch that writes, and of those whose tokens are still read.
pub(crate) struct Keys {
    /// Newest first, never empty.
    epochs: Vec<Epoch>,
    /// For labels that are not built in. They only redact, so it draws nothing.
    other: TokenKey,
}

/// The keys of one epoch, in the order of the built-in labels.
struct Epoch(Vec<TokenKey>);

impl Keys {
    /// At most the newest [`crate::MAX_EPOCHS`] are read; an empty range is its end alone.
    pub(crate) fn derive(root: &[u8; 32], scope: &str, epochs: RangeInclusive<u32>) -> Self {
        // HKDF-Extract with the default salt of zeros.
        let mut prk: [u8; 32] = mac(&keyed(&[0; 32]), &[root]);
        let expand = keyed(&prk);
        prk.zeroize();
        let newest = *epochs.end();
        let oldest = (*epochs.start()).clamp(newest.saturating_sub(crate::MAX_EPOCHS - 1), newest);
        let key = |label: &Label, epoch| {
            let of = |purpose| label_key(&expand, purpose, scope, label.as_str(), epoch);
            TokenKey::new(of(STAND_INS), label.reversible().then(|| of(TOKENS)))
        };
        let epochs = (oldest..=newest).rev();
        Self {
            epochs: epochs
                .map(|epoch| Epoch(labels().map(|label| key(&label, epoch)).collect()))
                .collect(),
            other: TokenKey::new(label_key(&expand, STAND_INS, scope, "", newest), None),
        }
    }

    /// The key that writes.
    pub(crate) fn of(&self, label: &Label) -> &TokenKey {
        self.all(label).next().unwrap_or(&self.other)
    }

    /// The keys that read, newest first.
    pub(crate) fn all(&self, label: &Label) -> impl Iterator<Item = &TokenKey> {
        let index = label.index();
        self.epochs
            .iter()
            .filter_map(move |epoch| epoch.0.get(index?))
    }
}

/// What a key is for: the start of HKDF's info.
const STAND_INS: &[u8] = b"weir mask v1";
const TOKENS: &[u8] = b"weir token v1";

/// HKDF-Expand for one block: `T(1) = HMAC(PRK, info | 0x01)`. Scope and label are told apart by the
/// scope's length.
fn label_key(
    expand: &Hmac<Sha256>,
    purpose: &[u8],
    scope: &str,
    label: &str,
    epoch: u32,
) -> [u8; 32] {
    let length = (scope.len() as u64).to_be_bytes();
    mac(
        expand,
        &[
            purpose,
            &epoch.to_be_bytes(),
            &length,
            scope.as_bytes(),
            label.as_bytes(),
            &[1],
        ],
    )
}

/// HMAC-SHA-256 with a 32-byte key, which is padded to the block (RFC 2104 §2).
fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    let mut block = [0u8; 64];
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    let keyed = Hmac::new(&block.into());
    block.zeroize();
    keyed
}

fn mac(keyed: &Hmac<Sha256>, parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = keyed.clone();
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivation_is_rfc_5869() {
        let (root, scope, label, epoch) = ([9u8; 32], "shop", "email", 7u32);
        let mut info = b"weir mask v1".to_vec();
        info.extend(epoch.to_be_bytes());
        info.extend(4u64.to_be_bytes());
        info.extend(b"shopemail");
        let mut okm = [0; 32];
        hkdf::Hkdf::<Sha256>::new(None, &root)
            .expand(&info, &mut okm)
            .unwrap();
        let prk = mac(&keyed(&[0; 32]), &[&root]);
        assert_eq!(label_key(&keyed(&prk), STAND_INS, scope, label, epoch), okm);
        let oracle = TokenKey::new(okm, None).digest([b"x".as_slice()]);
        let ours = Keys::derive(&root, scope, epoch..=epoch);
        assert_eq!(
            ours.of(&Label::new(label).unwrap())
                .digest([b"x".as_slice()]),
            oracle
        );
    }

    #[test]
    fn scope_label_and_epoch_all_count() {
        let digest = |root: u8, scope, label, epoch| {
            Keys::derive(&[root; 32], scope, epoch..=epoch)
                .of(&Label::new(label).unwrap())
                .digest([b"x".as_slice()])
        };
        let all = [
            digest(1, "a", "email", 0),
            digest(2, "a", "email", 0),
            digest(1, "b", "email", 0),
            digest(1, "a", "phone", 0),
            digest(1, "a", "email", 1),
        ];
        for (i, one) in all.iter().enumerate() {
            assert!(!all[..i].contains(one), "{i}");
        }
    }
}
