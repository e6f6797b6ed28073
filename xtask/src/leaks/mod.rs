//! `cargo xtask leaks`: runs a corpus of exfiltration attempts through the gateway as a masked principal, and as a
//! control as one who sees raw values.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use clap::Args;

mod case;
mod corpus;
mod oracle;
mod report;
mod stage;
mod worlds;

use case::Transcript;
use corpus::{Case, Kind};
use oracle::Oracle;
pub use report::Summary;
use report::{Outcome, Verdict};
use stage::{Stage, World};

use crate::lab::weir::{self, Profile};
use crate::lab::{Configuration, Connect, Target, Weir};

/// Options of `cargo xtask leaks`.
#[derive(Args, Clone, Debug, Default)]
pub struct Leaks {
    /// The corpus; the repository's own when absent
    #[arg(long, value_name = "FILE")]
    pub corpus: Option<PathBuf>,
    /// The script that makes the database; the repository's own when absent
    #[arg(long, value_name = "FILE")]
    pub setup: Option<PathBuf>,
    /// Print one JSON document instead of the table
    #[arg(long)]
    pub json: bool,
    /// Fail when fewer percent of the classes direct, copy, cursor, prepare and extended are served
    #[arg(long, value_name = "PERCENT")]
    pub floor: Option<usize>,
    /// Only these cases or classes
    #[arg(long, value_name = "ID|CLASS")]
    pub only: Vec<String>,
    /// Only the control, on a direct connection: checks the corpus, not the gateway
    #[arg(long)]
    pub direct: bool,
    /// Say for each case what came of it
    #[arg(long, short)]
    pub verbose: bool,
}

const MASKED: &str = "masked";
const CONTROL: &str = "control";

/// The masked principal may do anything but run code we cannot see into and see raw values.
const POLICY: &str = r#"
@id("masked-is-generous")
permit (
  principal in Group::"masked",
  action in [
    Action::"connect", Action::"set", Action::"read", Action::"export", Action::"lock",
    Action::"write", Action::"define", Action::"destroy", Action::"grant", Action::"maintain",
    Action::"explain", Action::"notify"
  ],
  resource
);

@id("control-does-everything")
permit (principal in Group::"control", action, resource);

@id("labels-are-masked")
@require("mask:*")
@message("Labelled columns are masked")
forbid (principal, action, resource)
when { !context.labels.isEmpty() }
unless { context.enforced.masked.containsAll(context.labels) || principal in Group::"control" };
"#;

const LABELS: &[(&str, &str)] = &[
    ("public.customers.email", "email"),
    ("public.customers.ssn", "ssn"),
    ("public.customers.salary", "salary"),
    ("public.customers.profile", "json"),
    ("public.customers.tags", "tags"),
    ("public.customers.note", "note"),
    ("public.parent.email", "email"),
    ("public.child.email", "email"),
    ("public.part.email", "email"),
    ("public.part1.email", "email"),
];

/// Runs it; `false` when something leaked, the control was silent or too little was served.
///
/// # Errors
/// When a server does not start or a file cannot be read.
pub fn run(options: &Leaks) -> Result<bool> {
    let summary = measure(options)?;
    let served = options
        .floor
        .is_none_or(|floor| summary.served_percent >= floor);
    Ok(summary.silent == 0 && (options.direct || summary.leaked == 0) && served)
}

