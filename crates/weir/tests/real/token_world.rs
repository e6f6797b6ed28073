//! What masked principals may do with masked columns (DESIGN §5), as transcripts of `psql`.
//!
//! Each file in `token_world/` is one session: what follows a prompt is sent, what stands below is what psql showed. A
//! token is written as `‹value›` for the value that it stands for, in what is sent and in what is shown, so that the
//! files hold whatever tokens look like. Rows without a sort key come in random order and are shown sorted.

mod attacks;

use std::io::Write;
use std::process::{Command, Stdio};

use expect_test::expect_file;

use xtask::lab::Extended;

use crate::stand::{SERVER, Stand, TARGET, balanced, error, rule};

const WORLD: &str = include_str!("token_world/world.sql");
/// What makes the second world of the first.
const OTHER: &str = include_str!("token_world/other.sql");

/// Columns and their labels.
const LABELS: &[(&str, &str)] = &[
    ("public.customers.backup", "email"),
    ("public.customers.ssn", "ssn"),
    ("public.customers.salary", "salary"),
    ("public.customers.profile", "json"),
    ("public.orders.buyer", "email"),
    ("public.members.email", "email"),
];

/// Columns whose values have names in the files, and their tables.
const VALUES: &[(&str, &str)] = &[
    ("email", "customers"),
    ("backup", "customers"),
    ("buyer", "orders"),
    ("ssn", "customers"),
];

/// The world of the files, and one in which masked values are others, of another order and length. Which are equal is
/// the same.
fn stand(world: &str) -> Stand {
    Stand::with(world, |mut configuration| {
        let labels = &mut configuration.targets[0].labels;
        let more = LABELS.iter();
        labels.extend(more.map(|(column, label)| ((*column).to_owned(), (*label).to_owned())));
        configuration.principal("sue", "human", &["support"])
    })
}

/// A value of the first world: what it is in this one, and its token.
struct Known {
    value: String,
    here: String,
    token: String,
}

fn known(first: &Stand, stand: &Stand) -> Vec<Known> {
    let mut found: Vec<Known> = Vec::new();
    let mut clients = (first.direct(), stand.direct(), stand.client("alice"));
    for (column, table) in VALUES {
        for id in 1..=6 {
            let query =
                format!("select {column} from {table} where id = {id} and {column} is not null");
            let value = clients.0.run(&query).unwrap();
            if value.rows().is_empty() || found.iter().any(|known| known.value == value.value()) {
                continue;
            }
            let query = format!("select {column} from {table} where id = {id}");
            found.push(Known {
                value: value.value(),
                here: clients.1.run(&query).unwrap().value(),
                token: clients.2.run(&query).unwrap().value(),
            });
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
fn tidied(statement: &str, shown: &str, known: &[Known]) -> String {
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
            lines[head + 1..foot].sort_by_key(|line| named(line, known));
        }
    }
    let text = lines.join("\n");
    for one in known {
        assert!(
            !text.contains(one.here.as_str()),
            "{} in the answer to {statement}\n{text}",
            one.here
        );
    }
    named(&text, known)
}

/// Tokens as `‹value›`, without what psql fills up to their width.
fn named(text: &str, known: &[Known]) -> String {
    let mut text = text.to_owned();
    for one in known {
        text = text.replace(&one.token, &format!("‹{}›", one.value));
    }
    let line = |line: &str| match line.starts_with("--") {
        true => line.split('+').map(|_| "---").collect::<Vec<_>>().join("+"),
        false => line.split_whitespace().collect::<Vec<_>>().join(" "),
    };
    let lines: Vec<String> = text.lines().map(line).collect();
    lines.join("\n")
}

/// Runs a file's statements again in both worlds, and compares what psql shows.
fn check(file: &str) {
    let first = stand(WORLD);
    let second = stand(&format!("{WORLD}{OTHER}"));
    let folder = env!("CARGO_MANIFEST_DIR");
    let path = format!("{folder}/tests/real/token_world/{file}.txt");
    let text = std::fs::read_to_string(&path).unwrap();
    let names = (known(&first, &first), known(&first, &second));
    let shown = |stand: &Stand, known: &[Known]| {
        let sessions = text.split_inclusive("\n\\q\n");
        sessions
            .map(|session| replayed(stand, known, session))
            .collect::<String>()
    };
    let out = shown(&first, &names.0);
    alike(&out, &shown(&second, &names.1));
    expect_file![path].assert_eq(&out);
}

/// Both worlds answer alike.
fn alike(first: &str, second: &str) {
    for (one, two) in first.lines().zip(second.lines()) {
        assert_eq!(one, two, "the worlds differ:\n{first}\n{second}");
    }
    assert_eq!(first.len(), second.len());
}

/// One session of a file: its first line tells who.
fn replayed(stand: &Stand, known: &[Known], session: &str) -> String {
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
            let tokens = known.iter().fold(statement.clone(), |text, one| {
                text.replace(&format!("‹{}›", one.value), &one.token)
            });
            known
                .iter()
                .fold(tokens, |text, one| text.replace(&one.value, &one.here))
        })
        .collect();
    let shown = psql(stand, who, &sent);
    for ((statement, sent), shown) in statements.iter().zip(&sent).zip(shown) {
        out += &format!("{PROMPT}{statement}\n{}", tidied(sent, &shown, known));
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

#[test]
fn tokens_are_turned_back_where_a_value_stands() {
    check("tokens");
}

fn parameter(value: &str) -> Extended<'_> {
    Extended {
        parameters: vec![Some(value.as_bytes())],
        describe: true,
        ..Extended::default()
    }
}

