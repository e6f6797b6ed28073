//! A small reference model of PostgreSQL's protocol state (PostgreSQL docs,
//! 55.2): simple and extended queries, errors, skipping until Sync, transaction
//! status, names of prepared statements and portals, savepoints, COPY.
//!
//! It holds no data: every table always has the same three rows.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::BytesMut;
use wire::postgres::{
    self as pg, DescribeKind, ErrorFields, Format, Frontend, TransactionStatus, encode,
};

use crate::recorder::Recorder;
use crate::sql::{self, Rows, Stmt};
use crate::{fixture, text};

/// A statement that ran.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ran {
    pub(crate) text: String,
    pub(crate) writes: bool,
}

#[derive(Clone)]
struct Portal {
    text: String,
    statement: Stmt,
    formats: Vec<Format>,
    /// Rows still to come, once it began.
    left: Option<Vec<Vec<String>>>,
    done: bool,
}

struct Savepoint {
    name: String,
    path: String,
    portals: Vec<String>,
}

struct Fault(&'static str, String);

/// Which end a failing statement makes of a message.
type Done = Result<(), Fault>;

pub(crate) struct Model {
    input: BytesMut,
    /// What the client is sent, and what still waits for a flush: PostgreSQL
    /// sends with ReadyForQuery, Flush, an error or CopyInResponse.
    pub(crate) sent: BytesMut,
    out: BytesMut,
    pub(crate) ran: Vec<Ran>,
    /// The connection ended.
    pub(crate) ended: bool,
    /// Texts that fail with 42501 where they stand.
    refuse: fn(&str) -> bool,
    /// Holds what ran against what was recorded.
    ledger: Option<Arc<Recorder>>,
    used: Vec<usize>,
    explicit: bool,
    failed: bool,
    skipping: bool,
    copy: Option<Copy>,
    statements: HashMap<String, String>,
    portals: HashMap<String, Portal>,
    path: String,
    path_before: String,
    savepoints: Vec<Savepoint>,
    pub(crate) temp_schema: Option<String>,
}

struct Copy {
    extended: bool,
    rows: usize,
}

impl Model {
    pub(crate) fn new(refuse: fn(&str) -> bool) -> Self {
        Self {
            input: BytesMut::new(),
            sent: BytesMut::new(),
            out: BytesMut::new(),
            ran: Vec::new(),
            ended: false,
            refuse,
            ledger: None,
            used: Vec::new(),
            explicit: false,
            failed: false,
            skipping: false,
            copy: None,
            statements: HashMap::new(),
            portals: HashMap::new(),
            path: "public".into(),
            path_before: "public".into(),
            savepoints: Vec::new(),
            temp_schema: None,
        }
    }

    /// Whatever runs must stand in `ledger`, and be durable there if it writes.
    pub(crate) fn audited(mut self, ledger: Arc<Recorder>) -> Self {
        self.ledger = Some(ledger);
        self
    }

    /// Takes client bytes.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
        let mut input = std::mem::take(&mut self.input);
        for raw in text::frames(&mut input) {
            if !self.ended {
                self.message(&raw);
            }
        }
        self.input = input;
    }

    fn flush(&mut self) {
        self.sent.unsplit(self.out.split());
    }

    fn status(&self) -> TransactionStatus {
        match (self.explicit, self.failed) {
            (false, _) => TransactionStatus::Idle,
            (true, false) => TransactionStatus::InTransaction,
            (true, true) => TransactionStatus::Failed,
        }
    }

    fn ready(&mut self) {
        if !self.explicit {
            self.portals.clear();
        }
        let status = self.status();
        encode::ready_for_query(&mut self.out, status);
        self.flush();
    }

    fn message(&mut self, raw: &[u8]) {
        let frame = pg::frame(raw, usize::MAX >> 1).unwrap().unwrap();
        let message = pg::frontend(&frame).unwrap();
        if self.copy.is_some() {
            return self.copy_message(&message);
        }
        match message {
            Frontend::Terminate => self.ended = true,
            Frontend::Sync => {
                self.skipping = false;
                if !self.explicit {
                    self.path_before.clone_from(&self.path);
                }
                self.ready();
            }
            _ if self.skipping => {}
            Frontend::Flush => self.flush(),
            Frontend::CopyData(_) | Frontend::CopyDone | Frontend::CopyFail(_) => {}
            Frontend::Query(text) => self.query(text),
            Frontend::FunctionCall(_) => {
                // FunctionCallResponse: NULL
                self.out
                    .extend_from_slice(&[b'V', 0, 0, 0, 8, 255, 255, 255, 255]);
                self.ready();
            }
            Frontend::Password(_) => self.ended = true,
            extended => {
                if let Err(fault) = self.extended(&extended) {
                    self.fault(&fault);
                    self.skipping = true;
                }
            }
        }
    }

    /// Says it, and ends what an error ends.
    fn fault(&mut self, fault: &Fault) {
        encode::error_response(&mut self.out, &ErrorFields::error(fault.0, &fault.1));
        self.flush();
        if self.explicit {
            self.failed = true;
        } else {
            self.path.clone_from(&self.path_before);
            self.portals.clear();
        }
    }

    fn query(&mut self, text: &str) {
        self.statements.remove("");
        let parts: Vec<String> = sql::split(text).iter().map(|p| (*p).to_owned()).collect();
        let mut done = Ok(());
        if parts.iter().any(|part| (self.refuse)(part)) {
            done = Err(Fault("42501", "refused".into()));
        } else if let Some(Stmt::Wrong("42601", why)) = parts
            .iter()
            .map(|part| sql::read(part, &self.path))
            .find(|one| matches!(one, Stmt::Wrong("42601", _)))
        {
            done = Err(Fault("42601", why));
        } else {
            let alone = parts.len() == 1;
            for part in &parts {
                let statement = sql::read(part, &self.path);
                done = self.simple(part, &statement, alone);
                if done.is_err() || self.copy.is_some() {
                    break;
                }
            }
        }
        if let Err(fault) = done {
            self.fault(&fault);
        }
        if self.copy.is_none() {
            self.end_query();
        }
    }

    fn end_query(&mut self) {
        if !self.explicit {
            self.path_before.clone_from(&self.path);
        }
        self.ready();
    }

    fn may_run(&self, statement: &Stmt) -> Done {
        if self.failed
            && !matches!(
                statement,
                Stmt::Commit | Stmt::Rollback | Stmt::RollbackTo(_)
            )
        {
            return Err(Fault("25P02", "current transaction is aborted".into()));
        }
        Ok(())
    }

    fn simple(&mut self, text: &str, statement: &Stmt, alone: bool) -> Done {
        if *statement != Stmt::Empty {
            self.may_run(statement)?;
        }
        if let Stmt::Wrong(code, why) = statement {
            return Err(Fault(code, why.clone()));
        }
        if let Stmt::Declare(..) = statement
            && alone
            && !self.explicit
        {
            return Err(Fault("25P01", "DECLARE CURSOR needs a transaction".into()));
        }
        self.audit(text, statement);
        if let Some(columns) = self.columns(statement) {
            text::description(&mut self.out, columns, &[]);
        }
        if *statement == Stmt::CopyIn {
            encode::copy_in_response(&mut self.out, Format::Text, [Format::Text]).unwrap();
            self.copy = Some(Copy {
                extended: false,
                rows: 0,
            });
            self.flush();
            return Ok(());
        }
        let tag = self.run(statement, &[], None)?;
        self.complete(&tag);
        Ok(())
    }

    fn complete(&mut self, tag: &str) {
        match tag {
            "" => encode::empty_query_response(&mut self.out),
            "s" => encode::portal_suspended(&mut self.out),
            tag => encode::command_complete(&mut self.out, tag.as_bytes()),
        }
    }

    /// What the result of a statement looks like.
    fn columns(&self, statement: &Stmt) -> Option<Vec<sql::Column>> {
        match statement {
            Stmt::Select(rows) | Stmt::Returning(rows, _) => Some(rows.columns.clone()),
            Stmt::Execute(name) => {
                let text = self.statements.get(name)?;
                self.columns(&sql::read(text, &self.path))
            }
            Stmt::Fetch(name, _) => {
                let portal = self.portals.get(name)?;
                self.columns(&portal.statement.clone())
            }
            Stmt::AskSettings => Some(vec![("?", 0, 0, 25); 11]),
            Stmt::AskCatalog(_) | Stmt::AskPath => Some(vec![("?", 0, 0, 25)]),
            _ => None,
        }
    }

    /// Runs it to its end; gives the tag.
    fn run(
        &mut self,
        statement: &Stmt,
        formats: &[Format],
        left: Option<usize>,
    ) -> Result<String, Fault> {
        let _ = left;
        Ok(match statement {
            Stmt::Empty => String::new(),
            Stmt::Select(rows) => {
                self.rows(rows, formats)?;
                format!("SELECT {}", rows.rows.len())
            }
            Stmt::Returning(rows, tag) => {
                self.rows(rows, formats)?;
                (*tag).to_owned()
            }
            Stmt::Write(tag) => (*tag).to_owned(),
            Stmt::CreateTemp => {
                self.temp_schema = Some("pg_temp_3".into());
                "CREATE TABLE".into()
            }
            Stmt::Begin => {
                if self.explicit {
                    self.warn("25001");
                } else {
                    self.explicit = true;
                    self.path_before.clone_from(&self.path);
                }
                "BEGIN".into()
            }
            Stmt::Commit | Stmt::Rollback => {
                let commits = *statement == Stmt::Commit && !self.failed;
                if !self.explicit {
                    self.warn("25P01");
                }
                if !commits {
                    self.path.clone_from(&self.path_before);
                }
                self.path_before.clone_from(&self.path);
                self.explicit = false;
                self.failed = false;
                self.savepoints.clear();
                self.portals.clear();
                if commits {
                    "COMMIT".into()
                } else {
                    "ROLLBACK".into()
                }
            }
            Stmt::Savepoint(name) => {
                self.in_block("SAVEPOINT")?;
                self.savepoints.push(Savepoint {
                    name: name.clone(),
                    path: self.path.clone(),
                    portals: self.portals.keys().cloned().collect(),
                });
                "SAVEPOINT".into()
            }
            Stmt::RollbackTo(name) => {
                self.in_block("ROLLBACK TO SAVEPOINT")?;
                let at = self.savepoint(name)?;
                self.savepoints.truncate(at + 1);
                let savepoint = &self.savepoints[at];
                self.path.clone_from(&savepoint.path);
                self.portals
                    .retain(|name, _| savepoint.portals.contains(name));
                self.failed = false;
                "ROLLBACK".into()
            }
            Stmt::Release(name) => {
                self.in_block("RELEASE SAVEPOINT")?;
                let at = self.savepoint(name)?;
                self.savepoints.truncate(at);
                "RELEASE".into()
            }
            Stmt::SetPath(path) => {
                self.path.clone_from(path);
                "SET".into()
            }
            Stmt::Prepare(name, text) => {
                if self.statements.contains_key(name) {
                    return Err(Fault(
                        "42P05",
                        format!("prepared statement \"{name}\" already exists"),
                    ));
                }
                if let Stmt::Wrong(code, why) = sql::read(text, &self.path) {
                    return Err(Fault(code, why));
                }
                self.statements.insert(name.clone(), text.clone());
                "PREPARE".into()
            }
            Stmt::Execute(name) => {
                let Some(text) = self.statements.get(name).cloned() else {
                    return Err(Fault(
                        "26000",
                        format!("prepared statement \"{name}\" does not exist"),
                    ));
                };
                let inner = sql::read(&text, &self.path);
                self.run(&inner, formats, None)?
            }
            Stmt::Deallocate(None) => {
                self.statements.clear();
                "DEALLOCATE ALL".into()
            }
            Stmt::Deallocate(Some(name)) => {
                if self.statements.remove(name).is_none() {
                    return Err(Fault(
                        "26000",
                        format!("prepared statement \"{name}\" does not exist"),
                    ));
                }
                "DEALLOCATE".into()
            }
            Stmt::DiscardAll => {
                if self.explicit {
                    return Err(Fault(
                        "25001",
                        "DISCARD ALL cannot run inside a transaction block".into(),
                    ));
                }
                self.statements.clear();
                self.portals.clear();
                self.path = "public".into();
                "DISCARD ALL".into()
            }
            Stmt::Declare(name, text) => {
                if self.portals.contains_key(name) {
                    return Err(Fault("42P03", format!("cursor \"{name}\" already exists")));
                }
                let statement = sql::read(text, &self.path);
                if let Stmt::Wrong(code, why) = statement {
                    return Err(Fault(code, why));
                }
                let portal = Portal {
                    text: text.clone(),
                    statement,
                    formats: Vec::new(),
                    left: None,
                    done: false,
                };
                self.portals.insert(name.clone(), portal);
                "DECLARE CURSOR".into()
            }
            Stmt::Fetch(name, count) => {
                let (rows, fault) = self.take(name, *count)?;
                let columns = self.portals[name].statement.clone();
                let columns = self.columns(&columns).unwrap_or_default();
                self.send(&columns, &rows, formats);
                if let Some(fault) = fault {
                    return Err(fault);
                }
                format!("FETCH {}", rows.len())
            }
            Stmt::CloseCursor(name) => {
                if self.portals.remove(name).is_none() {
                    return Err(Fault("34000", format!("cursor \"{name}\" does not exist")));
                }
                "CLOSE CURSOR".into()
            }
            Stmt::CopyOut(lines) => {
                encode::copy_out_response(
                    &mut self.out,
                    Format::Text,
                    vec![Format::Text; lines[0].split('\t').count()],
                )
                .unwrap();
                for line in lines {
                    encode::copy_data(&mut self.out, line.as_bytes()).unwrap();
                }
                encode::copy_done(&mut self.out);
                format!("COPY {}", lines.len())
            }
            Stmt::CopyIn => unreachable!(),
            Stmt::Fails(code, why) | Stmt::Wrong(code, why) => {
                return Err(Fault(code, why.clone()));
            }
            Stmt::AskSettings => {
                let schemas = self.path.clone();
                let temp = self.temp_schema.clone().filter(|t| !t.is_empty());
                let row = [
                    Some(schemas),
                    temp,
                    Some("on".into()),
                    Some("UTF8".into()),
                    Some("postgres".into()),
                    None,
                    None,
                    None,
                    None,
                    Some(self.path.clone()),
                    Some("read committed".into()),
                ];
                text::row(&mut self.out, &row.map(|v| v.map(String::into_bytes)));
                "SELECT 1".into()
            }
            Stmt::AskCatalog(section) => {
                for (_, fields) in fixture::rows().filter(|(name, _)| name == section) {
                    let row: Vec<_> = fields
                        .into_iter()
                        .map(|v| v.map(String::into_bytes))
                        .collect();
                    text::row(&mut self.out, &row);
                }
                "SELECT 0".into()
            }
            Stmt::AskPath => {
                text::row(&mut self.out, &[None]);
                "SELECT 1".into()
            }
        })
    }

    fn warn(&mut self, code: &str) {
        encode::notice_response(
            &mut self.out,
            &ErrorFields::new("WARNING", code, "transaction"),
        );
    }

    fn in_block(&self, what: &str) -> Done {
        if self.explicit {
            return Ok(());
        }
        Err(Fault(
            "25P01",
            format!("{what} can only be used in transaction blocks"),
        ))
    }

    fn savepoint(&self, name: &str) -> Result<usize, Fault> {
        let found = self.savepoints.iter().rposition(|s| s.name == name);
        found.ok_or_else(|| Fault("3B001", format!("savepoint \"{name}\" does not exist")))
    }

    fn rows(&mut self, rows: &Rows, formats: &[Format]) -> Done {
        self.send(&rows.columns, &rows.rows, formats);
        match &rows.fails {
            Some((code, why)) => Err(Fault(code, why.clone())),
            None => Ok(()),
        }
    }

    fn send(&mut self, columns: &[sql::Column], rows: &[Vec<String>], formats: &[Format]) {
        for row in rows {
            let cells = row
                .iter()
                .zip(columns)
                .enumerate()
                .map(|(i, (value, column))| {
                    let format = match formats {
                        [] => Format::Text,
                        [one] => *one,
                        many => many[i],
                    };
                    Some(sql::cell(value, column.3, format == Format::Binary))
                });
            text::row(&mut self.out, &cells.collect::<Vec<_>>());
        }
    }

    /// The next rows of a portal, and the error it ends with.
    fn take(
        &mut self,
        name: &str,
        count: usize,
    ) -> Result<(Vec<Vec<String>>, Option<Fault>), Fault> {
        let Some(portal) = self.portals.get_mut(name) else {
            return Err(Fault("34000", format!("portal \"{name}\" does not exist")));
        };
        let (Stmt::Select(rows) | Stmt::Returning(rows, _)) = &portal.statement else {
            return Err(Fault("55000", "portal cannot be run".into()));
        };
        let left = portal.left.get_or_insert_with(|| rows.rows.clone());
        let taken: Vec<_> = left.drain(..count.min(left.len())).collect();
        portal.done |= taken.len() < count;
        let fault = match &rows.fails {
            Some((code, why)) if portal.done => Some(Fault(code, why.clone())),
            _ => None,
        };
        Ok((taken, fault))
    }

    fn extended(&mut self, message: &Frontend<'_>) -> Done {
        match message {
            Frontend::Parse { name, text, .. } => {
                let text = text.split_once('\0').map_or(*text, |(t, _)| t);
                if name.is_empty() {
                    self.statements.remove("");
                }
                if (self.refuse)(text) {
                    return Err(Fault("42501", "refused".into()));
                }
                let statement = self.statement(text);
                if let Stmt::Wrong("42601", why) = &statement {
                    return Err(Fault("42601", why.clone()));
                }
                if statement != Stmt::Empty {
                    self.may_run(&statement)?;
                }
                if let Stmt::Wrong(code, why) = &statement {
                    return Err(Fault(code, why.clone()));
                }
                if !name.is_empty() && self.statements.contains_key(*name) {
                    return Err(Fault(
                        "42P05",
                        format!("prepared statement \"{name}\" already exists"),
                    ));
                }
                self.statements.insert((*name).to_owned(), text.to_owned());
                encode::parse_complete(&mut self.out);
            }
            Frontend::Bind(bind) => {
                let Some(text) = self.statements.get(bind.statement).cloned() else {
                    return Err(Fault("26000", "prepared statement does not exist".into()));
                };
                let statement = self.statement(&text);
                if statement != Stmt::Empty {
                    self.may_run(&statement)?;
                }
                if !bind.portal.is_empty() && self.portals.contains_key(bind.portal) {
                    return Err(Fault("42P03", "cursor already exists".into()));
                }
                let portal = Portal {
                    text,
                    statement,
                    formats: bind.result_formats().iter().collect(),
                    left: None,
                    done: false,
                };
                self.portals.insert(bind.portal.to_owned(), portal);
                encode::bind_complete(&mut self.out);
            }
            Frontend::Describe { kind, name } => {
                let (statement, formats) = match kind {
                    DescribeKind::Statement => {
                        encode::parameter_description(&mut BytesMut::new(), []).unwrap();
                        let Some(text) = self.statements.get(*name) else {
                            return Err(Fault("26000", "prepared statement does not exist".into()));
                        };
                        (self.statement(text), Vec::new())
                    }
                    DescribeKind::Portal => {
                        let Some(portal) = self.portals.get(*name) else {
                            return Err(Fault("34000", "portal does not exist".into()));
                        };
                        (portal.statement.clone(), portal.formats.clone())
                    }
                };
                let columns = self.columns(&statement);
                if self.failed && columns.is_some() {
                    return Err(Fault("25P02", "current transaction is aborted".into()));
                }
                if *kind == DescribeKind::Statement {
                    encode::parameter_description(&mut self.out, []).unwrap();
                }
                match columns {
                    Some(columns) => text::description(&mut self.out, columns, &formats),
                    None => encode::no_data(&mut self.out),
                }
            }
            Frontend::Execute { portal, max_rows } => {
                return self.execute(portal, usize::try_from(*max_rows).unwrap_or(0));
            }
            Frontend::Close { kind, name } => {
                match kind {
                    DescribeKind::Statement => drop(self.statements.remove(*name)),
                    DescribeKind::Portal => drop(self.portals.remove(*name)),
                }
                encode::close_complete(&mut self.out);
            }
            other => panic!("{other:?} is not extended"),
        }
        Ok(())
    }

    /// Reads a text of the extended protocol: one statement, or Weir's question.
    fn statement(&self, text: &str) -> Stmt {
        let all = statement::catalog::LOAD
            .iter()
            .chain(statement::catalog::LOAD_TEMP);
        for query in all {
            if query.sql == text {
                // Nobody has temporary objects here.
                let whole = statement::catalog::LOAD.iter().any(|q| q.sql == text);
                return Stmt::AskCatalog(if whole { query.section } else { "" });
            }
        }
        match sql::split(text).as_slice() {
            [one] => sql::read(one, &self.path),
            _ if text.starts_with("SELECT") => sql::read(text, &self.path),
            _ => Stmt::Wrong(
                "42601",
                "cannot insert multiple commands into a prepared statement".into(),
            ),
        }
    }

    fn execute(&mut self, name: &str, max_rows: usize) -> Done {
        let Some(portal) = self.portals.get(name).cloned() else {
            return Err(Fault("34000", format!("portal \"{name}\" does not exist")));
        };
        let statement = portal.statement.clone();
        if statement != Stmt::Empty {
            self.may_run(&statement)?;
        }
        if !portal.done && portal.left.is_none() {
            self.audit(&portal.text, &statement);
        }
        match &statement {
            Stmt::Select(_) | Stmt::Returning(..) => {
                let count = if max_rows == 0 { usize::MAX } else { max_rows };
                let (rows, fault) = self.take(name, count)?;
                let columns = self.columns(&statement).unwrap_or_default();
                self.send(&columns, &rows, &portal.formats);
                if let Some(fault) = fault {
                    return Err(fault);
                }
                let tag = match &statement {
                    Stmt::Returning(_, tag) => (*tag).to_owned(),
                    _ => format!("SELECT {}", rows.len()),
                };
                let more = !self.portals[name].done;
                self.complete(if more { "s" } else { &tag });
                Ok(())
            }
            Stmt::Empty => {
                self.complete("");
                Ok(())
            }
            _ if portal.done => Err(Fault("55000", "portal cannot be run".into())),
            Stmt::CopyIn => {
                self.portals.get_mut(name).unwrap().done = true;
                encode::copy_in_response(&mut self.out, Format::Text, [Format::Text]).unwrap();
                self.copy = Some(Copy {
                    extended: true,
                    rows: 0,
                });
                self.flush();
                Ok(())
            }
            Stmt::Declare(..) if !self.explicit => {
                Err(Fault("25P01", "DECLARE CURSOR needs a transaction".into()))
            }
            _ => {
                self.portals.get_mut(name).unwrap().done = true;
                let tag = self.run(&statement, &portal.formats, None)?;
                self.complete(&tag);
                Ok(())
            }
        }
    }

    fn copy_message(&mut self, message: &Frontend<'_>) {
        let Some(copy) = &mut self.copy else { return };
        let extended = copy.extended;
        match message {
            Frontend::CopyData(data) => copy.rows += data.iter().filter(|b| **b == b'\n').count(),
            Frontend::Flush | Frontend::Sync => {}
            Frontend::CopyDone => {
                let tag = format!("COPY {}", copy.rows);
                self.copy = None;
                self.complete(&tag);
                if !extended {
                    self.end_query();
                }
            }
            Frontend::CopyFail(why) => {
                let why = String::from_utf8_lossy(why).into_owned();
                self.copy = None;
                self.fault(&Fault("57014", format!("COPY from stdin failed: {why}")));
                if extended {
                    self.skipping = true;
                } else {
                    self.end_query();
                }
            }
            _ => {
                encode::error_response(
                    &mut self.out,
                    &ErrorFields::fatal("08P01", "unexpected message during COPY from stdin"),
                );
                self.flush();
                self.ended = true;
            }
        }
    }

    /// Everything that runs has an intent of its own in the ledger before, and
    /// on disk if it may change anything.
    fn audit(&mut self, text: &str, statement: &Stmt) {
        if matches!(
            statement,
            Stmt::AskSettings | Stmt::AskCatalog(_) | Stmt::AskPath | Stmt::Empty
        ) {
            return;
        }
        // What is NULL in it was a column in the text on record, which had no random order.
        let asked = |text: &str| {
            let columns = text.replace("(NULL::pg_catalog.\"text\")", "email");
            let order = " ORDER BY pg_catalog.gen_random_uuid()";
            columns.replace(order, "").trim().to_owned()
        };
        let text = &asked(text);
        let writes = !matches!(
            statement,
            Stmt::Select(_) | Stmt::Fetch(..) | Stmt::CopyOut(_)
        );
        self.ran.push(Ran {
            text: text.to_owned(),
            writes,
        });
        let Some(ledger) = &self.ledger else { return };
        let durable = ledger::Ledger::durable(&**ledger).0;
        let found = ledger.allowed().into_iter().find(|(place, recorded)| {
            let place = *place as usize;
            !self.used.contains(&place)
                && sql::bare(&asked(recorded)).trim_matches([';', ' ']) == sql::bare(text)
                && (!matches!(statement, Stmt::Write(_) | Stmt::CopyIn) || (place as u64) < durable)
        });
        match found {
            Some((place, _)) => self.used.push(place as usize),
            None => panic!(
                "promise 5: {text:?} runs without an intent of its own (durable below {durable}):\n{}",
                ledger.lines()
            ),
        }
    }
}
