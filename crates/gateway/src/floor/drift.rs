//! Which rights the floor's role has and must not have.

use session::Drift;
use statement::{ColumnId, Oid};

use super::queries;
use crate::upstream::{Connected, Endpoint, Failure};

/// What the floor is checked for.
pub(crate) struct Question<'a> {
    /// The role masked sessions log in as.
    pub role: &'a str,
    /// The roles of everybody else: what PUBLIC loses is given to them.
    pub logins: &'a [String],
    /// Labelled columns with their relatives.
    pub labelled: &'a [ColumnId],
    /// Views that read labelled columns, or that nobody understands.
    pub tainted: &'a [Oid],
}

/// The answer.
#[derive(Default)]
pub(crate) struct Answer {
    /// Whether there is such a role.
    pub exists: bool,
    /// Rights to take back.
    pub drift: Vec<Drift>,
    /// Labelled columns, and generated columns computed from them.
    pub labelled: Vec<ColumnId>,
}

/// A role that the floor's role may become.
struct Reached {
    oid: Oid,
    name: String,
    itself: bool,
    attributes: Vec<&'static str>,
    login: bool,
}

const ATTRIBUTES: [&str; 5] = [
    "SUPERUSER",
    "BYPASSRLS",
    "CREATEROLE",
    "CREATEDB",
    "REPLICATION",
];

/// Asks the server. `open` has an empty search path.
pub(crate) async fn ask(
    endpoint: &Endpoint,
    open: &mut Connected,
    question: &Question<'_>,
) -> Result<Answer, Failure> {
    let mut answer = Answer::default();
    let mut reach: Vec<Reached> = Vec::new();
    endpoint
        .rows(open, &queries::reach(question.role), |row| {
            reach.extend(reached(row));
        })
        .await?;
    answer.exists = !reach.is_empty();
    let role = policy::quote_identifier(question.role).into_owned();
    if reach.iter().any(|r| r.attributes.contains(&"SUPERUSER")) {
        // Whatever else it may do is no news.
        answer
            .drift
            .extend(roles(&role, &reach).filter(|d| d.kind == "superuser"));
    } else {
        answer.drift.extend(roles(&role, &reach));
    }
    endpoint
        .rows(open, &queries::generated(question.labelled), |row| {
            if let (Some(relation), Some(attribute)) = (number(row, 0), number(row, 1)) {
                answer.labelled.push(ColumnId {
                    relation,
                    attribute,
                });
            }
        })
        .await?;
    if answer.drift.iter().any(|d| d.kind == "superuser") {
        return Ok(answer);
    }
    let oids: Vec<Oid> = reach.iter().map(|r| r.oid).collect();
    let sql = queries::rights(&answer.labelled, &oids, question.tainted);
    let mut found = Vec::new();
    endpoint
        .rows(open, &sql, |row| {
            let text = |n: usize| row.get(n).copied().flatten().unwrap_or_default();
            found.push(right(
                &role,
                question.logins,
                text(0),
                text(1),
                text(2),
                text(3),
                text(4),
            ));
        })
        .await?;
    answer.drift.extend(found);
    Ok(answer)
}

fn number<T: std::str::FromStr>(row: &[Option<&str>], at: usize) -> Option<T> {
    row.get(at).copied().flatten()?.parse().ok()
}

fn reached(row: &[Option<&str>]) -> Option<Reached> {
    let yes = |at: usize| row.get(at).copied().flatten() == Some("t");
    Some(Reached {
        oid: number(row, 0)?,
        name: row.get(1).copied().flatten()?.to_owned(),
        itself: yes(2),
        attributes: ATTRIBUTES
            .into_iter()
            .enumerate()
            .filter_map(|(n, word)| yes(n + 3).then_some(word))
            .collect(),
        login: yes(8),
    })
}

/// What the role is, and what it may become.
fn roles<'a>(role: &'a str, reach: &'a [Reached]) -> impl Iterator<Item = Drift> + 'a {
    reach.iter().flat_map(move |found| {
        let mut drift = Vec::new();
        let Reached { name, .. } = found;
        for attribute in &found.attributes {
            let (what, repair) = if found.itself {
                (
                    format!("has the attribute {attribute}"),
                    format!("ALTER ROLE {role} NO{attribute}"),
                )
            } else {
                (
                    format!("may become {name}, which has the attribute {attribute}"),
                    format!("REVOKE {name} FROM {role}"),
                )
            };
            drift.push(Drift {
                kind: attribute.to_lowercase(),
                object: name.clone(),
                what,
                repair: vec![repair],
            });
        }
        // Who owns the database is told as its owner.
        if !found.itself && name != "pg_database_owner" {
            drift.push(Drift {
                kind: "membership".to_owned(),
                object: name.clone(),
                what: format!("is a member of {name}"),
                repair: vec![format!("REVOKE {name} FROM {role}")],
            });
        }
        if found.itself && !found.login {
            drift.push(Drift {
                kind: "no-login".to_owned(),
                object: name.clone(),
                what: "may not log in".to_owned(),
                repair: vec![format!("ALTER ROLE {role} LOGIN")],
            });
        }
        drift
    })
}

