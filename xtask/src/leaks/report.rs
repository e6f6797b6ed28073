//! What a run says at its end.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

/// How the masked principal fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    /// Served, with nothing raw in it.
    Masked,
    /// At least one statement was refused, and nothing raw came.
    Refused,
    /// A raw value, or what depends on one, came out.
    Leaked,
}

/// One case.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Outcome {
    pub(crate) id: String,
    pub(crate) class: String,
    pub(crate) verdict: Verdict,
    /// What leaked, or the first error.
    pub(crate) why: String,
    /// Which oracle saw the leak: `string` or `worlds`.
    pub(crate) oracle: Option<&'static str>,
    /// Whether the two worlds gave equal bytes; absent when they were not compared.
    pub(crate) worlds: Option<&'static str>,
    /// Whether the one who sees raw saw raw.
    pub(crate) control: bool,
    /// Whether only a direct connection did, because the gateway refuses the form to everyone.
    pub(crate) control_direct: bool,
    /// Whether the two worlds' bytes differ for one who sees raw.
    pub(crate) control_worlds: Option<bool>,
    /// What the corpus says of an unmasked connection.
    pub(crate) expected: bool,
    pub(crate) statements: Vec<String>,
}

/// What [`Outcome::worlds`] says when one world's answers are never the same.
pub(crate) const UNCLEAR: &str = "unclear";

/// Classes that must be served, not refused.
pub(crate) const SERVED: &[&str] = &["direct", "copy", "cursor", "prepare", "extended"];

/// Counts of a run.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Summary {
    /// All cases.
    pub cases: usize,
    /// Cases in which something raw, or what depends on it, came out.
    pub leaked: usize,
    /// Cases served with nothing raw in them.
    pub masked: usize,
    /// Cases with a refused statement and nothing raw.
    pub refused: usize,
    /// Cases in which the control saw raw values.
    pub control: usize,
    /// Cases the corpus says leak unmasked, and did not for the control.
    pub silent: usize,
    /// Cases the two worlds were compared in.
    pub compared: usize,
    /// Cases in which the worlds differ for one who sees raw: the second oracle is alive.
    pub control_worlds: usize,
    /// Cases in which one world's own answers differ so much that nothing can be said.
    pub unclear: usize,
    /// Percent of the classes direct, copy, cursor, prepare and extended that were served.
    pub served_percent: usize,
}

impl Summary {
    /// Whether so little is unclear between the worlds that it may be chance.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        self.unclear <= FEW_UNCLEAR.max(self.compared / UNCLEAR_IN)
    }
}

/// At the most one case of so many may be unclear, or so many of few.
const UNCLEAR_IN: usize = 200;
const FEW_UNCLEAR: usize = 1;

pub(crate) fn summary(outcomes: &[Outcome]) -> Summary {
    let count = |want: Verdict| {
        outcomes
            .iter()
            .filter(|outcome| outcome.verdict == want)
            .count()
    };
    let of_class: Vec<_> = outcomes
        .iter()
        .filter(|outcome| SERVED.contains(&outcome.class.as_str()))
        .collect();
    let served = of_class
        .iter()
        .filter(|outcome| outcome.verdict == Verdict::Masked)
        .count();
    Summary {
        cases: outcomes.len(),
        leaked: count(Verdict::Leaked),
        masked: count(Verdict::Masked),
        refused: count(Verdict::Refused),
        control: outcomes.iter().filter(|outcome| outcome.control).count(),
        silent: outcomes
            .iter()
            .filter(|outcome| outcome.expected && !outcome.control)
            .count(),
        compared: outcomes
            .iter()
            .filter(|outcome| outcome.worlds.is_some())
            .count(),
        control_worlds: outcomes
            .iter()
            .filter(|outcome| outcome.control_worlds == Some(true))
            .count(),
        unclear: outcomes
            .iter()
            .filter(|outcome| outcome.worlds == Some(UNCLEAR))
            .count(),
        served_percent: (served * 100).checked_div(of_class.len()).unwrap_or(100),
    }
}

