//! A target looks at its own columns.

use std::time::Duration;

use ledger::Ledger;
use ledger::event::{LabelChange, LabelSource};
use statement::ColumnId;

use super::Target;
use crate::labels::{Found, Wanted, label_word, scan, wanted};
use crate::upstream::Failure;

/// How long columns are looked at before what was found counts.
const LOOKING: Duration = Duration::from_secs(2);

impl Target {
    /// Looks at columns that nobody looked at yet, for a while; gives whether something came of it. What is found is on
    /// record before it counts.
    pub(super) async fn discover(&self, ledger: &dyn Ledger) -> Result<bool, String> {
        let world = self.world.load_full();
        if !self.setup.discover || world.catalog_generation == 0 {
            return Ok(false);
        }
        let configured = |column: ColumnId| {
            let name = world.catalog.column_name(column);
            name.is_some_and(|(schema, relation, column)| {
                let name = [schema, relation, column].map(str::to_owned);
                self.setup.labels.contains_key(&name)
            })
        };
        let unseen = self
            .discovery
            .unseen(&world.catalog, &configured, crate::unix_ms());
        if unseen.is_empty() {
            return Ok(false);
        }
        let begun = std::time::Instant::now();
        let mut all = Vec::new();
        for wanted in &unseen {
            all.extend(self.look_at(wanted).await.map_err(|e| e.to_string())?);
            if begun.elapsed() > LOOKING {
                break;
            }
        }
        let mut changed = false;
        for found in &all {
            let label = label_word(&world.catalog, found);
            if self.discovery.label_of(&world.catalog, found).as_ref() == Some(&label) {
                continue;
            }
            changed = true;
            let name = [&found.schema, &found.table, &found.column];
            let name = name.map(|part| policy::quote_identifier(part)).join(".");
            let why = match &found.failed {
                Some(why) => format!("sampling was refused: {why}"),
                None if found.values == 0 && !found.held.iter().any(|held| held.sensitive) => {
                    "there are no values to look at".to_owned()
                }
                None => {
                    let held = found
                        .held
                        .iter()
                        .filter(|held| held.sensitive || label == "none");
                    let why: Vec<&str> = held
                        .flat_map(|h| h.evidence.iter().map(String::as_str))
                        .take(3)
                        .collect();
                    why.join("; ")
                }
            };
            let event = LabelChange {
                target: self.setup.name.as_str().into(),
                column: name.into(),
                label: label.into(),
                source: LabelSource::Scan,
                why,
                by: None,
            };
            ledger.append(event.into()).map_err(|e| e.to_string())?;
        }
        self.discovery
            .keep(&world.catalog, all)
            .map_err(|e| e.to_string())?;
        Ok(changed)
    }

    /// Looks at the columns of a table, on a connection of its own: a strange answer spoils no other.
    async fn look_at(&self, wanted: &Wanted<'_>) -> Result<Vec<Found>, Failure> {
        let login = self.login("default")?;
        let mut open = self.endpoint.log_in(login, &sample_parameters()).await?;
        scan(&self.endpoint, &mut open, wanted, crate::unix_ms()).await
    }

    /// Looks at every column; nothing is kept.
    pub(crate) async fn look_at_all(&self) -> Result<Vec<Found>, Failure> {
        let world = self.world.load_full();
        let mut all = Vec::new();
        for wanted in wanted(&world.catalog, |_, _| true) {
            all.extend(self.look_at(&wanted).await?);
        }
        Ok(all)
    }
}

/// Start-up parameters of a connection that samples: it writes nothing, and waits for nobody.
fn sample_parameters() -> Vec<(String, String)> {
    [
        ("application_name", "weir labels"),
        ("client_encoding", "UTF8"),
        ("search_path", ""),
        ("standard_conforming_strings", "on"),
        ("statement_timeout", "3000"),
        ("lock_timeout", "500"),
        // Policies of other people would run their code as Weir's role.
        ("row_security", "off"),
        ("default_transaction_read_only", "on"),
    ]
    .map(|(n, v)| (n.to_owned(), v.to_owned()))
    .into()
}
