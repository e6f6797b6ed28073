//! Settings that verdicts depend on, as the server last told them.
//!
//! Weir does not simulate PostgreSQL's settings: what may have changed them
//! marks them stale, and the next statement first asks the server (an errand).

use statement::Settings;

use crate::comment::Declared;

/// Statement that reads everything in [`Known`], one row in text format.
pub(crate) const QUESTION: &str = "SELECT \
 pg_catalog.array_to_string(pg_catalog.current_schemas(false), E'\\x01'), \
 (SELECT n.nspname FROM pg_catalog.pg_namespace n WHERE n.oid OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema()), \
 pg_catalog.current_setting('standard_conforming_strings'), \
 pg_catalog.current_setting('client_encoding'), \
 current_user, \
 pg_catalog.current_setting('weir.purpose', true), \
 pg_catalog.current_setting('weir.task', true), \
 pg_catalog.current_setting('weir.run', true), \
 pg_catalog.current_setting('weir.traceparent', true), \
 pg_catalog.current_setting('search_path'), \
 pg_catalog.current_setting('transaction_isolation')";

/// Statement that sets the path catalog queries are read under.
pub(crate) const SET_PATH: &str = "SELECT pg_catalog.set_config('search_path', $1, true)";

/// Statement that sets how the connection is called at the server.
pub(crate) const SET_NAME: &str = "SELECT pg_catalog.set_config('application_name', $1, $2)";

/// Effective settings and declared context.
#[derive(Debug)]
pub(crate) struct Known {
    pub settings: Settings,
    /// Must be read again before the next verdict.
    pub stale: bool,
    /// Digest of what was read; part of cache keys, which sessions share.
    pub version: u64,
    /// Context the client declared; claims, not proofs.
    pub declared: Declared,
    /// Queries of the open transaction see what had committed when it began:
    /// those that read the catalog as well, though names mean what they mean now.
    pub old_snapshot: bool,
    /// `search_path` as it is set, to put back after reading the catalog.
    pub path: String,
    row: Vec<Option<String>>,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            settings: Settings {
                search_path: Vec::new(),
                temp_schema: None,
                known: false,
            },
            stale: true,
            version: 0,
            declared: Declared::default(),
            old_snapshot: true,
            path: String::new(),
            row: Vec::new(),
        }
    }
}

impl Known {
    /// Context declared in start-up options.
    pub(crate) fn declare(&mut self, name: &str, value: &str) {
        let slot = match name {
            "weir.purpose" => &mut self.declared.purpose,
            "weir.task" => &mut self.declared.task,
            "weir.run" => &mut self.declared.run,
            "weir.traceparent" | "traceparent" => &mut self.declared.traceparent,
            _ => return,
        };
        *slot = Some(value.to_owned());
    }

    /// Takes the answer to [`QUESTION`]; `user` is the role Weir logged in with.
    pub(crate) fn read(&mut self, row: Vec<Option<String>>, user: &str) {
        self.stale = false;
        if row == self.row {
            return;
        }
        self.version = crate::cache::digest(&row);
        let text = |i: usize| {
            row.get(i)
                .and_then(|v| v.as_deref())
                .filter(|v| !v.is_empty())
        };
        let path = text(0).unwrap_or_default();
        self.settings = Settings {
            search_path: path
                .split('\u{1}')
                .filter(|s| !s.is_empty())
                .map(str::to_owned)
                .collect(),
            temp_schema: text(1).map(str::to_owned),
            known: text(2) == Some("on")
                && text(3) == Some("UTF8")
                && text(4) == Some(user)
                && row.len() == 11,
        };
        self.declared = Declared {
            purpose: text(5).map(str::to_owned),
            task: text(6).map(str::to_owned),
            run: text(7).map(str::to_owned),
            traceparent: text(8).map(str::to_owned),
        };
        self.old_snapshot = !matches!(text(10), Some("read committed" | "read uncommitted"));
        self.path = row.get(9).cloned().flatten().unwrap_or_default();
        self.row = row;
    }

    /// The question could not be answered: nothing is known.
    pub(crate) fn unknown(&mut self) {
        self.stale = false;
        self.version = 0;
        self.settings.known = false;
        self.row.clear();
    }
}
