//! Lives of a ledger at random, and answers from reading every entry of it.

use std::collections::BTreeMap;
use std::path::Path;

use ledger::event::{
    Cancel, CancelledBy, CloseReason, ColumnUse, Encoded, Intent, KeyCreate, MaskedCells,
    ObjectUse, Outcome, OutcomeStatus, PrincipalKind, SessionClose, SessionOpen, SessionRefused,
    Text, Verdict, shape_hash,
};
use ledger::{Event, Kind, Ledger, Sequence};
use serde_json::{Map, Value, json};
use store::Store;
use store::read::Reader;
use store::search::{Query, Snapshot};

/// Stands in everything that is disclosed, and nowhere else.
pub const SECRET: &str = "jane.doe@example.com";

/// SplitMix64 (Steele, Lea, Flood 2014).
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % sides as u64) as usize
    }

    pub fn of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.roll(list.len())]
    }
}

struct Open {
    id: Text,
    principal: Text,
    target: Text,
    statements: u64,
}

/// What happens to a ledger, decided by dice.
pub struct Life {
    dice: Dice,
    sessions: Vec<Open>,
    running: Vec<Sequence>,
    born: usize,
}

const TABLES: &[&str] = &[
    "public.orders",
    "public.customers",
    "hr.staff",
    "odd.\"a b\"",
    "staff",
];
const LABELS: &[&str] = &["email", "ssn", "salary"];

impl Life {
    pub fn new(seed: u64) -> Life {
        Life {
            dice: Dice(seed),
            sessions: Vec::new(),
            running: Vec::new(),
            born: 0,
        }
    }

    pub fn go_on(&mut self, store: &Store, entries: usize) {
        // Whoever opened the ledger anew has no session, and nothing runs any more.
        self.sessions.clear();
        self.running.clear();
        for _ in 0..entries {
            let event = self.event();
            let intent = event.kind == Kind::Intent;
            let receipt = store.append(event).unwrap();
            if intent {
                self.running.push(receipt.sequence);
            }
        }
    }

    fn event(&mut self) -> Event {
        let dice = &mut self.dice;
        match dice.roll(20) {
            0 | 1 => self.open(),
            2 => self.close(),
            3 => SessionRefused {
                principal: "mallory".into(),
                on_behalf_of: None,
                target: "app".into(),
                protocol: "postgresql/3.0".into(),
                key: "k9".into(),
                sqlstate: "28000".into(),
                rule: (dice.roll(2) == 0).then(|| "no-entry".into()),
                address: Some(SECRET.into()),
                application: Some(SECRET.into()),
            }
            .into(),
            4 => KeyCreate {
                key: format!("k{}", dice.roll(9)).into(),
                principal: "alice".into(),
                by: None,
                expires_ms: Some(7),
            }
            .into(),
            5 => Cancel {
                session: self
                    .sessions
                    .first()
                    .map_or("gone".into(), |open| open.id.clone()),
                intent: self.running.first().copied(),
                by: CancelledBy::Client,
            }
            .into(),
            6..13 if !self.running.is_empty() => self.outcome(),
            _ if self.sessions.is_empty() => self.open(),
            _ => self.intent(),
        }
    }

    fn open(&mut self) -> Event {
        self.born += 1;
        let agent = self.dice.roll(3) == 0;
        let human: &Text = &[Text::from("alice"), "bob".into(), "carol".into()][self.dice.roll(3)];
        let principal = if agent { "bot".into() } else { human.clone() };
        let target = Text::from(*self.dice.of(&["app", "billing"]));
        let id: Text = format!("s{}-{}", self.born, self.dice.roll(1000)).into();
        self.sessions.push(Open {
            id: id.clone(),
            principal: principal.clone(),
            target: target.clone(),
            statements: 0,
        });
        SessionOpen {
            session: id,
            principal,
            principal_kind: if agent {
                PrincipalKind::Agent
            } else {
                PrincipalKind::Human
            },
            on_behalf_of: agent.then(|| human.clone()),
            target,
            environment: "prod".into(),
            tls: None,
            protocol: "postgresql/3.0".into(),
            key: "k1".into(),
            address: Some(SECRET.into()),
            application: Some(SECRET.into()),
        }
        .into()
    }

