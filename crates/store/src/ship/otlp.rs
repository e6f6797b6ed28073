//! Entries for OpenTelemetry: a span for each statement, joined to the caller's trace,
//! and a log event `db.audit` for each entry, over OTLP/HTTP with protobuf.
//!
//! Names are those of the semantic conventions for databases (stable) and of
//! `user.id`; what they have no name for is `weir.*`. A caller's `traceparent` joins
//! its span, and its sampled flag is honoured; nothing else that is disclosed is told
//! unless configured.

use std::collections::BTreeMap;

use ledger::Kind;
use ledger::joined::{Joined, Read};
use prost::Message as _;
use serde_json::Value as Json;

use super::http::Http;
use super::sink::Failure;
use super::{Remote, Signals, TargetPlace};

mod proto;
mod trace;

use proto::{
    Answer, AnyValue, ArrayValue, KeyValue, LogRecord, Logs, Resource, ResourceLogs, ResourceSpans,
    Scope, ScopeLogs, ScopeSpans, Span, Status, Traces, Value,
};
use trace::Place;

/// The conventions the attributes are of.
const SCHEMA: &str = "https://opentelemetry.io/schemas/1.44.0";
/// trace.v1.Span.SpanKind
const CLIENT: i32 = 3;
/// trace.v1.Status.StatusCode
const ERROR: i32 = 2;
/// trace.v1.SpanFlags: the parent is known to be in another process.
const REMOTE: u32 = 0x300;
/// Most characters of a summary (semantic conventions, `db.query.summary`).
const SUMMARY: usize = 255;
const CONTENT: &str = "application/x-protobuf";

/// A collector.
pub(super) struct Otlp {
    http: Http,
    base: String,
    signals: Signals,
    places: BTreeMap<String, TargetPlace>,
    origin: String,
    version: String,
    disclose: Vec<String>,
}

impl Otlp {
    pub(super) fn new(
        remote: &Remote,
        signals: Signals,
        places: &BTreeMap<String, TargetPlace>,
        (origin, version): (&str, &str),
        disclose: &[String],
    ) -> Otlp {
        Otlp {
            http: Http::new(remote),
            base: remote.endpoint.path.trim_end_matches('/').to_owned(),
            signals,
            places: places.clone(),
            origin: origin.to_owned(),
            version: version.to_owned(),
            disclose: disclose.to_vec(),
        }
    }

    /// Delivers spans, then logs; both again if either fails.
    pub(super) async fn send(&mut self, batch: &[Joined]) -> Result<(), Failure> {
        let traces = self.signals.traces.then(|| self.traces(batch)).flatten();
        if let Some(traces) = traces {
            self.post("/v1/traces", traces.encode_to_vec()).await?;
        }
        if self.signals.logs {
            let logs = self.logs(batch);
            self.post("/v1/logs", logs.encode_to_vec()).await?;
        }
        Ok(())
    }

    async fn post(&mut self, path: &str, body: Vec<u8>) -> Result<(), Failure> {
        let path = format!("{}{path}", self.base);
        let answer = self.http.post_to(&path, CONTENT, body).await?;
        // OTLP: what was rejected of a success must not be sent again.
        let partial = Answer::decode(answer)
            .ok()
            .and_then(|answer| answer.partial_success);
        if let Some(partial) = partial.filter(|partial| partial.rejected > 0) {
            eprintln!(
                "weir: {path} rejected {} of a batch: {}",
                partial.rejected, partial.error_message
            );
        }
        Ok(())
    }

    fn resource(&self) -> Resource {
        let attributes = vec![
            text("service.name", "weir"),
            text("service.version", &self.version),
            text("service.instance.id", &self.origin),
        ];
        Resource { attributes }
    }

    fn scope(&self) -> Scope {
        Scope {
            name: "weir".to_owned(),
            version: self.version.clone(),
        }
    }

    /// The spans of a batch, if there are any.
    fn traces(&self, batch: &[Joined]) -> Option<Traces> {
        let statements = batch.iter().filter(|joined| is_statement(joined));
        let spans: Vec<Span> = statements.filter_map(|joined| self.span(joined)).collect();
        (!spans.is_empty()).then(|| Traces {
            resource_spans: vec![ResourceSpans {
                resource: Some(self.resource()),
                scope_spans: vec![ScopeSpans {
                    scope: Some(self.scope()),
                    spans,
                }],
                schema_url: SCHEMA.to_owned(),
            }],
        })
    }

