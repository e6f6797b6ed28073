//! PostgreSQL's own regression suite, from Debian's source package.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::Difference;
use super::junit::Outcomes;
use super::python::run;
use super::side::Side;
use crate::lab::{Postgres, install};

/// Unpacks the suite below `folder` once and builds its small C library.
pub(super) fn prepare(folder: &Path, server: &Postgres) -> Result<PathBuf> {
    let home = folder.join("regress");
    if home.join("parallel_schedule").is_file() && home.join("lib/regress.so").is_file() {
        return Ok(home);
    }
    install::package(
        "postgresql-server-dev-15",
        "pg_regress and headers for PostgreSQL's regression suite",
    )?;
    let archive = source_archive(folder)?;
    fs::create_dir_all(&home)?;
    // `-C` first: it holds for what is named after it only.
    run(Command::new("tar")
        .arg("-C")
        .arg(&home)
        .arg("-xf")
        .arg(&archive)
        .args([
            "--wildcards",
            "--strip-components=4",
            "*/src/test/regress/*",
        ])
        .current_dir(&home))?;
    let library = home.join("lib");
    fs::create_dir_all(&library)?;
    let include =
        run(Command::new(server.binaries().join("pg_config")).arg("--includedir-server"))?;
    run(Command::new("cc")
        .args(["-O1", "-fPIC", "-shared", "-w", "-I"])
        .arg(include.trim())
        .arg("-o")
        .arg(library.join("regress.so"))
        .arg(home.join("regress.c")))?;
    let packaged = run(Command::new(server.binaries().join("pg_config")).arg("--pkglibdir"))?;
    for name in ["refint.so", "autoinc.so"] {
        fs::copy(Path::new(packaged.trim()).join(name), library.join(name))?;
    }
    Ok(home)
}

/// The source of the server that is installed, or else the newest that can be had; apt's own settings stay as they are.
fn source_archive(folder: &Path) -> Result<PathBuf> {
    let found = || {
        fs::read_dir(folder)
            .ok()?
            .flatten()
            .map(|entry| entry.path())
            .find(|path| {
                path.file_name()
                    .and_then(|n| n.to_str())
                    .is_some_and(|n| n.starts_with("postgresql-15_") && n.contains(".orig.tar"))
            })
    };
    if let Some(archive) = found() {
        return Ok(archive);
    }
    if !install::is_debian() {
        bail!("the suite comes from Debian's source package, and this is not Debian");
    }
    let state = folder.join("apt");
    fs::create_dir_all(state.join("lists/partial"))?;
    let list = state.join("sources.list");
    let suites = ["bookworm", "bookworm-updates"]
        .map(|suite| format!("deb-src http://deb.debian.org/debian {suite} main"));
    fs::write(
        &list,
        format!(
            "{}\ndeb-src http://deb.debian.org/debian-security bookworm-security main\n",
            suites.join("\n")
        ),
    )?;
    let apt = || {
        let mut apt = Command::new("apt-get");
        apt.current_dir(folder)
            .arg(format!("-oDir::Etc::sourcelist={}", list.display()))
            .arg("-oDir::Etc::sourceparts=-")
            .arg(format!(
                "-oDir::State::lists={}",
                state.join("lists").display()
            ))
            .arg("-oAPT::Sandbox::User=root");
        apt
    };
    run(apt().arg("update"))?;
    let installed =
        run(Command::new("dpkg-query").args(["-W", "-f", "${source:Version}", "postgresql-15"]))?;
    let known = run(Command::new("apt-cache")
        .arg(format!("-oDir::Etc::sourcelist={}", list.display()))
        .arg("-oDir::Etc::sourceparts=-")
        .arg(format!(
            "-oDir::State::lists={}",
            state.join("lists").display()
        ))
        .args(["showsrc", "postgresql-15"]))?;
    let mut versions: Vec<String> = vec![installed];
    versions.extend(
        known
            .lines()
            .filter_map(|line| line.strip_prefix("Version: "))
            .map(str::to_owned),
    );
    for version in &versions {
        let done = apt()
            .args([
                "source",
                "--download-only",
                &format!("postgresql-15={version}"),
            ])
            .stdin(Stdio::null())
            .output()?;
        if done.status.success()
            && let Some(archive) = found()
        {
            return Ok(archive);
        }
    }
    bail!("none of {versions:?} of the source package downloads")
}

