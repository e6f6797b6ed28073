//! `@require("…")`: what turns a `forbid` into an allow, and who must provide it.
//!
//! One annotation holds one or more requirements, separated by `;`.

use std::fmt;

/// One requirement of a `forbid`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Requirement {
    /// `mask:*`: every label the statement uses in the dataset leaves masked.
    MaskAll,
    /// `mask:label=email`: this label leaves masked.
    Mask(String),
    /// `row_cap:1000`: at most so many rows leave.
    RowCap(u64),
    /// `purpose`: the client states one.
    Purpose,
}

/// Why a `@require` cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault(pub(crate) String);

impl Requirement {
    /// Reads the text of one annotation.
    pub(crate) fn parse_all(text: &str) -> Result<Vec<Self>, Fault> {
        text.split(';')
            .map(|part| Self::parse(part.trim()))
            .collect()
    }

    fn parse(text: &str) -> Result<Self, Fault> {
        let (kind, argument) = match text.split_once(':') {
            Some((kind, argument)) => (kind.trim(), Some(argument.trim())),
            None => (text, None),
        };
        match (kind, argument) {
            ("mask", Some("*")) => Ok(Self::MaskAll),
            ("mask", Some(argument)) => match argument.strip_prefix("label=") {
                Some(label) if is_label(label) => Ok(Self::Mask(label.to_owned())),
                _ => Err(Fault(format!(
                    "`{text}` must be `mask:*` or `mask:label=WORD`"
                ))),
            },
            ("row_cap", Some(argument)) => match argument.parse() {
                // Cedar's Long is signed.
                Ok(rows) if i64::try_from(rows).is_ok() => Ok(Self::RowCap(rows)),
                _ => Err(Fault(format!(
                    "`{text}` must be `row_cap:` and a number of rows"
                ))),
            },
            ("purpose", None) => Ok(Self::Purpose),
            ("approval" | "step_up", _) => Err(Fault(format!(
                "requirement `{kind}` is not available in this version of Weir"
            ))),
            _ => Err(Fault(format!(
                "unknown requirement `{text}`: there are `mask`, `row_cap` and `purpose`"
            ))),
        }
    }
}

fn is_label(word: &str) -> bool {
    !word.is_empty()
        && word
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-')
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MaskAll => write!(f, "mask:*"),
            Self::Mask(label) => write!(f, "mask:label={label}"),
            Self::RowCap(rows) => write!(f, "row_cap:{rows}"),
            Self::Purpose => write!(f, "purpose"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_and_refuses_the_rest() {
        for text in ["mask:*", "mask:label=email", "row_cap:1000", "purpose"] {
            let read = Requirement::parse_all(text).unwrap();
            assert_eq!(
                read.iter().map(ToString::to_string).collect::<Vec<_>>(),
                [text]
            );
        }
        assert_eq!(
            Requirement::parse_all("mask:*; row_cap:10").unwrap().len(),
            2
        );
        for text in [
            "",
            "mask",
            "mask:",
            "mask:email",
            "mask:label=",
            "mask:label=E",
            "row_cap",
            "row_cap:x",
            "row_cap:-1",
            "row_cap:9223372036854775808",
            "purpose:x",
            "approval:group=a",
            "step_up",
            "mask:*;",
            "Mask:*",
        ] {
            assert!(Requirement::parse_all(text).is_err(), "{text:?}");
        }
    }
}
