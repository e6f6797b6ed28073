//! Whether a ledger tells the truth: what the database did and what clients were told, against what is recorded.
//!
//! Pure: a [`History`] goes in, broken rules come out. Statements are told apart by a tag that stands in their text
//! as an identifier, so that it is in the literal-free shape, in the server's log and in the client's mind alike.
//! COPY and COMMIT have no place for one; of those the server's log sees a comment, and the ledger is asked for as
//! many in the same session.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

/// What a tagged statement was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Its tag is in the shape.
    Tagged,
    /// COPY FROM.
    Copy,
    /// COMMIT of a transaction.
    Commit,
}

/// A statement as a client sent it or the server saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Statement {
    /// Unique number.
    pub tag: u64,
    /// What it is.
    pub kind: Kind,
    /// Number of the connection, unique over a run.
    pub connection: u64,
}

/// An answer a client has received to its last byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// To what.
    pub statement: Statement,
    /// Whether the statement succeeded.
    pub good: bool,
    /// Whether nothing but its own success makes its effect permanent.
    pub autocommit: bool,
}

/// A row the database holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// What wrote it.
    pub by: Statement,
    /// Tag of what committed it, when that was a COMMIT.
    pub commit: Option<u64>,
}

/// An entry of the ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Its place.
    pub sequence: u64,
    /// `statement.intent`, `statement.outcome`, ….
    pub kind: String,
    /// The session, of an intent.
    pub session: String,
    /// The shape, of an intent.
    pub shape: String,
    /// `allow`, of an intent.
    pub decision: String,
    /// The intent, of an outcome.
    pub intent: u64,
    /// `ok`, `unknown`, …, of an outcome.
    pub status: String,
}

/// Everything known after one kill and restart.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Entries since the last one, in order.
    pub entries: Vec<Entry>,
    /// Statements in the server's log.
    pub seen: Vec<Statement>,
    /// Rows in the table.
    pub rows: Vec<Row>,
    /// Answers clients received.
    pub answers: Vec<Answer>,
    /// Tags of statements that policy forbids.
    pub forbidden: HashSet<u64>,
    /// Whether outcomes are durable before answers.
    pub strict: bool,
    /// What `weir ledger verify` said, when it found something.
    pub unsound: Option<String>,
}

/// The rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// A row is there, and no intent to write it.
    EffectWithoutIntent,
    /// A row is there, and no intent to commit it.
    CommitWithoutIntent,
    /// The server ran what no intent tells of.
    SeenWithoutIntent,
    /// The server ran what policy forbids.
    ForbiddenButSeen,
    /// A client has an answer that no entry tells of.
    AnswerWithoutRecord,
    /// Under `strict`, a client has a good answer whose outcome is not on record.
    AnswerWithoutOutcome,
    /// An allowed intent has no outcome, or several.
    NotOneOutcome,
    /// An outcome says what the database contradicts.
    FalseOutcome,
    /// The ledger does not verify.
    Unsound,
}

/// A broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub rule: Rule,
    /// Where.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.rule, self.detail)
    }
}

/// The tag in a shape or text: the digits after `t_`.
#[must_use]
pub fn tag_in(text: &str) -> Option<u64> {
    let (_, rest) = text.split_once("t_")?;
    let digits = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    rest.get(..digits)?.parse().ok()
}

/// What the ledger says, by tag and by session.
#[derive(Default)]
struct Record<'a> {
    /// Allowed intents by tag.
    allowed: HashMap<u64, Vec<u64>>,
    /// All intents by tag.
    judged: HashSet<u64>,
    /// Allowed intents of COPY and COMMIT by connection.
    untagged: HashMap<(u64, Kind), Vec<u64>>,
    /// Outcomes by intent.
    outcomes: BTreeMap<u64, Vec<&'a str>>,
}

