//! `weir labels`: what columns hold, as found, as decided, as configured.

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use gateway::labels::{self, Found, Held, Reviewed, Reviews};
use serde::Serialize;

use super::output::Output;
use super::{ConfigFile, Ended, Format};
use crate::config::{ColumnName, Config, nearest};
use crate::control::{Operation, request};
use crate::keyfile::now_ms;

#[derive(Debug, Subcommand)]
pub(crate) enum Labels {
    /// Look at a sample of every column now
    Scan(Asked),
    /// List what columns hold
    List(List),
    /// Tell all that is known of one column
    Show(Show),
    /// Decide what a column holds; `none` lifts a label that was found
    Set(Set),
    /// Write labels in the form of weir.toml, for review in a repository
    Export(Asked),
}

#[derive(Debug, Args)]
pub(crate) struct Asked {
    /// The target
    #[arg(long, value_name = "TARGET")]
    target: String,
    #[command(flatten)]
    config: ConfigFile,
    #[command(flatten)]
    format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Columns without a label, too
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The column, schema.table.column
    column: String,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Debug, Args)]
pub(crate) struct Set {
    /// The column, schema.table.column
    column: String,
    /// The label, or `none`
    label: String,
    /// Why, for the ledger
    #[arg(long, value_name = "TEXT")]
    why: String,
    #[command(flatten)]
    asked: Asked,
}

/// One column, or one path in it.
#[derive(Debug, Serialize)]
struct Row {
    schema: String,
    table: String,
    column: String,
    path: Option<String>,
    label: String,
    class: String,
    sensitive: bool,
    confidence: f32,
    evidence: Vec<String>,
    source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// What is known of a target's columns.
struct Known {
    config: Config,
    found: Vec<Found>,
    reviews: Reviews,
}

impl Labels {
    pub(crate) fn run(self, output: &mut Output) -> Result<Ended> {
        match self {
            Labels::Scan(asked) => asked.scan(output),
            Labels::List(list) => list.run(output),
            Labels::Show(show) => show.run(output),
            Labels::Set(set) => set.run(output),
            Labels::Export(asked) => asked.export(output),
        }
    }
}

impl Asked {
    fn known(&self) -> Result<Known> {
        let config = self.config.load()?;
        if !config.targets.contains_key(&self.target) {
            let known: Vec<&str> = config.targets.keys().map(String::as_str).collect();
            match nearest(&self.target, known.iter().copied()) {
                Some(meant) => bail!("there is no target {}: did you mean {meant}?", self.target),
                None => bail!(
                    "there is no target {}: there are {}",
                    self.target,
                    known.join(", ")
                ),
            }
        }
        let state = crate::setup::state_folder(&config);
        let file = |what| labels::file(&state, &self.target, what);
        Ok(Known {
            found: labels::read(&file("found"))
                .with_context(|| format!("cannot read {}", file("found").display()))?,
            reviews: labels::read(&file("reviewed"))
                .with_context(|| format!("cannot read {}", file("reviewed").display()))?,
            config,
        })
    }

    fn write_reviews(&self, config: &Config, reviews: &Reviews) -> Result<()> {
        let file = labels::file(
            &crate::setup::state_folder(config),
            &self.target,
            "reviewed",
        );
        labels::write(&file, reviews).with_context(|| format!("cannot write {}", file.display()))
    }

    fn scan(self, output: &mut Output) -> Result<Ended> {
        let mut known = self.known()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let setup = crate::setup::setup(&known.config)?;
        known.found = runtime.block_on(gateway::look_at_columns(setup, &self.target))?;
        let file = labels::file(
            &crate::setup::state_folder(&known.config),
            &self.target,
            "found",
        );
        if !file.exists() {
            labels::write(&file, &known.found)
                .with_context(|| format!("cannot write {}", file.display()))?;
        }
        // A gateway looks itself: it holds what it found in memory.
        known.reviews.rescan_ms = now_ms();
        self.write_reviews(&known.config, &known.reviews)?;
        let rows = known.rows(&self.target);
        self.tell(&rows, output)
    }

