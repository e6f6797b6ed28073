//! Text in which personal parts stand among others: the parts become what they would in columns of their own.

use crate::cell::{self, Means};
use crate::detect;

/// Longest text that is looked through, in bytes. A longer one is redacted.
const MAX_BYTES: usize = 1 << 20;

/// Appends the text with every recognised part replaced. `None`: a part cannot be, or the text is too long.
pub(crate) fn mask(means: Means<'_>, raw: &str, out: &mut Vec<u8>) -> Option<()> {
    if raw.len() > MAX_BYTES {
        return None;
    }
    let mut done = 0;
    for span in detect::scan(raw) {
        out.extend_from_slice(raw.get(done..span.range.start)?.as_bytes());
        let part = raw.get(span.range.clone())?;
        cell::token_or_stand_in(means.of(&span.label), part, usize::MAX, out)?;
        done = span.range.end;
    }
    out.extend_from_slice(raw.get(done..)?.as_bytes());
    Some(())
}

/// How a text is masked that is one value as a whole: an e-mail address alone, say. `None`: it is no such.
pub(crate) fn whole<'k>(means: Means<'k>, raw: &str) -> Option<Means<'k>> {
    let spans = detect::scan(raw);
    let [span] = spans.as_slice() else {
        return None;
    };
    (span.range == (0..raw.len())).then(|| means.of(&span.label))
}
