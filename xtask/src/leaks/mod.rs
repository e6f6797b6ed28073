//! `cargo xtask leaks`: runs a corpus of exfiltration attempts through the gateway as a masked principal, and as a
//! control as one who sees raw values.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use clap::Args;

mod case;
mod corpus;
pub(crate) mod labels;
mod oracle;
mod report;
mod said;
mod stage;
pub(crate) mod worlds;

use case::Transcript;
use corpus::{Case, Kind};
use oracle::Oracle;
pub use report::Summary;
use report::{Outcome, Verdict};
use stage::{Stage, World};
use worlds::{Comparison, Pieces, Tokens, View, Which};

use crate::lab::weir::{self, Profile};
use crate::lab::{Configuration, Connect, Target, Weir};

/// Options of `cargo xtask leaks`.
#[derive(Args, Clone, Debug, Default)]
#[command(after_long_help = HELP)]
pub struct Leaks {
    /// The corpus; the repository's own when absent
    #[arg(long, value_name = "FILE")]
    pub corpus: Option<PathBuf>,
    /// The script that makes the database; the repository's own when absent
    #[arg(long, value_name = "FILE")]
    pub setup: Option<PathBuf>,
    /// The second oracle too: each case also in a database with other masked values
    #[arg(long)]
    pub worlds: bool,
    /// With the database floor laid (`weir floor apply`), so that masked sessions log in as its role
    #[arg(long)]
    pub floor: bool,
    /// Print one JSON document instead of the table
    #[arg(long)]
    pub json: bool,
    /// Fail when fewer percent of the classes direct, copy, cursor, prepare and extended are served
    #[arg(long, value_name = "PERCENT")]
    pub served: Option<usize>,
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

const HELP: &str = "\
Oracles:
  string  no canary, raw or (where a case says so) encoded, in any byte the masked principal receives
  worlds  two databases whose masked values are related by a bijection give equal bytes, order included; only
          stand-ins may differ, and only as the bijection says. Equality and NULLs are the same in both; lengths,
          order, characters and domains are not

Corpus: a list of {id, class, kind, statements, oracle, leaks_unmasked}; kinds are q, multi, x, xnd, xb, xp, inf, time,
  fcall and repl. `{{2.1.3}}` in a statement is the cell of the second statement's answer in row 1, column 3.

JSON: {\"summary\": {cases, leaked, masked, refused, control, silent, compared, control_worlds, unclear,
                 served_percent},
  \"cases\": [{id, class, verdict, why, oracle, worlds, control, control_direct,
                 control_worlds, expected, statements}]}
  verdict is masked, refused or leaked; oracle is string or worlds for a leak; worlds is same, noise, differ or unclear;
  control says whether one who sees raw values saw them, control_worlds whether the worlds' bytes differ for him.

Exit status: 0 when nothing leaked, the control leaked wherever the corpus says so and at most one case in 200 (or one
  in all) is unclear, 1 otherwise, 2 on an error.";

pub(crate) const MASKED: &str = "masked";
const CONTROL: &str = "control";

/// Where masked sessions log in when the floor is laid.
const FLOOR: &str =
    "[targets.leaks.floor]\nrole = \"weir_masked\"\npassword = { env = \"FLOOR_PASSWORD\" }\n";

/// The masked principal may do anything but run code we cannot see into and see raw values.
pub(crate) const POLICY: &str = r#"
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