/// One row of [`queries::rights`].
fn right(
    role: &str,
    logins: &[String],
    kind: &str,
    object: &str,
    on: &str,
    detail: &str,
    public: &str,
) -> Drift {
    // Takes it from the role and from PUBLIC; what PUBLIC had, the other logins keep.
    let revoke = |privileges: &str, class: &str, name: &str| -> Vec<String> {
        let mut repair = vec![format!("REVOKE {privileges} ON {class} {name} FROM {role}")];
        if !public.is_empty() {
            repair.push(format!("REVOKE {privileges} ON {class} {name} FROM PUBLIC"));
            let kept = if privileges == "ALL" {
                public
            } else {
                privileges
            };
            let grants = logins.iter().map(|login| {
                let login = policy::quote_identifier(login);
                format!("GRANT {kept} ON {class} {name} TO {login}")
            });
            repair.extend(grants);
        }
        repair
    };
    let (what, repair) = match kind {
        "column" => (format!("may {detail} {object}"), revoke("ALL", "TABLE", on)),
        "trigger" => (
            format!("may put triggers on {object}, which see its rows"),
            revoke("ALL", "TABLE", on),
        ),
        "view" => (
            format!("may use the view {object}, which reads labelled columns as its owner"),
            revoke("ALL", "TABLE", on),
        ),
        "foreign-table" => (
            format!("may read the foreign table {object}, whose rows lie elsewhere"),
            revoke("ALL", "TABLE", on),
        ),
        "catalog" => (format!("may read {object}"), revoke("ALL", "TABLE", on)),
        "rule" => (
            format!("may write to {object}, whose rules run as its owner"),
            revoke("ALL", "TABLE", on),
        ),
        "definer-trigger" => (
            format!(
                "may write to {object}, whose trigger {detail} runs as an owner who sees labelled columns"
            ),
            revoke("ALL", "TABLE", on),
        ),
        "definer" => (
            format!("may execute {object}, which runs as an owner who sees labelled columns"),
            revoke("EXECUTE", on, object),
        ),
        "extension" => (
            format!("may execute {object}, which reaches files, pages or other servers"),
            revoke("EXECUTE", on, object),
        ),
        "untrusted-language" => (
            format!("may execute {object}, whose language reaches the server's files"),
            revoke("EXECUTE", on, object),
        ),
        "server-function" => (
            format!("may execute {object}, which the server keeps from ordinary roles"),
            revoke("EXECUTE", on, object),
        ),
        "create" => {
            let (class, name) = object.split_once(' ').unwrap_or(("SCHEMA", object));
            (
                format!("may create objects in {class} {name}, which others then find there"),
                revoke("CREATE", class, name),
            )
        }
        "owner" => (
            format!("owns {object}"),
            vec![format!(
                "-- ALTER {object} OWNER TO a role that is not {role}"
            )],
        ),
        "user-mapping" => (
            format!("has a user mapping for {object}, by which it reaches another server"),
            vec![format!(
                "-- DROP USER MAPPING FOR {role} (or PUBLIC) {object}"
            )],
        ),
        "default-privilege" => {
            let of = object.strip_prefix("ROLE ").unwrap_or(object);
            let schema = match on {
                "" => String::new(),
                schema => format!(" IN SCHEMA {schema}"),
            };
            let from = public.split(", ").filter(|grantee| !grantee.is_empty());
            (
                format!("is given {detail} on every table that {of} makes"),
                from.map(|grantee| {
                    format!("ALTER DEFAULT PRIVILEGES FOR ROLE {of}{schema} REVOKE ALL ON TABLES FROM {grantee}")
                })
                .collect(),
            )
        }
        other => (format!("has a right on {object} ({other})"), Vec::new()),
    };
    Drift {
        kind: kind.to_owned(),
        object: object.to_owned(),
        what,
        repair,
    }
}
