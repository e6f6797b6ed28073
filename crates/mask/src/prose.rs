//! Text in which personal parts stand among others: the parts become what they would in columns of their own.

use crate::cell::{self, Means};
use crate::detect;

/// Longest value whose parts are looked for, in bytes, and longest text that is looked at as a whole. In longer ones
/// nothing is recognised.
pub(crate) const MAX_BYTES: usize = 1 << 20;
const MAX_WHOLE: usize = 8 << 10;

/// Appends the text with every recognised part replaced. `None`: a part cannot be, or the value is too long.
pub(crate) fn mask(means: Means<'_>, raw: &str, out: &mut Vec<u8>) -> Option<()> {
    if !means.searched {
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

/// How a text is masked that is one value as a whole: an e-mail address alone, say. `None`: it is no such,
/// or too long.
pub(crate) fn whole<'k>(means: Means<'k>, raw: &str) -> Option<Means<'k>> {
    if !means.searched || raw.len() > MAX_WHOLE {
        return None;
    }
    let spans = detect::scan(raw);
    let [span] = spans.as_slice() else {
        return None;
    };
    (span.range == (0..raw.len())).then(|| means.of(&span.label))
}