/// Runs it and gives the counts.
///
/// # Errors
/// As [`run`].
pub fn measure(options: &Leaks) -> Result<Summary> {
    let folder = crate::root().join("xtask/corpora");
    let corpus = options
        .corpus
        .clone()
        .unwrap_or_else(|| folder.join("postgres.json"));
    let setup = options
        .setup
        .clone()
        .unwrap_or_else(|| folder.join("postgres-setup.sql"));
    let begun = Instant::now();

    let mut stage = Stage::new(&setup)?;
    let mut cases = corpus::read(&corpus, stage.files(), stage.server().port())?;
    if !options.only.is_empty() {
        cases.retain(|case| {
            options
                .only
                .iter()
                .any(|want| *want == case.id || *want == case.class)
        });
    }
    let bench = Bench {
        oracle: Oracle::new(),
        verbose: options.verbose,
    };
    let outcomes = if options.direct {
        bench.directly(&mut stage, &cases)?
    } else {
        bench.through_the_gateway(&mut stage, &cases)?
    };

    let summary = report::summary(&outcomes);
    if options.json {
        println!(
            "{}",
            serde_json::to_string_pretty(
                &serde_json::json!({ "summary": summary, "cases": outcomes })
            )?
        );
    } else {
        print!("{}", report::table(&outcomes));
        println!(
            "served in {}: {} %; {} s, {} resets",
            report::SERVED.join(", "),
            summary.served_percent,
            begun.elapsed().as_secs(),
            stage.resets()
        );
        println!("{}", report::last_line(&summary));
    }
    Ok(summary)
}

struct Bench {
    oracle: Oracle,
    verbose: bool,
}

impl Bench {
    /// The control alone, against PostgreSQL itself.
    fn directly(&self, stage: &mut Stage, cases: &[Case]) -> Result<Vec<Outcome>> {
        let mut outcomes = Vec::new();
        for case in cases {
            let transcript = self.once(stage, case, World::First, None)?;
            let leak = self.leak(case, &transcript);
            if self.verbose {
                eprintln!(
                    "{} {:?}; {}",
                    case.id,
                    leak,
                    transcript.trouble().unwrap_or_default()
                );
            }
            outcomes.push(Outcome {
                verdict: if leak.is_some() {
                    Verdict::Leaked
                } else {
                    Verdict::Masked
                },
                control: leak.is_some(),
                ..outcome(case, leak.unwrap_or_default())
            });
        }
        Ok(outcomes)
    }

    fn through_the_gateway(&self, stage: &mut Stage, cases: &[Case]) -> Result<Vec<Outcome>> {
        let binary = weir::build(Profile::Debug)?;
        let folder = tempfile::tempdir()?;
        let mut target = Target::new(stage.server(), "leaks", "lab", stage.database());
        for (column, label) in LABELS {
            target = target.label(column, label);
        }
        Configuration::default()
            .target(target)
            .principal(MASKED, "human", &["masked"])
            .principal(
                CONTROL,
                "human",
                &["control", "pii-readers", "server-functions"],
            )
            .policy("leaks.cedar", POLICY)
            .write(folder.path())?;
        let mut gateway = Weir::start_binary(&binary, folder.path(), &[])?;

        let mut controls = HashMap::new();
        for case in cases {
            let seen = self.control(stage, &mut gateway, case)?;
            controls.insert(case.id.clone(), seen);
        }
        let mut outcomes = Vec::new();
        for case in cases {
            let (control, control_direct, control_errors) =
                controls.remove(&case.id).unwrap_or_default();
            let first = self.once(stage, case, World::First, Some((&mut gateway, MASKED)))?;
            let leak = self.leak(case, &first);
            let refused = first.broken.is_some()
                || first.errors().any(|fields| {
                    // The gateway says so in its DETAIL; what the control met too is the database's own error.
                    fields.detail().contains("\"decision\":\"deny\"")
                        || !control_errors.iter().any(|known| known == fields.code())
                });
            let verdict = match (&leak, refused) {
                (Some(_), _) => Verdict::Leaked,
                (None, true) => Verdict::Refused,
                (None, false) => Verdict::Masked,
            };
            let why = leak.or_else(|| first.trouble()).unwrap_or_default();
            outcomes.push((
                Outcome {
                    verdict,
                    control,
                    control_direct,
                    ..outcome(case, why)
                },
                first,
            ));
        }
        let pairs = stage.oid_pairs()?;
        let mut doubtful = Vec::new();
        for (case, (outcome, first)) in cases.iter().zip(&outcomes) {
            if outcome.verdict != Verdict::Leaked {
                let second = self.once(stage, case, World::Second, Some((&mut gateway, MASKED)))?;
                let same = |a: &str, b: &str| pairs.get(a).is_some_and(|other| other == b);
                doubtful.push(worlds::differ(case, first, &second, &same));
            } else {
                doubtful.push(None);
            }
        }
        let mut done = Vec::new();
        for ((case, (mut outcome, first)), difference) in cases.iter().zip(outcomes).zip(doubtful) {
            if let Some(difference) = difference {
                // What differs within one world too (times, oids) says nothing about masked values.
                let again = self.once(stage, case, World::First, Some((&mut gateway, MASKED)))?;
                match worlds::differ(case, &first, &again, &|_, _| false) {
                    None => {
                        outcome.verdict = Verdict::Leaked;
                        outcome.why = format!("two worlds: {difference}");
                    }
                    Some(noise) => {
                        eprintln!("{}: not comparable between worlds ({noise})", case.id);
                    }
                }
            }
            if self.verbose {
                eprintln!(
                    "{} {:?} control {}: {}",
                    case.id, outcome.verdict, outcome.control, outcome.why
                );
            }
            done.push(outcome);
        }
        Ok(done)
    }

