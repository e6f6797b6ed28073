//! Suites of Python drivers: the driver from a wheel, the tests from its source distribution.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::junit::{self, Outcomes};
use super::side::Side;

/// A driver's suite.
#[derive(Debug)]
pub(super) struct Driver {
    /// Package whose source distribution has the tests.
    pub(super) source: &'static str,
    /// What is installed to be tested.
    pub(super) install: &'static [&'static str],
    /// Folder of the tests inside the source distribution.
    pub(super) tests: &'static str,
    /// Arguments for pytest.
    pub(super) select: &'static [&'static str],
}

pub(super) const PSYCOPG2: Driver = Driver {
    source: "psycopg2==2.9.13",
    install: &["psycopg2-binary"],
    tests: "tests",
    // Needs no server and compares tracebacks of a debug build.
    select: &["--deselect", "tests/test_module.py"],
};
pub(super) const ASYNCPG: Driver = Driver {
    source: "asyncpg==0.32.0",
    install: &["asyncpg==0.32.0", "distro"],
    tests: "tests",
    select: &[
        "--ignore",
        "tests/test__sourcecode.py",
        "--ignore",
        "tests/test__environment.py",
    ],
};
pub(super) const PG8000: Driver = Driver {
    source: "pg8000==1.31.6",
    install: &["pg8000==1.31.6", "pytz", "pytest-mock"],
    tests: "test",
    select: &["--ignore", "test/test_readme.py"],
};

/// A Python environment of our own below `target/compat`.
pub(crate) fn environment(folder: &Path, packages: &[&str]) -> Result<PathBuf> {
    let home = folder.join("venv");
    let python = home.join("bin/python");
    if !python.is_file() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&home))
            .context("python3 -m venv (Debian: python3-venv)")?;
    }
    let mut pip = Command::new(&python);
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "pytest",
        "pytest-timeout",
    ])
    .args(packages);
    run(&mut pip)?;
    Ok(python)
}

impl Driver {
    /// Downloads the source distribution and gives the folder with its tests, made for this side.
    fn unpack(&self, python: &Path, folder: &Path, side: &Side) -> Result<PathBuf> {
        let sources = folder.join("sources");
        fs::create_dir_all(&sources)?;
        let name = self.source.split('=').next().unwrap_or_default();
        let archive = || {
            let mut all = fs::read_dir(&sources)
                .ok()?
                .flatten()
                .map(|entry| entry.path());
            all.find(|path| {
                path.file_name()
                    .and_then(|n| n.to_str())
                    .is_some_and(|n| n.starts_with(name) && n.ends_with(".tar.gz"))
            })
        };
        if archive().is_none() {
            run(Command::new(python)
                .args([
                    "-m",
                    "pip",
                    "download",
                    "--quiet",
                    "--disable-pip-version-check",
                    "--no-deps",
                ])
                .args(["--no-binary", name, "-d"])
                .arg(&sources)
                .arg(self.source))
            .with_context(|| format!("cannot download {}", self.source))?;
        }
        let archive = archive().with_context(|| format!("no source distribution of {name}"))?;
        let home = folder.join(format!("{name}-{}", side.name));
        if home.exists() {
            fs::remove_dir_all(&home)?;
        }
        fs::create_dir_all(&home)?;
        run(Command::new("tar")
            .args(["-xzf"])
            .arg(&archive)
            .args(["--strip-components=1", "-C"])
            .arg(&home))?;
        // Only the tests: a package folder beside them would shadow the installed driver.
        for entry in fs::read_dir(&home)?.flatten() {
            let keep = entry.file_name() == self.tests
                || entry
                    .file_name()
                    .to_str()
                    .is_some_and(|n| n.ends_with(".toml") || n.ends_with(".ini"));
            if !keep && entry.path().is_dir() {
                fs::remove_dir_all(entry.path())?;
            }
        }
        replace_password(&home.join(self.tests), &side.password)?;
        Ok(home)
    }

    /// Runs the suite against one side.
    pub(super) fn run(&self, folder: &Path, side: &Side) -> Result<Outcomes> {
        let python = environment(folder, self.install)?;
        let home = self.unpack(&python, folder, side)?;
        let report = home.join("report.xml");
        let mut pytest = Command::new(&python);
        pytest
            .args([
                "-m",
                "pytest",
                "-q",
                "-p",
                "no:cacheprovider",
                "--timeout=60",
                "-o",
                "addopts=",
                "--junitxml",
            ])
            .arg(&report)
            .args(self.select)
            .arg(self.tests)
            .current_dir(&home)
            .envs(side.environment())
            .stdin(Stdio::null());
        let out = pytest.output().context("cannot run pytest")?;
        fs::write(home.join("report.txt"), &out.stdout)?;
        let xml = fs::read_to_string(&report).with_context(|| {
            format!(
                "pytest wrote no report:\n{}",
                String::from_utf8_lossy(&out.stdout)
            )
        })?;
        Ok(junit::parse(&xml))
    }
}

/// pg8000's tests carry their password in the code.
fn replace_password(folder: &Path, password: &str) -> Result<()> {
    for entry in fs::read_dir(folder)
        .with_context(|| format!("no tests in {}", folder.display()))?
        .flatten()
    {
        let path = entry.path();
        if path.is_dir() {
            replace_password(&path, password)?;
        } else if path.extension().is_some_and(|e| e == "py") {
            let text = fs::read_to_string(&path)?;
            let mine = text
                .replace(
                    "\"password\": \"pw\"",
                    &format!("\"password\": \"{password}\""),
                )
                .replace("password=\"pw\"", &format!("password=\"{password}\""));
            if mine != text {
                fs::write(&path, mine)?;
            }
        }
    }
    Ok(())
}

/// Runs a command that must succeed.
pub(crate) fn run(command: &mut Command) -> Result<String> {
    let out = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {command:?}"))?;
    if !out.status.success() {
        bail!(
            "{command:?} failed:\n{}{}",
            String::from_utf8_lossy(&out.stdout),
            String::from_utf8_lossy(&out.stderr)
        );
    }
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}
