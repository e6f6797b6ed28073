//! What masked principals may do with masked columns (DESIGN §5), as transcripts of `psql`.
//!
//! Each file in `token_world/` is one session: what follows a prompt is sent, what stands below is what psql showed. A
//! token is written as `‹value›` for the value that it stands for, in what is sent and in what is shown, so that the
//! files hold whatever tokens look like. Rows without a sort key come in random order and are shown sorted.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use expect_test::expect_file;

use crate::stand::{SERVER, Stand, TARGET};

const WORLD: &str = include_str!("token_world/world.sql");

/// Columns and their labels.
const LABELS: &[(&str, &str)] = &[
    ("public.customers.backup", "email"),
    ("public.customers.ssn", "ssn"),
    ("public.customers.salary", "salary"),
    ("public.customers.profile", "json"),
    ("public.orders.buyer", "email"),
    ("public.members.email", "email"),
];

/// Where raw values stand: queries that give them in one column.
const VALUES: &[&str] = &[
    "select email from customers where email is not null",
    "select backup from customers where backup is not null",
    "select buyer from orders where buyer is not null",
    "select ssn from customers where ssn is not null",
];

fn stand() -> Stand {
    Stand::with(WORLD, |mut configuration| {
        let labels = &mut configuration.targets[0].labels;
        labels.extend(
            LABELS
                .iter()
                .map(|(column, label)| ((*column).to_owned(), (*label).to_owned())),
        );
        configuration.principal("sue", "human", &["support"])
    })
}

/// Tokens by their values.
fn tokens(stand: &Stand) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for query in VALUES {
        let mut raw = stand.direct();
        let mut masked = stand.client("alice");
        // Row by row, by key.
        let keyed =
            |query: &str, key: u32| query.replace("where", &format!("where id = {key} and"));
        for id in 1..=6 {
            let value = raw.run(&keyed(query, id)).unwrap();
            let (_, from) = query.split_once("select ").unwrap();
            let column = from.split(' ').next().unwrap();
            let table = from.split(' ').nth(2).unwrap();
            let token = masked
                .run(&format!("select {column} from {table} where id = {id}"))
                .unwrap();
            if !value.rows().is_empty() {
                found.insert(value.value(), token.value());
            }
        }
    }
    found
}

/// What psql shows for each of the statements, in turn, in one session.
fn psql(stand: &Stand, who: &str, statements: &[String]) -> Vec<String> {
    let connect = stand.weir.connect(who, TARGET);
    let mut script = String::from("\\pset null NULL\n");
    for (number, statement) in statements.iter().enumerate() {
        script += &format!("\\echo @@{number}\n\\warn @@{number}\n{statement}\n");
    }
    let mut child = Command::new(SERVER.binaries().join("psql"))
        .args(["-X", "-h", "127.0.0.1", "-p", &connect.port.to_string()])
        .args(["-U", &connect.user, "-d", &connect.database])
        .env("PGPASSWORD", &connect.password)
        .env("PGSSLMODE", "disable")
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(script.as_bytes())
        .unwrap();
    let out = child.wait_with_output().unwrap();
    let parts = |bytes: &[u8]| -> Vec<String> {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let mut parts = vec![String::new(); statements.len()];
        let mut at = None;
        for line in text.lines() {
            if let Some(number) = line.strip_prefix("@@") {
                at = Some(number.parse::<usize>().unwrap());
            } else if let Some(at) = at {
                parts[at] += &format!("{line}\n");
            }
        }
        parts
    };
    let shown = parts(&out.stdout);
    let told = parts(&out.stderr);
    std::iter::zip(told, shown)
        .map(|(told, shown)| told + &shown)
        .collect()
}