    fn close(&mut self) -> Event {
        if self.sessions.is_empty() {
            return self.open();
        }
        let open = self
            .sessions
            .swap_remove(self.dice.roll(self.sessions.len()));
        SessionClose {
            session: open.id,
            reason: CloseReason::Terminated,
            statements: open.statements,
            refused: 1,
            rows: 2,
            bytes: 3,
            masked_cells: 4,
            duration_ms: 5,
        }
        .into()
    }

    fn intent(&mut self) -> Event {
        let place = self.dice.roll(self.sessions.len());
        let open = &mut self.sessions[place];
        open.statements += 1;
        let dice = &mut self.dice;
        let table = *dice.of(TABLES);
        let (verb, command) = *dice.of(&[
            ("read", "SELECT"),
            ("delete", "DELETE"),
            ("insert", "INSERT"),
        ]);
        // Now and then one that nobody sent before, with what JSON has to escape.
        let shape = match dice.roll(6) {
            0 => format!("{command} ü\"\\ ,\"_sd\":[ {} {table}", dice.roll(100_000)),
            _ => format!("{command} FROM {table} WHERE id = $1"),
        };
        let label = *dice.of(LABELS);
        let labelled = dice.roll(3) == 0;
        let mut objects = vec![ObjectUse {
            verb: verb.into(),
            name: table.into(),
        }];
        if dice.roll(4) == 0 {
            objects.push(ObjectUse {
                verb: "read".into(),
                name: (*dice.of(TABLES)).into(),
            });
        }
        let denied = dice.roll(5) == 0;
        let text = dice.roll(2) == 0;
        Intent {
            session: open.id.clone(),
            statement: open.statements,
            principal: open.principal.clone(),
            target: open.target.clone(),
            command: command.into(),
            shape_hash: shape_hash(&shape).into(),
            shape: shape.into(),
            objects: objects.into(),
            columns: (if labelled {
                vec![ColumnUse {
                    column: format!("{table}.{label}").into(),
                    label: label.into(),
                    usage: "projected".into(),
                }]
            } else {
                Vec::new()
            })
            .into(),
            decision: if denied {
                Verdict::Deny
            } else {
                Verdict::Allow
            },
            rules: (if denied {
                vec![Text::from("no-deletes")]
            } else {
                Vec::new()
            })
            .into(),
            observed: Vec::new().into(),
            opaque: dice.roll(9) == 0,
            policy: "v1".into(),
            masks: (if labelled {
                vec![Text::from(label)]
            } else {
                Vec::new()
            })
            .into(),
            degraded: Vec::new().into(),
            row_cap: (dice.roll(2) == 0).then_some(100),
            encoded: Encoded::default(),
            text: text.then(|| format!("select '{SECRET}'").into()),
            prepared: None,
            parameters: text.then(|| format!("[\"{SECRET}\"]").into()),
            purpose: Some(SECRET.into()),
            task: None,
            run: None,
            traceparent: None,
        }
        .into()
    }

    fn outcome(&mut self) -> Event {
        // Mostly what runs longest, now and then any.
        let place = match self.dice.roll(4) {
            0 => self.dice.roll(self.running.len()),
            _ => 0,
        };
        let intent = self.running.remove(place);
        let failed = self.dice.roll(6) == 0;
        let cells = self.dice.roll(3) as u64;
        Outcome {
            intent,
            session: None,
            status: if failed {
                OutcomeStatus::Error
            } else {
                OutcomeStatus::Ok
            },
            sqlstate: failed.then(|| "42P01".into()),
            rows: self.dice.roll(50) as u64,
            bytes: self.dice.roll(5000) as u64,
            masked: (0..cells)
                .map(|n| MaskedCells {
                    label: LABELS[n as usize].into(),
                    cells: n + 1,
                })
                .collect(),
            duration_us: self.dice.roll(100_000) as u64,
        }
        .into()
    }
}

