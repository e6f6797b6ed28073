//! The two worlds side by side behind one gateway, and a masked principal's connection to each.

use std::path::Path;

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::grammar::{How, Unit};
use crate::lab::{
    Answer, Client, Configuration, Connect, Extended, Postgres, Settings, Target, Weir,
};
use crate::leaks::labels::{self, Labelled};
use crate::leaks::worlds::{self, Mapping, Pieces, Tokens, View, Which, answers, mapping, write};
use crate::leaks::{MASKED, POLICY};

/// What is masked in `prove-setup.sql`.
const LABELS: &[(&str, &str)] = &[
    ("public.people.email", "email"),
    ("public.people.backup", "email"),
    ("public.people.ssn", "ssn"),
    ("public.people.phone", "phone"),
    ("public.people.salary", "salary"),
    ("public.people.born", "date-of-birth"),
    ("public.people.profile", "json"),
    ("public.people.tags", "username"),
    ("public.people.note", "note"),
    ("public.people.uid", "uuid"),
    ("public.people.addr", "ip"),
    ("public.contacts.email", "email"),
    ("public.contacts.ssn", "ssn"),
    ("public.events.email", "email"),
    ("public.events_low.email", "email"),
    ("public.events_high.email", "email"),
    ("public.kin.email", "email"),
    ("public.staff.email", "email"),
];

const ORIGIN: &str = "prove";

fn name(world: Which) -> &'static str {
    match world {
        Which::First => "one",
        Which::Second => "two",
    }
}

/// Everything that runs.
#[derive(Debug)]
pub(crate) struct Stage {
    _gateway: Weir,
    server: Postgres,
    _folder: TempDir,
    tokens: Tokens,
    newest_oid: u32,
    one: Side,
    two: Side,
    /// Units that wrote since the tables were tidied.
    written: usize,
}

/// The masked principal in one world.
#[derive(Debug)]
struct Side {
    world: Which,
    connect: Connect,
    client: Option<Client>,
}

/// What came of one unit in one world.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) pieces: Pieces,
    pub(crate) answers: Vec<Answer>,
}

impl Run {
    /// Whether a statement ran out of time (`57014`).
    pub(crate) fn is_late(&self) -> bool {
        self.answers.iter().any(|answer| answer.code() == "57014")
    }
}

impl Stage {
    /// Starts a server and a gateway and makes both worlds.
    pub(crate) fn new(binary: &Path) -> Result<Stage> {
        let server = Postgres::start_with(&Settings {
            configuration: vec!["autovacuum = off".to_owned(), "jit = off".to_owned()],
            ..Settings::default()
        })?;
        let setup = std::fs::read_to_string(crate::root().join("xtask/corpora/prove-setup.sql"))?;
        server.script("postgres", &setup)?;
        let (columns, values) = {
            let mut client = server.client(ORIGIN)?;
            let columns = labels::find(&mut client, LABELS, &[])?;
            let values = mapping(&mut client, &columns)?;
            (columns, values)
        };
        let mut keeper = server.client("postgres")?;
        keeper.run(&format!(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = '{ORIGIN}'"
        ))?;
        for (world, side) in [
            (Which::First, worlds::Side::Same),
            (Which::Second, worlds::Side::Image),
        ] {
            let name = name(world);
            keeper.run(&format!("create database {name} template {ORIGIN}"))?;
            write(&mut server.client(name)?, &values, side)?;
        }
        let newest_oid = keeper
            .run("select max(oid) from pg_database")?
            .value()
            .parse()?;

        let folder = tempfile::tempdir()?;
        let mut configuration = Configuration::default()
            .principal(MASKED, "human", &["masked"])
            .policy("prove.cedar", POLICY);
        for world in [Which::First, Which::Second] {
            let mut target = Target::new(&server, name(world), "lab", name(world));
            for column in &columns {
                target = target.label(&column.path(), &column.label);
            }
            configuration = configuration.target(target);
        }
        configuration.write(folder.path())?;
        let gateway = Weir::start_binary(binary, folder.path(), &[])?;
        let side = |world| Side {
            world,
            connect: gateway.connect(MASKED, name(world)),
            client: None,
        };
        let mut stage = Stage {
            one: side(Which::First),
            two: side(Which::Second),
            _gateway: gateway,
            server,
            _folder: folder,
            tokens: Tokens::default(),
            newest_oid,
            written: 0,
        };
        stage.learn(&columns, &values)?;
        Ok(stage)
    }