    /// Whether one who sees raw sees raw: through the gateway, or else directly; and the SQLSTATEs he met.
    fn control(
        &self,
        stage: &mut Stage,
        gateway: &mut Weir,
        case: &Case,
    ) -> Result<(bool, bool, Vec<String>)> {
        let transcript = self.once(stage, case, World::First, Some((gateway, CONTROL)))?;
        let codes = |of: &Transcript| {
            of.errors()
                .map(|fields| fields.code().to_owned())
                .collect::<Vec<_>>()
        };
        if self.leak(case, &transcript).is_some() {
            return Ok((true, false, codes(&transcript)));
        }
        if self.verbose && case.leaks_unmasked {
            eprintln!(
                "{} control through the gateway: {}",
                case.id,
                transcript.trouble().unwrap_or_default()
            );
        }
        let direct = self.once(stage, case, World::First, None)?;
        let leaks = self.leak(case, &direct).is_some();
        Ok((leaks, leaks, codes(&direct)))
    }

    fn once(
        &self,
        stage: &mut Stage,
        case: &Case,
        world: World,
        through: Option<(&mut Weir, &str)>,
    ) -> Result<Transcript> {
        let anew = stage.ready(world)?;
        let function = match (case.kind, case.statements.first()) {
            (Kind::Fcall, Some(name)) => stage.function(name)?,
            _ => 0,
        };
        let connect: Connect = match through {
            None => stage.server().connect(stage.database()),
            Some((gateway, principal)) => {
                if anew {
                    // A database that was dropped and made anew is another database: nobody promises to notice.
                    gateway.resume()?;
                }
                gateway.connect(principal, "leaks")
            }
        };
        Ok(case::run(case, &connect, function))
    }

    fn leak(&self, case: &Case, transcript: &Transcript) -> Option<String> {
        match case.kind {
            Kind::Inf => worlds::statements_differ(case, transcript)
                .or_else(|| self.oracle_without_own_text(case, transcript)),
            Kind::Time => match transcript.took.as_slice() {
                [one, two, ..] if one.as_millis() >= two.as_millis() + 200 => {
                    Some(format!("{} ms ≠ {} ms", one.as_millis(), two.as_millis()))
                }
                _ => None,
            },
            _ => self
                .oracle
                .find(&transcript.answers, &transcript.bytes, case.oracle),
        }
    }

    /// The statements of an inference case carry guesses; an answer that repeats them gives nothing away.
    fn oracle_without_own_text(&self, case: &Case, transcript: &Transcript) -> Option<String> {
        if self
            .oracle
            .find(&[], case.statements.join(" ").as_bytes(), case.oracle)
            .is_some()
        {
            return None;
        }
        self.oracle
            .find(&transcript.answers, &transcript.bytes, case.oracle)
    }
}

fn outcome(case: &Case, why: String) -> Outcome {
    Outcome {
        id: case.id.clone(),
        class: case.class.clone(),
        verdict: Verdict::Refused,
        why,
        control: false,
        control_direct: false,
        expected: case.leaks_unmasked,
        statements: case.statements.clone(),
    }
}