/// Statements as they are in the ledger, read entry by entry.
pub struct Oracle {
    statements: Vec<Map<String, Value>>,
    entries: u64,
}

impl Oracle {
    pub fn read(dir: &Path) -> Oracle {
        let reader = Reader::open(dir).unwrap();
        let mut sessions: BTreeMap<String, Value> = BTreeMap::new();
        let mut statements: BTreeMap<u64, Map<String, Value>> = BTreeMap::new();
        let mut entries = reader.entries(Sequence(0));
        let mut count = 0;
        while let Some(record) = entries.next().unwrap() {
            count += 1;
            let entry: Value = serde_json::from_slice(&record.leaf).unwrap();
            match record.kind {
                Kind::LogOpen => sessions.clear(),
                Kind::SessionOpen => {
                    sessions.insert(entry["session"].as_str().unwrap().to_owned(), entry);
                }
                Kind::Intent => {
                    let session = sessions.get(entry["session"].as_str().unwrap());
                    statements.insert(record.sequence.0, statement(&entry, session));
                }
                Kind::Outcome => {
                    let row = statements
                        .get_mut(&entry["intent"].as_u64().unwrap())
                        .unwrap();
                    ended(row, &entry);
                }
                _ => {}
            }
        }
        Oracle {
            statements: statements.into_values().collect(),
            entries: count,
        }
    }

    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// All that fit, newest first.
    pub fn answer(&self, query: &Query) -> Vec<Value> {
        let fits = self.statements.iter().rev().filter(|row| fits(row, query));
        fits.take(query.limit).cloned().map(Value::Object).collect()
    }
}

fn micros(at: &Value) -> Value {
    json!(format!("{}Z", &at.as_str().unwrap()[..26]))
}

fn distinct(list: &Value, name: &str) -> Value {
    let mut out: Vec<Value> = Vec::new();
    for item in list.as_array().into_iter().flatten() {
        if !out.contains(&item[name]) {
            out.push(item[name].clone());
        }
    }
    out.into()
}

fn statement(entry: &Value, session: Option<&Value>) -> Map<String, Value> {
    let mut row = Map::new();
    for name in [
        "seq",
        "session",
        "statement",
        "principal",
        "target",
        "command",
        "shape",
        "decision",
        "policy",
        "row_cap",
    ] {
        row.insert(name.to_owned(), entry[name].clone());
    }
    for name in ["principal_kind", "on_behalf_of", "environment"] {
        row.insert(
            name.to_owned(),
            session.map_or(Value::Null, |session| session[name].clone()),
        );
    }
    for name in ["rules", "observed", "masks", "degraded"] {
        let list = &entry[name];
        row.insert(
            name.to_owned(),
            if list.is_null() {
                json!([])
            } else {
                list.clone()
            },
        );
    }
    let uses = entry["objects"].as_array().unwrap().iter();
    let uses: Vec<String> = uses
        .map(|one| {
            format!(
                "{} {}",
                one["verb"].as_str().unwrap(),
                one["name"].as_str().unwrap()
            )
        })
        .collect();
    row.insert("uses".to_owned(), uses.into());
    row.insert("at".to_owned(), micros(&entry["at"]));
    row.insert("fingerprint".to_owned(), entry["shape_hash"].clone());
    row.insert("objects".to_owned(), distinct(&entry["objects"], "name"));
    row.insert("verbs".to_owned(), distinct(&entry["objects"], "verb"));
    row.insert(
        "labelled_columns".to_owned(),
        distinct(&entry["columns"], "column"),
    );
    row.insert("labels".to_owned(), distinct(&entry["columns"], "label"));
    row.insert("opaque".to_owned(), json!(entry["opaque"] == json!(true)));
    row.retain(|_, value| !value.is_null());
    row
}

