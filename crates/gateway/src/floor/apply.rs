//! Looking at a target's floor, and laying it, without serving the target.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use identity::{Secret, Verifier};
use session::Drift;
use statement::{ColumnId, Oid};

use super::plan::{Facts, Plan};
use super::{Question, missing, queries, quoted};
use crate::setup::{Login, Setup, Target as TargetSetup};
use crate::target::{Common, Target};
use crate::upstream::{Connected, Endpoint, Failure};
use crate::{Error, random};

/// How an owner's connection sees a statement that is being run.
pub enum Floored<'a> {
    /// It is about to run.
    Runs(&'a str),
    /// The password's verifier is about to be set; it is not shown.
    Password,
    /// All of it is in force.
    Committed,
}

/// Rights to take back from the floor's role of `target`, and how.
///
/// # Errors
/// A target without a floor, that cannot be reached, or whose catalog cannot be read.
pub async fn check(setup: Setup, target: &str) -> Result<Vec<Drift>, Error> {
    let target = looked_at(setup, target).await?;
    let world = target.world();
    let drift = world.floor.as_ref().map(|floor| floor.drift.to_vec());
    let mut drift = drift.unwrap_or_default();
    drift.extend(world.labels.unresolved().iter().map(|name| Drift {
        kind: "label".into(),
        object: name.clone(),
        what: format!("cannot be kept from {name}, which is labelled and does not exist"),
        repair: vec!["-- correct [targets.….labels] in weir.toml".into()],
    }));
    Ok(drift)
}

async fn looked_at(setup: Setup, target: &str) -> Result<std::sync::Arc<Target>, Error> {
    let common = Common {
        policies: setup.policies,
        masker: setup.masker,
        limits: setup.limits,
        durability: setup.durability,
    };
    let found = setup
        .targets
        .into_iter()
        .find(|(name, target_setup)| name == target && target_setup.floor.is_some());
    let Some((_, found)) = found else {
        return Err(Error::NoFloor(target.to_owned()));
    };
    let target = Target::new(found, &common, &setup.state)?;
    target.look_only();
    let mut connection = None;
    target.look(&mut connection, 1).await?;
    Ok(target)
}

/// The statements that lay the floor of `target`.
///
/// # Errors
/// As [`check`].
pub async fn plan(setup: Setup, target: &str) -> Result<Plan, Error> {
    let target = looked_at(setup, target).await?;
    let login = target.login("default")?.clone();
    let mut open = target.endpoint.log_in(&login, &parameters()).await?;
    let world = target.world();
    let labelled = target.labelled(&world.labels, &world.catalog);
    let tainted = super::tainted(&world.catalog, &world.labels, world.limits);
    let Some(floor) = &target.setup.floor else {
        return Err(Error::NoFloor(target.setup.name.clone()));
    };
    let logins = target.ordinary_roles();
    let question = Question {
        role: &floor.user,
        logins: &logins,
        labelled: &labelled,
        tainted: &tainted,
    };
    let answer = super::ask(&target.endpoint, &mut open, &question).await?;
    let labelled = types(&target.endpoint, &mut open, &answer.labelled).await?;
    let (readable, present) = present(&target.endpoint, &mut open).await?;
    let mut plain = target.endpoint.log_in(&login, &[]).await?;
    let mut path = Vec::new();
    let sql = "SELECT pg_catalog.unnest(pg_catalog.current_schemas(false))";
    target
        .endpoint
        .rows(&mut plain, sql, |row| path.extend(text(row, 0)))
        .await?;
    let nobody = missing(&floor.user);
    let drift: Vec<Drift> = answer.drift.into_iter().filter(|d| *d != nobody).collect();
    let facts = Facts {
        target: &target.setup.name,
        database: &target.setup.database,
        role: &floor.user,
        catalog: &world.catalog,
        labelled: &labelled,
        readable: &readable,
        tainted: &tainted,
        path: &path,
        present: &present,
        drift: &drift,
    };
    Ok(facts.plan())
}

fn text(row: &[Option<&str>], at: usize) -> Option<String> {
    row.get(at).copied().flatten().map(str::to_owned)
}

fn parameters() -> Vec<(String, String)> {
    [
        ("application_name", "weir floor"),
        ("client_encoding", "UTF8"),
        ("search_path", ""),
        ("standard_conforming_strings", "on"),
    ]
    .map(|(n, v)| (n.to_owned(), v.to_owned()))
    .into()
}

/// The type of each column, a domain's being its base type's: a domain may refuse NULL.
async fn types(
    endpoint: &Endpoint,
    open: &mut Connected,
    labelled: &[ColumnId],
) -> Result<BTreeMap<ColumnId, String>, Failure> {
    let mut found = BTreeMap::new();
    let sql = queries::types(labelled);
    endpoint
        .rows(open, &sql, |row| {
            let number = |at| text(row, at);
            if let (Some(relation), Some(attribute), Some(ty)) = (number(0), number(1), number(2))
                && let (Ok(relation), Ok(attribute)) = (relation.parse(), attribute.parse())
            {
                let column = ColumnId {
                    relation,
                    attribute,
                };
                found.insert(column, ty);
            }
        })
        .await?;
    Ok(found)
}

/// Relations the connection's role reads, and masking views there are.
async fn present(
    endpoint: &Endpoint,
    open: &mut Connected,
) -> Result<(BTreeSet<Oid>, Vec<(String, String)>), Failure> {
    let mut readable = BTreeSet::new();
    let mut views = Vec::new();
    endpoint
        .rows(open, &queries::present(), |row| {
            if text(row, 3).as_deref() == Some("t") {
                readable.extend(text(row, 0).and_then(|oid| oid.parse::<Oid>().ok()));
            }
            if let (Some(schema), Some(name), Some("t")) =
                (text(row, 1), text(row, 2), text(row, 4).as_deref())
            {
                views.push((schema, name));
            }
        })
        .await?;
    Ok((readable, views))
}

/// Runs `plan` in one transaction on `owner`, a connection of somebody who may, and sets the role's password there.
/// `show` is told each statement before it runs.
///
/// # Errors
/// The first statement that fails; then none of it is in force.
pub async fn apply(
    plan: &Plan,
    owner: &TargetSetup,
    login: &Login,
    floor: &Login,
    patience: Duration,
    mut show: impl FnMut(Floored<'_>),
) -> Result<(), Error> {
    let endpoint = Endpoint::new(owner, patience)?;
    let mut open = endpoint.log_in(login, &parameters()).await?;
    endpoint.rows(&mut open, "BEGIN", |_| {}).await?;
    for statement in plan.steps.iter().flat_map(|step| &step.statements) {
        show(Floored::Runs(statement));
        endpoint.rows(&mut open, statement, |_| {}).await?;
    }
    if let Some(password) = &floor.password {
        show(Floored::Password);
        let verifier = verifier(password)?;
        let sql = format!(
            "ALTER ROLE {} PASSWORD {}",
            quoted(&floor.user),
            queries::literal(verifier.expose())
        );
        endpoint.rows(&mut open, &sql, |_| {}).await?;
    }
    endpoint.rows(&mut open, "COMMIT", |_| {}).await?;
    show(Floored::Committed);
    Ok(())
}

/// What the server keeps instead of the password, so that the password itself is not sent.
fn verifier(password: &Secret<String>) -> Result<Secret<String>, Error> {
    let salt = random::bytes::<{ identity::SALT_BYTES }>().map_err(|_| Error::Random)?;
    let verifier = Verifier::derive(password.expose(), &salt, identity::DEFAULT_ITERATIONS);
    Ok(Secret::new(verifier.to_string()))
}
