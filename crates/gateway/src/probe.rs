//! Looking at a target without serving it: for `weir check`, `weir explain` and `weir labels`.

use std::sync::Arc;
use std::time::Duration;

use session::World;
use statement::{ColumnId, Oid};

use crate::Error;
use crate::labels::Found;
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
    // Bindings are read, never written: explaining changes nothing.
    let target = looked_at(setup, target).await?;
    let settings = statement::Settings {
        search_path: target.search_path().await?,
        temp_schema: None,
        known: true,
    };
    Ok((target.into_world(), settings))
}

/// Looks at a sample of every column of a target, as Weir's own role; nothing is kept.
///
/// # Errors
/// A target that does not exist, cannot be reached, or whose catalog cannot be read.
pub async fn look_at_columns(setup: Setup, target: &str) -> Result<Vec<Found>, Error> {
    Ok(looked_at(setup, target).await?.look_at_all().await?)
}

/// A column as it is now.
pub struct Bound {
    /// The database it is in, if that tells.
    pub database: Option<String>,
    /// Which it is.
    pub column: ColumnId,
    /// `pg_type.oid`.
    pub type_oid: Oid,
    /// Values are stored in it: it is none of a view.
    pub stored: bool,
}

/// The column that bears a name now; `None` if there is none.
///
/// # Errors
/// A target that does not exist, cannot be reached, or whose catalog cannot be read.
pub async fn column(
    setup: Setup,
    target: &str,
    [schema, relation, column]: [&str; 3],
) -> Result<Option<Bound>, Error> {
    let target = looked_at(setup, target).await?;
    let catalog = Arc::clone(&target.world().catalog);
    let bound = || {
        let table = catalog.relation(schema, relation)?;
        let column = catalog.column(schema, relation, column)?;
        Some(Bound {
            database: target.database(),
            column,
            type_oid: catalog.column_type(column)?.0,
            stored: table.view_definition.is_none(),
        })
    };
    Ok(bound())
}

/// A target with its catalog read, which writes nothing.
async fn looked_at(setup: Setup, target: &str) -> Result<Arc<Target>, Error> {
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
    target.look(&mut None, 1).await?;
    Ok(target)
}