/// Runs the suite one file after the other: `ok` or `not ok` by file, and the outputs in `results`.
pub(super) fn suite(
    home: &Path,
    server: &Postgres,
    side: &Side,
    limit: Option<usize>,
) -> Result<(Outcomes, PathBuf)> {
    let work = server.writable_folder("regress")?;
    for name in ["sql", "expected", "data", "lib"] {
        run(Command::new("cp")
            .args(["-r"])
            .arg(home.join(name))
            .arg(&work))?;
    }
    fs::copy(home.join("resultmap"), work.join("resultmap"))?;
    run(Command::new("chmod").args(["-R", "a+rX"]).arg(&work))?;
    let schedule = schedule(&fs::read_to_string(home.join("parallel_schedule"))?, limit);
    fs::write(work.join("schedule"), schedule)?;
    let program = server
        .binaries()
        .parent()
        .map(|home| home.join("lib/pgxs/src/test/regress/pg_regress"))
        .filter(|file| file.is_file())
        .context("Debian's postgresql-server-dev-15 has no pg_regress")?;
    let results = work.join(format!("out-{}", side.name));
    // Files the server writes (COPY TO) go here as well.
    fs::create_dir_all(results.join("results"))?;
    run(Command::new("chmod").args(["-R", "a+rwX"]).arg(&results))?;
    let out = Command::new(program)
        .arg(format!("--inputdir={}", work.display()))
        .arg(format!("--outputdir={}", results.display()))
        .arg(format!("--dlpath={}", work.join("lib").display()))
        .arg(format!("--bindir={}", server.binaries().display()))
        .arg(format!("--schedule={}", work.join("schedule").display()))
        .args([
            "--host=127.0.0.1",
            "--use-existing",
            "--max-connections=1",
            "--dbname=postgres",
        ])
        .args([
            format!("--port={}", side.port),
            format!("--user={}", side.user),
        ])
        .envs(side.environment())
        .current_dir(&work)
        .stdin(Stdio::null())
        .output()
        .context("cannot run pg_regress")?;
    let text = String::from_utf8_lossy(&out.stdout);
    let outcomes = outcomes(&text);
    if outcomes.is_empty() {
        bail!(
            "pg_regress ran nothing:\n{text}{}",
            String::from_utf8_lossy(&out.stderr)
        );
    }
    // The server's folder goes with the server; what differs is read afterwards.
    let kept = home.with_file_name(format!("regress-{}", side.name));
    if kept.exists() {
        fs::remove_dir_all(&kept)?;
    }
    fs::create_dir_all(&kept)?;
    let folder = results.display().to_string();
    for entry in fs::read_dir(results.join("results"))?.flatten() {
        if !entry.path().is_file() {
            continue;
        }
        let text = String::from_utf8_lossy(&fs::read(entry.path())?).replace(&folder, "FOLDER");
        fs::write(kept.join(entry.file_name()), text)?;
    }
    Ok((outcomes, kept))
}

/// One test a line: what runs at the same time decides row order in places, which would be a difference of ours.
fn schedule(parallel: &str, limit: Option<usize>) -> String {
    parallel
        .lines()
        .filter_map(|line| line.strip_prefix("test: "))
        .flat_map(str::split_whitespace)
        // It makes a tablespace beside the results, which the server's account may not.
        .filter(|name| *name != "tablespace")
        .take(limit.unwrap_or(usize::MAX))
        .map(|name| format!("test: {name}\n"))
        .collect()
}

/// `test boolean ... ok   12 ms`
fn outcomes(text: &str) -> Outcomes {
    text.lines()
        .filter_map(|line| {
            let (name, rest) = line.trim().strip_prefix("test ")?.split_once(" ...")?;
            let outcome = if rest.trim_start().starts_with("ok") {
                "passed"
            } else {
                "failed"
            };
            Some((name.trim().to_owned(), outcome.to_owned()))
        })
        .collect()
}

/// Tests whose output files differ between two runs, whatever was expected.
pub(super) fn differing(one: &Path, two: &Path) -> Result<Vec<Difference>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(one)?.flatten() {
        let name = entry.file_name();
        let same = fs::read(entry.path())? == fs::read(two.join(&name)).unwrap_or_default();
        if !same {
            names.push(Difference {
                test: name.to_string_lossy().trim_end_matches(".out").to_owned(),
                how: format!("see {} and {}", one.display(), two.display()),
            });
        }
    }
    names.sort_by(|a, b| a.test.cmp(&b.test));
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parallel_schedule_becomes_serial() {
        let text = "# comment\ntest: test_setup\n\ntest: tablespace\ntest: boolean char\n";
        assert_eq!(
            schedule(text, None),
            "test: test_setup\ntest: boolean\ntest: char\n"
        );
        assert_eq!(schedule(text, Some(1)), "test: test_setup\n");
    }

    #[test]
    fn reads_what_pg_regress_prints() {
        let all = outcomes(
            "test test_setup                   ... ok          230 ms\ntest boolean                      ... FAILED       20 ms\n",
        );
        assert_eq!(all.get("test_setup").map(String::as_str), Some("passed"));
        assert_eq!(all.get("boolean").map(String::as_str), Some("failed"));
    }
}
