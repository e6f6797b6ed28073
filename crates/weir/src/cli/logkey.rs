//! `weir ledger key`: the key that signs the ledger, for auditors; and its change.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use store::read::Reader;
use store::{KeyPeriod, Store, rotate};

use super::Format;
use super::ledger::Place;
use super::output::{Output, rfc3339};
use crate::config::duration;

/// How long a gateway may take to change its key.
const PATIENCE: Duration = Duration::from_secs(15);
/// Between two looks at whether it has.
const LOOK: Duration = Duration::from_millis(100);

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Key {
    #[command(subcommand)]
    command: Option<Command>,
    /// Print a policy file for auditors (C2SP tlog-policy)
    #[arg(long)]
    policy: bool,
    /// List every key the ledger had
    #[arg(long, conflicts_with = "policy")]
    all: bool,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    format: Format,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make another key; the old one signs beside it for a while
    Rotate(Rotate),
}

#[derive(Debug, Args)]
struct Rotate {
    /// For how long both keys sign, such as 30d; 0s if the old key is compromised
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = duration)]
    overlap: Duration,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    format: Format,
}

impl Key {
    pub(crate) fn run(self, output: &mut Output) -> Result<()> {
        if let Some(Command::Rotate(rotate)) = self.command {
            return rotate.run(output);
        }
        let reader = self.place.reader()?;
        let keys = reader.keys()?;
        if self.format.json {
            return output.json(&keys.iter().map(described).collect::<Value>());
        }
        if self.policy {
            return policy(&reader, &keys, output);
        }
        if !self.all {
            return output.line(reader.vkey().to_string());
        }
        let rows: Vec<[String; 4]> = keys
            .iter()
            .map(|key| {
                let number = |number: Option<u64>| number.map_or("-".to_owned(), |n| n.to_string());
                let until = key.until_ms.map_or("-".to_owned(), rfc3339);
                [
                    key.vkey.clone(),
                    key.from.to_string(),
                    number(key.to),
                    until,
                ]
            })
            .collect();
        output.table(["KEY", "FROM", "TO", "UNTIL"], &rows)
    }
}

/// A policy that believes the keys that sign.
fn policy(reader: &Reader, keys: &[KeyPeriod], output: &mut Output) -> Result<()> {
    output.line(format!("# Whom to believe about {}", reader.vkey().name()))?;
    output.line("# (https://c2sp.org/tlog-policy)")?;
    for key in keys {
        let (from, until) = (key.from, key.until_ms.map(rfc3339));
        match (key.to, until) {
            (Some(to), _) => {
                output.line(format!("# signed up to entry {to}, not any more:"))?;
                output.line(format!("# log {}", key.vkey))?;
                continue;
            }
            (None, Some(until)) => output.line(format!("# signs until {until}"))?,
            (None, None) if from > 0 => output.line(format!("# signs since entry {from}"))?,
            (None, None) => {}
        }
        output.line(format!("log {}", key.vkey))?;
    }
    output.line("quorum none")
}

fn described(key: &KeyPeriod) -> Value {
    json!({
        "vkey": key.vkey,
        "from": key.from,
        "to": key.to,
        "until": key.until_ms.map(rfc3339),
        "signs": key.to.is_none(),
    })
}

impl Rotate {
    fn run(self, output: &mut Output) -> Result<()> {
        let directory = self.place.existing()?;
        let reader = self.place.reader()?;
        let old = reader.vkey().to_string();
        rotate::request(&directory, u64::try_from(self.overlap.as_millis())?)?;
        let options = store::Options::new(reader.vkey().name());
        let fault = match Store::open(&directory, options) {
            Ok(store) => {
                let fault = store.rotation_fault();
                store.close();
                fault
            }
            // A gateway holds it, and takes the request up.
            Err(store::Error::Locked { .. }) => wait(|| Ok(newest(&self.place)? != old))?,
            Err(error) => {
                return Err(error).with_context(|| format!("ledger in {}", directory.display()));
            }
        };
        let keys = self.place.reader()?.keys()?;
        let (Some(new), true) = (keys.last(), newest(&self.place)? != old) else {
            bail!(
                "the key is not changed yet{}; the request stays in {} and is taken up as soon \
                 as it can be",
                fault.map_or(String::new(), |fault| format!(": {fault}")),
                directory.join("rotate.json").display()
            );
        };
        if self.format.json {
            return output.json(&keys.iter().map(described).collect::<Value>());
        }
        output.line(format!("The ledger is signed with {}", new.vkey))?;
        for key in keys.iter().filter(|key| key.to.is_none()) {
            if let Some(until) = key.until_ms {
                output.line(format!("and until {} with {}", rfc3339(until), key.vkey))?;
            }
        }
        output.line("Give auditors the new policy: weir ledger key --policy")
    }
}

fn newest(place: &Place) -> Result<String> {
    Ok(place.reader()?.vkey().to_string())
}

/// Waits until something holds; there is nothing to say if it did not.
fn wait(mut holds: impl FnMut() -> Result<bool>) -> Result<Option<String>> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE && !holds()? {
        std::thread::sleep(LOOK);
    }
    Ok(None)
}
