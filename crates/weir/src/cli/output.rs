//! Text for people and JSON for programs. Colours only where a person looks.

use std::io::{IsTerminal as _, Write};

use anyhow::Result;
use jiff::Timestamp;
use jiff::fmt::strtime;
use serde::Serialize;

/// Standard output, or a test's buffer.
pub(crate) struct Output {
    to: Box<dyn Write>,
    /// How to colour it.
    pub(crate) paint: Paint,
}

impl Output {
    pub(crate) fn standard() -> Self {
        let stdout = std::io::stdout();
        let paint = Paint::new(stdout.is_terminal());
        Self {
            to: Box::new(stdout),
            paint,
        }
    }

    #[cfg(test)]
    pub(crate) fn to(buffer: impl Write + 'static) -> Self {
        Self {
            to: Box::new(buffer),
            paint: Paint { on: false },
        }
    }

    pub(crate) fn line(&mut self, text: impl AsRef<str>) -> Result<()> {
        Ok(writeln!(self.to, "{}", text.as_ref())?)
    }

    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<()> {
        self.line(serde_json::to_string_pretty(value)?)
    }

    /// Columns aligned, a header above, nothing around: as `gh` and `kubectl` do.
    pub(crate) fn table<const N: usize>(
        &mut self,
        header: [&str; N],
        rows: &[[String; N]],
    ) -> Result<()> {
        self.rows(&header, rows)
    }

    /// As [`Output::table`], of columns nobody knows beforehand.
    pub(crate) fn rows(&mut self, header: &[&str], rows: &[impl AsRef<[String]>]) -> Result<()> {
        let mut widths: Vec<usize> = header.iter().copied().map(width).collect();
        for row in rows {
            for (cell, wide) in row.as_ref().iter().zip(&mut widths) {
                *wide = (*wide).max(width(cell));
            }
        }
        let padded = |cells: Vec<&str>| {
            let mut line = String::new();
            for (cell, wide) in cells.iter().zip(widths.iter().copied()) {
                line.push_str(cell);
                line.extend(std::iter::repeat_n(
                    ' ',
                    wide.saturating_sub(width(cell)) + 2,
                ));
            }
            line.trim_end().to_owned()
        };
        let header = self.paint.bold(&padded(header.to_vec()));
        self.line(header)?;
        for row in rows {
            self.line(padded(row.as_ref().iter().map(String::as_str).collect()))?;
        }
        Ok(())
    }
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// Whether and how to colour.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint {
    on: bool,
}

impl Paint {
    /// Colours on a terminal, unless `NO_COLOR` (no-color.org) or a dumb
    /// terminal forbid them.
    fn new(terminal: bool) -> Self {
        let forbidden = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty())
            || std::env::var_os("TERM").is_some_and(|v| v == "dumb");
        Self {
            on: terminal && !forbidden,
        }
    }

    pub(crate) fn for_stderr() -> Self {
        Self::new(std::io::stderr().is_terminal())
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    pub(crate) fn red(self, text: &str) -> String {
        self.with("1;31", text)
    }

    pub(crate) fn green(self, text: &str) -> String {
        self.with("1;32", text)
    }

    pub(crate) fn yellow(self, text: &str) -> String {
        self.with("1;33", text)
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.on {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// `2026-11-21T01:02:03Z`, for programs.
pub(crate) fn rfc3339(unix_ms: u64) -> String {
    format(unix_ms, "%Y-%m-%dT%H:%M:%SZ")
}

/// `2026-11-21 01:02`, for people.
pub(crate) fn minute(unix_ms: u64) -> String {
    format(unix_ms, "%Y-%m-%d %H:%M")
}

fn format(unix_ms: u64, pattern: &str) -> String {
    i64::try_from(unix_ms)
        .ok()
        .and_then(|ms| Timestamp::from_millisecond(ms).ok())
        .and_then(|time| strtime::format(pattern, &time.to_zoned(jiff::tz::TimeZone::UTC)).ok())
        .unwrap_or_else(|| format!("{unix_ms} ms"))
}

pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
}

/// `1 key`, `2 keys`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
