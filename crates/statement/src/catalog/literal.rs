//! Values in PostgreSQL's text form, as far as the catalog queries need them.

/// Elements of a one-dimensional array in text form (`{1,2}`, `{a,"b c",NULL}`; PostgreSQL docs, 8.15.6).
/// `None` when it is not one. A NULL element is `None` inside.
pub(super) fn array(text: &str) -> Option<Vec<Option<String>>> {
    let inner = text.strip_prefix('{')?.strip_suffix('}')?;
    let mut elements = Vec::new();
    if inner.is_empty() {
        return Some(elements);
    }
    let mut characters = inner.chars().peekable();
    loop {
        let mut element = String::new();
        let mut quoted = false;
        if characters.next_if_eq(&'"').is_some() {
            quoted = true;
            loop {
                match characters.next()? {
                    '"' => break,
                    '\\' => element.push(characters.next()?),
                    other => element.push(other),
                }
            }
        } else {
            while let Some(next) = characters.next_if(|next| *next != ',') {
                match next {
                    '\\' => element.push(characters.next()?),
                    '"' | '{' | '}' => return None,
                    other => element.push(other),
                }
            }
            if element.is_empty() {
                return None;
            }
        }
        let null = !quoted && element.eq_ignore_ascii_case("null");
        elements.push((!null).then_some(element));
        match characters.next() {
            None => return Some(elements),
            Some(',') => {}
            Some(_) => return None,
        }
    }
}

/// Elements of an array of numbers; NULL elements are refused.
pub(super) fn numbers<T: std::str::FromStr>(text: &str) -> Option<Vec<T>> {
    array(text)?
        .into_iter()
        .map(|element| element?.parse().ok())
        .collect()
}

/// Elements of an `oidvector` or `int2vector` (`1 2 3`).
pub(super) fn vector<T: std::str::FromStr>(text: &str) -> Option<Vec<T>> {
    text.split_ascii_whitespace()
        .map(|element| element.parse().ok())
        .collect()
}

/// A boolean: `t`, `true`, `f`, `false`.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text {
        "t" | "true" => Some(true),
        "f" | "false" => Some(false),
        _ => None,
    }
}
