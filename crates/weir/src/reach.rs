//! Whether a target answers, for `weir check`.

use std::time::Duration;

use anyhow::Result;

use crate::config::{Login, Target};

/// How long a target may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What came of a trial login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The login worked; what the server says it is, such as `PostgreSQL 16.4, TLS 1.3`.
    Answered(String),
    /// It did not; one sentence.
    Failed(String),
    /// Nobody tried.
    Skipped,
}

/// Logs in to `target` as `login` and leaves again.
#[must_use]
pub fn reach(target: &Target, login: &Login) -> Reach {
    let readable = |login: &Login| {
        login
            .password
            .as_ref()
            .is_none_or(|password| password.read().is_ok())
    };
    if !target.logins.values().all(readable) {
        // Which secret is missing is a finding of its own.
        return Reach::Skipped;
    }
    let tried = (|| -> Result<String> {
        let setup = crate::setup::target(target)?;
        let password = login
            .password
            .as_ref()
            .map(crate::config::SecretSource::read)
            .transpose()?;
        let login = gateway::setup::Login {
            user: login.user.clone(),
            password,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        Ok(runtime.block_on(gateway::probe(&setup, &login, PATIENCE))?)
    })();
    match tried {
        Ok(answer) => Reach::Answered(answer),
        Err(error) => Reach::Failed(format!("{error:#}")),
    }
}