fn ended(row: &mut Map<String, Value>, outcome: &Value) {
    let masked = outcome["masked"].as_array().cloned().unwrap_or_default();
    let sum: u64 = masked
        .iter()
        .map(|one| one["cells"].as_u64().unwrap())
        .sum();
    for name in ["status", "sqlstate", "rows", "bytes", "duration_us"] {
        row.insert(name.to_owned(), outcome[name].clone());
    }
    row.insert("outcome_seq".to_owned(), outcome["seq"].clone());
    row.insert("ended_at".to_owned(), micros(&outcome["at"]));
    row.insert("masked_cells".to_owned(), sum.into());
    let list = |name: &str| {
        masked
            .iter()
            .map(|one| one[name].clone())
            .collect::<Vec<_>>()
            .into()
    };
    row.insert("masked_labels".to_owned(), list("label"));
    row.insert("masked_counts".to_owned(), list("cells"));
    row.retain(|_, value| !value.is_null());
}

fn fits(row: &Map<String, Value>, query: &Query) -> bool {
    let is = |name: &str, wanted: &Option<String>| {
        wanted
            .as_ref()
            .is_none_or(|wanted| row.get(name) == Some(&json!(wanted)))
    };
    let has = |name: &str, fits: &dyn Fn(&str) -> bool| {
        row[name]
            .as_array()
            .unwrap()
            .iter()
            .any(|one| fits(one.as_str().unwrap()))
    };
    let named = |name: &str, wanted: &Option<String>| {
        let end = wanted.as_ref().map(|wanted| format!(".{wanted}"));
        wanted.as_ref().is_none_or(|wanted| {
            has(name, &|one| {
                one == wanted || one.ends_with(end.as_ref().unwrap())
            })
        })
    };
    let pair = match (&query.verb, &query.object) {
        (Some(verb), Some(object)) if object.contains('.') => {
            has("uses", &|one| one == format!("{verb} {object}"))
        }
        (verb, object) => {
            verb.as_ref()
                .is_none_or(|verb| has("verbs", &|one| one == verb))
                && named("objects", object)
        }
    };
    let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
    let time = |us: Option<i64>, fits: &dyn Fn(&str, &str) -> bool| {
        us.is_none_or(|us| {
            let mut limit = Vec::new();
            ledger::time::write(us as u64 * 1000, &mut limit).unwrap();
            let limit = String::from_utf8(limit).unwrap();
            fits(text("at"), &format!("{}Z", &limit[..26]))
        })
    };
    is("principal", &query.who)
        && is("on_behalf_of", &query.on_behalf_of)
        && is("session", &query.session)
        && is("target", &query.target)
        && is("decision", &query.decision)
        && is("status", &query.status)
        && pair
        && named("labelled_columns", &query.column)
        && query
            .label
            .as_ref()
            .is_none_or(|label| has("labels", &|one| one == label))
        && query
            .fingerprint
            .as_ref()
            .is_none_or(|wanted| text("fingerprint").starts_with(wanted))
        && query.text.as_ref().is_none_or(|wanted| {
            text("shape")
                .to_lowercase()
                .contains(&wanted.to_lowercase())
        })
        && time(query.since_us, &|at, limit| at >= limit)
        && time(query.until_us, &|at, limit| at < limit)
}

