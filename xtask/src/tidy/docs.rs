//! Documents: links that resolve, limitations pinned by tests, claims whose tests exist.

use std::collections::BTreeSet;

use super::{File, Problem};

/// Names of all functions in Rust files: what a document may call a test.
pub(super) fn functions(files: &[File]) -> BTreeSet<String> {
    files
        .iter()
        .filter(|file| file.path.ends_with(".rs"))
        .flat_map(|file| file.text.split("fn ").skip(1))
        .map(|rest| {
            rest.chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect()
        })
        .collect()
}

/// Relative links of a page that lead nowhere.
pub(super) fn links(file: &File, files: &[File]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, line) in prose(&file.text) {
        for target in targets(line) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (path, anchor) = target
                .split_once('#')
                .map_or((target, None), |(path, anchor)| (path, Some(anchor)));
            let path = if path.is_empty() {
                file.path.clone()
            } else {
                join(&file.path, path)
            };
            let found = files.iter().find(|known| known.path == path);
            let folder = files.iter().any(|known| {
                known
                    .path
                    .starts_with(&format!("{}/", path.trim_end_matches('/')))
            });
            match (found, anchor) {
                (None, _) if !folder => problems.push(
                    file.problem(index, &format!("link to `{target}`: there is no `{path}`")),
                ),
                (Some(page), Some(anchor))
                    if path.ends_with(".md") && !anchors(&page.text).contains(anchor) =>
                {
                    problems.push(
                        file.problem(index, &format!("link to `{target}`: no heading `{anchor}`")),
                    );
                }
                _ => {}
            }
        }
    }
    problems
}

/// Entries of `docs/known-limitations.md` without a test that exists. An entry is a section below the title, or a
/// list item when there are no sections.
pub(super) fn limitations(file: &File, functions: &BTreeSet<String>) -> Vec<Problem> {
    let sections = file.text.lines().any(|line| line.starts_with("## "));
    let begins = |line: &str| {
        if sections {
            line.starts_with("## ")
        } else {
            line.starts_with("- ") || line.starts_with("* ")
        }
    };
    let mut entries: Vec<(usize, String)> = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        if begins(line) {
            entries.push((index + 1, String::new()));
        }
        if let Some((_, text)) = entries.last_mut() {
            text.push_str(line);
            text.push('\n');
        }
    }
    entries
        .into_iter()
        // A test's name is a sentence; a word in backticks that happens to be a function is not one.
        .filter(|(_, text)| {
            let tests = |name: &str| name.matches('_').count() >= 2 && functions.contains(name);
            !quoted(text).any(|name| tests(last_segment(name)))
        })
        .map(|(line, _)| {
            file.problem(
                line,
                "this limitation names no test that exists: write its name in backticks",
            )
        })
        .collect()
}

/// Backticked names of four words or more read like tests; each must exist.
pub(super) fn claims(file: &File, functions: &BTreeSet<String>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, line) in prose(&file.text) {
        for name in quoted(line) {
            let last = last_segment(name);
            let test = last.matches('_').count() >= 3
                && last
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            if test && !functions.contains(last) {
                problems.push(file.problem(index, &format!("there is no test `{name}`")));
            }
        }
    }
    problems
}

fn last_segment(name: &str) -> &str {
    name.rsplit("::").next().unwrap_or(name)
}

fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Lines outside fenced code, with their numbers.
fn prose(text: &str) -> Vec<(usize, &str)> {
    let mut fenced = false;
    text.lines()
        .enumerate()
        .filter_map(|(index, line)| {
            let fence = line.trim_start().starts_with("```");
            fenced ^= fence;
            (!fenced && !fence).then_some((index + 1, line))
        })
        .collect()
}

fn targets(line: &str) -> Vec<&str> {
    let mut found: Vec<&str> = line
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .map(|target| target.split(' ').next().unwrap_or(target))
        .collect();
    // `src="picture.svg"` in the README's HTML.
    found.extend(
        line.split("src=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next()),
    );
    if let Some((_, target)) = line
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("]: "))
    {
        found.push(target.trim());
    }
    found.retain(|target| !target.is_empty());
    found
}

fn join(page: &str, link: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    if link.starts_with('/') {
        parts.clear();
    }
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// Anchors as forges make them from headings.
fn anchors(text: &str) -> BTreeSet<String> {
    prose(text)
        .into_iter()
        .filter_map(|(_, line)| {
            line.strip_prefix('#')
                .map(|rest| rest.trim_start_matches('#').trim())
        })
        .map(|heading| {
            heading
                .to_lowercase()
                .chars()
                .filter_map(|c| match c {
                    ' ' => Some('-'),
                    c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
                    _ => None,
                })
                .collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File {
            path: path.into(),
            text: text.into(),
        }
    }

    #[test]
    fn links_resolve() {
        let files = [
            file("README.md", ""),
            file("docs/a.md", "# Title\n## Second part, here\n"),
            file("docs/picture.svg", ""),
        ];
        let check = |page: &str, text: &str| links(&file(page, text), &files).len();
        assert_eq!(
            check(
                "README.md",
                "[a](docs/a.md) [b](docs/a.md#second-part-here) [d](docs/) [w](https://x.y/z)"
            ),
            0
        );
        assert_eq!(
            check("docs/b.md", "[a](a.md) [r](../README.md) ![p](picture.svg)"),
            0
        );
        assert_eq!(check("README.md", "[a](docs/none.md)"), 1);
        assert_eq!(check("README.md", "[a](docs/a.md#none)"), 1);
        assert_eq!(check("README.md", "```\n[a](none.md)\n```"), 0);
        assert_eq!(check("README.md", "<img src=\"docs/none.svg\">"), 1);
    }

    #[test]
    fn limitations_name_their_tests() {
        let functions = functions(&[file(
            "a.rs",
            "#[test]\nfn a_known_limit() {}\nfn limit() {}\n",
        )]);
        let check =
            |text: &str| limitations(&file("docs/known-limitations.md", text), &functions).len();
        assert_eq!(
            check("# Limits\n## One\nText `a_known_limit`.\n## Two\n`tests::a_known_limit`\n"),
            0
        );
        assert_eq!(check("# Limits\n## One\nText `no_such_test` `limit`.\n"), 1);
        assert_eq!(check("# Limits\n- one `a_known_limit`\n- two\n  more\n"), 1);
    }

    #[test]
    fn claims_have_tests() {
        let functions = functions(&[file("a.rs", "fn a_refusal_is_an_error() {}")]);
        let check = |text: &str| claims(&file("README.md", text), &functions).len();
        assert_eq!(
            check("`a_refusal_is_an_error` `pg_stat_statements` `cargo xtask demo`"),
            0
        );
        assert_eq!(check("`a_claim_without_any_test`"), 1);
    }
}
