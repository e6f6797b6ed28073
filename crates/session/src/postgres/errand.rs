//! Weir's own questions to the server on the session's connection.
//!
//! An errand uses extended-protocol messages under a reserved name, so that it
//! disturbs neither the client's unnamed statement nor its pipeline: inside one
//! it ends with Flush, at rest with Sync.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use statement::catalog::Builder;
use wire::postgres as pg;

use super::Machine;
use super::evidence::Guard;
use super::rows;
use super::step::Step;
use crate::verdict::Verdict;

/// Prefix of statement and portal names that belong to Weir.
pub(super) const RESERVED: &str = "weir_";

/// Numbers private catalogs of all sessions: verdicts made under one must not be found under another.
static PRIVATE: AtomicU64 = AtomicU64::new(1);

/// What is being asked.
#[derive(Debug)]
pub(crate) enum Question {
    /// Result columns of a statement about to run for the first time.
    Describe {
        verdict: Arc<Verdict>,
        index: usize,
        text: Box<str>,
        types: Box<[u32]>,
        simple: bool,
    },
    /// Effective settings.
    Settings,
    /// One section of the catalog as this session sees it.
    Catalog {
        section: &'static str,
        sql: &'static str,
        temporary: bool,
    },
    /// Sets `application_name`; `local` for the rest of the transaction.
    Attribution { name: String, local: bool },
    /// Sets `search_path` for the rest of the transaction: catalog queries are
    /// read under an empty one.
    Path { value: String, last: bool },
}

/// The catalog as this session sees it, while it is read.
pub(crate) struct Loading {
    /// All of it, when this transaction changed definitions.
    pub own: Option<Builder>,
    /// The session's temporary objects.
    pub temporary: Builder,
}

/// A question in flight.
#[derive(Debug)]
pub(crate) struct Errand {
    pub question: Question,
    pub progress: Progress,
    /// CloseComplete messages still to come.
    pub closes: u8,
    /// Ends with ReadyForQuery rather than with its last CloseComplete.
    pub sync: bool,
}

impl Errand {
    /// Whether the private catalog is read with it.
    pub(super) fn reads_catalog(&self) -> bool {
        matches!(
            self.question,
            Question::Catalog { .. } | Question::Path { .. }
        )
    }
}

impl Question {
    pub(super) fn describe(
        verdict: &Arc<Verdict>,
        index: usize,
        text: &str,
        types: &[u32],
        simple: bool,
    ) -> Self {
        Self::Describe {
            verdict: Arc::clone(verdict),
            index,
            text: text.into(),
            types: types.into(),
            simple,
        }
    }
}

/// How far the answer has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Asked,
    Answered,
    Failed,
}

impl Machine {
    /// An answer while an errand is at the head of the queue.
    pub(super) fn errand_answer(&mut self, message: &pg::Backend<'_>) {
        use pg::Backend as B;
        let Some(Step::Errand(errand)) = self.queue.front_mut() else {
            return;
        };
        match message {
            B::ParseComplete | B::BindComplete | B::ParameterDescription(_) | B::NoData => {}
            B::CloseComplete => {
                errand.closes = errand.closes.saturating_sub(1);
                if errand.closes == 0 && !errand.sync {
                    self.errand_over();
                }
            }
            B::RowDescription(description) => {
                let mut refusal = None;
                if let Question::Describe { verdict, index, .. } = &errand.question
                    && let Some(judged) = verdict.judged.get(*index)
                {
                    match rows::verify(judged, description) {
                        Ok(types) => {
                            let _ = judged.described.set(types.into());
                        }
                        Err(why) => refusal = Some(why),
                    }
                }
                errand.progress = Progress::Answered;
                if refusal.is_some() {
                    self.blocked_by = refusal;
                }
            }
            B::DataRow(row) => {
                let cells: Vec<Option<String>> = row
                    .iter()
                    .map(|cell| cell.map(|c| String::from_utf8_lossy(c).into_owned()))
                    .collect();
                errand.progress = Progress::Answered;
                match &errand.question {
                    Question::Settings => {
                        let user = self.who.upstream_user.clone();
                        self.known.read(cells, &user);
                    }
                    Question::Catalog {
                        section, temporary, ..
                    } => {
                        let borrowed: Vec<Option<&str>> =
                            cells.iter().map(Option::as_deref).collect();
                        let taken = self.loading.as_mut().is_some_and(|loading| {
                            let builder = if *temporary {
                                Some(&mut loading.temporary)
                            } else {
                                loading.own.as_mut()
                            };
                            builder.is_some_and(|builder| builder.row(section, &borrowed).is_ok())
                        });
                        if !taken {
                            self.loading = None;
                        }
                    }
                    Question::Describe { .. }
                    | Question::Path { .. }
                    | Question::Attribution { .. } => {}
                }
            }
            B::CommandComplete(_) => {}
            _ => self.terminate(
                "08P01",
                "the database broke the protocol; the connection is closed",
                super::End::UpstreamProtocol("an unexpected answer to Weir's question"),
            ),
        }
    }