    fn learn(&mut self, columns: &[Labelled], values: &Mapping) -> Result<()> {
        let one = answers(self.one.client()?, columns)?;
        let two = answers(self.two.client()?, columns)?;
        let (tokens, broken) = Tokens::learnt(&one, &two, values);
        if let Some((column, why)) = broken.first() {
            anyhow::bail!("what {column} releases is not the same in both worlds: {why}");
        }
        self.tokens = tokens;
        Ok(())
    }

    /// The database server, for who wants to look into the first world itself.
    pub(crate) fn server(&self) -> &Postgres {
        &self.server
    }

    /// Runs a unit in both worlds at once.
    pub(crate) fn both(&mut self, unit: &Unit) -> Result<(Run, Run)> {
        let (tokens, oid) = (&self.tokens, self.newest_oid);
        let (one, two) = (&mut self.one, &mut self.two);
        std::thread::scope(|scope| {
            let second = scope.spawn(|| two.run(unit, tokens, oid));
            let first = one.run(unit, tokens, oid)?;
            let second = second
                .join()
                .map_err(|_| anyhow::anyhow!("the second world's thread panicked"))??;
            Ok((first, second))
        })
    }

    /// Runs a unit in a world.
    pub(crate) fn run(&mut self, unit: &Unit, world: Which) -> Result<Run> {
        let side = match world {
            Which::First => &mut self.one,
            Which::Second => &mut self.two,
        };
        side.run(unit, &self.tokens, self.newest_oid)
    }

    /// Removes what writes that were rolled back left in the tables: how many pages a table has decides plans, and
    /// longer values fill pages sooner.
    pub(crate) fn tidy(&mut self, unit: &Unit) -> Result<()> {
        self.written += usize::from(unit.writes);
        if self.written >= 10 {
            self.written = 0;
            for world in [Which::First, Which::Second] {
                self.server.client(name(world))?.run("vacuum")?;
            }
        }
        Ok(())
    }
}

impl Side {
    fn client(&mut self) -> Result<&mut Client> {
        if self.client.is_none() {
            let mut client = Client::connect(&self.connect)?;
            client.run("set statement_timeout = 3000")?;
            self.client = Some(client);
        }
        self.client.as_mut().context("just connected")
    }

    fn run(&mut self, unit: &Unit, tokens: &Tokens, newest_oid: u32) -> Result<Run> {
        let mut answers = Vec::new();
        let mut broken = None;
        let mut filled = false;
        for (how, template) in &unit.requests {
            let text = tokens.filled(template, self.world);
            filled |= text != *template;
            let client = self.client()?;
            let extended = Extended {
                binary: *how == How::Binary,
                ..Extended::default()
            };
            let answer = match how {
                How::Simple => client.query(&text),
                How::Extended | How::Binary => client.extended(&text, &extended),
            };
            match answer {
                Ok(answer) if !answer.closed => answers.push(answer),
                Ok(answer) => {
                    broken = Some("closed".to_owned());
                    answers.push(answer);
                    break;
                }
                Err(failure) => {
                    broken = Some(failure.to_string());
                    break;
                }
            }
        }
        if broken.is_some() {
            self.client = None;
        } else {
            self.clear(unit, &answers)?;
        }
        let view = View {
            names: match self.world {
                Which::First => &tokens.first,
                Which::Second => &tokens.second,
            },
            newest_oid,
            own_text_differs: filled,
        };
        let mut pieces: Pieces = answers
            .iter()
            .flat_map(|answer| worlds::pieces(answer, view))
            .collect();
        pieces.extend(broken.map(String::into_bytes));
        Ok(Run { pieces, answers })
    }

    /// Leaves no transaction and no prepared statement behind.
    fn clear(&mut self, unit: &Unit, answers: &[Answer]) -> Result<()> {
        if answers.last().is_some_and(|answer| answer.status != b'I') {
            self.client()?.query("rollback")?;
        }
        let prepares = |text: &String| text.starts_with("prepare");
        if unit.requests.iter().any(|(_, text)| prepares(text)) {
            self.client()?.query("deallocate all")?;
        }
        Ok(())
    }
}
