//! `weir labels`: what columns hold, as found, as decided, as configured.

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use gateway::labels::{Files, Found, Held, Looked, NONE, Reviewed, Reviews, UNCLASSIFIED};
use serde::Serialize;

use super::ledger::{cut, printable};
use super::output::Output;
use super::{ConfigFile, Ended, Format, target};
use crate::config::{ColumnName, Config};
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
    /// Whether the column is masked by this.
    masked: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// The label of the column as a whole.
    #[serde(skip)]
    whole: String,
}

/// What is known of a target's columns.
struct Known {
    config: Config,
    looked: Looked,
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
    fn files(&self, config: &Config) -> Files {
        Files::of(&crate::setup::state_folder(config), &self.target)
    }

    fn known(&self) -> Result<Known> {
        let config = self.config.load()?;
        target(&config, &self.target)?;
        let files = self.files(&config);
        let found = files.read_found();
        let reviews = files.read_reviews();
        Ok(Known {
            looked: found.with_context(|| format!("cannot read {}", files.found().display()))?,
            reviews: reviews
                .with_context(|| format!("cannot read {}", files.reviewed().display()))?,
            config,
        })
    }

    fn scan(self, output: &mut Output) -> Result<Ended> {
        let mut known = self.known()?;
        let setup = crate::setup::setup(&known.config)?;
        known.looked.columns =
            runtime()?.block_on(gateway::look_at_columns(setup, &self.target))?;
        // A gateway looks itself: only what is on record counts.
        let rescan = |reviews: &mut Reviews| {
            reviews.rescan_ms = now_ms();
            Ok::<(), std::io::Error>(())
        };
        self.files(&known.config)
            .change(rescan)
            .context("cannot ask the gateway to look again")?;
        let rows = known.rows(&self.target);
        self.tell(&known.config, &rows, output)
    }

    fn tell(&self, config: &Config, rows: &[Row], output: &mut Output) -> Result<Ended> {
        let discover = target(config, &self.target)?.discover;
        if !discover && rows.iter().any(|row| row.source == "scan") {
            eprintln!(
                "weir: what was found (scan) masks nothing: the target {} has no discover = true",
                self.target
            );
        }
        if self.format.json {
            output.json(&rows)?;
            return Ok(Ended::Well);
        }
        let cells: Vec<[String; 6]> = rows
            .iter()
            .map(|row| {
                let why = row.evidence.first().map_or("", String::as_str);
                [
                    plain(&row.name()),
                    plain(&row.label),
                    plain(&row.class),
                    format!("{:.2}", row.confidence),
                    row.source.to_owned(),
                    cut(&plain(why), 80),
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
            return self.tell(&known.config, &rows, output);
        }
        let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let name = match self.target.chars().all(bare) {
            true => self.target.clone(),
            false => quoted(&self.target)?,
        };
        output.line(format!("[targets.{name}.labels]"))?;
        let mut last = None;
        let known = |row: &&Row| row.whole != NONE && row.whole != UNCLASSIFIED;
        for row in rows.iter().filter(known) {
            let name = row.column_name();
            // One line a column: documents are masked as a whole.
            if last.as_ref() == Some(&name) {
                continue;
            }
            let line = [quoted(&name.to_string())?, quoted(&row.whole)?].join(" = ");
            output.line(line)?;
            last = Some(name);
        }
        Ok(Ended::Well)
    }
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().context("cannot start")
}

/// One line that a terminal may be given: names and keys are the database's.
fn plain(text: &str) -> String {
    printable(text).replace(['\n', '\t'], " ")
}

/// A basic string of TOML, which is one of JSON but for DEL (TOML 1.0.0, String).
fn quoted(text: &str) -> Result<String> {
    Ok(serde_json::to_string(text)?.replace('\u{7f}', "\\u007F"))
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
        let target = self.config.targets.get(target);
        let discover = target.is_some_and(|target| target.discover);
        let configured = target.map(|target| &target.labels);
        let is_configured = |name: &ColumnName| configured.is_some_and(|c| c.contains_key(name));
        for (name, label) in configured.into_iter().flatten() {
            let evidence = "it is written in weir.toml".to_owned();
            rows.push(row(name, "config", label.as_str(), evidence));
        }
        let mut shown = Vec::new();
        for found in &self.looked.columns {
            let name = ColumnName {
                schema: found.schema.clone(),
                relation: found.table.clone(),
                column: found.column.clone(),
            };
            shown.push((found.relation, found.attribute));
            if is_configured(&name) {
                continue;
            }
            match self.decided(found) {
                Some(review) => {
                    let held = found.held.iter().find(|held| held.label == review.label);
                    rows.push(Row {
                        class: held.map_or(String::new(), |held| held.class.clone()),
                        ..reviewed(&name, review)
                    });
                }
                None => rows.extend(found_rows(&name, found, discover)),
            }
        }
        // Decided, and not looked at: it is a column all the same.
        for review in &self.reviews.decisions {
            let name = ColumnName::parse(&review.name).ok();
            let Some(name) = name.filter(|name| !is_configured(name)) else {
                continue;
            };
            if !shown.contains(&(review.relation, review.attribute)) {
                rows.push(reviewed(&name, review));
            }
        }
        let key = |row: &Row| (row.column_name().to_string(), row.path.clone());
        rows.sort_by_cached_key(key);
        rows
    }

    /// The decision in force: that a column holds nothing was said of its type, in its database.
    fn decided(&self, found: &Found) -> Option<&Reviewed> {
        let database = self.looked.database.as_ref();
        self.reviews.decisions.iter().find(|review| {
            (review.relation, review.attribute) == (found.relation, found.attribute)
                && (review.label != NONE
                    || (review.type_oid == found.type_oid
                        && database.is_none_or(|database| *database == review.database)))
        })
    }
}

fn reviewed(name: &ColumnName, review: &Reviewed) -> Row {
    let evidence = format!("{} decided: {}", review.by, review.why);
    Row {
        by: Some(review.by.clone()),
        why: Some(review.why.clone()),
        ..row(name, "review", &review.label, evidence)
    }
}

fn found_rows(name: &ColumnName, found: &Found, discover: bool) -> Vec<Row> {
    let whole = || Row {
        confidence: 0.0,
        masked: discover && found.label != NONE,
        ..row(name, "scan", &found.label, found.why())
    };
    if found.label == UNCLASSIFIED {
        return vec![whole()];
    }
    let each = found.held.iter().map(|held: &Held| Row {
        path: held.path.clone(),
        label: held.label.clone(),
        class: held.class.clone(),
        sensitive: held.sensitive,
        confidence: held.confidence,
        evidence: held.evidence.clone(),
        ..whole()
    });
    each.collect()
}

/// The row of a whole column.
fn row(name: &ColumnName, source: &'static str, label: &str, evidence: String) -> Row {
    Row {
        schema: name.schema.clone(),
        table: name.relation.clone(),
        column: name.column.clone(),
        path: None,
        label: label.to_owned(),
        class: String::new(),
        sensitive: label != NONE,
        confidence: 1.0,
        evidence: vec![evidence],
        source,
        masked: label != NONE,
        by: None,
        why: None,
        whole: label.to_owned(),
    }
}

impl List {
    fn run(self, output: &mut Output) -> Result<Ended> {
        let known = self.asked.known()?;
        let mut rows = known.rows(&self.asked.target);
        rows.retain(|row| row.sensitive || self.all || self.asked.format.json);
        self.asked.tell(&known.config, &rows, output)
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
            let name = output.paint.bold(&plain(&row.name()));
            output.line(format!("{name}  {}", plain(&row.label)))?;
            for evidence in &row.evidence {
                output.line(format!("  {}", plain(evidence)))?;
            }
        }
        Ok(Ended::Well)
    }
}

