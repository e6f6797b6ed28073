//! `[ledger]`: where the ledger is, how it is kept, who may read it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::read::{address, flag};
use super::reader::Section;
use super::{Ledger, Profile, keys, unit};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const DAY: Duration = Duration::from_secs(86_400);

pub(super) fn ledger(top: &Section<'_>) -> Option<Ledger> {
    let mut ledger = Ledger {
        directory: top.relative("ledger"),
        profile: Profile::Balanced,
        origin: "weir.local".to_owned(),
        reserve_bytes: 64 * MIB,
        memory: PathBuf::new(),
        listen: None,
        retention: None,
    };
    let beside = |directory: &Path| {
        let mut name = directory.file_name().unwrap_or_default().to_owned();
        name.push(".checkpoint");
        directory.with_file_name(name)
    };
    ledger.memory = beside(&ledger.directory);
    let Some(section) = top.section("ledger", keys::LEDGER) else {
        return Some(ledger);
    };
    if let Some(entry) = section.get("directory") {
        ledger.directory = entry.path()?;
        ledger.memory = beside(&ledger.directory);
    }
    if let Some(entry) = section.get("memory") {
        ledger.memory = entry.path()?;
    }
    if let Some(entry) = section.get("profile") {
        let words = [Profile::Strict, Profile::Balanced, Profile::Fast].map(|p| (p.name(), p));
        ledger.profile = entry.word(&words)?;
    }
    if let Some(entry) = section.get("origin") {
        // C2SP tlog-checkpoint: the origin is one line; signed-note: a key name
        // has neither spaces nor `+`.
        ledger.origin = entry.parsed(|text| {
            if text
                .chars()
                .any(|c| c.is_whitespace() || c.is_control() || c == '+')
            {
                Err(
                    "`ledger.origin` has neither spaces nor +, like \"weir.example/prod\""
                        .to_owned(),
                )
            } else {
                Ok(text.to_owned())
            }
        })?;
    }
    if let Some(entry) = section.get("reserve") {
        ledger.reserve_bytes = entry.bytes(MIB..=1024 * GIB)?;
    }
    if let Some(entry) = section.get("retention") {
        let time = entry.parsed(unit::duration)?;
        if time < DAY {
            let help = "Entries are pruned by whole days, UTC.".to_owned();
            entry.fault("`ledger.retention` must be at least 1d", Some(help));
            return None;
        }
        ledger.retention = Some(time);
    }
    let insecure = flag(&section, "insecure", false)?;
    if let Some(entry) = section.get("listen") {
        let address = address(&entry)?;
        if !insecure && !address.ip().to_canonical().is_loopback() {
            let help = "Use a loopback address behind a proxy that asks who is there, or insecure = true if only \
                        auditors can reach it.";
            section.fault(
                format!(
                    "[ledger] would show {address} to whoever reaches it: its entries name principals and tables"
                ),
                Some(help.to_owned()),
            );
        }
        ledger.listen = Some(address);
    }
    Some(ledger)
}