    fn span(&self, joined: &Joined) -> Option<Span> {
        let place = Place::of(joined);
        if !place.sampled() {
            return None;
        }
        let start = joined.subject().at_ns;
        let micros = joined.told.entry.number("duration_us").unwrap_or_default();
        let error = error_type(joined);
        Some(Span {
            trace_id: place.trace.to_vec(),
            span_id: place.span.to_vec(),
            parent_span_id: place
                .parent
                .map_or_else(Vec::new, |parent| parent.span.to_vec()),
            name: summary(joined.subject()),
            kind: CLIENT,
            start_time_unix_nano: start,
            end_time_unix_nano: start.saturating_add(micros.saturating_mul(1000)),
            attributes: self.statement(joined),
            status: error.map(|error| Status {
                message: error.to_owned(),
                code: ERROR,
            }),
            flags: 1 | place.parent.map_or(0, |_| REMOTE),
        })
    }

    fn logs(&self, batch: &[Joined]) -> Logs {
        Logs {
            resource_logs: vec![ResourceLogs {
                resource: Some(self.resource()),
                scope_logs: vec![ScopeLogs {
                    scope: Some(self.scope()),
                    log_records: batch.iter().map(|joined| self.log(joined)).collect(),
                }],
                schema_url: SCHEMA.to_owned(),
            }],
        }
    }

    fn log(&self, joined: &Joined) -> LogRecord {
        let statement = is_statement(joined);
        let mut attributes = match statement {
            true => self.statement(joined),
            false => self.fields(&joined.told),
        };
        let entry = &joined.told.entry;
        attributes.push(text("weir.kind", entry.kind.name()));
        attributes.push(number("weir.ledger.index", entry.sequence.0));
        let place = statement.then(|| Place::of(joined));
        let span = place
            .as_ref()
            .map(|place| match (place.sampled(), place.parent) {
                (false, Some(parent)) => parent.span,
                _ => place.span,
            });
        let (severity_number, severity_text) = match is_bad(joined) {
            true => (13, "WARN"),
            false => (9, "INFO"),
        };
        LogRecord {
            time_unix_nano: joined.subject().at_ns,
            observed_time_unix_nano: joined.told.at_ns,
            severity_number,
            severity_text: severity_text.to_owned(),
            body: Some(Value::Text(entry.kind.name().to_owned()).into()),
            attributes,
            flags: place.as_ref().map_or(0, |place| u32::from(place.sampled())),
            trace_id: place
                .as_ref()
                .map_or_else(Vec::new, |place| place.trace.to_vec()),
            span_id: span.map_or_else(Vec::new, |span| span.to_vec()),
            event_name: "db.audit".to_owned(),
        }
    }

    /// What both a statement's span and its log event say.
    fn statement(&self, joined: &Joined) -> Vec<KeyValue> {
        let subject = joined.subject();
        let entry = &subject.entry;
        let target = entry.text("target").unwrap_or_default();
        let mut all = vec![
            text("db.system.name", "postgresql"),
            text("db.query.summary", &summary(subject)),
        ];
        let mut add =
            |key: &str, value: Option<&str>| all.extend(value.map(|value| text(key, value)));
        let place = self.places.get(target);
        add("db.namespace", place.map(|place| place.database.as_str()));
        add("server.address", place.map(|place| place.host.as_str()));
        add("db.operation.name", entry.text("command"));
        let objects = objects(subject);
        let collection = objects.first().filter(|_| objects.len() == 1);
        add("db.collection.name", collection.copied());
        let query = self.told(subject, "text").or(entry.text("shape"));
        add("db.query.text", query.filter(|query| !query.is_empty()));
        add(
            "db.response.status_code",
            joined.told.entry.text("sqlstate"),
        );
        add("error.type", error_type(joined));
        add("user.id", entry.text("principal"));
        add("weir.target", Some(target));
        for field in ["session", "decision", "policy"] {
            add(&format!("weir.{field}"), entry.text(field));
        }
        add("weir.status", joined.told.entry.text("status"));
        if let Some(opened) = &joined.session {
            for field in ["principal_kind", "on_behalf_of", "environment"] {
                add(&format!("weir.{field}"), opened.entry.text(field));
            }
            add("client.address", self.told(opened, "address"));
            add("weir.application", self.told(opened, "application"));
        }
        for name in [
            "purpose",
            "task",
            "run",
            "parameters",
            "prepared",
            "traceparent",
        ] {
            add(&format!("weir.{name}"), self.told(subject, name));
        }
        all.extend(place.map(|place| number("server.port", u64::from(place.port))));
        let rows = joined.told.entry.number("rows");
        let reads = entry.text("command") == Some("SELECT");
        all.extend(
            rows.filter(|_| reads)
                .map(|rows| number("db.response.returned_rows", rows)),
        );
        for field in ["rules", "observed", "masks", "degraded"] {
            if let Some(value) = entry.fields.get(field).and_then(any) {
                all.push(pair(&format!("weir.{field}"), value));
            }
        }
        all
    }

