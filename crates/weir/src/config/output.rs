//! `[[output]]`: who is told what the ledger records (docs/outputs.md).

use std::path::PathBuf;

use store::ship::{DISCLOSURES, Endpoint, Scheme, Signals, Start};

use super::fault::nearest;
use super::reader::{Entry, Section};
use super::{SecretSource, keys, read};

const MIB: u64 = 1 << 20;

/// One output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// Where a new one begins.
    pub start: Start,
    /// Disclosures it is told.
    pub disclose: Vec<String>,
    /// Where to, and in which form.
    pub to: Destination,
}

/// Where to, and in which form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// OCSF, lines of JSON in a file.
    File {
        /// The file.
        path: PathBuf,
        /// It is renamed before it becomes larger.
        rotate_bytes: u64,
        /// Renamed files that are kept.
        keep: u64,
    },
    /// OCSF, POST requests.
    Http(Remote),
    /// OCSF, syslog messages.
    Syslog(Remote),
    /// OpenTelemetry.
    Otlp(Remote, Signals),
}

/// A server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// Where it is.
    pub endpoint: Endpoint,
    /// Certificate authorities (PEM) instead of the system's.
    pub ca: Option<PathBuf>,
    /// Where the bearer token lies.
    pub token: Option<SecretSource>,
}

