//! The floors (ARCHITECTURE): imports point down only, and pure floors stay pure.

use super::{File, Problem, source};

/// Crate → floor. A crate that is not here has no place yet, which is a problem of its own.
const FLOORS: &[(&str, u8)] = &[
    ("wire", 0),
    ("statement", 0),
    ("mask", 0),
    ("ledger", 0),
    ("identity", 1),
    ("policy", 1),
    ("session", 2),
    ("store", 3),
    ("gateway", 3),
    ("console", 3),
    ("weir", 4),
];

/// Imports within one floor: policy judges a principal; listeners and pages meet in the store.
const BESIDE: &[(&str, &str)] = &[
    ("policy", "identity"),
    ("gateway", "store"),
    ("console", "store"),
];

/// Highest floor without tokio, clock, files, environment and randomness of its own.
const HIGHEST_PURE: u8 = 2;

/// Crates that bring what pure floors do without.
const IMPURE_CRATES: &[&str] = &[
    "tokio",
    "tokio-rustls",
    "rand",
    "rand_core",
    "getrandom",
    "fastrand",
    "notify",
    "socket2",
    "libc",
    "tempfile",
    "jiff",
    "chrono",
    "time",
];

/// Paths that are a clock, a file, the environment, the network, a thread or chance.
const IMPURE_PATHS: &[&str] = &[
    "tokio",
    "SystemTime",
    "Instant::now",
    "std::fs",
    "std::env",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "std::process",
    "std::thread",
    "rand",
    "getrandom",
    "OsRng",
    "RandomState::new",
    "thread_rng",
];

/// The same behind `use std::{…}`.
const IMPURE_STD: &[&str] = &["fs", "env", "process", "thread"];

pub(super) fn floor(name: &str) -> Option<u8> {
    FLOORS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, floor)| *floor)
}

/// Problems in one crate's manifest.
pub(super) fn manifest(file: &File) -> Vec<Problem> {
    let Some(name) = file
        .path
        .strip_prefix("crates/")
        .and_then(|rest| rest.strip_suffix("/Cargo.toml"))
    else {
        return Vec::new();
    };
    let Ok(table) = file.text.parse::<toml::Table>() else {
        return vec![file.problem(1, "is not TOML")];
    };
    let Some(own) = floor(name) else {
        return vec![file.problem(
            1,
            &format!("crate `{name}` has no floor: give it one in xtask/src/tidy/floors.rs"),
        )];
    };
    let mut problems = Vec::new();
    let names = ["dependencies", "build-dependencies"]
        .iter()
        .filter_map(|section| table.get(*section).and_then(toml::Value::as_table))
        .flat_map(|section| section.keys());
    for dependency in names {
        let line = file.line_of(dependency);
        if let Some(theirs) = floor(dependency) {
            let beside = BESIDE.contains(&(name, dependency));
            if theirs > own || (theirs == own && !beside) {
                problems.push(file.problem(
                    line,
                    &format!("`{name}` (floor {own}) must not use `{dependency}` (floor {theirs}): imports point down only"),
                ));
            }
        } else if dependency == "xtask" {
            problems.push(file.problem(line, "the product must not use its tools"));
        } else if own <= HIGHEST_PURE && IMPURE_CRATES.contains(&dependency.as_str()) {
            problems.push(file.problem(
                line,
                &format!("`{name}` (floor {own}) is pure and must not use `{dependency}`"),
            ));
        }
    }
    for (section, key, value) in [
        ("package", "license", "workspace"),
        ("lints", "workspace", ""),
    ] {
        let set = table.get(section).and_then(|section| section.get(key));
        if !set.is_some_and(|set| set.as_bool() == Some(true) || set.get(value).is_some()) {
            problems.push(file.problem(
                1,
                &format!("must take `{section}.{key}` from the workspace"),
            ));
        }
    }
    problems
}

