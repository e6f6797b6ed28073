//! Images of whole values, by the type they are of: scalars, arrays element by element, documents leaf by leaf.

use anyhow::{Context, Result};
use serde_json::Value;

use super::image::Images;

/// What a column's type is made of, as far as images go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Text of so many characters at most.
    Text(Option<usize>),
    /// Whole numbers of so many digits at most.
    Integer(usize),
    /// Fractional numbers.
    Decimal,
    /// Dates and times.
    Time,
    /// `json` and `jsonb`.
    Json,
    /// `bytea`.
    Bytes,
    /// `inet`.
    Network,
    /// `boolean`.
    Flag,
    /// Arrays.
    Array(Box<Shape>),
    /// Types whose values are the same in both worlds.
    Other,
}

impl Shape {
    /// From `pg_type`: name, category and element type's name; and what the modifier allows.
    pub(crate) fn of(name: &str, category: &str, element: &str, limit: Option<usize>) -> Shape {
        match (name, category) {
            ("int2", _) => Shape::Integer(4),
            ("int4", _) => Shape::Integer(9),
            ("int8", _) => Shape::Integer(18),
            ("numeric" | "float4" | "float8", _) => Shape::Decimal,
            ("date" | "timestamp" | "timestamptz", _) => Shape::Time,
            ("json" | "jsonb", _) => Shape::Json,
            ("bytea", _) => Shape::Bytes,
            ("inet", _) => Shape::Network,
            ("bool", _) => Shape::Flag,
            (_, "A") => Shape::Array(Box::new(Shape::of(
                element,
                element_category(element),
                "",
                None,
            ))),
            ("uuid", _) | (_, "S") => Shape::Text(limit),
            _ => Shape::Other,
        }
    }

    /// The image of a value in PostgreSQL's text form.
    pub(crate) fn image(&self, images: &mut Images, raw: &str) -> Result<String> {
        match self {
            Shape::Text(limit) => images.text(raw, *limit),
            Shape::Integer(digits) => images.number(raw, *digits),
            Shape::Decimal => {
                let whole = raw.split('.').next().unwrap_or_default();
                images.number(raw, whole.trim_start_matches('-').len())
            }
            Shape::Time => images.time(raw),
            Shape::Bytes => images.bytes(raw),
            Shape::Network => images.network(raw),
            Shape::Flag => Ok(if raw == "t" { "f" } else { "t" }.to_owned()),
            Shape::Json => {
                let document = serde_json::from_str(raw)
                    .with_context(|| format!("not read as JSON: {raw}"))?;
                Ok(document_image(images, document)?.to_string())
            }
            Shape::Array(element) => array(raw, &mut |inner| element.image(images, inner)),
            Shape::Other => Ok(raw.to_owned()),
        }
    }

    /// The value as an image would be written, unchanged: both worlds go through the same hands.
    pub(crate) fn same(&self, raw: &str) -> String {
        match self {
            Shape::Json => serde_json::from_str::<Value>(raw)
                .map_or_else(|_| raw.to_owned(), |document| document.to_string()),
            Shape::Array(element) => {
                array(raw, &mut |inner| Ok(element.same(inner))).unwrap_or_else(|_| raw.to_owned())
            }
            _ => raw.to_owned(),
        }
    }

    /// Whether values differ between the worlds at all.
    pub(crate) fn varies(&self) -> bool {
        match self {
            Shape::Array(element) => element.varies(),
            Shape::Other => false,
            _ => true,
        }
    }
}

fn element_category(name: &str) -> &'static str {
    match name {
        "text" | "varchar" | "bpchar" | "name" | "citext" => "S",
        _ => "",
    }
}

/// Shape, keys and nulls are the same in both worlds.
fn document_image(images: &mut Images, document: Value) -> Result<Value> {
    Ok(match document {
        Value::String(text) => Value::String(images.text(&text, None)?),
        Value::Number(number) => {
            let image = images.number(&number.to_string(), 9)?;
            serde_json::from_str(&image).with_context(|| format!("{image} for {number}"))?
        }
        Value::Bool(flag) => Value::Bool(!flag),
        Value::Array(items) => items
            .into_iter()
            .map(|item| document_image(images, item))
            .collect::<Result<_>>()?,
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| Ok((name, document_image(images, value)?)))
            .collect::<Result<_>>()?,
        Value::Null => Value::Null,
    })
}

/// An array's text form (PostgreSQL docs, 8.15.6) with each element replaced that is not NULL.
fn array(text: &str, image: &mut dyn FnMut(&str) -> Result<String>) -> Result<String> {
    let mut out = String::new();
    let mut letters = text.chars().peekable();
    // bounds that are not the usual ones: `[0:1]={…}`
    if text.starts_with('[') {
        for c in letters.by_ref() {
            out.push(c);
            if c == '=' {
                break;
            }
        }
    }
    while let Some(c) = letters.next() {
        match c {
            '{' | '}' | ',' => out.push(c),
            '"' => {
                let mut element = String::new();
                while let Some(c) = letters.next() {
                    match c {
                        '"' => break,
                        '\\' => element.extend(letters.next()),
                        other => element.push(other),
                    }
                }
                out.push_str(&quoted(&image(&element)?));
            }
            first => {
                let mut element = String::from(first);
                while let Some(c) = letters.next_if(|c| !matches!(c, '{' | '}' | ',')) {
                    element.push(c);
                }
                if element.eq_ignore_ascii_case("null") {
                    out.push_str(&element);
                } else {
                    out.push_str(&quoted(&image(&element)?));
                }
            }
        }
    }
    Ok(out)
}

fn quoted(element: &str) -> String {
    format!("\"{}\"", element.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_keep_their_shape_and_nulls() {
        let upper = |text: &str| array(text, &mut |element| Ok(element.to_uppercase())).unwrap();
        assert_eq!(upper("{}"), "{}");
        assert_eq!(upper(r#"{a,NULL,"b c"}"#), r#"{"A",NULL,"B C"}"#);
        assert_eq!(
            upper(r#"{{a,"NULL"},{"q\"s",d}}"#),
            r#"{{"A","NULL"},{"Q\"S","D"}}"#
        );
        assert_eq!(upper("[0:1]={a,b}"), r#"[0:1]={"A","B"}"#);
    }

    #[test]
    fn documents_keep_shape_keys_and_nulls() {
        let mut images = Images::default();
        let raw = r#"{"contact":{"phone":"+4915123987654"},"n":[null,3,true]}"#;
        let image: Value =
            serde_json::from_str(&Shape::Json.image(&mut images, raw).unwrap()).unwrap();
        let phone = image["contact"]["phone"].as_str().unwrap();
        assert!(phone.starts_with('+') && phone != "+4915123987654");
        let alone = images.text("+4915123987654", None).unwrap();
        assert_eq!(phone, alone, "as in a column");
        assert!(image["n"][0].is_null() && image["n"][1] != 3 && image["n"][2] == false);
    }

    #[test]
    fn types_have_their_shapes() {
        assert_eq!(Shape::of("int4", "N", "", None), Shape::Integer(9));
        assert_eq!(
            Shape::of("varchar", "S", "", Some(11)),
            Shape::Text(Some(11))
        );
        let texts = Shape::Array(Box::new(Shape::Text(None)));
        assert_eq!(Shape::of("_text", "A", "text", None), texts);
        assert!(!Shape::of("tsvector", "U", "", None).varies());
    }
}
