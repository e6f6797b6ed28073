//! A target looks at its own columns.

use std::sync::{Arc, Weak};
use std::time::Duration;

use ledger::Ledger as _;
use ledger::event::{LabelChange, LabelSource};
use statement::{ColumnId, Oid};
use store::Store;

use super::Target;
use crate::labels::{Found, Wanted, scan, unread, wanted};
use crate::upstream::{Connected, Endpoint, Failure};

/// How long columns are looked at before what was found counts.
const LOOKING: Duration = Duration::from_secs(2);
/// How long one table may take; the server's own bounds are shorter.
const TABLE: Duration = Duration::from_secs(10);
/// Between two attempts where one failed.
const RETRY: Duration = Duration::from_secs(5);

/// Which database a connection ended in: no other has the same answer, a restored dump included.
const DATABASE: &str = "SELECT pg_catalog.concat_ws(':', s.system_identifier, d.oid) \
    FROM pg_catalog.pg_control_system() s, pg_catalog.pg_database d \
    WHERE d.datname = pg_catalog.current_database()";

/// The database, if it tells.
///
/// # Errors
/// The connection is of no more use.
pub(super) async fn database(
    endpoint: &Endpoint,
    open: &mut Connected,
) -> Result<Option<String>, Failure> {
    let mut database = None;
    let take = |row: &[Option<&str>]| {
        database = row.first().copied().flatten().map(str::to_owned);
    };
    match endpoint.rows(open, DATABASE, take).await {
        Ok(()) => Ok(database),
        Err(Failure::Statement { .. }) => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Looks at columns until the target is dropped, beside whoever keeps its catalog.
pub(super) async fn discover(target: Weak<Target>, store: Arc<Store>) {
    let Some(mut changed) = target.upgrade().map(|target| target.changed.subscribe()) else {
        return;
    };
    let mut said = String::new();
    loop {
        let Some(of) = target.upgrade() else {
            return;
        };
        let pause = match of.look_around(&store).await {
            Ok(false) => {
                Duration::from_millis(of.poll_ms.load(std::sync::atomic::Ordering::Acquire))
            }
            Ok(true) => Duration::ZERO,
            Err(why) => {
                if why != said {
                    eprintln!(
                        "weir: target {}: columns stay masked that nobody looked at: {why}",
                        of.setup.name
                    );
                    said = why;
                }
                RETRY
            }
        };
        drop(of);
        if pause != RETRY {
            let _ = tokio::time::timeout(pause, changed.changed()).await;
        } else {
            let _ = tokio::time::timeout(pause, std::future::pending::<()>()).await;
        }
    }
}

impl Target {
    /// Looks at columns that nobody looked at yet, for a while; gives whether there is more to look at. What is found is
    /// on record before it counts.
    async fn look_around(&self, store: &Store) -> Result<bool, String> {
        let world = self.world.load_full();
        if !self.setup.discover || world.catalog_generation == 0 {
            return Ok(false);
        }
        let catalog = &*world.catalog;
        let configured = |column: ColumnId| {
            let name = catalog.column_name(column);
            name.is_some_and(|(schema, relation, column)| {
                let name = [schema, relation, column].map(str::to_owned);
                self.setup.labels.contains_key(&name)
            })
        };
        let unseen = self.discovery.unseen(catalog, &configured);
        if unseen.is_empty() && !self.discovery.is_renamed(catalog) {
            return Ok(false);
        }
        let of = self.discovery.database();
        let of = of.ok_or("the server does not tell its system identifier: grant execute on function pg_control_system() to Weir's role")?;
        let (tables, found) = match unseen.as_slice() {
            [] => (Vec::new(), Vec::new()),
            unseen => self.look_at(unseen, &of).await.map_err(|e| e.to_string())?,
        };
        let more = tables.len() < unseen.len();
        let mut last = None;
        let mut all = Vec::new();
        for (found, is_other) in self.discovery.weigh(found) {
            if is_other {
                let name = [&found.schema, &found.table, &found.column];
                let event = LabelChange {
                    target: self.setup.name.as_str().into(),
                    column: name
                        .map(|part| policy::quote_identifier(part))
                        .join(".")
                        .into(),
                    label: found.label.as_str().into(),
                    source: LabelSource::Scan,
                    why: found.why(),
                    by: None,
                };
                last = Some(store.append(event.into()).map_err(|e| e.to_string())?);
            }
            all.push(found);
        }
        if let Some(receipt) = last {
            let durable = store.wait_durable(receipt.sequence).await;
            durable.map_err(|e| e.to_string())?;
        }
        let kept = self.discovery.keep(&of, catalog, &tables, all);
        kept.map_err(|e| e.to_string())?;
        if last.is_some() {
            self.label_anew();
        }
        Ok(more)
    }

    /// Looks at the tables one after the other, on one connection, until it is time that what was found counts; gives
    /// those that were looked at. One that breaks the connection is the last, and stays masked.
    async fn look_at(
        &self,
        tables: &[Wanted<'_>],
        of: &str,
    ) -> Result<(Vec<Oid>, Vec<Found>), Failure> {
        let login = self.login("default")?;
        let mut open = self.endpoint.log_in(login, &sample_parameters()).await?;
        if database(&self.endpoint, &mut open).await?.as_deref() != Some(of) {
            return Err(Failure::Protocol {
                host: self.setup.host.clone(),
                message: "it is another database than the one whose catalog was read".to_owned(),
            });
        }
        let begun = std::time::Instant::now();
        let (mut looked, mut all) = (Vec::new(), Vec::new());
        for wanted in tables {
            let now_ms = crate::unix_ms();
            let scan = scan(&self.endpoint, &mut open, wanted, now_ms);
            let found = tokio::time::timeout(TABLE, scan).await;
            looked.push(wanted.relation.oid);
            match found {
                Ok(Ok(found)) => {
                    if found.is_empty() {
                        // It is another table by now.
                        session::Catalogs::request_refresh(self);
                    }
                    all.extend(found);
                }
                Ok(Err(_)) | Err(_) => {
                    let why = "the connection was lost while it was read";
                    all.extend(unread(wanted, why, now_ms));
                    break;
                }
            }
            if begun.elapsed() > LOOKING {
                break;
            }
        }
        Ok((looked, all))
    }

    /// Looks at every column; nothing is kept.
    pub(crate) async fn look_at_all(&self) -> Result<Vec<Found>, Failure> {
        let world = self.world.load_full();
        let of = self.discovery.database().unwrap_or_default();
        let mut rest = wanted(&world.catalog, |_, _| true);
        let mut all = Vec::new();
        while !rest.is_empty() {
            let (looked, found) = self.look_at(&rest, &of).await?;
            all.extend(found);
            rest.drain(..looked.len().min(rest.len()));
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
