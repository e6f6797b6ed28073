//! Keys: one per label, derived from the root key (HKDF-SHA-256, RFC 5869), kept as HMAC states.

use crate::label::{Label, built_in_words};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroize;

/// One label's key, ready to use. No `Debug`, wiped on drop (by `hmac`).
pub(crate) struct TokenKey(Hmac<Sha256>);

/// What a value is under a key: everything in a stand-in is drawn from it.
pub(crate) type Digest = [u8; 32];

impl TokenKey {
    fn new(mut key: [u8; 32]) -> Self {
        let keyed = Self(keyed(&key));
        key.zeroize();
        keyed
    }

    /// The digest of a value given in parts.
    pub(crate) fn digest<'a>(&self, parts: impl IntoIterator<Item = &'a [u8]>) -> Digest {
        let mut mac = self.0.clone();
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

/// The keys of one scope and epoch, in the order of the built-in labels; the last one is for all
/// other labels (they only redact, so it draws nothing).
pub(crate) struct Keys {
    built_in: Vec<TokenKey>,
    other: TokenKey,
}

impl Keys {
    pub(crate) fn derive(root: &[u8; 32], scope: &str, epoch: u32) -> Self {
        // HKDF-Extract with the default salt of zeros.
        let mut prk: [u8; 32] = mac(&keyed(&[0; 32]), &[root]);
        let expand = keyed(&prk);
        prk.zeroize();
        let key = |label: &str| TokenKey::new(label_key(&expand, scope, label, epoch));
        Self {
            built_in: built_in_words().map(key).collect(),
            other: key(""),
        }
    }

    pub(crate) fn of(&self, label: &Label) -> &TokenKey {
        label
            .index()
            .and_then(|index| self.built_in.get(index))
            .unwrap_or(&self.other)
    }
}

/// HKDF-Expand for one block: `T(1) = HMAC(PRK, info | 0x01)`. Scope and label are told apart by the
/// scope's length.
fn label_key(expand: &Hmac<Sha256>, scope: &str, label: &str, epoch: u32) -> [u8; 32] {
    let length = (scope.len() as u64).to_be_bytes();
    mac(
        expand,
        &[
            b"weir mask v1",
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
        assert_eq!(label_key(&keyed(&prk), scope, label, epoch), okm);
        let oracle = TokenKey::new(okm).digest([b"x".as_slice()]);
        let ours = Keys::derive(&root, scope, epoch);
        assert_eq!(
            ours.of(&Label::new(label).unwrap())
                .digest([b"x".as_slice()]),
            oracle
        );
    }

    #[test]
    fn scope_label_and_epoch_all_count() {
        let digest = |root: u8, scope, label, epoch| {
            Keys::derive(&[root; 32], scope, epoch)
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
