//! Constants and parameters in the place of values of columns.

use foldhash::{HashMap, HashSet};

use crate::ast::{Cast, Expr};
use crate::lex::{Lexer, TokenKind};
use crate::{Given, GivenBy};

/// Tells of each parameter whether all its places in the statement are known. The grammar may not have kept all of
/// them; the text has.
pub(super) fn count_places(given: &mut [Given], text: &str) {
    let mut known: HashMap<u32, HashSet<usize>> = HashMap::default();
    for one in given.iter() {
        if let GivenBy::Parameter { number, place, .. } = one.what {
            known.entry(number).or_default().insert(place);
        }
    }
    if known.is_empty() {
        return;
    }
    let mut written: HashMap<u32, usize> = HashMap::default();
    for token in Lexer::new(text).filter(|token| token.kind == TokenKind::Param) {
        let digits = text.get(token.start + 1..token.end).unwrap_or_default();
        if let Ok(number) = digits.parse() {
            *written.entry(number).or_default() += 1;
        }
    }
    for one in given {
        if let GivenBy::Parameter { number, only, .. } = &mut one.what {
            let places = known.get(number).map(HashSet::len);
            *only = places == written.get(number).copied();
        }
    }
}

/// What a prepared statement is given by EXECUTE with these arguments; `None` for NULL, which is no value.
pub(super) fn executed(given: &Given, args: &[Expr]) -> Option<Given> {
    let what = match given.what {
        GivenBy::Parameter {
            number, only: true, ..
        } => {
            let place = usize::try_from(number).ok();
            let place = place.and_then(|number| number.checked_sub(1));
            match place.and_then(|place| args.get(place)) {
                Some(Expr::Text(literal)) => literal.place.map(GivenBy::Text),
                Some(Expr::Cast(cast)) if is_text(cast) => match &cast.arg {
                    Expr::Text(literal) => literal.place.map(GivenBy::Text),
                    _ => None,
                },
                Some(Expr::Null) => return None,
                _ => None,
            }
        }
        GivenBy::Parameter { .. } | GivenBy::Text(_) | GivenBy::Elsewhere => None,
    };
    Some(Given {
        what: what.unwrap_or(GivenBy::Elsewhere),
        settled: None,
        ..given.clone()
    })
}

fn is_text(cast: &Cast) -> bool {
    let name = match cast.target.path.as_slice() {
        [name] => &**name,
        [schema, name] if &**schema == "pg_catalog" => &**name,
        _ => return false,
    };
    matches!(name, "text" | "varchar")
        && cast.target.modifiers.is_empty()
        && !cast.target.odd_modifiers
}