    /// The server refused to answer.
    pub(super) fn errand_failed(&mut self, fields: &pg::Fields<'_>, raw: &[u8]) {
        let Some(Step::Errand(errand)) = self.queue.front() else {
            return;
        };
        let sync = errand.sync;
        self.described = None;
        // In a failed transaction nothing can be asked; it is asked when that ends.
        let later = fields.get(b'C') == Some(b"25P02");
        let mut answered = false;
        match &errand.question {
            Question::Describe {
                verdict, simple, ..
            } => {
                // What the server says of the text is the answer to the client's
                // own message, which is not sent any more.
                let guard = Guard::of(verdict);
                let simple = *simple;
                self.send_error(fields, raw, guard);
                if simple {
                    answered = true;
                    self.answered = true;
                } else {
                    self.skipping = true;
                }
            }
            Question::Attribution { name, .. } if later => self.rename = Some(name.clone()),
            // A name is no reason to keep the client from its work.
            Question::Attribution { .. } => {}
            Question::Settings if later => self.known.stale = true,
            Question::Settings => self.known.unknown(),
            Question::Catalog { .. } | Question::Path { .. } if later => {
                self.loading = None;
                self.private_stale = true;
            }
            Question::Catalog { .. } | Question::Path { .. } => {
                self.loading = None;
                self.known.unknown();
            }
        }
        if !sync {
            self.errand_over();
            self.drop_skipped();
            if answered {
                // The server skips to Sync, but a Query message is answered at once.
                pg::encode::sync(self.to_upstream.buffer());
                self.queue.push_back(Step::Sync);
                self.skipping = false;
                self.open = 0;
            }
        }
    }

    /// ReadyForQuery of an errand asked at rest.
    pub(super) fn errand_ready(&mut self, errand: Errand, raw: &[u8]) {
        self.queue.push_front(Step::Errand(Box::new(errand)));
        let answered = self.answered;
        self.errand_over();
        if answered {
            self.to_client.buffer().extend_from_slice(raw);
        }
    }

    fn errand_over(&mut self) {
        let Some(Step::Errand(errand)) = self.queue.pop_front() else {
            return;
        };
        self.errands -= 1;
        match &errand.question {
            Question::Settings if errand.progress != Progress::Answered && !self.known.stale => {
                self.known.unknown();
            }
            Question::Settings => {
                self.private_stale |=
                    self.known.settings.temp_schema.is_some() && self.private.is_none();
            }
            Question::Path { last: true, .. } => {
                self.private = self.loading.take().map(|loading| {
                    let base = match loading.own {
                        Some(own) => own.finish(String::from("private")),
                        None => (*self.shared_catalog).clone(),
                    };
                    Arc::new(base.overlay(loading.temporary))
                });
                self.private_id = PRIVATE.fetch_add(1, Ordering::Relaxed);
                if self.private.is_none() && !self.private_stale {
                    self.known.unknown();
                }
            }
            // Neither described nor failed: a statement without a result.
            Question::Describe { verdict, index, .. }
                if errand.progress == Progress::Asked
                    && self.blocked_by.is_none()
                    && verdict
                        .judged
                        .get(*index)
                        .is_some_and(|j| j.described.get().is_none()) =>
            {
                self.blocked_by = Some(rows::mismatch());
            }
            _ => {}
        }
    }
}
