//! Where a statement stands in its caller's trace.

use ledger::joined::Joined;
use sha2::{Digest, Sha256};

/// A caller's place in a trace (W3C Trace Context, §3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parent {
    pub(super) trace: [u8; 16],
    pub(super) span: [u8; 8],
    pub(super) sampled: bool,
}

impl Parent {
    /// Reads a `traceparent`; what is malformed is none (§3.2.2.5).
    pub(super) fn parse(text: &str) -> Option<Parent> {
        let mut parts = text.trim().split('-');
        let version = hex::<1>(parts.next()?)?;
        let trace = hex::<16>(parts.next()?)?;
        let span = hex::<8>(parts.next()?)?;
        let [flags] = hex::<1>(parts.next()?)?;
        let whole = version != [0] || parts.next().is_none();
        let real = version != [0xff] && trace != [0; 16] && span != [0; 8];
        (whole && real).then_some(Parent {
            trace,
            span,
            sampled: flags & 1 == 1,
        })
    }
}

/// Lower-case hexadecimal digits of `N` bytes, no more.
fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |byte: &u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let mut out = [0; N];
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    for (to, [high, low]) in out.iter_mut().zip(pairs) {
        *to = digit(high)? << 4 | digit(low)?;
    }
    Some(out)
}

/// The ids of a statement's span. They are made of the entry, so that a span told
/// twice is the same span.
pub(super) struct Place {
    pub(super) parent: Option<Parent>,
    pub(super) trace: [u8; 16],
    pub(super) span: [u8; 8],
}

impl Place {
    pub(super) fn of(joined: &Joined) -> Place {
        let subject = joined.subject();
        let parent = subject.disclosed("traceparent").and_then(Parent::parse);
        let digest = |what: &[u8]| -> [u8; 32] {
            let mut hash = Sha256::new();
            hash.update(what);
            hash.update(subject.leaf_hash);
            hash.finalize().into()
        };
        let trace = digest(b"weir trace").first_chunk().copied();
        Place {
            trace: parent.map_or(trace.unwrap_or_default(), |parent| parent.trace),
            span: digest(b"weir span")
                .first_chunk()
                .copied()
                .unwrap_or_default(),
            parent,
        }
    }

    /// Whether it gets a span: unless its caller decided otherwise.
    pub(super) fn sampled(&self) -> bool {
        self.parent.is_none_or(|parent| parent.sampled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_w3c_says_and_nothing_else() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let parent = Parent::parse(good).unwrap();
        assert_eq!(
            (parent.trace[0], parent.span[7], parent.sampled),
            (0x4b, 0xb7, true)
        );
        let unsampled = good.replace("-01", "-00");
        assert!(!Parent::parse(&unsampled).unwrap().sampled);
        // A later version may have more parts.
        assert!(Parent::parse(&format!("{}-x", good.replacen("00-", "01-", 1))).is_some());
        for bad in [
            "",
            "00-ab-cd-01",
            &format!("{good}-x"),
            &good.replacen("00-", "ff-", 1),
            &good.to_uppercase(),
            &good.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &good.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &good.replace("b7-01", "b7-0g"),
            &good.replace('-', "_"),
        ] {
            assert_eq!(Parent::parse(bad), None, "{bad}");
        }
    }
}