    fn tell(&self, rows: &[Row], output: &mut Output) -> Result<Ended> {
        if self.format.json {
            output.json(&rows)?;
            return Ok(Ended::Well);
        }
        let cells: Vec<[String; 6]> = rows
            .iter()
            .map(|row| {
                [
                    row.name(),
                    row.label.clone(),
                    row.class.clone(),
                    format!("{:.2}", row.confidence),
                    row.source.to_owned(),
                    super::ledger::cut(row.evidence.first().map_or("", String::as_str), 80),
                ]
            })
            .collect();
        output.table(["COLUMN", "LABEL", "CLASS", "SURE", "BY", "WHY"], &cells)?;
        Ok(Ended::Well)
    }

    fn export(self, output: &mut Output) -> Result<Ended> {
        let known = self.known()?;
        let rows = known.rows(&self.target);
        if self.format.json {
            return self.tell(&rows, output);
        }
        output.line(format!("[targets.{}.labels]", self.target))?;
        let mut last = None;
        let known = |row: &&Row| row.sensitive && row.label != "unclassified";
        for row in rows.iter().filter(known) {
            let name = row.column_name();
            // One line a column: documents are masked as a whole.
            if last.as_ref() == Some(&name) {
                continue;
            }
            let label = match row.path.as_deref() {
                Some(path) if path != "[]" => "json",
                Some(_) | None => &row.label,
            };
            output.line(format!("{:?} = {label:?}", name.to_string()))?;
            last = Some(name);
        }
        Ok(Ended::Well)
    }
}

impl Row {
    fn column_name(&self) -> ColumnName {
        ColumnName {
            schema: self.schema.clone(),
            relation: self.table.clone(),
            column: self.column.clone(),
        }
    }

