//! Generated message sequences against a real server, directly and through the
//! gateway: a client who sees raw values cannot tell the difference.

use xtask::lab::client::{Message, message};
use xtask::lab::postgres::PASSWORD;
use xtask::lab::{Answer, Client, Connect, Fields};

use crate::stand::{LOGIN, SERVER, Stand, database, policies};

/// A second schema, so that names depend on the search_path.
const MORE: &str = "
    create schema app;
    create table app.customers (id int, email text);
    insert into app.customers values (1, 'plain');
";

/// Statements that may stand anywhere.
const PLAIN: &[&str] = &[
    "select 1",
    "select id, text from public.notes order by id limit 3",
    "select id, email from customers order by id",
    "select 10/(3-id) from public.customers order by id",
    "select 1/0",
    "insert into public.notes select max(id) + 1, 'new' from public.notes",
    "insert into public.notes values (1, 'dup')",
    "update public.notes set text = 'x' where id = 2 returning id, text",
    "begin",
    "commit",
    "rollback",
    "set search_path to app",
    "set search_path to public",
    "prepare a as select id from public.customers order by id",
    "deallocate a",
    "close c",
    "copy public.customers (id, email) to stdout",
    "create temp table t (a int)",
    "",
];

/// Statements that stand alone in their Query message.
const ALONE: &[&str] = &[
    "savepoint x",
    "rollback to x",
    "release x",
    "execute a",
    "declare c cursor for select id, email from public.customers order by id",
    "fetch 2 from c",
    "begin; declare c cursor for select id from public.customers order by id; fetch all from c; commit",
    "deallocate all",
    "drop table pg_catalog.pg_class",
    "select nosuch from public.notes",
    "nonsense",
    "discard all",
    "begin; create table fresh (a int); insert into fresh values (1); select a from fresh; rollback",
];

/// A small generator of its own (xorshift): a seed tells the sequence.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % 1_000_003).unwrap() % sides
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.roll(from.len())]
    }
}

/// One unit of a client's messages, with its line for a report.
fn unit(dice: &mut Dice) -> (String, Vec<u8>) {
    let statement = dice.pick(&["", "s", "r"]);
    let portal = dice.pick(&["", "p"]);
    let binary = i16::try_from(dice.roll(2)).unwrap();
    match dice.roll(14) {
        0..3 => {
            let count = 1 + dice.roll(2);
            let texts: Vec<&str> = (0..count).map(|_| dice.pick(PLAIN)).collect();
            let text = texts.join("; ");
            (format!("Query {text}"), message::query(&text))
        }
        3..5 => {
            let text = dice.pick(ALONE);
            (format!("Query {text}"), message::query(text))
        }
        5 => {
            let text = dice.pick(PLAIN);
            (
                format!("Parse {statement:?} {text}"),
                message::parse(statement, text, &[]),
            )
        }
        6 | 7 => {
            let text = dice.pick(PLAIN);
            let sync = dice.roll(2) == 1;
            let mut bytes = message::parse(statement, text, &[]);
            bytes.extend(message::bind("", statement, &[], binary));
            bytes.extend(message::describe(b'P', ""));
            bytes.extend(message::execute("", 0));
            if sync {
                bytes.extend(message::sync());
            }
            let line = format!(
                "Parse {statement:?} {text}, Bind {binary}, Describe, Execute, Sync {sync}"
            );
            (line, bytes)
        }
        8 => (
            format!("Bind {portal:?} {statement:?} {binary}"),
            message::bind(portal, statement, &[], binary),
        ),
        9 => {
            let rows = i32::try_from(dice.roll(3)).unwrap();
            (
                format!("Execute {portal:?} {rows}"),
                message::execute(portal, rows),
            )
        }
        10 => match dice.roll(4) {
            0 => (
                format!("Describe S {statement:?}"),
                message::describe(b'S', statement),
            ),
            1 => (
                format!("Describe P {portal:?}"),
                message::describe(b'P', portal),
            ),
            2 => (
                format!("Close S {statement:?}"),
                message::close(b'S', statement),
            ),
            _ => (format!("Close P {portal:?}"), message::close(b'P', portal)),
        },
        11 | 12 => ("Sync".into(), message::sync()),
        _ => copy_in(dice),
    }
}

