//! Running one case over one connection, keeping every byte.

use std::time::{Duration, Instant};

use super::corpus::{Case, Kind};
use super::worlds::placeholder;
use crate::lab::{Answer, Client, Connect, Extended, Fields};

/// What a client received in one case.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    /// One answer a request.
    pub(crate) answers: Vec<Answer>,
    /// Every byte, the greeting included.
    pub(crate) bytes: Vec<u8>,
    /// How long each request took.
    pub(crate) took: Vec<Duration>,
    /// Why the connection did not come about or ended.
    pub(crate) broken: Option<String>,
}

impl Transcript {
    fn add(&mut self, begun: Instant, answer: Result<Answer, crate::lab::client::Failure>) -> bool {
        self.took.push(begun.elapsed());
        match answer {
            Ok(answer) => {
                self.bytes.extend_from_slice(&answer.raw);
                if answer.closed {
                    self.broken = Some("the connection was closed".to_owned());
                }
                self.answers.push(answer);
            }
            Err(failure) => {
                self.bytes.extend_from_slice(&failure.raw);
                self.broken = Some(failure.to_string());
            }
        }
        self.broken.is_none()
    }

    /// All errors, in order.
    pub(crate) fn errors(&self) -> impl Iterator<Item = &Fields> {
        self.answers.iter().flat_map(|answer| &answer.errors)
    }

    /// What went wrong first, in words.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.errors()
            .next()
            .map(ToString::to_string)
            .or_else(|| self.broken.clone())
    }
}

/// Runs a case. `function` is the oid of the function a FunctionCall case names.
pub(crate) fn run(case: &Case, connect: &Connect, function: u32) -> Transcript {
    let mut connect = connect.clone();
    connect.timeout = Duration::from_secs(15);
    if case.kind == Kind::Repl {
        connect = connect.parameter("replication", "database");
    }
    let mut transcript = Transcript::default();
    let mut client = match Client::connect(&connect) {
        Ok(client) => client,
        Err(failure) => {
            transcript.bytes = failure.raw.clone();
            transcript.broken = Some(failure.to_string());
            return transcript;
        }
    };
    transcript.bytes = client.greeting.raw.clone();
    let extended = |describe, binary, parameters| Extended {
        describe,
        binary,
        parameters,
        ..Extended::default()
    };
    for statement in requests(case) {
        let statement = &filled(statement, &transcript.answers);
        let begun = Instant::now();
        let answer = match case.kind {
            Kind::Q | Kind::Multi | Kind::Inf | Kind::Time | Kind::Repl => client.query(statement),
            Kind::X => client.extended(statement, &extended(true, false, Vec::new())),
            Kind::Xnd => client.extended(statement, &extended(false, false, Vec::new())),
            Kind::Xb => client.extended(statement, &extended(true, true, Vec::new())),
            Kind::Xp => client.extended(statement, &extended(true, false, vec![Some(b"ZZ")])),
            Kind::Fcall => client.function_call(function, &[Some(b"1")]),
        };
        if !transcript.add(begun, answer) {
            break;
        }
    }
    transcript
}

/// The statement with each `{{statement.row.column}}` replaced by that cell of an earlier answer, all counted from 1.
/// What is not there stays as it stands.
fn filled(statement: &str, answers: &[Answer]) -> String {
    let mut out = String::new();
    let mut rest = statement;
    while let Some((before, inside, after)) = placeholder(rest) {
        out.push_str(before);
        match cell(inside, answers) {
            Some(cell) => out.push_str(&cell.replace('\'', "''")),
            None => out.push_str(&format!("{{{{{inside}}}}}")),
        }
        rest = after;
    }
    out + rest
}

fn cell(place: &str, answers: &[Answer]) -> Option<String> {
    let mut numbers = place
        .split('.')
        .map(|number| number.trim().parse::<usize>().ok()?.checked_sub(1));
    let mut next = || numbers.next().flatten();
    let (statement, row, column) = (next()?, next()?, next()?);
    answers
        .get(statement)?
        .rows()
        .get(row)?
        .get(column)
        .cloned()
}

/// Whether a case's requests depend on earlier answers.
pub(crate) fn writes_back(case: &Case) -> bool {
    case.statements
        .iter()
        .any(|statement| placeholder(statement).is_some())
}

fn requests(case: &Case) -> Vec<&str> {
    let mut all: Vec<&str> = case.statements.iter().map(String::as_str).collect();
    match case.kind {
        Kind::Multi => all.push("select 1"),
        // A corpus describes a replication case in words; over such a connection plain SQL is the way out.
        Kind::Repl
            if !all
                .iter()
                .any(|text| text.starts_with("select") || text.starts_with("copy")) =>
        {
            all = vec!["select email from customers", "copy customers to stdout"];
        }
        _ => {}
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::client::ResultSet;

    #[test]
    fn a_statement_may_name_cells_of_earlier_answers() {
        let set = ResultSet {
            rows: vec![vec![Some(b"7".to_vec()), Some(b"o'x".to_vec())]],
            ..ResultSet::default()
        };
        let answers = [Answer {
            sets: vec![set],
            ..Answer::default()
        }];
        let text = "select '{{1.1.2}}' where id = {{1.1.1}} or '{{1.2.1}}{{no}}' = ''";
        let wanted = "select 'o''x' where id = 7 or '{{1.2.1}}{{no}}' = ''";
        assert_eq!(filled(text, &answers), wanted);
    }
}