/// The table by class and the cases worth a look.
pub(crate) fn table(outcomes: &[Outcome]) -> String {
    let mut classes: BTreeMap<&str, [usize; 5]> = BTreeMap::new();
    for outcome in outcomes {
        let [cases, masked, refused, leaked, control] = classes.entry(&outcome.class).or_default();
        *cases += 1;
        *control += usize::from(outcome.control);
        match outcome.verdict {
            Verdict::Masked => *masked += 1,
            Verdict::Refused => *refused += 1,
            Verdict::Leaked => *leaked += 1,
        }
    }
    let mut text = String::from("class       cases  masked  refused  leaked  control\n");
    for (class, [cases, masked, refused, leaked, control]) in classes {
        let _ = writeln!(
            text,
            "{class:<11} {cases:>5}  {masked:>6}  {refused:>7}  {leaked:>6}  {control:>7}"
        );
    }
    for outcome in outcomes
        .iter()
        .filter(|outcome| outcome.verdict == Verdict::Leaked)
    {
        let _ = writeln!(
            text,
            "LEAK   {} {}: {}\n       {}",
            outcome.id,
            outcome.class,
            outcome.why,
            short(outcome)
        );
    }
    for outcome in outcomes
        .iter()
        .filter(|outcome| outcome.expected && !outcome.control)
    {
        let _ = writeln!(
            text,
            "SILENT {} {}: the control saw nothing raw\n       {}",
            outcome.id,
            outcome.class,
            short(outcome)
        );
    }
    for outcome in outcomes
        .iter()
        .filter(|outcome| outcome.worlds == Some(UNCLEAR))
    {
        let _ = writeln!(
            text,
            "UNCLEAR {} {}: differs from run to run\n       {}",
            outcome.id,
            outcome.class,
            short(outcome)
        );
    }
    let direct: Vec<&str> = outcomes
        .iter()
        .filter(|outcome| outcome.control_direct)
        .map(|outcome| outcome.id.as_str())
        .collect();
    if !direct.is_empty() {
        let _ = writeln!(
            text,
            "alive on a direct connection only, refused to everyone here: {}",
            direct.join(" ")
        );
    }
    text
}

fn short(outcome: &Outcome) -> String {
    outcome.statements.join(" ;; ").chars().take(200).collect()
}

/// The last line.
pub(crate) fn last_line(of: &Summary) -> String {
    format!(
        "leaks: {} of {} (masked {}, refused {}, control {}; two worlds compared in {}, unclear {}, control differs in {})",
        of.leaked,
        of.cases,
        of.masked,
        of.refused,
        of.control,
        of.compared,
        of.unclear,
        of.control_worlds
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(class: &str, verdict: Verdict, control: bool) -> Outcome {
        Outcome {
            id: "T1".into(),
            class: class.into(),
            verdict,
            why: String::new(),
            oracle: None,
            worlds: None,
            control,
            control_direct: false,
            control_worlds: None,
            expected: true,
            statements: Vec::new(),
        }
    }

    #[test]
    fn counts_and_last_line() {
        let all = [
            outcome("direct", Verdict::Masked, true),
            outcome("copy", Verdict::Refused, true),
            outcome("expr", Verdict::Leaked, false),
        ];
        let of = summary(&all);
        assert_eq!(
            last_line(&of),
            "leaks: 1 of 3 (masked 1, refused 1, control 2; two worlds compared in 0, unclear 0, control differs in 0)"
        );
        assert_eq!((of.silent, of.served_percent), (1, 50));
        assert!(table(&all).contains("LEAK   T1 expr"));
        assert!(table(&all).contains("SILENT T1 expr"));
    }

    #[test]
    fn what_is_unclear_has_a_ceiling() {
        let of = |compared, unclear| Summary {
            compared,
            unclear,
            ..Summary::default()
        };
        assert!(of(100, 1).is_clear() && of(400, 2).is_clear());
        assert!(!of(100, 2).is_clear() && !of(400, 3).is_clear());
    }
}