impl<'a> Record<'a> {
    fn new(history: &'a History) -> Record<'a> {
        let mut record = Record::default();
        // The first statement of a connection has a tag, and so names the session's connection.
        let connections: HashMap<u64, u64> = history
            .answers
            .iter()
            .map(|answer| answer.statement)
            .chain(history.seen.iter().copied())
            .filter(|statement| statement.kind == Kind::Tagged)
            .map(|statement| (statement.tag, statement.connection))
            .collect();
        let mut sessions: HashMap<&str, u64> = HashMap::new();
        for entry in &history.entries {
            if entry.kind == "statement.outcome" {
                let of = record.outcomes.entry(entry.intent).or_default();
                of.push(&entry.status);
                continue;
            }
            if entry.kind != "statement.intent" {
                continue;
            }
            let allowed = entry.decision == "allow";
            if allowed {
                record.outcomes.entry(entry.sequence).or_default();
            }
            if let Some(tag) = tag_in(&entry.shape) {
                record.judged.insert(tag);
                if allowed {
                    record.allowed.entry(tag).or_default().push(entry.sequence);
                }
                if let Some(connection) = connections.get(&tag) {
                    sessions.insert(&entry.session, *connection);
                }
                continue;
            }
            let shape = entry.shape.to_ascii_lowercase();
            let kind = if shape.starts_with("copy") {
                Kind::Copy
            } else if shape.starts_with("commit") {
                Kind::Commit
            } else {
                continue;
            };
            if let Some(connection) = sessions.get(entry.session.as_str()).filter(|_| allowed) {
                let of = record.untagged.entry((*connection, kind)).or_default();
                of.push(entry.sequence);
            }
        }
        record
    }

    fn allows(&self, statement: Statement, many: &HashMap<(u64, Kind), usize>) -> bool {
        match statement.kind {
            Kind::Tagged => self.allowed.contains_key(&statement.tag),
            kind => {
                let key = (statement.connection, kind);
                let there = self.untagged.get(&key).map_or(0, Vec::len);
                there >= many.get(&key).copied().unwrap_or_default()
            }
        }
    }
}

/// How many there are of each kind that has no tag, by connection.
fn count(statements: impl Iterator<Item = Statement>) -> HashMap<(u64, Kind), usize> {
    let mut tags: HashMap<(u64, Kind), HashSet<u64>> = HashMap::new();
    for one in statements.filter(|one| one.kind != Kind::Tagged) {
        let of = tags.entry((one.connection, one.kind)).or_default();
        of.insert(one.tag);
    }
    tags.into_iter().map(|(key, of)| (key, of.len())).collect()
}

/// The rules a history breaks.
#[must_use]
pub fn violations(history: &History) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut violation = |rule, detail: String| found.push(Violation { rule, detail });
    let record = Record::new(history);

