//! `weir mask`: what labels make of values, without a database. It masks, and never turns a token back.

use ::mask::{ColumnType, Format as Wire, Label, Masked, Masker, Reveal};
use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::output::Output;
use super::{ConfigFile, Ended, Format};
use crate::config::{Config, nearest};

#[derive(Debug, Subcommand)]
pub(crate) enum Mask {
    /// Show what a value becomes under a label, and why
    Try(Try),
    /// List the labels: what values become, and what that tells
    Labels {
        #[command(flatten)]
        format: Format,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Try {
    /// A label, such as email; or a column of --target that has one, as schema.table.column
    label: String,
    /// A made-up value, in the form PostgreSQL prints it
    value: String,
    /// Type of the column
    #[arg(long = "type", value_name = "TYPE", default_value = "text")]
    type_name: String,
    /// Look the column up among the labels of this target
    #[arg(long, value_name = "TARGET")]
    target: Option<String>,
    #[command(flatten)]
    config: ConfigFile,
    #[command(flatten)]
    format: Format,
}

impl Mask {
    pub(crate) fn run(self, output: &mut Output) -> Result<Ended> {
        match self {
            Self::Try(attempt) => attempt.run(output),
            Self::Labels { format } => labels(format, output),
        }
    }
}

/// A label as tables show it.
struct Row {
    words: Vec<String>,
    becomes: &'static str,
    /// The mark of its tokens, or that there are none.
    tokens: String,
    tells: String,
}

fn rows() -> impl Iterator<Item = Row> {
    ::mask::labels().map(|label| Row {
        words: label.words().map(str::to_owned).collect(),
        becomes: ::mask::describe(&label),
        tokens: match label.mark().filter(|_| label.reversible()) {
            Some(mark) => mark.to_owned(),
            None => "one-way".to_owned(),
        },
        tells: label.releases().to_string(),
    })
}

fn labels(format: Format, output: &mut Output) -> Result<Ended> {
    if format.json {
        let all: Vec<Value> = ::mask::labels().map(|label| described(&label)).collect();
        output.json(&all)?;
    } else {
        let rows: Vec<[String; 4]> = rows()
            .map(|row| {
                [
                    row.words.join(", "),
                    row.tokens,
                    row.tells,
                    row.becomes.to_owned(),
                ]
            })
            .collect();
        output.table(["LABEL", "TOKENS", "TELLS", "BECOMES"], &rows)?;
    }
    Ok(Ended::Well)
}

fn described(label: &Label) -> Value {
    let releases = label.releases();
    let parts: Vec<String> = releases.parts.iter().map(ToString::to_string).collect();
    json!({
        "label": label.as_str(),
        "words": label.words().collect::<Vec<_>>(),
        "becomes": ::mask::describe(label),
        "reversible": label.reversible(),
        "mark": label.mark(),
        "releases": { "equality": releases.equality, "parts": parts },
    })
}

/// The rows of the table in docs/configuration.md: labels that are alike in one.
#[cfg(test)]
pub(crate) fn label_rows() -> Vec<String> {
    let mut all: Vec<Row> = Vec::new();
    for row in rows() {
        let like = |other: &&mut Row| {
            other.becomes == row.becomes && other.tokens == row.tokens && other.tells == row.tells
        };
        match all.iter_mut().find(like) {
            Some(other) => other.words.extend(row.words),
            None => all.push(row),
        }
    }
    let code = |words: &[String]| {
        words
            .iter()
            .map(|word| format!("`{word}`"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let tokens = |tokens: &str| match tokens {
        "one-way" => tokens.to_owned(),
        mark => format!("`{mark}`"),
    };
    all.iter()
        .map(|row| {
            format!(
                "| {} | {} | {} | {} |",
                code(&row.words),
                row.becomes,
                tokens(&row.tokens),
                row.tells
            )
        })
        .collect()
}

/// What became of a value, and why.
enum Outcome {
    Token,
    StandIn(String),
    Null(String),
}

impl Try {
    fn run(self, output: &mut Output) -> Result<Ended> {
        let config = self.config.load()?;
        let label = self.label(&config)?;
        let Some(column) = ColumnType::named(&self.type_name) else {
            bail!(
                "{} is no type that Weir knows by name: write it as in CREATE TABLE, such as text, varchar(20) or numeric(10,2)",
                self.type_name
            );
        };
        let masker = crate::setup::masker(&config.masking)?;
        let mut masked = Vec::new();
        let done = masker.mask(
            &label,
            &column,
            Wire::Text,
            self.value.as_bytes(),
            &mut masked,
        );
        let masked = match done {
            Masked::Value => Some(String::from_utf8(masked)?),
            Masked::Null => None,
        };
        let outcome = self.outcome(&masker, &label, &column, masked.as_deref());
        if self.format.json {
            let (becomes, why) = match &outcome {
                Outcome::Token => ("token", None),
                Outcome::StandIn(why) => ("stand-in", Some(why)),
                Outcome::Null(why) => ("null", Some(why)),
            };
            output.json(&json!({
                "label": described(&label),
                "type": self.type_name,
                "masked": masked,
                "becomes": becomes,
                "fits": masked.is_some(),
                "why": why,
            }))?;
            return Ok(Ended::Well);
        }
        output.line(masked.as_deref().unwrap_or("NULL"))?;
        output.line("")?;
        let becomes = match outcome {
            Outcome::Token => format!(
                "a token: where it is compared with or written to a column labelled {label}, the gateway turns it back"
            ),
            Outcome::StandIn(why) => format!("a stand-in, which cannot be turned back: {why}"),
            Outcome::Null(why) => format!("NULL: {why}"),
        };
        let mark = label.mark().unwrap_or("none");
        for (name, text) in [
            ("label", format!("{label}: {}", ::mask::describe(&label))),
            ("type", self.type_name),
            ("becomes", becomes),
            ("mark", mark.to_owned()),
            ("tells", label.releases().to_string()),
        ] {
            output.line(format!("{name:<9}{text}"))?;
        }
        Ok(Ended::Well)
    }

    /// The label of that word, or of that column.
    fn label(&self, config: &Config) -> Result<Label> {
        let Some(target) = &self.target else {
            return self.word();
        };
        let target = super::target(config, target)?;
        let column = crate::config::ColumnName::parse(&self.label).ok();
        match column.and_then(|column| target.labels.get(&column)) {
            Some(label) => Ok(label.clone()),
            None if self.label.contains('.') => bail!("{} has no label in weir.toml", self.label),
            None => self.word(),
        }
    }

    fn word(&self) -> Result<Label> {
        let label = Label::new(&self.label)?;
        let known: Vec<Label> = ::mask::labels().collect();
        if known.iter().any(|known| known.same_tokens(&label)) {
            return Ok(label);
        }
        // Any word is a label, and redacts; here it is rather a slip.
        match nearest(&self.label, known.iter().flat_map(Label::words)) {
            Some(meant) => bail!("there is no built-in label {label}: did you mean {meant}?"),
            None => Ok(label),
        }
    }

    fn outcome(
        &self,
        masker: &Masker,
        label: &Label,
        column: &ColumnType,
        masked: Option<&str>,
    ) -> Outcome {
        let Some(masked) = masked else {
            return Outcome::Null(format!(
                "the value is none of that type, or {} has no room or no stand-in under {label}",
                self.type_name
            ));
        };
        if matches!(
            masker.reveal(label, column, Wire::Text, masked.as_bytes()),
            Reveal::Raw(_)
        ) {
            return Outcome::Token;
        }
        Outcome::StandIn(match label.token_chars() {
            None => format!("no value under {label} can"),
            Some(_) if label.reversible_in(column) => {
                "the value is too long for a token, or spelled in a way that none keeps".to_owned()
            }
            Some(chars) => format!(
                "{} is too short for a token of {chars} characters",
                self.type_name
            ),
        })
    }
}
