//! `weir check`: everything that can be wrong before the gateway serves.

use anyhow::Result;
use clap::Args;
use identity::Principal;
use policy::Policies;
use serde::Serialize;

use super::output::Output;
use super::{ConfigFile, Ended, Format};
use crate::config::{Config, Destination, Login, Target, nearest};
use crate::keyfile;
use crate::reach::Reach;

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Do not connect to the targets
    #[arg(long)]
    offline: bool,
    #[command(flatten)]
    config: ConfigFile,
    #[command(flatten)]
    format: Format,
}

/// How one check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    Warning,
    Error,
    Skipped,
}

#[derive(Debug, Serialize)]
struct Finding {
    state: State,
    /// What was looked at.
    subject: String,
    /// What was found.
    finding: String,
}

#[derive(Default)]
struct Report(Vec<Finding>);

impl Report {
    fn add(&mut self, state: State, subject: impl Into<String>, finding: impl Into<String>) {
        self.0.push(Finding {
            state,
            subject: subject.into(),
            finding: finding.into(),
        });
    }
}

impl Check {
    pub(crate) fn run(
        self,
        output: &mut Output,
        reach: &dyn Fn(&Target, &Login) -> Reach,
    ) -> Result<Ended> {
        let mut report = Report::default();
        let file = self.config.path().display().to_string();
        match self.config.load() {
            Err(error) => report.add(State::Error, "configuration", format!("{error:#}")),
            Ok(config) => {
                report.add(State::Ok, "configuration", file);
                policies(&config, &mut report);
                secrets(&config, &mut report);
                principals(&config, &mut report);
                listeners(&config, &mut report);
                outputs(&config, &mut report);
                targets(&config, &mut report, |target, login| {
                    if self.offline {
                        Reach::Skipped
                    } else {
                        reach(target, login)
                    }
                });
            }
        }
        if self.format.json {
            output.json(&report.0)?;
        } else {
            let wide = report
                .0
                .iter()
                .map(|f| f.subject.chars().count())
                .max()
                .unwrap_or(0);
            for Finding {
                state,
                subject,
                finding,
            } in &report.0
            {
                let state = match state {
                    State::Ok => output.paint.green("ok     "),
                    State::Warning => output.paint.yellow("warning"),
                    State::Error => output.paint.red("error  "),
                    State::Skipped => output.paint.dim("skipped"),
                };
                let finding = finding.replace('\n', &format!("\n{:1$}", "", wide + 11));
                output.line(format!("{state}  {subject:wide$}  {finding}"))?;
            }
        }
        let failed = report.0.iter().any(|finding| finding.state == State::Error);
        Ok(if failed {
            Ended::WithFindings
        } else {
            Ended::Well
        })
    }
}

fn policies(config: &Config, report: &mut Report) {
    let files = match config.policy_files() {
        Ok(files) => files,
        Err(error) => return report.add(State::Error, "policies", format!("{error:#}")),
    };
    match Policies::load(&files) {
        Ok(policies) => {
            report.add(
                State::Ok,
                "policies",
                super::policy::summary(&policies, files.len()),
            );
            // A misspelt group silently holds nothing.
            for principal in config.principals.values() {
                for group in &principal.groups {
                    let literal = format!("Group::{group:?}");
                    if !files.iter().any(|(_, text)| text.contains(&literal)) {
                        let finding = format!("no policy speaks of the group {group}");
                        report.add(
                            State::Warning,
                            format!("principal {}", principal.id),
                            finding,
                        );
                    }
                }
            }
        }
        Err(problems) => {
            for problem in problems {
                report.add(State::Error, "policies", problem.to_string());
            }
        }
    }
}

fn secrets(config: &Config, report: &mut Report) {
    match config.masking.key.read_key() {
        Ok(_) => report.add(State::Ok, "masking key", config.masking.key.to_string()),
        Err(error) => report.add(State::Error, "masking key", format!("{error:#}")),
    }
    if let Some(remark) = config.masking.key.exposed() {
        report.add(State::Warning, "masking key", remark);
    }
    for (name, target) in &config.targets {
        for (tier, login) in &target.logins {
            let subject = format!("target {name}, login {tier}");
            let Some(source) = &login.password else {
                continue;
            };
            match source.read() {
                Ok(_) => report.add(State::Ok, &subject, format!("password from {source}")),
                Err(error) => report.add(State::Error, &subject, format!("{error:#}")),
            }
            if let Some(remark) = source.exposed() {
                report.add(State::Warning, &subject, remark);
            }
        }
    }
}

