//! Reading policy files (C2SP tlog-policy, "Policy file syntax and structure").

use super::{Holds, Log, Policy, Rule, Witness};
use crate::Error;
use crate::note::{VerifierKey, WitnessKey};

/// Most bytes of a policy file.
const MAX_BYTES: usize = 1 << 20;
/// Most logs, witnesses and groups together; the spec wants at least 32 of each.
const MAX_ITEMS: usize = 1024;

pub(super) fn policy(file: &[u8]) -> Result<Policy, Error> {
    let mut parser = Parser::default();
    if file.len() > MAX_BYTES {
        return Err(parser.fault(format!("the file is longer than {MAX_BYTES} bytes")));
    }
    for line in file.split(|byte| *byte == b'\n') {
        parser.line = parser.line.saturating_add(1);
        parser.read(line)?;
    }
    let Some(quorum) = parser.quorum else {
        return Err(parser.fault("there is no quorum line: write `quorum none` to want no witness"));
    };
    Ok(Policy {
        logs: parser.logs,
        witnesses: parser.witnesses,
        rules: parser.rules,
        quorum,
    })
}

#[derive(Default)]
struct Parser {
    line: usize,
    logs: Vec<Log>,
    witnesses: Vec<Witness>,
    rules: Vec<Rule>,
    /// Which rules are members of a group.
    taken: Vec<usize>,
    quorum: Option<Option<usize>>,
}

impl Parser {
    fn fault(&self, problem: impl Into<String>) -> Error {
        Error::BadPolicy {
            line: self.line,
            problem: problem.into(),
        }
    }

    fn read(&mut self, line: &[u8]) -> Result<(), Error> {
        let control = |byte: &u8| (*byte < b' ' && *byte != b'\t') || *byte == 0x7f;
        if let Some(byte) = line.iter().find(|byte| control(byte)) {
            return Err(self.fault(match byte {
                b'\r' => "a carriage return: lines end in a newline alone".to_owned(),
                other => format!("a control character, 0x{other:02x}"),
            }));
        }
        let mut words = line
            .split(|byte| matches!(byte, b' ' | b'\t'))
            .filter(|word| !word.is_empty());
        let Some(keyword) = words.next().filter(|word| !word.starts_with(b"#")) else {
            return Ok(());
        };
        if self.logs.len().saturating_add(self.rules.len()) >= MAX_ITEMS {
            return Err(self.fault(format!("more than {MAX_ITEMS} logs, witnesses and groups")));
        }
        let words: Vec<&[u8]> = words.collect();
        match (keyword, words.as_slice()) {
            (b"log", [key]) => self.log(key, None),
            (b"log", [key, url]) => self.log(key, Some(url)),
            (b"log", _) => Err(self.fault("a log is written `log VKEY [URL]`")),
            (b"witness", [name, key] | [name, key, _]) => self.witness(name, key),
            (b"witness", _) => Err(self.fault("a witness is written `witness NAME VKEY [URL]`")),
            (b"group", [name, least, members @ ..]) if !members.is_empty() => {
                self.group(name, least, members)
            }
            (b"group", _) => {
                Err(self.fault("a group is written `group NAME all|any|NUMBER MEMBER...`"))
            }
            (b"quorum", [name]) => self.quorum(name),
            (b"quorum", _) => Err(self.fault("the quorum is written `quorum NAME`")),
            (other, _) => Err(self.fault(format!(
                "unknown keyword `{}`: there are log, witness, group and quorum",
                lossy(other)
            ))),
        }
    }

    fn log(&mut self, key: &[u8], url: Option<&[u8]>) -> Result<(), Error> {
        let key = self.key(key, VerifierKey::parse, "a log")?;
        if self.logs.iter().any(|log| log.key.public() == key.public()) {
            return Err(self.fault("this key is listed twice as a log"));
        }
        let url = url.map(lossy);
        self.logs.push(Log { key, url });
        Ok(())
    }

    fn witness(&mut self, name: &[u8], key: &[u8]) -> Result<(), Error> {
        let key = self.key(key, WitnessKey::parse, "a witness")?;
        let twice = |one: &Witness| one.key.public() == key.public();
        if let Some(other) = self.witnesses.iter().find(|one| twice(one)) {
            let other = &other.name;
            return Err(self.fault(format!("this key is already that of witness {other}")));
        }
        let at = self.witnesses.len();
        self.define(name, Holds::Witness(at))?;
        let name = lossy(name);
        self.witnesses.push(Witness { name, key });
        Ok(())
    }

    fn key<T>(
        &self,
        text: &[u8],
        parse: impl Fn(&str) -> Result<T, Error>,
        whose: &str,
    ) -> Result<T, Error> {
        let key = std::str::from_utf8(text)
            .map_err(|_| Error::BadNote("the verifier key is malformed"))
            .and_then(parse);
        key.map_err(|error| self.fault(format!("not the key of {whose}: {error}")))
    }

    fn group(&mut self, name: &[u8], least: &[u8], members: &[&[u8]]) -> Result<(), Error> {
        let mut places = Vec::with_capacity(members.len());
        for member in members {
            let place = self.find(member)?;
            if self.taken.contains(&place) {
                let member = lossy(member);
                return Err(self.fault(format!("{member} is a member twice; once is the most")));
            }
            self.taken.push(place);
            places.push(place);
        }
        let least = match least {
            b"all" => places.len(),
            b"any" => 1,
            number => {
                let parsed = std::str::from_utf8(number).ok();
                let parsed = parsed.and_then(crate::checkpoint::decimal);
                let parsed = parsed.and_then(|number| usize::try_from(number).ok());
                match parsed {
                    Some(number) if (1..=places.len()).contains(&number) => number,
                    _ => {
                        return Err(self.fault(format!(
                            "`{}` of {} members: write all, any, or a number from 1 to {1}",
                            lossy(number),
                            places.len()
                        )));
                    }
                }
            }
        };
        self.define(name, Holds::Group(least, places))
    }

    fn quorum(&mut self, name: &[u8]) -> Result<(), Error> {
        if self.quorum.is_some() {
            return Err(self.fault("a second quorum line; there is exactly one"));
        }
        self.quorum = Some(match name {
            b"none" => None,
            name => Some(self.find(name)?),
        });
        Ok(())
    }

    fn define(&mut self, name: &[u8], holds: Holds) -> Result<(), Error> {
        let taken = self.rules.iter().any(|rule| rule.name == name);
        if taken || name == b"none" {
            return Err(self.fault(format!("the name {} is taken", lossy(name))));
        }
        let name = name.to_vec();
        self.rules.push(Rule { name, holds });
        Ok(())
    }

    fn find(&self, name: &[u8]) -> Result<usize, Error> {
        let place = self.rules.iter().position(|rule| rule.name == name);
        place.ok_or_else(|| {
            self.fault(format!(
                "no witness or group {} is defined above",
                lossy(name)
            ))
        })
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
