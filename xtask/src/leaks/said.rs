//! What two statements' answers say that differs, as a person compares them: for cases of inference.

use std::collections::HashSet;

use super::case::Transcript;
use super::corpus::Case;

/// What the answers of two statements say that differs, for kind `inf`: rows, tags, errors.
pub(crate) fn statements_differ(case: &Case, transcript: &Transcript) -> Option<String> {
    match (transcript.answers.as_slice(), case.statements.as_slice()) {
        ([one, two], [first, second]) => {
            let own: HashSet<&str> = words(first).chain(words(second)).collect();
            let (one, two) = (said(one, &own), said(two, &own));
            one.iter()
                .zip(&two)
                .find(|(a, b)| a != b)
                .map(|(a, b)| format!("{a} ≠ {b}"))
                .or_else(|| {
                    (one.len() != two.len()).then(|| format!("{} ≠ {} lines", one.len(), two.len()))
                })
        }
        _ => None,
    }
}

/// What a person would compare by eye. An error that names a column the statement names says nothing of its values,
/// so the statements' own words are blanked in errors; in rows they are not.
fn said(answer: &crate::lab::Answer, own: &HashSet<&str>) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for set in &answer.sets {
        lines.extend(set.text().into_iter().map(|row| row.join("|")));
        lines.push(set.tag.clone());
    }
    if !answer.copied.is_empty() {
        lines.extend(
            String::from_utf8_lossy(&answer.copied)
                .lines()
                .map(str::to_owned),
        );
    }
    for fields in answer.errors.iter().chain(&answer.notices) {
        lines.push(format!(
            "{} {}",
            fields.code(),
            without_words(fields.message(), own)
        ));
    }
    lines.extend(
        answer
            .notifications
            .iter()
            .map(|(channel, payload)| format!("{channel}: {payload}")),
    );
    lines.push(char::from(answer.status).to_string());
    lines
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c| !in_word(c)).filter(|word| !word.is_empty())
}

fn in_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn without_words(message: &str, own: &HashSet<&str>) -> String {
    message
        .split_inclusive(|c| !in_word(c))
        .map(|part| {
            let bare = part.trim_end_matches(|c| !in_word(c));
            if own.contains(bare) {
                part.replacen(bare, "·", 1)
            } else {
                part.to_owned()
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_may_repeat_the_statement_but_nothing_else() {
        let blank = |statement: &str| {
            without_words(
                "column customers.email (label email) is masked",
                &words(statement).collect(),
            )
        };
        assert_eq!(
            blank("select email from customers"),
            "column ·.· (label ·) is masked"
        );
        assert_ne!(
            blank("select ssn from customers"),
            blank("select email from customers")
        );
    }
}