/// Questions about what is there, and about what is not.
pub fn queries(oracle: &Oracle, seed: u64) -> Vec<Query> {
    let mut dice = Dice(seed ^ 0x5eed);
    let mut all = vec![Query {
        limit: 10_000,
        ..Query::default()
    }];
    for _ in 0..5 {
        let mut query = Query {
            limit: 1 + dice.roll(60),
            ..Query::default()
        };
        let empty = Map::new();
        let about = match oracle.statements.len() {
            0 => &empty,
            count => &oracle.statements[dice.roll(count)],
        };
        let text = |name: &str| Some(about.get(name)?.as_str()?.to_owned());
        let item = |name: &str| Some(about.get(name)?.as_array()?.first()?.as_str()?.to_owned());
        let us = || {
            let at = text("at")?;
            Some((ledger::time::parse(&format!("{}000Z", &at[..26]))? / 1000) as i64)
        };
        for _ in 0..=dice.roll(2) {
            match dice.roll(16) {
                0 => query.who = text("principal"),
                1 => query.on_behalf_of = text("on_behalf_of"),
                2 => query.session = text("session"),
                3 => query.target = text("target"),
                4 => query.decision = text("decision"),
                5 => query.status = text("status"),
                6 => query.object = item("objects"),
                7 => {
                    query.object = item("objects").map(|o| o.rsplit('.').next().unwrap().to_owned())
                }
                8 => query.verb = item("verbs"),
                9 => query.column = item("labelled_columns"),
                10 => query.label = item("labels"),
                11 => {
                    query.fingerprint =
                        text("fingerprint").map(|f| f[..1 + dice.roll(31)].to_owned())
                }
                12 => {
                    query.text = text("shape")
                        .map(|shape| shape.chars().skip(dice.roll(8)).take(12).collect())
                }
                13 => query.since_us = us(),
                14 => query.until_us = us(),
                _ => query.who = Some("nobody' OR 1=1 --".to_owned()),
            }
        }
        all.push(query);
    }
    all
}

/// What the index answers.
pub async fn ask(snapshot: &Snapshot, query: &Query) -> Vec<Value> {
    let answer = snapshot.search(query).await.unwrap();
    let mut bytes = Vec::new();
    answer.write_json(&mut bytes).unwrap();
    bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

/// Takes segments away, cuts them, exchanges them, adds what is none.
pub fn spoil(folder: &Path, seed: u64) {
    let mut dice = Dice(seed ^ 0xbad);
    let files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    for path in files {
        let bytes = std::fs::read(&path).unwrap();
        match dice.roll(6) {
            0 => std::fs::remove_file(&path).unwrap(),
            1 => std::fs::write(&path, &bytes[..dice.roll(bytes.len())]).unwrap(),
            2 => std::fs::write(&path, vec![0; bytes.len()]).unwrap(),
            3 => {
                std::fs::write(folder.join(format!("{}.tmp", dice.roll(99))), &bytes[..9]).unwrap()
            }
            _ => {}
        }
    }
}

/// Every text in a segment: of its rows, its dictionaries and its footer.
pub fn every_text(path: &Path) -> Vec<String> {
    use datafusion::parquet::file::reader::{FileReader as _, SerializedFileReader};
    let bytes = bytes::Bytes::from(std::fs::read(path).unwrap());
    let mut out = Vec::new();
    let about = {
        let reader = SerializedFileReader::new(bytes.clone()).unwrap();
        let footer = reader
            .metadata()
            .file_metadata()
            .key_value_metadata()
            .unwrap()
            .clone();
        out.extend(footer.iter().filter_map(|pair| pair.value.clone()));
        footer
            .iter()
            .find(|pair| pair.key == "weir")
            .unwrap()
            .value
            .clone()
            .unwrap()
    };
    let about: Value = serde_json::from_str(&about).unwrap();
    let block = |name: &str| {
        let at = |field: &str| about[name][field].as_u64().unwrap() as usize;
        bytes.slice(at("offset")..at("offset") + at("length"))
    };
    for part in [bytes.clone(), block("forms"), block("sessions")] {
        let reader = SerializedFileReader::new(part).unwrap();
        for row in reader.get_row_iter(None).unwrap() {
            out.push(row.unwrap().to_string());
        }
    }
    assert!(out.iter().any(|text| text.contains("public.orders")));
    out
}