#[test]
fn parameters_that_are_tokens_are_turned_back_in_bind() {
    let stand = stand(WORLD);
    let known = known(&stand, &stand);
    let token = |value: &str| {
        let found = known.iter().find(|one| one.value == value);
        found.unwrap().token.clone()
    };
    let (ada, bob) = (token("ada@shop.example"), token("bob@shop.example"));
    let mut alice = stand.client("alice");
    let by_email = "select id from customers where email = $1 order by id";
    let answer = alice.extended(by_email, &parameter(&ada)).unwrap();
    assert_eq!(answer.rows(), [["1"], ["5"]], "{:?}", answer.errors);
    let any = "select id from customers where email = any ($1) order by id";
    let both = format!("{{{ada},{bob}}}");
    let answer = alice.extended(any, &parameter(&both)).unwrap();
    assert_eq!(answer.rows(), [["1"], ["2"], ["5"]], "{:?}", answer.errors);
    let insert = "insert into orders (id, buyer) values (20, $1) returning buyer";
    let answer = alice.extended(insert, &parameter(&bob)).unwrap();
    assert_eq!(answer.value(), bob);
    let stored = "select buyer from orders where id = 20";
    assert_eq!(
        stand.direct().run(stored).unwrap().value(),
        "bob@shop.example"
    );
    // Anywhere else it would come out.
    for text in [
        "select $1, id from customers where email = $1",
        "select n.text from customers c, notes n where c.email = $1 and n.text = $1",
        "select id from customers where email = $1 and length($1) > 3",
        "update notes set text = $1 from customers c where c.email = $1",
        "select id from customers where email = $1 || ''",
    ] {
        let answer = alice.extended(text, &parameter(&ada)).unwrap();
        assert_eq!(rule(error(&answer)), "weir.masked-use", "{text}");
        assert!(!answer.contains("ada@shop"), "{text}");
    }
    let raw = parameter("ada@shop.example");
    let answer = alice.extended(by_email, &raw).unwrap();
    assert_eq!(rule(error(&answer)), "weir.masked-lookup");
    let altered = ada.replacen('m', "n", 1).replacen("u_", "u_a", 1);
    let answer = alice.extended(by_email, &parameter(&altered)).unwrap();
    assert_eq!(rule(error(&answer)), "weir.foreign-token");
    let answer = stand.client("sue").extended(by_email, &raw).unwrap();
    assert_eq!(answer.rows(), [["1"], ["5"]]);
    balanced(&stand);
}

#[test]
fn the_record_has_tokens_and_each_lookup() {
    let stand = stand(WORLD);
    let known = known(&stand, &stand);
    let ada = &known
        .iter()
        .find(|one| one.value.starts_with("ada"))
        .unwrap()
        .token;
    let mut alice = stand.client("alice");
    let text = format!("select id from customers where email = '{ada}'");
    alice.run(&text).unwrap();
    let bound = "select id from customers where email = $1";
    alice.extended(bound, &parameter(ada)).unwrap();
    alice
        .run("prepare p (text) as select id from customers where email = $1")
        .unwrap();
    alice.run(&format!("execute p ('{ada}')")).unwrap();
    let entries = stand.entries_of("statement.intent");
    for entry in &entries {
        let shown = format!("{entry} {}", stand.disclosed(entry));
        assert!(!shown.contains("ada@shop.example"), "{shown}");
        assert!(!shown.contains("\"lookup\""), "{shown}");
    }
    let said = entries
        .iter()
        .map(|entry| stand.disclosed(entry)["text"].clone());
    assert!(said.into_iter().any(|said| said == text.as_str()));
    let two = "select id from customers where email in ('ada@shop.example', 'x@y.example')";
    stand.client("sue").run(two).unwrap();
    let entry = stand.entries_of("statement.intent").pop().unwrap();
    let objects = entry["objects"].as_array().unwrap().clone();
    let lookups = objects.iter().filter(|object| object["verb"] == "lookup");
    assert_eq!(lookups.count(), 2, "{entry}");
}
