//! Statements of sqlsmith, where Debian has it: it reads the catalog and prints what it would run.

use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::grammar::{How, Unit};
use crate::lab::postgres::{PASSWORD, SUPERUSER};
use crate::lab::{Postgres, install};

/// So many statements from a seed, over the relations of a database; none when there is no sqlsmith here.
pub(crate) fn statements(
    server: &Postgres,
    database: &str,
    count: usize,
    seed: u64,
) -> Result<Vec<Unit>> {
    let Ok(program) = install::program("sqlsmith", "sqlsmith", "generates statements") else {
        crate::lab::skip("no sqlsmith on this machine: `apt-get install sqlsmith`");
        return Ok(Vec::new());
    };
    let target = format!(
        "host=127.0.0.1 port={} user={SUPERUSER} password={PASSWORD} dbname={database}",
        server.port()
    );
    let out = Command::new(program)
        .args(["--dry-run", "--exclude-catalog"])
        .arg(format!("--target={target}"))
        .arg(format!("--max-queries={count}"))
        .arg(format!("--seed={}", seed % 1_000_000))
        .stdin(Stdio::null())
        .output()
        .context("cannot run sqlsmith")?;
    let text = String::from_utf8_lossy(&out.stdout);
    Ok(text
        .split(";\n")
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .map(|text| {
            let writes = ["insert", "update", "delete", "merge"]
                .iter()
                .any(|verb| text.starts_with(verb));
            let request = |text: &str| (How::Simple, text.to_owned());
            Unit {
                requests: if writes {
                    vec![request("begin"), request(text), request("rollback")]
                } else {
                    vec![request(text)]
                },
                writes,
            }
        })
        .collect())
}
