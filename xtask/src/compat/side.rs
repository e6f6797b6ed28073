//! The two ways to the same kind of server: directly, and through the gateway.

use std::path::Path;

use anyhow::Result;
use tempfile::TempDir;

use crate::lab::postgres::{PASSWORD, SUPERUSER, Settings};
use crate::lab::{Configuration, Postgres, Target, Weir};

/// Where a suite connects.
#[derive(Clone, Debug)]
pub(super) struct Side {
    pub(super) name: &'static str,
    pub(super) port: u16,
    pub(super) user: String,
    pub(super) password: String,
    pub(super) database: String,
}

impl Side {
    /// What libpq and the suites read.
    pub(super) fn environment(&self) -> Vec<(String, String)> {
        [
            ("PGHOST", "127.0.0.1".to_owned()),
            ("PGPORT", self.port.to_string()),
            ("PGUSER", self.user.clone()),
            ("PGPASSWORD", self.password.clone()),
            ("PGDATABASE", self.database.clone()),
            ("PSYCOPG2_TESTDB", self.database.clone()),
            ("PSYCOPG2_TESTDB_HOST", "127.0.0.1".to_owned()),
            ("PSYCOPG2_TESTDB_PORT", self.port.to_string()),
            ("PSYCOPG2_TESTDB_USER", self.user.clone()),
            ("PSYCOPG2_TESTDB_PASSWORD", self.password.clone()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    /// A server of one's own, directly.
    pub(super) fn direct(server: &Postgres) -> Side {
        Side {
            name: "direct",
            port: server.port(),
            user: SUPERUSER.to_owned(),
            password: PASSWORD.to_owned(),
            database: "postgres".to_owned(),
        }
    }
}

/// A gateway in front of a server, for a principal who may do everything and sees raw values.
#[derive(Debug)]
pub(super) struct Through {
    gateway: Weir,
    _folder: TempDir,
}

const EVERYTHING: &str = "@id(\"everything\")\npermit (principal, action, resource);\n";

impl Through {
    /// The principal and the target are called as the superuser and the database are, so that suites find what they
    /// expect.
    pub(super) fn start(binary: &Path, server: &Postgres) -> Result<Through> {
        let folder = tempfile::tempdir()?;
        Configuration::default()
            .target(Target::new(server, "postgres", "lab", "postgres"))
            .principal(SUPERUSER, "human", &["everything"])
            .policy("everything.cedar", EVERYTHING)
            .write(folder.path())?;
        Ok(Through {
            gateway: Weir::start_binary(binary, folder.path(), &[])?,
            _folder: folder,
        })
    }

    pub(super) fn side(&self) -> Side {
        Side {
            name: "weir",
            port: self.gateway.port(),
            user: SUPERUSER.to_owned(),
            password: self.gateway.key(SUPERUSER).to_owned(),
            database: "postgres".to_owned(),
        }
    }
}

/// A server with what suites ask for.
pub(super) fn server() -> Result<Postgres> {
    let server = Postgres::start_with(&Settings {
        configuration: vec![
            "max_prepared_transactions = 10".to_owned(),
            "wal_level = logical".to_owned(),
        ],
        ..Settings::default()
    })?;
    Ok(server)
}
