//! Questions to the person at the terminal.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use anyhow::{Context as _, Result, bail};
use identity::Secret;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

/// Whether somebody is there to answer.
pub(crate) fn possible() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks for one line; nothing means `default`.
pub(crate) fn ask(question: &str, default: Option<&str>) -> Result<String> {
    loop {
        match default {
            Some(default) => eprint!("{question} [{default}]: "),
            None => eprint!("{question}: "),
        }
        std::io::stderr().flush()?;
        let line = line()?;
        match (line.trim(), default) {
            ("", Some(default)) => return Ok(default.to_owned()),
            ("", None) => {}
            (answer, _) => return Ok(answer.to_owned()),
        }
    }
}

/// Asks for a secret without showing it; nothing means none.
pub(crate) fn ask_secret(question: &str) -> Result<Option<Secret<String>>> {
    eprint!("{question}: ");
    std::io::stderr().flush()?;
    let stdin = std::io::stdin();
    let shown = tcgetattr(&stdin).context("cannot read the terminal's settings")?;
    let mut hidden = shown.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&stdin, OptionalActions::Flush, &hidden).context("cannot hide what is typed")?;
    let answer = line();
    tcsetattr(&stdin, OptionalActions::Flush, &shown).context("cannot show what is typed again")?;
    eprintln!();
    let answer = answer?;
    let text = answer.trim_end_matches(['\r', '\n']);
    Ok((!text.is_empty()).then(|| Secret::new(text.to_owned())))
}

fn line() -> Result<String> {
    let mut line = String::new();
    if std::io::stdin().lock().read_line(&mut line)? == 0 {
        bail!("no answer");
    }
    Ok(line)
}
