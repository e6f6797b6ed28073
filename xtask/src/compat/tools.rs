//! Everyday tools for a masked principal: what they ask of the catalog must be answered as PostgreSQL does.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::junit::Outcomes;
use super::python;
use super::side::Side;
use crate::lab::{Connect, Postgres, Weir, install};
use crate::{demo, lab::postgres::PASSWORD};

/// Every backslash command of psql that asks the server.
const BACKSLASH: &[&str] = &[
    "\\d",
    "\\d+",
    "\\d customers",
    "\\d+ customers",
    "\\d open_tickets",
    "\\dS",
    "\\da",
    "\\dA",
    "\\dAc",
    "\\dAf",
    "\\dAo",
    "\\dAp",
    "\\db",
    "\\dc",
    "\\dC",
    "\\dd",
    "\\dD",
    "\\ddp",
    "\\dE",
    "\\des",
    "\\det",
    "\\deu",
    "\\dew",
    "\\df",
    "\\dF",
    "\\dFd",
    "\\dFp",
    "\\dFt",
    "\\dg",
    "\\di",
    "\\di+",
    "\\dl",
    "\\dL",
    "\\dm",
    "\\dn",
    "\\dn+",
    "\\do",
    "\\dO",
    "\\dp",
    "\\dP",
    "\\drds",
    "\\dRp",
    "\\dRs",
    "\\ds",
    "\\dt",
    "\\dt+",
    "\\dT",
    "\\dT+",
    "\\du",
    "\\dv",
    "\\dv+",
    "\\dx",
    "\\dX",
    "\\dy",
    "\\l",
    "\\z",
    "\\sv open_tickets",
    "\\conninfo",
    "\\encoding",
    "\\dconfig work_mem",
];

/// The demo's server and gateway, and both ways to it.
#[derive(Debug)]
pub(super) struct Tools {
    _server: Postgres,
    _gateway: Weir,
    _folder: TempDir,
    direct: Side,
    through: Side,
}

impl Tools {
    pub(super) fn start(binary: &Path) -> Result<Tools> {
        let server = demo::databases()?;
        let folder = tempfile::tempdir()?;
        demo::configuration(&server).write(folder.path())?;
        let gateway = Weir::start_binary(binary, folder.path(), &[])?;
        let direct = Side {
            name: "direct",
            port: server.port(),
            user: demo::LOGIN.to_owned(),
            password: PASSWORD.to_owned(),
            database: "app_prod".to_owned(),
        };
        let Connect {
            port,
            user,
            password,
            database,
            ..
        } = gateway.connect("alice", "prod-app");
        let through = Side {
            name: "weir",
            port,
            user,
            password,
            database,
        };
        Ok(Tools {
            _server: server,
            _gateway: gateway,
            _folder: folder,
            direct,
            through,
        })
    }

    /// Both sides' outcomes: a check passes when it exits well; through Weir, when it also prints what it prints
    /// directly.
    pub(super) fn run(&self, folder: &Path) -> Result<(Outcomes, Outcomes)> {
        let (mut direct, mut through) = (Outcomes::new(), Outcomes::new());
        for (name, command) in self.checks(folder)? {
            let one = shown(&command, &self.direct)?;
            let two = shown(&command, &self.through)?;
            let alone = match &one {
                Ok(_) => "passed".to_owned(),
                Err(said) => format!("failed ({})", last_line(said)),
            };
            let beside = if one == two {
                alone.clone()
            } else {
                difference(&one, &two)
            };
            direct.insert(name.clone(), alone);
            through.insert(name, beside);
        }
        Ok((direct, through))
    }

    fn checks(&self, folder: &Path) -> Result<Vec<(String, Vec<String>)>> {
        let words = |all: &[&str]| {
            all.iter()
                .map(|word| (*word).to_owned())
                .collect::<Vec<_>>()
        };
        let mut checks: Vec<(String, Vec<String>)> = BACKSLASH
            .iter()
            .map(|text| {
                (
                    format!("psql {text}"),
                    words(&["psql", "-X", "-v", "ON_ERROR_STOP=1", "-c", text]),
                )
            })
            .collect();
        checks.push((
            "psql \\gdesc".to_owned(),
            words(&[
                "sh",
                "-c",
                "printf '%s\\n' 'select * from customers \\gdesc' | psql -X",
            ]),
        ));
        checks.push((
            "pg_dump --schema-only".to_owned(),
            words(&["pg_dump", "--schema-only", "--no-owner"]),
        ));
        match python::environment(
            folder,
            &[
                "sqlalchemy==2.0.44",
                "psycopg2-binary",
                "django==5.2.8",
                "pgcli==4.3.0",
            ],
        ) {
            Err(error) => println!("SKIPPED: SQLAlchemy, Django, pgcli: {error:#}"),
            Ok(python) => {
                for (name, text) in [
                    ("SQLAlchemy reflection", SQLALCHEMY),
                    ("Django inspectdb", DJANGO),
                    ("pgcli completion", PGCLI),
                ] {
                    let file = folder.join(format!(
                        "introspect_{}.py",
                        name.split(' ').next().unwrap_or_default()
                    ));
                    fs::write(&file, text)?;
                    checks.push((
                        name.to_owned(),
                        vec![python.display().to_string(), file.display().to_string()],
                    ));
                }
            }
        }
        let jar = Path::new("/usr/share/java/postgresql.jar");
        if install::on_path("java").is_some()
            && install::package("libpostgresql-jdbc-java", "the JDBC driver").is_ok()
            && jar.is_file()
        {
            let file = folder.join("Introspect.java");
            fs::write(&file, JAVA)?;
            checks.push((
                "pgjdbc DatabaseMetaData".to_owned(),
                vec![
                    "java".into(),
                    "-cp".into(),
                    jar.display().to_string(),
                    file.display().to_string(),
                ],
            ));
        } else {
            println!("SKIPPED: pgjdbc: no java");
        }
        Ok(checks)
    }
}