/// Impure paths in one source file of a pure crate.
pub(super) fn purity(file: &File) -> Vec<Problem> {
    let Some((name, inside)) = file
        .path
        .strip_prefix("crates/")
        .and_then(|rest| rest.split_once('/'))
    else {
        return Vec::new();
    };
    let tests = inside.starts_with("tests/")
        || inside.contains("/tests/")
        || inside.ends_with("/tests.rs")
        || inside.starts_with("benches/")
        || inside.starts_with("examples/");
    if floor(name).is_none_or(|floor| floor > HIGHEST_PURE) || tests || !file.path.ends_with(".rs")
    {
        return Vec::new();
    }
    let code = source::product_code(&file.text);
    let mut problems = Vec::new();
    for (index, line) in code.lines().enumerate() {
        let found = IMPURE_PATHS
            .iter()
            .find(|path| has_path(line, path))
            .copied()
            .or_else(|| grouped(line));
        if let Some(path) = found {
            problems.push(file.problem(
                index + 1,
                &format!("`{path}` on a pure floor: take it as an argument"),
            ));
        }
    }
    problems
}

/// A path stands alone: `rand` is in `rand::random()`, not in `operand`.
fn has_path(line: &str, path: &str) -> bool {
    let word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(path).any(|(at, _)| {
        let before = line.get(..at).and_then(|head| head.chars().next_back());
        let after = line
            .get(at + path.len()..)
            .and_then(|tail| tail.chars().next());
        // A single word is a crate only where a path begins.
        let crate_name = !path.contains("::") && path.chars().all(|c| c.is_lowercase());
        let used = line
            .get(at + path.len()..)
            .is_some_and(|tail| tail.starts_with("::"))
            || line.trim_start().starts_with("use ");
        !word(before)
            && before != Some('.')
            && !word(after)
            && (!crate_name || (used && before != Some(':')))
    })
}

fn grouped(line: &str) -> Option<&'static str> {
    let group = line.split_once("use std::{").map(|(_, rest)| rest)?;
    IMPURE_STD
        .iter()
        .find(|module| {
            group.split([',', '{', '}', ' ', ';']).any(|part| {
                part == **module
                    || part
                        .strip_prefix(**module)
                        .is_some_and(|rest| rest.starts_with("::"))
            })
        })
        .copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: &str) -> Vec<String> {
        let file = File {
            path: path.into(),
            text: text.into(),
        };
        let mut problems = manifest(&file);
        problems.extend(purity(&file));
        problems
            .into_iter()
            .map(|problem| problem.message)
            .collect()
    }

    const GOOD: &str = "[package]\nlicense.workspace = true\n[lints]\nworkspace = true\n";

    #[test]
    fn imports_point_down_only() {
        let with = |name: &str, dependency: &str| {
            check(
                &format!("crates/{name}/Cargo.toml"),
                &format!("{GOOD}[dependencies]\n{dependency}.workspace = true\n"),
            )
        };
        assert!(with("policy", "statement").is_empty());
        assert!(with("policy", "identity").is_empty());
        assert!(with("gateway", "store").is_empty());
        for (name, dependency) in [
            ("wire", "statement"),
            ("statement", "policy"),
            ("session", "gateway"),
            ("gateway", "console"),
            ("store", "gateway"),
            ("identity", "policy"),
            ("weir", "xtask"),
        ] {
            assert_eq!(with(name, dependency).len(), 1, "{name} → {dependency}");
        }
        assert_eq!(with("policy", "tokio").len(), 1);
        assert!(with("gateway", "tokio").is_empty());
        assert_eq!(with("fog", "wire").len(), 1, "no floor");
    }

    #[test]
    fn licence_and_lints_come_from_the_workspace() {
        assert_eq!(
            check("crates/wire/Cargo.toml", "[package]\nname = \"wire\"\n").len(),
            2
        );
        assert!(check("crates/wire/Cargo.toml", GOOD).is_empty());
    }

    #[test]
    fn pure_floors_stay_pure() {
        for line in [
            "use std::fs;",
            "let n = std::time::Instant::now();",
            "use std::{env, fmt};",
            "let t = SystemTime::now();",
            "use rand::Rng;",
            "tokio::spawn(x);",
            "getrandom::fill(b)",
        ] {
            assert_eq!(check("crates/session/src/gate.rs", line).len(), 1, "{line}");
            assert!(
                check("crates/gateway/src/serve.rs", line).is_empty(),
                "{line}"
            );
            assert!(
                check("crates/session/src/gate/tests.rs", line).is_empty(),
                "{line}"
            );
        }
        for line in [
            "let operand = 1;",
            "// std::fs",
            "let s = \"std::env\";",
            "use std::fmt;",
            "self.rand(3);",
            "fn now(now_ms: u64) {}",
            "node.tokio",
        ] {
            assert!(
                check("crates/statement/src/a.rs", line).is_empty(),
                "{line}"
            );
        }
    }
}
