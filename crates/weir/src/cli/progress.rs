//! How far long work is, where a person looks: on a terminal's standard error.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// Between two lines.
const PACE: Duration = Duration::from_millis(100);

/// A line that is written over.
pub(crate) struct Bar {
    verb: &'static str,
    noun: &'static str,
    shown: Option<Instant>,
    on: bool,
}

impl Bar {
    /// `checked 1,234 of 5,678 entries (21 %)`.
    pub(crate) fn new(verb: &'static str, noun: &'static str) -> Bar {
        Bar {
            verb,
            noun,
            shown: None,
            on: std::io::stderr().is_terminal(),
        }
    }

    pub(crate) fn show(&mut self, done: u64, total: u64) {
        let now = Instant::now();
        if !self.on || self.shown.is_some_and(|shown| now - shown < PACE) {
            return;
        }
        self.shown = Some(now);
        let percent = done.saturating_mul(100) / total.max(1);
        let (verb, noun) = (self.verb, self.noun);
        eprint!("\r{verb} {done} of {total} {noun} ({percent} %)\x1b[K");
        let _ = std::io::stderr().flush();
    }

    /// Clears the line.
    pub(crate) fn end(&mut self) {
        if self.shown.take().is_some() {
            eprint!("\r\x1b[K");
        }
    }
}