    fn name(&self) -> String {
        format!(
            "{}{}",
            self.column_name(),
            self.path
                .as_ref()
                .map(|p| format!(" {p}"))
                .unwrap_or_default()
        )
    }
}

impl Known {
    /// Everything in the order of names: what is configured, then decided, then found counts.
    fn rows(&self, target: &str) -> Vec<Row> {
        let mut rows = Vec::new();
        let configured = self.config.targets.get(target).map(|t| &t.labels);
        for (name, label) in configured.into_iter().flatten() {
            rows.push(Row {
                schema: name.schema.clone(),
                table: name.relation.clone(),
                column: name.column.clone(),
                path: None,
                label: label.as_str().to_owned(),
                class: String::new(),
                sensitive: true,
                confidence: 1.0,
                evidence: vec!["it is written in weir.toml".to_owned()],
                source: "config",
                by: None,
                why: None,
            });
        }
        for found in &self.found {
            let name = ColumnName {
                schema: found.schema.clone(),
                relation: found.table.clone(),
                column: found.column.clone(),
            };
            if configured.is_some_and(|c| c.contains_key(&name)) {
                continue;
            }
            let id = (found.relation, found.attribute, found.type_oid);
            let decided = self
                .reviews
                .decisions
                .iter()
                .find(|r| (r.relation, r.attribute, r.type_oid) == id);
            match decided {
                Some(review) => rows.push(reviewed(found, review)),
                None => rows.extend(found_rows(found)),
            }
        }
        let key = |row: &Row| {
            (
                row.schema.clone(),
                row.table.clone(),
                row.column.clone(),
                row.path.clone(),
            )
        };
        rows.sort_by_key(key);
        rows
    }
}

fn reviewed(found: &Found, review: &Reviewed) -> Row {
    let held: Option<&Held> = found.held.iter().find(|held| held.label == review.label);
    Row {
        label: review.label.clone(),
        class: held.map_or(String::new(), |held| held.class.clone()),
        sensitive: review.label != "none",
        confidence: 1.0,
        evidence: vec![format!("{} decided: {}", review.by, review.why)],
        source: "review",
        by: Some(review.by.clone()),
        why: Some(review.why.clone()),
        ..row(found)
    }
}

fn found_rows(found: &Found) -> Vec<Row> {
    if found.failed.is_some()
        || (found.values == 0 && !found.held.iter().any(|held| held.sensitive))
    {
        let why = match &found.failed {
            Some(why) => format!("sampling was refused: {why}"),
            None => "there are no values to look at; it is masked until there are".to_owned(),
        };
        return vec![Row {
            evidence: vec![why],
            ..row(found)
        }];
    }
    let each = found.held.iter().map(|held| Row {
        path: held.path.clone(),
        label: held.label.clone(),
        class: held.class.clone(),
        sensitive: held.sensitive,
        confidence: held.confidence,
        evidence: held.evidence.clone(),
        ..row(found)
    });
    each.collect()
}

/// A column of which nothing is known.
fn row(found: &Found) -> Row {
    Row {
        schema: found.schema.clone(),
        table: found.table.clone(),
        column: found.column.clone(),
        path: None,
        label: "unclassified".to_owned(),
        class: String::new(),
        sensitive: true,
        confidence: 0.0,
        evidence: Vec::new(),
        source: "scan",
        by: None,
        why: None,
    }
}

impl List {
    fn run(self, output: &mut Output) -> Result<Ended> {
        let mut rows = self.asked.known()?.rows(&self.asked.target);
        rows.retain(|row| row.sensitive || self.all || self.asked.format.json);
        self.asked.tell(&rows, output)
    }
}

impl Show {
    fn run(self, output: &mut Output) -> Result<Ended> {
        let name = ColumnName::parse(&self.column).map_err(anyhow::Error::msg)?;
        let mut rows = self.asked.known()?.rows(&self.asked.target);
        rows.retain(|row| row.column_name() == name);
        if rows.is_empty() {
            bail!("nothing is known of {name}: does it exist, and was the target scanned?");
        }
        if self.asked.format.json {
            output.json(&rows)?;
            return Ok(Ended::Well);
        }
        for row in rows {
            output.line(format!("{}  {}", output.paint.bold(&row.name()), row.label))?;
            for evidence in &row.evidence {
                output.line(format!("  {}", super::ledger::printable(evidence)))?;
            }
        }
        Ok(Ended::Well)
    }
}

impl Set {
    fn run(self, output: &mut Output) -> Result<Ended> {
        let name = ColumnName::parse(&self.column).map_err(anyhow::Error::msg)?;
        let label = mask::Label::new(&self.label)?;
        let mut known = self.asked.known()?;
        if known
            .config
            .targets
            .get(&self.asked.target)
            .is_some_and(|t| t.labels.contains_key(&name))
        {
            bail!(
                "{name} is labelled in {}, which wins: change it there",
                known.config.file.display()
            );
        }
        let named = |found: &&Found| {
            (&found.schema, &found.table, &found.column)
                == (&name.schema, &name.relation, &name.column)
        };
        let Some(found) = known.found.iter().find(named) else {
            bail!(
                "nothing is known of {name}: set discover = true for the target, or correct the name"
            );
        };
        let by = std::env::var("USER").unwrap_or_else(|_| "operator".to_owned());
        let decision = Reviewed {
            relation: found.relation,
            attribute: found.attribute,
            type_oid: found.type_oid,
            name: name.to_string(),
            label: label.as_str().to_owned(),
            by: by.clone(),
            why: self.why.clone(),
            at_ms: now_ms(),
        };
        // On record before it counts.
        let operation = Operation::Label {
            target: self.asked.target.clone(),
            column: name.to_string(),
            label: decision.label.clone(),
            why: self.why,
            by,
        };
        let done = request(
            &known.config.ledger.directory,
            crate::serve::options(&known.config),
            operation,
        )?;
        let id = (decision.relation, decision.attribute);
        known
            .reviews
            .decisions
            .retain(|r| (r.relation, r.attribute) != id);
        known.reviews.decisions.push(decision);
        self.asked.write_reviews(&known.config, &known.reviews)?;
        if self.asked.format.json {
            output.json(&serde_json::json!({ "column": name.to_string(), "label": label.as_str(), "entries": done.entries }))?;
        } else {
            let entry = done.entries.first().copied().unwrap_or_default();
            output.line(format!(
                "{name} is {} (entry {entry} of the ledger)",
                label.as_str()
            ))?;
        }
        Ok(Ended::Well)
    }
}
