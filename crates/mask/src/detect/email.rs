//! Addresses of mail (RFC 5321 §4.1.2, as people write them).

/// Longest local part and longest domain (RFC 5321 §4.5.3.1).
const MAX_LOCAL: usize = 64;
const MAX_DOMAIN: usize = 255;

/// Where the address stands whose `@` is at byte `at`; `None` when there is none.
pub(crate) fn around(text: &str, at: usize) -> Option<(usize, usize)> {
    let (before, after) = (text.get(..at)?, text.get(at + 1..)?);
    let local = before
        .char_indices()
        .rev()
        .take(MAX_LOCAL)
        .take_while(|(_, c)| is_local(*c))
        .last()?
        .0;
    let start = local + before.get(local..)?.find(|c: char| c.is_alphanumeric())?;
    if before.ends_with('.') || before.get(start..)?.contains("..") {
        return None;
    }
    let length = domain(after)?;
    Some((start, at + 1 + length))
}

/// Whether the whole text is one address.
pub(crate) fn is_email(text: &str) -> bool {
    text.find('@')
        .and_then(|at| around(text, at))
        .is_some_and(|(start, end)| start == 0 && end == text.len())
}

fn is_local(c: char) -> bool {
    c.is_alphanumeric() || "._%+-'".contains(c)
}

/// Bytes of the domain a text begins with: labels of letters, digits and hyphens, the last of two letters or more.
fn domain(text: &str) -> Option<usize> {
    let end = text
        .char_indices()
        .take(MAX_DOMAIN)
        .find(|(_, c)| !(c.is_alphanumeric() || matches!(c, '.' | '-')))
        .map_or(text.len(), |(at, _)| at);
    let name = text.get(..end)?.trim_end_matches(['.', '-']);
    let (rest, top) = name.rsplit_once('.')?;
    let top_good = top.chars().count() >= 2
        && (top.chars().all(char::is_alphabetic) || top.starts_with("xn--"));
    let rest_good = rest
        .split('.')
        .all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'));
    (top_good && rest_good).then_some(name.len())
}