impl Set {
    fn run(self, output: &mut Output) -> Result<Ended> {
        let name = ColumnName::parse(&self.column).map_err(anyhow::Error::msg)?;
        let label = mask::Label::new(&self.label)?;
        if self.why.trim().is_empty() {
            bail!("--why is empty: say why, for the ledger");
        }
        let asked = &self.asked;
        let config = asked.config.load()?;
        if target(&config, &asked.target)?.labels.contains_key(&name) {
            bail!(
                "{name} is labelled in {}, which wins: change it there",
                config.file.display()
            );
        }
        // The column that bears the name now, which may not be the one that bore it at the last look.
        let parts = [&*name.schema, &*name.relation, &*name.column];
        let setup = crate::setup::setup(&config)?;
        let bound = runtime()?.block_on(gateway::column(setup, &asked.target, parts))?;
        let Some(bound) = bound else {
            bail!("there is no column {name} in the database: correct the name");
        };
        if !bound.stored {
            bail!("{name} is a column of a view: decide about the column of a table that it reads");
        }
        let Some(database) = bound.database else {
            bail!(
                "the server does not tell which database it is: grant execute on function pg_control_system() to Weir's role"
            );
        };
        // On record before it counts, and one decision after the other.
        let files = asked.files(&config);
        let done = files.change(|reviews| {
            let operation = Operation::Label {
                target: asked.target.clone(),
                column: name.to_string(),
                label: label.as_str().to_owned(),
                why: self.why.clone(),
            };
            let options = crate::serve::options(&config);
            let done = request(&config.ledger.directory, options, operation)?;
            let id = (bound.column.relation, bound.column.attribute);
            let same = |review: &Reviewed| (review.relation, review.attribute) == id;
            reviews.decisions.retain(|review| !same(review));
            reviews.decisions.push(Reviewed {
                database,
                relation: id.0,
                attribute: id.1,
                type_oid: bound.type_oid,
                name: name.to_string(),
                label: label.as_str().to_owned(),
                by: done.by.clone().unwrap_or_default(),
                why: self.why.clone(),
                at_ms: now_ms(),
            });
            anyhow::Ok(done)
        })?;
        if asked.format.json {
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