/// The line that tells what went wrong, or else the last one.
fn last_line(text: &str) -> String {
    let told = text
        .lines()
        .find(|line| line.contains("ERROR") || line.contains("error:"));
    told.or_else(|| text.trim().lines().next_back())
        .unwrap_or_default()
        .chars()
        .take(240)
        .collect()
}

/// The first line that is not the same, in words.
fn difference(one: &Result<String, String>, two: &Result<String, String>) -> String {
    match (one, two) {
        (_, Err(said)) => format!("failed ({})", last_line(said)),
        (Err(_), Ok(_)) => "passed".to_owned(),
        (Ok(one), Ok(two)) => {
            let unlike = one.lines().zip(two.lines()).find(|(a, b)| a != b);
            unlike.map_or_else(
                || {
                    format!(
                        "printed {} lines instead of {}",
                        two.lines().count(),
                        one.lines().count()
                    )
                },
                |(a, b)| format!("printed `{}` instead of `{}`", last_line(b), last_line(a)),
            )
        }
    }
}

/// What a command prints, with what names the side made equal.
fn shown(command: &[String], side: &Side) -> Result<Result<String, String>> {
    let (program, arguments) = command.split_first().context("no command")?;
    let out = Command::new(program)
        .args(arguments)
        .envs(side.environment())
        .env("PAGER", "cat")
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {program}"))?;
    let even = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes)
            .replace(&side.port.to_string(), "PORT")
            .replace(&format!("\"{}\"", side.user), "\"USER\"")
            .replace(&format!("\"{}\"", side.database), "\"DATABASE\"");
        // pg_dump draws a new word for these at every run.
        let drawn =
            |line: &&str| !line.starts_with("\\restrict ") && !line.starts_with("\\unrestrict ");
        text.lines()
            .filter(drawn)
            .map(|line| format!("{line}\n"))
            .collect::<String>()
    };
    Ok(if out.status.success() {
        Ok(even(&out.stdout))
    } else {
        Err(even(&out.stderr))
    })
}

const SQLALCHEMY: &str = r#"
import os
from sqlalchemy import create_engine, inspect, MetaData
engine = create_engine("postgresql+psycopg2://", connect_args={})
found = inspect(engine)
for table in sorted(found.get_table_names()):
    print(table, [(c["name"], str(c["type"]), c["nullable"]) for c in found.get_columns(table)])
    print(found.get_pk_constraint(table), found.get_foreign_keys(table), found.get_indexes(table), found.get_unique_constraints(table), found.get_check_constraints(table), found.get_table_comment(table))
print(sorted(found.get_view_names()), found.get_view_definition("open_tickets"), found.get_sequence_names(), found.get_enums(), found.get_schema_names())
all_of_it = MetaData(); all_of_it.reflect(engine, views=True)
print(sorted(all_of_it.tables))
"#;

const DJANGO: &str = r#"
import os, django
from django.conf import settings
settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": os.environ["PGDATABASE"], "USER": os.environ["PGUSER"], "PASSWORD": os.environ["PGPASSWORD"], "HOST": os.environ["PGHOST"], "PORT": os.environ["PGPORT"]}}, INSTALLED_APPS=[])
django.setup()
from django.core.management import call_command
call_command("inspectdb", "--include-views")
"#;

const PGCLI: &str = r#"
import os
from pgcli.pgexecute import PGExecute
from pgcli.completion_refresher import CompletionRefresher
from pgspecial.main import PGSpecial
executor = PGExecute(os.environ["PGDATABASE"], os.environ["PGUSER"], os.environ["PGPASSWORD"], os.environ["PGHOST"], os.environ["PGPORT"])
print(sorted(executor.schemata()), sorted(executor.tables()), sorted(executor.views()))
print(sorted(map(str, executor.table_columns())), sorted(map(str, executor.view_columns())), sorted(map(str, executor.foreignkeys())))
print(len(list(executor.functions())), len(list(executor.datatypes())), executor.search_path())
"#;

const JAVA: &str = r#"
import java.sql.*;
public class Introspect {
    static void print(ResultSet rows) throws SQLException {
        int width = rows.getMetaData().getColumnCount();
        while (rows.next()) {
            StringBuilder line = new StringBuilder();
            for (int i = 1; i <= width; i++) line.append(rows.getString(i)).append('|');
            System.out.println(line);
        }
    }
    public static void main(String[] arguments) throws Exception {
        String url = "jdbc:postgresql://" + System.getenv("PGHOST") + ":" + System.getenv("PGPORT") + "/" + System.getenv("PGDATABASE");
        try (Connection c = DriverManager.getConnection(url, System.getenv("PGUSER"), System.getenv("PGPASSWORD"))) {
            DatabaseMetaData m = c.getMetaData();
            print(m.getSchemas());
            print(m.getTables(null, "public", "%", null));
            print(m.getColumns(null, "public", "%", "%"));
            print(m.getPrimaryKeys(null, "public", "customers"));
            print(m.getImportedKeys(null, "public", "payments"));
            print(m.getExportedKeys(null, "public", "customers"));
            print(m.getIndexInfo(null, "public", "customers", false, false));
            print(m.getTypeInfo());
            print(m.getFunctions(null, "public", "%"));
            print(m.getProcedures(null, "public", "%"));
        }
    }
}
"#;
