//! What is said about a column, and why. Evidence names counts and words of names, never values.

use std::fmt;

use super::kind::Class;
use crate::Label;

/// Where in a column's values something stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Path {
    /// Each element of an array.
    Elements,
    /// Leaves of JSON documents: keys from the root, [`Path::ANY`] for each element of an array and for
    /// keys that are data themselves.
    Json(Vec<String>),
}

impl Path {
    /// Any element of an array, or any key.
    pub const ANY: &'static str = "*";
}

impl fmt::Display for Path {
    /// `[]` for elements; `$.customer.emails[*]` for JSON, keys that are no words quoted (RFC 9535).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps = match self {
            Self::Elements => return f.write_str("[]"),
            Self::Json(steps) => steps,
        };
        f.write_str("$")?;
        for step in steps {
            let word = step.chars().all(|c| c.is_alphanumeric() || c == '_')
                && !step.starts_with(|c: char| c.is_numeric())
                && !step.is_empty();
            if step == Self::ANY {
                f.write_str("[*]")?;
            } else if word {
                write!(f, ".{step}")?;
            } else {
                write!(f, "[{step:?}]")?;
            }
        }
        Ok(())
    }
}

/// What was found out about a column, or about one path in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The part of the value this is about; `None` for the whole.
    pub path: Option<Path>,
    /// What it holds; `none` for nothing that has a label.
    pub label: Label,
    /// What that means for the people in the table.
    pub class: Class,
    /// Whether it is to be masked.
    pub sensitive: bool,
    /// How sure this is, 0 to 1: of the label where it is sensitive, else of there being none.
    pub confidence: f32,
    /// Why, strongest first.
    pub evidence: Vec<Evidence>,
}

/// One reason for a judgement. Its `Display` is a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// A word in the column's name.
    Name {
        /// The word of the lexicon.
        word: String,
        /// What it means.
        kind: &'static str,
    },
    /// A word in the column's comment.
    Comment {
        /// The word of the lexicon.
        word: String,
        /// What it means.
        kind: &'static str,
    },
    /// Values that pass a kind's check.
    Validator {
        /// What was checked for.
        kind: &'static str,
        /// How many distinct values passed.
        passed: usize,
        /// Of how many.
        of: usize,
    },
    /// Values found in word lists.
    Dictionary {
        /// Which lists.
        kind: &'static str,
        /// How many distinct values were found.
        found: usize,
        /// Of how many.
        of: usize,
    },
    /// The form of most values: `9` a digit, `a` and `A` letters, other characters as they are.
    Skeleton {
        /// The form.
        form: String,
        /// Percent of distinct values that have it.
        percent: usize,
    },
    /// What other columns of the table hold.
    Neighbours {
        /// The words that told.
        words: String,
    },
    /// The foreign key's target has a label.
    ForeignKey {
        /// Its label.
        label: String,
    },
    /// The type speaks for or against.
    Type {
        /// Its name.
        name: String,
    },
    /// Texts in which single values were found.
    Prose {
        /// How many distinct texts.
        found: usize,
        /// Of how many.
        of: usize,
        /// What was found, most first.
        kinds: String,
    },
    /// Nothing speaks for a label.
    Nothing,
    /// There are no values to look at.
    NoValues,
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name { word, kind } => write!(f, "the name says `{word}` ({kind})"),
            Self::Comment { word, kind } => write!(f, "the comment says `{word}` ({kind})"),
            Self::Validator { kind, passed, of } => {
                write!(f, "{passed} of {of} distinct values are valid as {kind}")
            }
            Self::Dictionary { kind, found, of } => {
                write!(f, "{found} of {of} distinct values are among {kind}")
            }
            Self::Skeleton { form, percent } => {
                write!(f, "{percent}% of distinct values have the form {form}")
            }
            Self::Neighbours { words } => write!(f, "it stands beside {words}"),
            Self::ForeignKey { label } => {
                write!(f, "its foreign key points to a column labelled {label}")
            }
            Self::Type { name } => write!(f, "its type is {name}"),
            Self::Prose { found, of, kinds } => {
                write!(f, "{found} of {of} distinct texts hold {kinds}")
            }
            Self::Nothing => f.write_str("nothing in name or values speaks for a label"),
            Self::NoValues => f.write_str("there are no values to look at"),
        }
    }
}
