//! `cargo xtask tidy`: what the compiler cannot see but the repository promises.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

mod docs;
mod floors;
mod source;

/// Longest source file.
const LINES_MAX: usize = 600;
/// Longest file of tests, which are data.
const TEST_LINES_MAX: usize = 1000;

/// Lints that make sure no byte from a stranger can stop the gateway.
const PANIC_LINTS: &[&str] = &[
    "unwrap_used",
    "expect_used",
    "clippy::panic",
    "indexing_slicing",
];

/// A file of the repository.
#[derive(Clone, Debug)]
pub(crate) struct File {
    /// Path from the repository's folder, with `/`.
    pub(crate) path: String,
    /// Content; empty when it is not text.
    pub(crate) text: String,
}

impl File {
    fn problem(&self, line: usize, message: &str) -> Problem {
        Problem {
            place: format!("{}:{line}", self.path),
            message: message.to_owned(),
        }
    }

    fn line_of(&self, word: &str) -> usize {
        self.text
            .lines()
            .position(|line| line.starts_with(word))
            .map_or(1, |index| index + 1)
    }
}

/// One thing to mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// `file:line`.
    pub place: String,
    /// What is wrong and what to do.
    pub message: String,
}

/// Prints every problem; `true` when there is none.
///
/// # Errors
/// When the repository cannot be read.
pub fn run() -> Result<bool> {
    let problems = check(&files(&crate::root())?);
    for problem in &problems {
        println!("{}: {}", problem.place, problem.message);
    }
    println!("tidy: {} problems", problems.len());
    Ok(problems.is_empty())
}

fn check(files: &[File]) -> Vec<Problem> {
    let functions = docs::functions(files);
    let mut problems = Vec::new();
    for file in files {
        if file.path.ends_with("Cargo.toml") {
            problems.extend(floors::manifest(file));
        }
        if file.path.ends_with(".rs") {
            problems.extend(floors::purity(file));
            problems.extend(size(file));
            problems.extend(lints(file));
        }
        if file.path.ends_with(".md") {
            problems.extend(docs::links(file, files));
        }
        match file.path.as_str() {
            "README.md" => problems.extend(docs::claims(file, &functions)),
            "docs/known-limitations.md" => problems.extend(docs::limitations(file, &functions)),
            _ => {}
        }
    }
    if !files.iter().any(|file| file.path == "LICENSE") {
        problems.push(Problem {
            place: "LICENSE:1".into(),
            message: "is missing".into(),
        });
    }
    problems
}

fn size(file: &File) -> Option<Problem> {
    let lines = file.text.lines().count();
    let tests = file.path.contains("/tests/") || file.path.ends_with("/tests.rs");
    let most = if tests { TEST_LINES_MAX } else { LINES_MAX };
    let generated = file
        .text
        .lines()
        .take(3)
        .any(|line| line.contains("@generated"));
    (lines > most && !generated).then(|| {
        file.problem(
            most + 1,
            &format!("{lines} lines: past {most} a file hides two subjects"),
        )
    })
}

/// Panic lints stay on in the product, and every test runs.
fn lints(file: &File) -> Vec<Problem> {
    let product = file.path.starts_with("crates/")
        && file.path.contains("/src/")
        && !file.path.ends_with("tests.rs");
    let code = source::product_code(&file.text);
    let mut problems = Vec::new();
    for (index, line) in code.lines().enumerate() {
        let quiet = line.contains("allow(") || line.contains("expect(clippy");
        if product && quiet && PANIC_LINTS.iter().any(|lint| line.contains(lint)) {
            problems.push(file.problem(index + 1, "a panic lint is switched off in product code"));
        }
    }
    for (index, line) in file.text.lines().enumerate() {
        if line.trim_start().starts_with("#[ignore") {
            problems.push(file.problem(
                index + 1,
                "an ignored test proves nothing: run it or remove it",
            ));
        }
    }
    problems
}

/// Every file git knows or would take, so that what is being written is checked too.
fn files(root: &Path) -> Result<Vec<File>> {
    let out = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .context("cannot run git")?;
    if !out.status.success() {
        bail!(
            "git ls-files failed: {}",
            String::from_utf8_lossy(&out.stderr)
        );
    }
    Ok(String::from_utf8_lossy(&out.stdout)
        .lines()
        .filter_map(|path| {
            let text = std::fs::read(root.join(path)).ok()?;
            Some(File {
                path: path.to_owned(),
                text: String::from_utf8(text).unwrap_or_default(),
            })
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(path: &str, text: &str) -> usize {
        let licence = File {
            path: "LICENSE".into(),
            text: String::new(),
        };
        check(&[
            licence,
            File {
                path: path.into(),
                text: text.into(),
            },
        ])
        .len()
    }

    #[test]
    fn long_files_are_told_unless_generated() {
        assert_eq!(problems("crates/gateway/src/a.rs", &"x\n".repeat(601)), 1);
        assert_eq!(problems("crates/gateway/src/a.rs", &"x\n".repeat(600)), 0);
        assert_eq!(
            problems(
                "crates/gateway/src/a.rs",
                &format!("// @generated\n{}", "x\n".repeat(601))
            ),
            0
        );
    }

    #[test]
    fn panic_lints_stay_on_in_the_product() {
        let off = "#[allow(clippy::unwrap_used)]\nfn f() {}\n";
        assert_eq!(problems("crates/gateway/src/a.rs", off), 1);
        assert_eq!(problems("crates/gateway/tests/a.rs", off), 0);
        assert_eq!(
            problems(
                "crates/gateway/src/a.rs",
                &format!("#[cfg(test)]\nmod tests {{ {off} }}")
            ),
            0
        );
    }

    #[test]
    fn every_test_runs() {
        assert_eq!(
            problems("crates/weir/tests/a.rs", "#[test]\n#[ignore]\nfn f() {}\n"),
            1
        );
    }

    #[test]
    fn a_repository_has_a_licence() {
        assert_eq!(check(&[]).len(), 1);
    }
}
