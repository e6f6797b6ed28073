//! The places an output can deliver to.

use ledger::joined::Joined;
use ledger::ocsf::{self, Event, Source};

use super::file::JsonLines;
use super::http::Http;
use super::otlp::Otlp;
use super::syslog::Syslog;
use super::{Output, To};

/// A place to deliver to, with its form.
pub(super) struct Sink {
    source: Source,
    disclose: Vec<String>,
    place: Place,
}

enum Place {
    File(JsonLines),
    Http(Http),
    Syslog(Syslog),
    Otlp(Box<Otlp>),
}

/// Why a delivery failed; the text is for operators.
#[derive(Debug)]
pub(super) enum Failure {
    /// It takes no batch of this size.
    TooLarge(String),
    /// It does not take anything now.
    Down(String),
}

impl Failure {
    pub(super) fn down(what: impl std::fmt::Display) -> Failure {
        Failure::Down(what.to_string())
    }
}

impl Sink {
    pub(super) fn new(output: &Output, origin: &str, version: &str) -> Sink {
        let place = match &output.to {
            To::File {
                path,
                rotate_bytes,
                keep,
            } => Place::File(JsonLines::new(path, *rotate_bytes, *keep)),
            To::Http(remote) => Place::Http(Http::new(remote)),
            To::Syslog(remote) => Place::Syslog(Syslog::new(remote)),
            To::Otlp {
                remote,
                signals,
                places,
            } => {
                let log = (origin, version);
                let otlp = Otlp::new(remote, *signals, places, log, &output.disclose);
                Place::Otlp(Box::new(otlp))
            }
        };
        Sink {
            source: Source {
                origin: origin.to_owned(),
                version: version.to_owned(),
            },
            disclose: output.disclose.clone(),
            place,
        }
    }

    /// Disclosures that are read: what is told, and where a caller's trace is.
    pub(super) fn disclose(&self) -> Vec<String> {
        let mut names = self.disclose.clone();
        if matches!(self.place, Place::Otlp(_)) {
            names.push("traceparent".to_owned());
        }
        names
    }

    /// Delivers a batch and gives the number of its events.
    pub(super) async fn deliver(&mut self, batch: &[Joined]) -> Result<usize, Failure> {
        if let Place::Otlp(otlp) = &mut self.place {
            return otlp.send(batch).await.map(|()| batch.len());
        }
        let events: Vec<Event<'_>> = batch
            .iter()
            .flat_map(|joined| ocsf::events(joined, &self.source))
            .collect();
        match &mut self.place {
            Place::File(file) => file.write(&lines(&events))?,
            Place::Http(http) => {
                let body = lines(&events);
                http.post("application/x-ndjson", body).await.map(drop)?;
            }
            Place::Syslog(syslog) => syslog.send(&events).await?,
            Place::Otlp(_) => {}
        }
        Ok(events.len())
    }

    /// Makes what was delivered survive power loss, as far as that is ours to do.
    pub(super) fn settle(&mut self) -> Result<(), String> {
        match &mut self.place {
            Place::File(file) => file.sync(),
            Place::Http(_) | Place::Syslog(_) | Place::Otlp(_) => Ok(()),
        }
    }
}

/// Events as JSON, one a line.
pub(super) fn lines(events: &[Event<'_>]) -> Vec<u8> {
    let mut out = Vec::with_capacity(events.len().saturating_mul(2048));
    for event in events {
        // Texts, numbers and lists of them: always JSON.
        let _ = serde_json::to_writer(&mut out, event);
        out.push(b'\n');
    }
    out
}
