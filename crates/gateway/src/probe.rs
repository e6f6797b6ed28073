//! Looking at a target without serving it: for `weir check` and `weir explain`.

use std::time::Duration;

use session::World;

use crate::Error;
use crate::setup::{Login, Setup, Target as TargetSetup};
use crate::target::{Common, Target};
use crate::upstream::{Endpoint, Failure};

/// Logs in at `target` as `login` and leaves again; gives what the server says
/// it is, such as `PostgreSQL 15.18, TLS`.
///
/// # Errors
/// Why it did not work, for an operator.
pub async fn probe(
    target: &TargetSetup,
    login: &Login,
    patience: Duration,
) -> Result<String, Error> {
    let endpoint = Endpoint::new(target, patience)?;
    let parameters = [("application_name".to_owned(), "weir check".to_owned())];
    let mut connected = endpoint.log_in(login, &parameters).await?;
    let mut version = String::new();
    let sql = "SELECT pg_catalog.current_setting('server_version')";
    endpoint
        .rows(&mut connected, sql, |row| {
            version = row
                .first()
                .copied()
                .flatten()
                .unwrap_or_default()
                .to_owned();
        })
        .await?;
    let tls = if connected.stream.is_encrypted() {
        ", TLS"
    } else {
        ""
    };
    Ok(format!("PostgreSQL {version}{tls}"))
}

/// The world a target's sessions would be judged in, its catalog read now, and
/// the search path of its default login.
///
/// # Errors
/// A target that does not exist, cannot be reached, or whose catalog cannot be read.
pub async fn world(setup: Setup, target: &str) -> Result<(World, statement::Settings), Error> {
    let common = Common {
        policies: setup.policies,
        masker: setup.masker,
        limits: setup.limits,
        durability: setup.durability,
    };
    let unknown = || Failure::NoLogin {
        target: target.to_owned(),
        tier: "default".into(),
    };
    let found = setup
        .targets
        .into_iter()
        .find(|(name, _)| name == target)
        .ok_or_else(unknown)?
        .1;
    // Bindings are read, never written: explaining changes nothing.
    let target = Target::new(found, &common, &setup.state)?;
    target.look_only();
    let path = target.load_once().await?;
    let settings = statement::Settings {
        search_path: path,
        temp_schema: None,
        known: true,
    };
    Ok((target.into_world(), settings))
}

/// Looks at a sample of every column of a target, as Weir's own role; nothing is kept.
///
/// # Errors
/// A target that does not exist, cannot be reached, or whose catalog cannot be read.
pub async fn look_at_columns(
    setup: Setup,
    target: &str,
) -> Result<Vec<crate::labels::Found>, Error> {
    let common = Common {
        policies: setup.policies,
        masker: setup.masker,
        limits: setup.limits,
        durability: setup.durability,
    };
    let found = setup.targets.into_iter().find(|(name, _)| name == target);
    let (_, found) = found.ok_or_else(|| Failure::NoLogin {
        target: target.to_owned(),
        tier: "default".into(),
    })?;
    let target = Target::new(found, &common, &setup.state)?;
    target.look_only();
    let mut connection = None;
    target.look(&mut connection, 1).await?;
    Ok(target.look_at_all().await?)
}
