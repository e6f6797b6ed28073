//! What tokens look like, by rule: their marks.

use zeroize::Zeroizing;

use super::{address, ids, words};
use crate::ff1::Ff1;
use crate::label::Rule;

/// The forms of tokens.
#[derive(Clone, Copy)]
enum Shape {
    Email,
    Username,
    Url,
    Phone,
    Ssn,
    Document,
    Iban,
    Address,
}

/// `None`: the rule has no tokens. A card's number has room for its account or for a proof, not for both; nor has
/// a UUID, of which 122 bits may differ. Names and prose have no range that nobody uses.
fn of(rule: Rule) -> Option<Shape> {
    Some(match rule {
        Rule::Email => Shape::Email,
        Rule::Username => Shape::Username,
        Rule::Url => Shape::Url,
        Rule::Phone => Shape::Phone,
        Rule::Ssn => Shape::Ssn,
        Rule::Document => Shape::Document,
        Rule::Iban => Shape::Iban,
        Rule::Ip => Shape::Address,
        Rule::Card
        | Rule::Name
        | Rule::Word
        | Rule::Address
        | Rule::Mac
        | Rule::Secret
        | Rule::Json
        | Rule::Uuid
        | Rule::Text
        | Rule::Birth
        | Rule::Date
        | Rule::Number
        | Rule::Geo
        | Rule::Redact => return None,
    })
}

/// Characters of the shortest token; `None`: the rule has no tokens.
pub(crate) fn shortest(rule: Rule) -> Option<usize> {
    Some(match of(rule)? {
        Shape::Email => words::EMAIL,
        Shape::Username => words::USERNAME,
        Shape::Url => words::URL,
        Shape::Phone => ids::phone::LENGTH,
        Shape::Ssn => ids::ssn::LENGTH,
        Shape::Document => ids::document::LENGTH,
        Shape::Iban => ids::iban::LENGTH,
        Shape::Address => address::LENGTH,
    })
}

/// Appends the token of a value, however long.
pub(super) fn write(rule: Rule, cipher: &Ff1, raw: &str, out: &mut Vec<u8>) -> Option<()> {
    match of(rule)? {
        Shape::Email => words::write_email(cipher, raw, out),
        Shape::Username => words::write_username(cipher, raw, out),
        Shape::Url => words::write_url(cipher, raw, out),
        Shape::Phone => ids::phone::write(cipher, raw, out),
        Shape::Ssn => ids::ssn::write(cipher, raw, out),
        Shape::Document => ids::document::write(cipher, raw, out),
        Shape::Iban => ids::iban::write(cipher, raw, out),
        Shape::Address => address::write(cipher, raw, out),
    }
}

/// Opens what looks like a token; whether it was written so is not checked.
pub(super) fn read(rule: Rule, cipher: &Ff1, text: &str) -> Option<Zeroizing<String>> {
    match of(rule)? {
        Shape::Email => words::read_email(cipher, text),
        Shape::Username => words::read_username(cipher, text),
        Shape::Url => words::read_url(cipher, text),
        Shape::Phone => ids::phone::read(cipher, text),
        Shape::Ssn => ids::ssn::read(cipher, text),
        Shape::Document => ids::document::read(cipher, text),
        Shape::Iban => ids::iban::read(cipher, text),
        Shape::Address => address::read(cipher, text).map(Zeroizing::new),
    }
}

/// Does a folded text bear the mark of tokens, whole or cut?
pub(super) fn marked(rule: Rule, folded: &str) -> bool {
    of(rule).is_some_and(|shape| match shape {
        Shape::Email => words::email_marked(folded),
        Shape::Username => words::username_marked(folded),
        Shape::Url => words::url_marked(folded),
        Shape::Phone => ids::phone::marked(folded),
        Shape::Ssn => ids::ssn::marked(folded),
        Shape::Document => ids::document::marked(folded),
        Shape::Iban => ids::iban::marked(folded),
        Shape::Address => address::text_marked(folded),
    })
}