/// Runs it; `false` when something leaked, the control was silent, too little was served or too much was unclear.
///
/// # Errors
/// When a server does not start or a file cannot be read.
pub fn run(options: &Leaks) -> Result<bool> {
    let summary = measure(options)?;
    let served = options
        .served
        .is_none_or(|least| summary.served_percent >= least);
    Ok(summary.silent == 0
        && (options.direct || summary.leaked == 0)
        && summary.is_clear()
        && served)
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

    let mut stage = Stage::new(&setup, &oracle::canaries())?;
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
        worlds: options.worlds,
        floor: options.floor,
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

/// How the one who sees raw fared in the first world.
#[derive(Default)]
struct Control {
    /// He saw something raw.
    saw: bool,
    /// Only on a direct connection.
    direct: bool,
    /// The SQLSTATEs he met.
    errors: Vec<String>,
    transcript: Transcript,
}

struct Bench {
    oracle: Oracle,
    worlds: bool,
    floor: bool,
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
        for column in stage.columns() {
            target = target.label(&column.path(), &column.label);
        }
        let mut configuration = Configuration::default()
            .target(target)
            .principal(MASKED, "human", &["masked"])
            .principal(
                CONTROL,
                "human",
                &["control", "pii-readers", "server-functions"],
            )
            .policy("leaks.cedar", POLICY);
        if self.floor {
            configuration.more = FLOOR.to_owned();
        }
        configuration.write(folder.path())?;
        let owner = stage.server().owner_url(stage.database());
        let environment = [
            ("WEIR_FLOOR_OWNER", owner.as_str()),
            ("FLOOR_PASSWORD", "lab-floor"),
        ];
        let mut gateway = Weir::start_binary(&binary, folder.path(), &environment)?;
        self.lay_floor(stage, &gateway)?;

        let mut controls = HashMap::new();
        for case in cases {
            let seen = self.control(stage, &mut gateway, case)?;
            controls.insert(case.id.clone(), seen);
        }
        let mut outcomes = Vec::new();
        let mut raw = Vec::new();
        for case in cases {
            let Control {
                saw: control,
                direct: control_direct,
                errors: control_errors,
                transcript,
            } = controls.remove(&case.id).unwrap_or_default();
            raw.push((transcript, control_direct));
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
            let oracle = leak.is_some().then_some("string");
            let why = leak.or_else(|| first.trouble()).unwrap_or_default();
            outcomes.push((
                Outcome {
                    verdict,
                    oracle,
                    control,
                    control_direct,
                    ..outcome(case, why)
                },
                first,
            ));
        }
        let mut done = Vec::new();
        if self.worlds {
            let (tokens, broken) = self.learn(stage, &mut gateway)?;
            done.extend(broken);
            self.second_world(stage, &mut gateway, cases, &mut outcomes, &tokens)?;
            self.control_again(stage, &mut gateway, cases, &mut outcomes, &raw)?;
        }
        for (outcome, _) in outcomes {
            if self.verbose {
                eprintln!(
                    "{} {:?} control {}: {}",
                    outcome.id, outcome.verdict, outcome.control, outcome.why
                );
            }
            done.push(outcome);
        }
        Ok(done)
    }

    /// Lays the database floor into the database in place.
    fn lay_floor(&self, stage: &mut Stage, gateway: &Weir) -> Result<()> {
        if self.floor {
            gateway.command(&[
                "floor",
                "apply",
                "--config",
                "weir.toml",
                "--target",
                "leaks",
            ])?;
            stage.settle()?;
        }
        Ok(())
    }

    /// Learns the stand-ins of both worlds: what the masked principal gets for each labelled column, text and binary.
    /// What a label declares and does not hold comes back as outcomes of their own.
    fn learn(&self, stage: &mut Stage, gateway: &mut Weir) -> Result<(Tokens, Vec<Outcome>)> {
        let columns = stage.columns().to_vec();
        let mut seen = Vec::new();
        for world in [World::First, World::Second] {
            if stage.ready(world)? {
                self.lay_floor(stage, gateway)?;
                gateway.resume()?;
            }
            if self.floor {
                // the database gives NULL for labelled columns: there are no stand-ins
                seen.push(Vec::new());
                continue;
            }
            seen.push(worlds::answers(
                &mut gateway.client(MASKED, "leaks")?,
                &columns,
            )?);
        }
        let [one, two] = seen.as_slice() else {
            anyhow::bail!("two worlds");
        };
        let (tokens, broken) = Tokens::learnt(one, two, stage.values());
        let broken = broken
            .into_iter()
            .map(|(column, why)| Outcome {
                id: column,
                class: "release".to_owned(),
                verdict: Verdict::Leaked,
                why,
                oracle: Some("worlds"),
                worlds: Some("differ"),
                control: false,
                control_direct: false,
                control_worlds: None,
                expected: false,
                statements: Vec::new(),
            })
            .collect();
        Ok((tokens, broken))
    }

    /// Runs every case that showed nothing raw in the second world too.
    fn second_world(
        &self,
        stage: &mut Stage,
        gateway: &mut Weir,
        cases: &[Case],
        outcomes: &mut [(Outcome, Transcript)],
        tokens: &Tokens,
    ) -> Result<()> {
        let newest_oid = stage.newest_oid();
        let in_pieces = |case: &Case, of: &Transcript, world: World| -> Pieces {
            let view = View {
                names: match world {
                    World::First => &tokens.first,
                    World::Second => &tokens.second,
                },
                newest_oid,
                own_text_differs: case::writes_back(case),
            };
            of.answers
                .iter()
                .flat_map(|answer| worlds::pieces(answer, view))
                .collect()
        };
        // one change of worlds for all, and then again for what is doubtful
        let mut seconds = Vec::new();
        for (case, (outcome, _)) in cases.iter().zip(outcomes.iter()) {
            let leaked = outcome.verdict == Verdict::Leaked;
            let second = (!leaked)
                .then(|| self.once(stage, case, World::Second, Some((gateway, MASKED))))
                .transpose()?;
            seconds.push(second.map(|second| in_pieces(case, &second, World::Second)));
        }
        for ((case, (outcome, first)), second) in cases.iter().zip(outcomes).zip(seconds) {
            let Some(second) = second else { continue };
            let one = in_pieces(case, first, World::First);
            let found = worlds::compare(&one, &second, |which| {
                let world = match which {
                    Which::First => World::First,
                    Which::Second => World::Second,
                };
                let again = self.once(stage, case, world, Some((gateway, MASKED)))?;
                anyhow::Ok(in_pieces(case, &again, world))
            })?;
            outcome.worlds = Some(match found {
                Comparison::Same => "same",
                Comparison::SameButNoise => "noise",
                Comparison::Differ(difference) => {
                    outcome.verdict = Verdict::Leaked;
                    outcome.oracle = Some("worlds");
                    outcome.why = format!("two worlds: {difference}");
                    "differ"
                }
                Comparison::Unclear(difference) => {
                    outcome.why = format!("differs from run to run: {difference}");
                    report::UNCLEAR
                }
            });
        }
        Ok(())
    }

    /// Runs the control in the second world too: an oracle that never fires proves nothing.
    fn control_again(
        &self,
        stage: &mut Stage,
        gateway: &mut Weir,
        cases: &[Case],
        outcomes: &mut [(Outcome, Transcript)],
        raw: &[(Transcript, bool)],
    ) -> Result<()> {
        let nothing = Tokens::default();
        let view = View {
            names: &nothing.first,
            newest_oid: stage.newest_oid(),
            own_text_differs: false,
        };
        let in_pieces = |of: &Transcript| -> Pieces {
            of.answers
                .iter()
                .flat_map(|answer| worlds::pieces(answer, view))
                .collect()
        };
        for ((case, (outcome, _)), (first, direct)) in cases.iter().zip(outcomes).zip(raw) {
            let through = (!direct).then_some((&mut *gateway, CONTROL));
            let second = self.once(stage, case, World::Second, through)?;
            outcome.control_worlds = Some(in_pieces(first) != in_pieces(&second));
        }
        Ok(())
    }

    /// Whether one who sees raw sees raw: through the gateway, or else directly; and the SQLSTATEs he met.
    fn control(&self, stage: &mut Stage, gateway: &mut Weir, case: &Case) -> Result<Control> {
        let transcript = self.once(stage, case, World::First, Some((gateway, CONTROL)))?;
        let codes = |of: &Transcript| {
            of.errors()
                .map(|fields| fields.code().to_owned())
                .collect::<Vec<_>>()
        };
        if self.leak(case, &transcript).is_some() {
            return Ok(Control {
                saw: true,
                direct: false,
                errors: codes(&transcript),
                transcript,
            });
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
        Ok(Control {
            saw: leaks,
            direct: leaks,
            errors: codes(&direct),
            transcript: direct,
        })
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
                    self.lay_floor(stage, gateway)?;
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
            Kind::Inf => said::statements_differ(case, transcript)
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
        oracle: None,
        worlds: None,
        control: false,
        control_direct: false,
        control_worlds: None,
        expected: case.leaks_unmasked,
        statements: case.statements.clone(),
    }
}