/// A COPY FROM STDIN with its data, simple or extended, good or bad.
fn copy_in(dice: &mut Dice) -> (String, Vec<u8>) {
    let (extended, early) = (dice.roll(2) == 1, dice.roll(2) == 1);
    let (rows, fails) = (dice.pick(&["11\ta\n", "x\ta\n"]), dice.roll(3) == 0);
    let text = "copy public.notes from stdin";
    let mut bytes = if extended {
        let mut bytes = message::parse("", text, &[]);
        bytes.extend(message::bind("", "", &[], 0));
        bytes.extend(message::execute("", 0));
        bytes
    } else {
        message::query(text)
    };
    if early {
        bytes.extend(message::sync());
    }
    bytes.extend(message::copy_data(rows.as_bytes()));
    bytes.extend(if fails {
        message::copy_fail("no more")
    } else {
        message::copy_done()
    });
    if extended {
        bytes.extend(message::sync());
    }
    (
        format!("Copy extended {extended} early {early} fails {fails} {rows:?}"),
        bytes,
    )
}

/// Everything the client is sent, up to the answer to a last statement.
fn exchange(client: &mut Client, bytes: &[u8]) -> Vec<String> {
    let mut all = bytes.to_vec();
    all.extend(message::sync());
    all.extend(message::query("rollback"));
    all.extend(message::query("select 'that is all'"));
    client.send(&all).unwrap();
    let mut seen = Vec::new();
    let mut last = false;
    loop {
        let received = client.receive(&mut Answer::default());
        let Ok(Some(message)) = received else {
            seen.push(format!("closed {}", received.is_err()));
            return seen;
        };
        last |= message.tag == b'D' && contains(&message.body, b"that is all");
        if let Some(line) = essence(&message) {
            seen.push(line);
        }
        if last && message.tag == b'Z' {
            return seen;
        }
    }
}

fn contains(body: &[u8], needle: &[u8]) -> bool {
    body.windows(needle.len()).any(|window| window == needle)
}

/// What must be equal of a message: of errors and notices the SQLSTATE; of
/// descriptions all but the oids of tables, which differ between databases.
fn essence(message: &Message) -> Option<String> {
    let tag = char::from(message.tag);
    match message.tag {
        b'S' => None,
        b'E' | b'N' => Some(format!("{tag} {}", Fields::decode(&message.body).code())),
        b'T' => {
            let mut body = message.body.clone();
            let mut at = 2;
            while let Some(name) = body
                .get(at..)
                .and_then(|rest| rest.iter().position(|b| *b == 0))
            {
                at += name + 1;
                body.get_mut(at..at + 4).map(|oid| oid.fill(0))?;
                at += 18;
            }
            Some(format!("{tag} {}", body.escape_ascii()))
        }
        _ => Some(format!("{tag} {}", message.body.escape_ascii())),
    }
}

fn same(direct: &[String], through: &[String]) -> bool {
    let alike = |(d, t): (&String, &String)| {
        // In a failed transaction a refusal is as good as the server's error.
        d == t || (d == "E 25P02" && t.starts_with("E "))
    };
    direct.len() == through.len() && direct.iter().zip(through).all(alike)
}

/// How many sequences each test runs.
fn count() -> u64 {
    let named = std::env::var("WEIR_SEQUENCES").ok();
    named.and_then(|text| text.parse().ok()).unwrap_or(50)
}

fn compare(who: &str, first: u64) {
    let stand = Stand::with(MORE, |configuration| {
        policies(
            configuration.principal("root", "human", &["engineers", "pii-readers", "root"]),
            "@id(\"root-may\") permit (principal in Group::\"root\", action, resource);",
        )
    });
    let beside = database(&SERVER, MORE);
    let direct = Connect::new(SERVER.port(), LOGIN, PASSWORD, &beside);
    for seed in first..first + count() {
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15 ^ (seed.wrapping_mul(0x2545_f491_4f6c_dd1d) | 1));
        let units: Vec<(String, Vec<u8>)> =
            (0..2 + dice.roll(10)).map(|_| unit(&mut dice)).collect();
        let bytes: Vec<u8> = units.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
        let expected = exchange(&mut Client::connect(&direct).unwrap(), &bytes);
        let found = exchange(&mut stand.client(who), &bytes);
        if expected.iter().any(|line| line.starts_with("closed")) {
            // The server gave up on a stream it could not follow.
            continue;
        }
        let lines: Vec<&String> = units.iter().map(|(line, _)| line).collect();
        assert!(
            same(&expected, &found),
            "seed {seed}\nsent {lines:#?}\ndirect {expected:#?}\nthrough {found:#?}"
        );
    }
}

#[test]
fn a_holder_of_everything_sees_what_the_server_says() {
    compare("root", 0);
}

#[test]
fn a_reader_of_raw_values_sees_what_the_server_says() {
    compare("dana", 1_000_000);
}