/// Rows that come in any order are sorted, tokens named, what is new each time left out.
fn tidied(statement: &str, shown: &str, tokens: &BTreeMap<String, String>) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in shown.lines() {
        let mut line = line.trim_end().to_owned();
        if let Some(detail) = line.strip_prefix("DETAIL:  {") {
            let rule = detail.split("\"rule\":\"").nth(1).unwrap_or_default();
            line = format!("DETAIL:  {}", rule.split('"').next().unwrap_or_default());
        }
        if let Some(error) = line
            .split_once(": ")
            .filter(|(at, _)| at.starts_with("psql:"))
        {
            line = error.1.to_owned();
        }
        lines.push(line);
    }
    if !statement.to_lowercase().contains("order by") {
        let head = lines.iter().position(|line| line.starts_with("---"));
        if let (Some(head), Some(foot)) =
            (head, lines.iter().rposition(|line| line.ends_with("rows)")))
        {
            lines[head + 1..foot].sort_by_key(|line| named(line, tokens));
        }
    }
    let text = lines.join("\n");
    for value in tokens.keys() {
        assert!(
            !text.contains(value.as_str()),
            "{value} in the answer to {statement}\n{text}"
        );
    }
    named(&text, tokens)
}

/// Tokens as `‹value›`, without what psql fills up to their width.
fn named(text: &str, tokens: &BTreeMap<String, String>) -> String {
    let mut text = text.to_owned();
    for (value, token) in tokens {
        text = text.replace(token.as_str(), &format!("‹{value}›"));
    }
    let line = |line: &str| match line.starts_with("--") {
        true => line.split('+').map(|_| "---").collect::<Vec<_>>().join("+"),
        false => line.split_whitespace().collect::<Vec<_>>().join(" "),
    };
    let lines: Vec<String> = text.lines().map(line).collect();
    lines.join("\n")
}

/// Runs a file's statements again, and compares what psql shows.
fn check(file: &str) {
    let stand = stand();
    let tokens = tokens(&stand);
    let path = format!(
        "{}/tests/real/token_world/{file}.txt",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(&path).unwrap();
    let mut out = String::new();
    for session in text.split_inclusive("\n\\q\n") {
        out += &replayed(&stand, &tokens, session);
    }
    expect_file![path].assert_eq(&out);
}

/// One session of a file: its first line tells who.
fn replayed(stand: &Stand, tokens: &BTreeMap<String, String>, session: &str) -> String {
    const PROMPT: &str = "shop=> ";
    let (head, _) = session.split_once('\n').unwrap();
    let who = head
        .rsplit(' ')
        .next()
        .unwrap()
        .trim_start_matches("user=")
        .trim_end_matches('"');
    let mut out = format!("{head}\n");
    let mut statements = Vec::new();
    let mut open: Option<String> = None;
    for line in session.lines().skip(1) {
        let more = match (line.strip_prefix(PROMPT), &mut open) {
            (Some(line), _) => line,
            (None, Some(_)) => line,
            (None, None) => continue,
        };
        let statement = open.get_or_insert_default();
        if !statement.is_empty() {
            statement.push('\n');
        }
        statement.push_str(more);
        let data = statement.to_lowercase().contains("from stdin");
        let ends = match data {
            true => more == "\\.",
            false => more.ends_with(';') || more.starts_with('\\'),
        };
        if ends {
            statements.extend(open.take());
        }
    }
    let sent: Vec<String> = statements
        .iter()
        .map(|statement| {
            tokens
                .iter()
                .fold(statement.clone(), |text, (value, token)| {
                    text.replace(&format!("‹{value}›"), token)
                })
        })
        .collect();
    let shown = psql(stand, who, &sent);
    for ((statement, sent), shown) in statements.iter().zip(&sent).zip(shown) {
        out += &format!("{PROMPT}{statement}\n{}", tidied(sent, &shown, tokens));
        if !out.ends_with('\n') {
            out.push('\n');
        }
    }
    if session.ends_with("\\q\n") && !out.ends_with("\\q\n") {
        out += "\\q\n";
    }
    out
}

#[test]
fn equality_is_released() {
    check("equality");
}

#[test]
fn what_is_not_in_the_table_is_refused_or_null() {
    check("refused");
}

#[test]
fn row_order_tells_nothing() {
    check("order");
}
