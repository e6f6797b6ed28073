//! Clients that write down what they were told, until the gateway is gone.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::oracle::{Answer, Kind, Statement};
use crate::lab::{Client, Connect, Extended};

/// What clients know.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) answers: Mutex<Vec<Answer>>,
    pub(super) forbidden: Mutex<HashSet<u64>>,
    /// Server process of each connection.
    pub(super) processes: Mutex<Vec<(i32, u64)>>,
    pub(super) sent: AtomicU64,
    pub(super) answered: AtomicU64,
}

/// Numbers that are given once.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// From 1 on: 0 is no tag.
    pub(super) tag: AtomicU64,
    pub(super) connection: AtomicU64,
}

/// Xorshift: the same statements for the same seed.
#[derive(Debug)]
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound.max(1)
    }
}

/// A session that ends when its connection does.
struct Session<'a> {
    client: Client,
    connection: u64,
    told: &'a Told,
    numbers: &'a Numbers,
}

/// The connection is gone, or answers what it should not.
struct Gone;

/// Works over one connection after the other until `told.answered` cannot grow any more.
pub(super) fn work(connect: &Connect, told: &Told, numbers: &Numbers, seed: u64) {
    let mut random = Random(seed | 1);
    while let Ok(client) = Client::connect(connect) {
        let connection = numbers.connection.fetch_add(1, Ordering::Relaxed);
        if let Ok(mut processes) = told.processes.lock() {
            processes.push((client.process_id, connection));
        }
        let mut session = Session {
            client,
            connection,
            told,
            numbers,
        };
        if session.tagged("select 'hello' as t_", "").is_err() {
            return;
        }
        // Some stay, some come and go.
        let statements = if random.below(4) == 0 { 12 } else { u64::MAX };
        for _ in 0..statements {
            if session.something(&mut random).is_err() {
                return;
            }
        }
    }
}

impl Session<'_> {
    fn statement(&self, kind: Kind) -> Statement {
        Statement {
            tag: 1 + self.numbers.tag.fetch_add(1, Ordering::Relaxed),
            kind,
            connection: self.connection,
        }
    }

    fn note(&self, statement: Statement, good: bool, autocommit: bool) {
        self.told.answered.fetch_add(1, Ordering::Relaxed);
        if let Ok(mut answers) = self.told.answers.lock() {
            answers.push(Answer {
                statement,
                good,
                autocommit,
            });
        }
    }

    /// Sends a simple query whose tag stands between two parts of its text.
    fn tagged(&mut self, before: &str, after: &str) -> Result<bool, Gone> {
        let statement = self.statement(Kind::Tagged);
        self.send(
            statement,
            &format!("{before}{}{after}", statement.tag),
            false,
        )
    }

    fn send(&mut self, statement: Statement, text: &str, autocommit: bool) -> Result<bool, Gone> {
        self.told.sent.fetch_add(1, Ordering::Relaxed);
        let answer = self.client.query(text).map_err(|_| Gone)?;
        // What was cut off in the middle is no answer.
        if answer.status == 0 {
            return Err(Gone);
        }
        let good = answer.errors.is_empty();
        self.note(statement, good, autocommit);
        Ok(good)
    }

    /// Text of an INSERT that the COMMIT with a tag makes permanent, or, with 0, itself.
    fn insert(&self, statement: Statement, commits: u64) -> String {
        let (tag, connection) = (statement.tag, self.connection);
        format!(
            "insert into effects as t_{tag} (tag, connection, kind, commits) values ({tag}, {connection}, 'insert', {commits})"
        )
    }

    fn something(&mut self, random: &mut Random) -> Result<(), Gone> {
        match random.below(10) {
            0..=2 => self.tagged("select count(*) as t_", " from effects where tag < 50")?,
            3 => self.tagged("select g as t_", " from generate_series(1, 3000) g")?,
            4 => {
                let statement = self.statement(Kind::Tagged);
                let text = self.insert(statement, 0);
                self.send(statement, &text, true)?
            }
            5 => self.prepared(random)?,
            6 | 7 => self.transaction(random)?,
            8 => {
                let rows = 1 + random.below(200);
                self.copy(rows, 0)?
            }
            _ => {
                let statement = self.statement(Kind::Tagged);
                if let Ok(mut forbidden) = self.told.forbidden.lock() {
                    forbidden.insert(statement.tag);
                }
                let text = format!("drop table effects, t_{}", statement.tag);
                self.send(statement, &text, false)?
            }
        };
        Ok(())
    }

    /// Parse, then Bind and Execute several times.
    fn prepared(&mut self, random: &mut Random) -> Result<bool, Gone> {
        let statement = self.statement(Kind::Tagged);
        let text = format!(
            "insert into effects as t_{} (tag, connection, kind, commits) values ($1, $2, 'insert', 0)",
            statement.tag
        );
        let name = format!("p{}", statement.tag);
        let answer = self.client.prepare(&name, &text).map_err(|_| Gone)?;
        if answer.status == 0 {
            return Err(Gone);
        }
        for _ in 0..1 + random.below(3) {
            let (tag, connection) = (statement.tag.to_string(), self.connection.to_string());
            let how = Extended {
                parameters: vec![Some(tag.as_bytes()), Some(connection.as_bytes())],
                ..Extended::default()
            };
            self.told.sent.fetch_add(1, Ordering::Relaxed);
            let answer = self.client.execute(&name, &how).map_err(|_| Gone)?;
            if answer.status == 0 {
                return Err(Gone);
            }
            self.note(statement, answer.errors.is_empty(), true);
        }
        Ok(true)
    }

    fn transaction(&mut self, random: &mut Random) -> Result<bool, Gone> {
        let ends = random.below(4) > 0;
        let commit = self.statement(Kind::Commit);
        self.client.query("begin").map_err(|_| Gone)?;
        let statement = self.statement(Kind::Tagged);
        let text = self.insert(statement, commit.tag);
        self.send(statement, &text, false)?;
        if random.below(2) == 0 {
            self.copy(1 + random.below(20), commit.tag)?;
        }
        if !ends {
            self.client.query("rollback").map_err(|_| Gone)?;
            return Ok(true);
        }
        self.send(commit, &format!("commit /* t_{} */", commit.tag), false)
    }

    fn copy(&mut self, rows: u64, commits: u64) -> Result<bool, Gone> {
        let statement = self.statement(Kind::Copy);
        let mut data = String::new();
        for _ in 0..rows {
            let _ = writeln!(
                data,
                "{}\t{}\tcopy\t{commits}",
                statement.tag, self.connection
            );
        }
        let text = format!(
            "copy effects (tag, connection, kind, commits) from stdin /* t_{} */",
            statement.tag
        );
        self.told.sent.fetch_add(1, Ordering::Relaxed);
        let answer = self
            .client
            .copy_in(&text, data.as_bytes())
            .map_err(|_| Gone)?;
        if answer.status == 0 {
            return Err(Gone);
        }
        let good = answer.errors.is_empty();
        self.note(statement, good, false);
        Ok(good)
    }
}