impl Output {
    /// Its server, if it has one.
    #[must_use]
    pub fn remote(&self) -> Option<&Remote> {
        match &self.to {
            Destination::File { .. } => None,
            Destination::Http(remote)
            | Destination::Syslog(remote)
            | Destination::Otlp(remote, _) => Some(remote),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Ocsf,
    Otlp,
}

pub(super) fn outputs(top: &Section<'_>) -> Vec<Output> {
    let entries = top.get("output").map(|entry| entry.array());
    let mut outputs: Vec<Output> = Vec::new();
    for entry in entries.unwrap_or_default() {
        let Some(section) = entry.section().map(|section| section.checked(keys::OUTPUT)) else {
            continue;
        };
        let Some(output) = output(&section) else {
            continue;
        };
        let twice = |one: &&Output| one.name == output.name || one.to == output.to;
        if let Some(other) = outputs.iter().find(twice) {
            let what = match other.name == output.name {
                true => format!("two outputs have the name {}", output.name),
                false => format!(
                    "the outputs {} and {} go to one place",
                    other.name, output.name
                ),
            };
            section.fault(what, None);
        }
        outputs.push(output);
    }
    outputs
}

fn output(section: &Section<'_>) -> Option<Output> {
    let name = section.need("name", "\"siem\"").and_then(|entry| {
        entry.parsed(|text| {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            match text.len() <= 64 && text.chars().all(plain) {
                true => Ok(text.to_owned()),
                false => Err("an output's name has letters, digits, - and _ only".to_owned()),
            }
        })
    });
    let kind = section
        .need("kind", "\"ocsf\"")
        .and_then(|entry| entry.word(&[("ocsf", Kind::Ocsf), ("otlp", Kind::Otlp)]));
    let words = [("first", Start::First), ("now", Start::Now)];
    let start = section
        .get("start")
        .map_or(Some(Start::First), |entry| entry.word(&words));
    let disclose = disclose(section);
    let to = kind.and_then(|kind| destination(section, kind));
    Some(Output {
        name: name?,
        start: start?,
        disclose: disclose?,
        to: to?,
    })
}

fn disclose(section: &Section<'_>) -> Option<Vec<String>> {
    let Some(entry) = section.get("disclose") else {
        return Some(Vec::new());
    };
    let mut names = Vec::new();
    for one in entry.array() {
        let name = one.parsed(|text| match DISCLOSURES.contains(&text) {
            true => Ok(text.to_owned()),
            false => {
                let meant = nearest(text, DISCLOSURES.iter().copied());
                let meant = meant.map(|meant| format!("; did you mean \"{meant}\"?"));
                Err(format!(
                    "nothing named \"{text}\" is disclosed{}",
                    meant.unwrap_or_else(|| format!(": there are {}", DISCLOSURES.join(", ")))
                ))
            }
        });
        names.push(name?);
    }
    names.sort();
    names.dedup();
    Some(names)
}

fn destination(section: &Section<'_>, kind: Kind) -> Option<Destination> {
    let places = ["file", "endpoint", "syslog"];
    let given: Vec<Entry<'_>> = places.iter().filter_map(|key| section.get(key)).collect();
    let [place] = given.as_slice() else {
        let help = "Write file = \"events.jsonl\", endpoint = \"https://siem.example/ingest\" or syslog = \"tls://logs.example:6514\".";
        let message = match given.as_slice() {
            [] => "[output] says not where to",
            _ => "[output] has more than one of file, endpoint and syslog",
        };
        section.fault(message, Some(help.to_owned()));
        return None;
    };
    let key = places.iter().find(|key| place.name.ends_with(**key))?;
    let only = |keys: &[&str], place: &str| {
        for key in keys {
            if let Some(entry) = section.get(key) {
                entry.fault(format!("`output.{key}` is for {place} only"), None);
            }
        }
    };
    let web = [Scheme::Http, Scheme::Https];
    if kind == Kind::Otlp {
        only(&["file", "rotate", "keep", "syslog"], "ocsf");
        let signals = signals(section)?;
        let remote = (*key == "endpoint").then(|| remote(section, place, &web))??;
        return Some(Destination::Otlp(remote, signals));
    }
    only(&["signals"], "otlp");
    match *key {
        "file" => {
            only(&["token", "ca", "insecure"], "servers");
            let size = section.get("rotate").map_or(Some(100 * MIB), |entry| {
                entry.bytes(MIB..=1024 * 1024 * MIB)
            });
            let keep = section
                .get("keep")
                .map_or(Some(10), |entry| entry.number(0..=100_000));
            Some(Destination::File {
                path: place.path()?,
                rotate_bytes: size?,
                keep: keep?,
            })
        }
        "syslog" => {
            only(&["rotate", "keep"], "files");
            only(&["token"], "endpoints");
            let schemes = [Scheme::Udp, Scheme::Tcp, Scheme::Tls];
            remote(section, place, &schemes).map(Destination::Syslog)
        }
        _ => {
            only(&["rotate", "keep"], "files");
            remote(section, place, &web).map(Destination::Http)
        }
    }
}

fn signals(section: &Section<'_>) -> Option<Signals> {
    let mut signals = Signals {
        traces: true,
        logs: true,
    };
    let Some(entry) = section.get("signals") else {
        return Some(signals);
    };
    let words = [("traces", true), ("logs", false)];
    let wanted: Option<Vec<bool>> = entry.array().iter().map(|one| one.word(&words)).collect();
    let wanted = wanted?;
    if wanted.is_empty() {
        entry.fault("`output.signals` is empty", None);
        return None;
    }
    (signals.traces, signals.logs) = (wanted.contains(&true), wanted.contains(&false));
    Some(signals)
}

fn remote(section: &Section<'_>, place: &Entry<'_>, schemes: &[Scheme]) -> Option<Remote> {
    let endpoint = place.parsed(|text| Endpoint::parse(text, schemes));
    let ca = section.get("ca").map(|entry| entry.path());
    let token = section.get("token").map(|entry| read::secret(&entry));
    let insecure = section
        .get("insecure")
        .map_or(Some(false), |entry| entry.flag());
    let endpoint = endpoint?;
    if !insecure? && endpoint.is_clear() {
        let help = "Use https:// or tls://, or insecure = true if the network in between is yours.";
        place.fault(
            format!("{endpoint} would be sent what people do, without TLS"),
            Some(help.to_owned()),
        );
    }
    Some(Remote {
        endpoint,
        ca: ca.map_or(Some(None), |path| path.map(Some))?,
        token: token.map_or(Some(None), |token| token.map(Some))?,
    })
}