fn principals(config: &Config, report: &mut Report) {
    let ring = match keyfile::load(&config.keys) {
        Ok(ring) => ring,
        Err(error) => return report.add(State::Error, "keys", format!("{error:#}")),
    };
    let now_ms = keyfile::now_ms();
    let active = |principal: &Principal| {
        ring.as_ref()
            .is_some_and(|r| r.active(&principal.id, now_ms).next().is_some())
    };
    let without: Vec<&str> = config
        .principals
        .values()
        .filter(|p| !active(p))
        .map(|p| p.id.as_str())
        .collect();
    if config.principals.is_empty() {
        report.add(
            State::Warning,
            "principals",
            "there are none: nobody can connect",
        );
    } else if without.is_empty() {
        report.add(State::Ok, "keys", "every principal has an active key");
    } else {
        let finding = format!(
            "no active key: {} (weir key create NAME)",
            without.join(", ")
        );
        report.add(State::Warning, "keys", finding);
    }
    for key in ring.iter().flat_map(|ring| ring.keys()) {
        if config.principal(&key.principal).is_none() && key.revoked_ms.is_none() {
            let finding = format!(
                "{} belongs to {}, who is not among the principals",
                key.id, key.principal
            );
            report.add(State::Warning, "keys", finding);
        }
    }
    for principal in config.principals.values() {
        if !config
            .targets
            .values()
            .any(|target| target.login(&principal.tier).is_some())
        {
            let finding = format!("no target has a login of tier {}", principal.tier);
            report.add(
                State::Warning,
                format!("principal {}", principal.id),
                finding,
            );
        }
    }
}

fn listeners(config: &Config, report: &mut Report) {
    for listener in &config.listeners {
        let subject = format!("listener {}", listener.address);
        let Some(tls) = &listener.tls else {
            if listener.address.ip().to_canonical().is_loopback() {
                report.add(State::Ok, subject, "without TLS, on loopback");
            } else {
                report.add(
                    State::Warning,
                    subject,
                    "without TLS: statements and rows travel in clear",
                );
            }
            continue;
        };
        for (what, path, begin) in [
            (
                "certificate",
                &tls.certificate,
                "-----BEGIN CERTIFICATE-----",
            ),
            ("key", &tls.key, "PRIVATE KEY-----"),
        ] {
            match std::fs::read_to_string(path) {
                Ok(text) if text.contains(begin) => {
                    report.add(State::Ok, &subject, format!("{what} {}", path.display()))
                }
                Ok(_) => report.add(
                    State::Error,
                    &subject,
                    format!("{} holds no {what} in PEM", path.display()),
                ),
                Err(error) => report.add(
                    State::Error,
                    &subject,
                    format!("cannot read {}: {error}", path.display()),
                ),
            }
        }
    }
}

fn outputs(config: &Config, report: &mut Report) {
    for output in &config.outputs {
        let subject = format!("output {}", output.name);
        if !output.disclose.is_empty() {
            let finding = format!("is told {} in clear", output.disclose.join(", "));
            report.add(State::Warning, &subject, finding);
        }
        let Some(remote) = output.remote() else {
            if let Destination::File { path, .. } = &output.to {
                report.add(State::Ok, &subject, format!("file {}", path.display()));
            }
            continue;
        };
        let ca = remote.ca.as_ref().map(|path| (path, std::fs::read(path)));
        if let Some((path, Err(error))) = ca {
            let finding = format!("cannot read {}: {error}", path.display());
            report.add(State::Error, &subject, finding);
        }
        if remote.endpoint.is_clear() {
            let finding = format!("{} without TLS: events travel in clear", remote.endpoint);
            report.add(State::Warning, &subject, finding);
        }
        let Some(token) = &remote.token else {
            report.add(State::Ok, &subject, remote.endpoint.to_string());
            continue;
        };
        match token.read() {
            Ok(_) => {
                let finding = format!("{}, token from {token}", remote.endpoint);
                report.add(State::Ok, &subject, finding);
            }
            Err(error) => report.add(State::Error, &subject, format!("{error:#}")),
        }
        if let Some(remark) = token.exposed() {
            report.add(State::Warning, &subject, remark);
        }
    }
}

fn targets(config: &Config, report: &mut Report, reach: impl Fn(&Target, &Login) -> Reach) {
    for (name, target) in &config.targets {
        if let Some(ca) = &target.ca
            && let Err(error) = std::fs::read(ca)
        {
            report.add(
                State::Error,
                format!("target {name}"),
                format!("cannot read {}: {error}", ca.display()),
            );
        }
        if target.observe {
            report.add(
                State::Warning,
                format!("target {name}"),
                "observe = true: policy refuses nothing here",
            );
        }
        for (column, label) in &target.labels {
            let known = || {
                mask::labels()
                    .map(|label| label.to_string())
                    .collect::<Vec<_>>()
            };
            let word = label.to_string();
            if !known().contains(&word.replace('_', "-"))
                && let Some(meant) = nearest(&word, known().iter().map(String::as_str))
            {
                let finding = format!(
                    "{column} is labelled {word}, which is redacted; did you mean {meant}?"
                );
                report.add(State::Warning, format!("target {name}"), finding);
            }
        }
        for (tier, login) in &target.logins {
            let place = format!(
                "{}@{}:{}/{}",
                login.user, target.host, target.port, target.database
            );
            let (state, finding) = match reach(target, login) {
                Reach::Answered(what) => (State::Ok, format!("{place} answers: {what}")),
                Reach::Failed(why) => (State::Error, format!("{place}: {why}")),
                Reach::Skipped => (State::Skipped, format!("{place} was not tried")),
            };
            report.add(state, format!("target {name}, login {tier}"), finding);
        }
    }
}
