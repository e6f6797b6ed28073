//! What `weir audit search` asks for.

use datafusion::functions::expr_fn::{chr, concat, lower, strpos};
use datafusion::functions_nested::expr_fn::{array_has, array_to_string};
use datafusion::logical_expr::{Expr, col, lit};
use datafusion::scalar::ScalarValue;

/// Statements to be found: all that is given must fit.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Id of the principal.
    pub who: Option<String>,
    /// Id of the human an agent acts for.
    pub on_behalf_of: Option<String>,
    /// Session id.
    pub session: Option<String>,
    /// Name of the target.
    pub target: Option<String>,
    /// Object it uses: `schema.name`, or a name in any schema.
    pub object: Option<String>,
    /// Labelled column it uses: `schema.relation.column`, or the end of that.
    pub column: Option<String>,
    /// What it does to an object; to that one, if one is given.
    pub verb: Option<String>,
    /// `allow`, `deny` or `ask`.
    pub decision: Option<String>,
    /// How it ended.
    pub status: Option<String>,
    /// Label of a column it uses.
    pub label: Option<String>,
    /// Digest of its shape, or the beginning of it.
    pub fingerprint: Option<String>,
    /// Text in its shape, in upper or lower case.
    pub text: Option<String>,
    /// From this time on, microseconds since 1970 UTC.
    pub since_us: Option<i64>,
    /// Before this time.
    pub until_us: Option<i64>,
    /// Most that are wanted.
    pub limit: usize,
}

/// Stands between the items of a list, and in none of them.
const SEPARATOR: i64 = 31;

impl Query {
    pub(super) fn filter(&self) -> Vec<Expr> {
        let mut all = Vec::new();
        for (column, value) in [
            ("principal", &self.who),
            ("on_behalf_of", &self.on_behalf_of),
            ("session", &self.session),
            ("target", &self.target),
            ("decision", &self.decision),
            ("status", &self.status),
        ] {
            if let Some(value) = value {
                all.push(col(column).eq(lit(value.as_str())));
            }
        }
        match (&self.verb, &self.object) {
            (Some(verb), Some(object)) if object.contains('.') => {
                all.push(array_has(col("uses"), lit(format!("{verb} {object}"))));
            }
            (verb, object) => {
                if let Some(verb) = verb {
                    all.push(array_has(col("verbs"), lit(verb.as_str())));
                }
                if let Some(object) = object {
                    all.push(ends_with("objects", object));
                }
            }
        }
        if let Some(column) = &self.column {
            all.push(ends_with("labelled_columns", column));
        }
        if let Some(label) = &self.label {
            all.push(array_has(col("labels"), lit(label.as_str())));
        }
        if let Some(fingerprint) = &self.fingerprint {
            all.push(strpos(col("fingerprint"), lit(fingerprint.to_lowercase())).eq(lit(1)));
        }
        if let Some(text) = &self.text {
            all.push(strpos(lower(col("shape")), lit(text.to_lowercase())).gt(lit(0)));
        }
        let time = |us: i64| {
            lit(ScalarValue::TimestampMicrosecond(
                Some(us),
                Some("UTC".into()),
            ))
        };
        all.extend(self.since_us.map(|us| col("at").gt_eq(time(us))));
        all.extend(self.until_us.map(|us| col("at").lt(time(us))));
        all
    }
}

/// Whether an item of a list is this name, or ends with a dot and it.
fn ends_with(list: &str, name: &str) -> Expr {
    let end = || chr(lit(SEPARATOR));
    let items = concat(vec![array_to_string(col(list), end()), end()]);
    let exact = array_has(col(list), lit(name));
    let name = concat(vec![lit(format!(".{name}")), end()]);
    exact.or(strpos(items, name).gt(lit(0)))
}
