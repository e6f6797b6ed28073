//! Asks a server what it makes of statements.

use crate::server::Server;
use crate::tree::{self, Node};

/// What came of one statement.
pub(crate) struct Answer {
    /// The queries the statement became. Empty when the server refused it.
    pub(crate) queries: Vec<Node>,
    /// The server's error.
    pub(crate) error: Option<String>,
}

const MARK: &str = "@@statement ";

/// Prepares each statement, which parses and rewrites it but does not run it.
pub(crate) fn ask(
    server: &Server,
    database: &str,
    settings: &str,
    statements: &[String],
) -> Vec<Answer> {
    let mut script = format!(
        "{settings}SET client_min_messages = log; SET debug_pretty_print = off; SET debug_print_rewritten = on;\n"
    );
    for (place, statement) in statements.iter().enumerate() {
        script.push_str(&format!(
            "\\warn {MARK}{place}\nPREPARE p{place} AS {statement}\n;\n"
        ));
    }
    let output = server.psql(database, &[], &script);
    let text = String::from_utf8_lossy(&output.stderr);
    let mut answers: Vec<_> = text.split(MARK).skip(1).map(answer).collect();
    answers.truncate(statements.len());
    assert_eq!(answers.len(), statements.len(), "the server gave up");
    answers
}

fn answer(text: &str) -> Answer {
    let mut queries = Vec::new();
    for part in text.split("LOG:  rewritten parse tree:\nDETAIL:  ").skip(1) {
        // the next message starts a line of its own
        let end = ["\nLOG: ", "\nERROR: ", "\nWARNING: ", "\nNOTICE: "]
            .iter()
            .filter_map(|next| part.find(next))
            .min()
            .unwrap_or(part.len());
        queries.extend(tree::parse(&part[..end]).into_iter().filter(Node::is_query));
    }
    let error = text
        .split_once("ERROR:  ")
        .map(|(_, error)| error.lines().next().unwrap().to_owned());
    Answer { queries, error }
}

#[test]
fn most_generated_statements_are_valid() {
    let Some(server) = Server::start() else {
        eprintln!("no PostgreSQL 15 here");
        return;
    };
    server.records("postgres", crate::catalog::SETUP);
    server.records("postgres", crate::grammar::SETUP);
    let mut grammar = crate::grammar::Grammar::new(1);
    let statements: Vec<_> = (0..1_000).map(|_| grammar.statement()).collect();
    let answers = ask(&server, "postgres", "", &statements);
    let mut errors = std::collections::BTreeMap::<&str, (usize, &str)>::new();
    for (answer, statement) in answers.iter().zip(&statements) {
        if let Some(error) = &answer.error {
            errors.entry(error).or_insert((0, statement)).0 += 1;
        }
    }
    let valid = answers
        .iter()
        .filter(|answer| !answer.queries.is_empty())
        .count();
    assert!(valid > 850, "{valid} valid: {errors:#?}");
}