    let written = count(history.rows.iter().map(|row| row.by));
    let commit = |row: &Row| {
        row.commit.map(|tag| Statement {
            tag,
            kind: Kind::Commit,
            connection: row.by.connection,
        })
    };
    let committed = count(history.rows.iter().filter_map(commit));
    for row in &history.rows {
        if !record.allows(row.by, &written) {
            violation(Rule::EffectWithoutIntent, format!("{:?}", row.by));
        }
        if let Some(commit) = commit(row)
            && !record.allows(commit, &committed)
        {
            violation(Rule::CommitWithoutIntent, format!("{:?}", row.by));
        }
    }
    let seen = count(history.seen.iter().copied());
    for statement in &history.seen {
        if history.forbidden.contains(&statement.tag) {
            violation(Rule::ForbiddenButSeen, format!("{statement:?}"));
        } else if !record.allows(*statement, &seen) {
            violation(Rule::SeenWithoutIntent, format!("{statement:?}"));
        }
    }
    let answered = count(history.answers.iter().map(|answer| answer.statement));
    let kept: HashSet<u64> = history.rows.iter().map(|row| row.by.tag).collect();
    for answer in &history.answers {
        let statement = answer.statement;
        let recorded = match statement.kind {
            Kind::Tagged => record.judged.contains(&statement.tag),
            Kind::Copy | Kind::Commit => record.allows(statement, &answered),
        };
        if !recorded {
            violation(Rule::AnswerWithoutRecord, format!("{statement:?}"));
        }
    }
    // A prepared statement has an intent for each execution, and the last may have been
    // in flight: as many outcomes as answers, then, not one for each intent.
    let mut good: HashMap<u64, usize> = HashMap::new();
    for answer in history.answers.iter().filter(|answer| answer.good) {
        *good.entry(answer.statement.tag).or_default() += 1;
    }
    for (tag, answers) in good {
        let Some(intents) = record.allowed.get(&tag).filter(|_| history.strict) else {
            continue;
        };
        let statuses = intents.iter().map(|intent| record.outcomes.get(intent));
        let ok = statuses.filter(|one| one.map(Vec::as_slice) == Some(&["ok"]));
        let ok = ok.count();
        if ok < answers {
            violation(
                Rule::AnswerWithoutOutcome,
                format!("t_{tag}: {answers} answered well, {ok} intents of {intents:?} are `ok`"),
            );
        }
    }
    // Whether it was answered or not: what the record says must be so.
    let autocommit: HashSet<u64> = history
        .answers
        .iter()
        .filter(|answer| answer.autocommit && answer.good)
        .map(|answer| answer.statement.tag)
        .collect();
    for (tag, intents) in &record.allowed {
        for intent in intents {
            let statuses = record.outcomes.get(intent).map(Vec::as_slice);
            let says = |word: &str| statuses.unwrap_or_default().contains(&word);
            if says("ok") && autocommit.contains(tag) && !kept.contains(tag) {
                violation(
                    Rule::FalseOutcome,
                    format!("t_{tag} is `ok` and has no row"),
                );
            }
            if (says("not_executed") || says("refused")) && kept.contains(tag) {
                violation(
                    Rule::FalseOutcome,
                    format!("t_{tag} has a row: {statuses:?}"),
                );
            }
        }
    }
    for (intent, statuses) in &record.outcomes {
        if statuses.len() != 1 {
            violation(
                Rule::NotOneOutcome,
                format!("intent {intent}: {statuses:?}"),
            );
        }
    }
    if let Some(said) = &history.unsound {
        violation(Rule::Unsound, said.clone());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(tag: u64, kind: Kind) -> Statement {
        Statement {
            tag,
            kind,
            connection: 7,
        }
    }

    fn intent(sequence: u64, shape: &str) -> Entry {
        Entry {
            sequence,
            kind: "statement.intent".into(),
            session: "s".into(),
            shape: shape.into(),
            decision: "allow".into(),
            ..Entry::default()
        }
    }

    fn outcome(sequence: u64, intent: u64, status: &str) -> Entry {
        Entry {
            sequence,
            kind: "statement.outcome".into(),
            intent,
            status: status.into(),
            ..Entry::default()
        }
    }

    /// One connection: a hello, an insert, a COPY in a transaction, something forbidden.
    fn honest() -> History {
        let tagged = |tag| statement(tag, Kind::Tagged);
        let answer = |statement, autocommit| Answer {
            statement,
            good: true,
            autocommit,
        };
        History {
            entries: vec![
                intent(0, "select $1 as t_1"),
                outcome(1, 0, "ok"),
                intent(2, "insert into effects as t_2 (id) values ($1)"),
                outcome(3, 2, "ok"),
                intent(4, "copy effects (id) from stdin"),
                outcome(5, 4, "ok"),
                intent(6, "commit"),
                outcome(7, 6, "unknown"),
                Entry {
                    decision: "deny".into(),
                    ..intent(8, "delete from effects as t_5")
                },
            ],
            seen: vec![
                tagged(1),
                tagged(2),
                statement(3, Kind::Copy),
                statement(4, Kind::Commit),
            ],
            rows: vec![
                Row {
                    by: tagged(2),
                    commit: None,
                },
                Row {
                    by: statement(3, Kind::Copy),
                    commit: Some(4),
                },
            ],
            answers: vec![
                answer(tagged(1), false),
                answer(tagged(2), true),
                answer(statement(3, Kind::Copy), false),
                Answer {
                    good: false,
                    ..answer(tagged(5), false)
                },
            ],
            forbidden: HashSet::from([5]),
            strict: true,
            unsound: None,
        }
    }

    fn rules(history: &History) -> Vec<Rule> {
        let mut rules: Vec<Rule> = violations(history).iter().map(|one| one.rule).collect();
        rules.sort();
        rules.dedup();
        rules
    }

    #[test]
    fn an_honest_ledger_breaks_no_rule() {
        assert_eq!(rules(&honest()), []);
    }

    #[test]
    fn each_answer_wants_its_outcome_and_an_execution_in_flight_none() {
        let mut history = honest();
        let again = intent(9, "insert into effects as t_2 (id) values ($1)");
        history.entries.extend([again, outcome(10, 9, "unknown")]);
        assert_eq!(rules(&history), []);
        let answered = history.answers[1];
        history.answers.push(answered);
        assert_eq!(rules(&history), [Rule::AnswerWithoutOutcome]);
    }

    #[test]
    fn each_rule_fires() {
        use Rule::{
            AnswerWithoutOutcome, AnswerWithoutRecord, CommitWithoutIntent, EffectWithoutIntent,
            FalseOutcome, ForbiddenButSeen, NotOneOutcome, SeenWithoutIntent, Unsound,
        };
        type Break = fn(&mut History);
        let cases: [(Break, &[Rule]); 11] = [
            // The ledger's last entries were cut off, at various places.
            (|h| h.entries.truncate(8), &[AnswerWithoutRecord]),
            (
                |h| h.entries.truncate(6),
                &[CommitWithoutIntent, SeenWithoutIntent, AnswerWithoutRecord],
            ),
            (
                |h| h.entries.truncate(4),
                &[
                    EffectWithoutIntent,
                    CommitWithoutIntent,
                    SeenWithoutIntent,
                    AnswerWithoutRecord,
                ],
            ),
            (
                |h| h.entries.truncate(3),
                &[
                    EffectWithoutIntent,
                    CommitWithoutIntent,
                    SeenWithoutIntent,
                    AnswerWithoutRecord,
                    AnswerWithoutOutcome,
                    NotOneOutcome,
                ],
            ),
            // An intent that was never written.
            (
                |h| h.entries.retain(|one| one.sequence != 2 && one.intent != 2),
                &[EffectWithoutIntent, SeenWithoutIntent, AnswerWithoutRecord],
            ),
            (
                |h| h.entries.retain(|one| one.sequence != 7),
                &[NotOneOutcome],
            ),
            (
                |h| h.entries.push(outcome(9, 4, "unknown")),
                &[NotOneOutcome],
            ),
            (
                |h| h.seen.push(statement(5, Kind::Tagged)),
                &[ForbiddenButSeen],
            ),
            (
                |h| {
                    h.rows.remove(0);
                },
                &[FalseOutcome],
            ),
            (
                |h| {
                    h.entries[3].status = "not_executed".into();
                },
                &[AnswerWithoutOutcome, FalseOutcome],
            ),
            (|h| h.unsound = Some("a fork".into()), &[Unsound]),
        ];
        for (index, (break_it, expected)) in cases.into_iter().enumerate() {
            let mut history = honest();
            break_it(&mut history);
            assert_eq!(rules(&history), expected, "case {index}");
        }
    }

    #[test]
    fn finds_tags() {
        assert_eq!(tag_in("select 1 as t_42, 2"), Some(42));
        assert_eq!(tag_in("commit /* t_7 */"), Some(7));
        assert_eq!(tag_in("select target"), None);
        assert_eq!(tag_in("select count_all"), None);
    }
}