    /// The plain fields of any other entry.
    fn fields(&self, read: &Read) -> Vec<KeyValue> {
        let fields = read.entry.fields.iter();
        let mut all: Vec<KeyValue> = fields
            .filter_map(|(name, value)| Some(pair(&format!("weir.{name}"), any(value)?)))
            .collect();
        all.extend(read.entry.text("principal").map(|who| text("user.id", who)));
        for name in &self.disclose {
            all.extend(
                self.told(read, name)
                    .map(|value| text(&format!("weir.{name}"), value)),
            );
        }
        all
    }

    /// A disclosure, if it is to be told.
    fn told<'a>(&self, read: &'a Read, name: &str) -> Option<&'a str> {
        self.disclose.iter().find(|one| *one == name)?;
        read.disclosed(name)
    }
}

fn is_statement(joined: &Joined) -> bool {
    joined.subject().entry.kind == Kind::Intent
}

/// What kept a statement from its end, if anything did: the SQLSTATE where there is one.
fn error_type(joined: &Joined) -> Option<&str> {
    let told = &joined.told.entry;
    if told.kind == Kind::Intent {
        return (told.text("decision") == Some("deny")).then_some("refused");
    }
    match told.text("status") {
        Some("ok" | "partial" | "not_executed") | None => None,
        Some(status) => told.text("sqlstate").or(Some(status)),
    }
}

/// Whether an operator would look at it.
fn is_bad(joined: &Joined) -> bool {
    let told = &joined.told.entry;
    let refused = [Kind::SessionRefused, Kind::AuthenticationFailed, Kind::Gap];
    match is_statement(joined) {
        true => error_type(joined).is_some(),
        false => refused.contains(&told.kind) || told.text("state") == Some("raised"),
    }
}

/// `SELECT public.a public.b`: few different ones, so that they name spans.
fn summary(intent: &Read) -> String {
    let mut summary = intent
        .entry
        .text("command")
        .unwrap_or("statement")
        .to_owned();
    for object in objects(intent) {
        if summary.chars().count() + 1 + object.chars().count() > SUMMARY {
            break;
        }
        summary.push(' ');
        summary.push_str(object);
    }
    summary
}

/// Names of the objects, each once.
fn objects(intent: &Read) -> Vec<&str> {
    let list = intent.entry.fields.get("objects").and_then(Json::as_array);
    let mut names: Vec<&str> = Vec::new();
    for name in list
        .into_iter()
        .flatten()
        .filter_map(|one| one.get("name")?.as_str())
    {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn text(key: &str, value: &str) -> KeyValue {
    pair(key, Value::Text(value.to_owned()))
}

fn number(key: &str, value: u64) -> KeyValue {
    pair(key, Value::Number(i64::try_from(value).unwrap_or(i64::MAX)))
}

fn pair(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(value.into()),
    }
}

/// Texts, numbers, flags, and lists of texts; other things have no place here.
fn any(value: &Json) -> Option<Value> {
    match value {
        Json::String(text) => Some(Value::Text(text.clone())),
        Json::Bool(flag) => Some(Value::Flag(*flag)),
        Json::Number(number) => number.as_i64().map(Value::Number),
        Json::Array(list) => {
            let texts: Option<Vec<AnyValue>> = list
                .iter()
                .map(|one| Some(Value::Text(one.as_str()?.to_owned()).into()))
                .collect();
            Some(Value::List(ArrayValue { values: texts? }))
        }
        Json::Null | Json::Object(_) => None,
    }
}
