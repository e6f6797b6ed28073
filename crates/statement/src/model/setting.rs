//! Changes of settings.

/// A change of a setting by SET, RESET or `set_config`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetChange {
    /// The setting's name in lower case; empty for RESET ALL.
    pub name: String,
    /// How long it lasts.
    pub scope: SetScope,
    /// What it becomes. Holds literals of the statement.
    pub value: SetValue,
    /// RESET, or SET … TO DEFAULT.
    pub is_reset: bool,
    /// RESET ALL.
    pub reset_all: bool,
}

/// How long a change lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SetScope {
    /// SET or SET SESSION: until the session ends, or the transaction is rolled back.
    Session,
    /// SET LOCAL: until the transaction ends.
    Local,
}

/// What a setting becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetValue {
    /// These words, in order: more than one for settings that are lists.
    Literal(Vec<String>),
    /// The default.
    Default,
    /// SET … FROM CURRENT, which keeps the present value.
    FromCurrent,
    /// Something that only the server can compute.
    NotConstant,
}

/// What a change of a setting means for the reading of later statements and results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SettingClass {
    /// It changes neither meaning nor what results tell.
    Harmless,
    /// It changes how names or values are read, in a way the session models.
    Modelled,
    /// It changes the meaning of statements or what results tell, or is not known.
    Meaning,
    /// It is kept for the gateway itself.
    Reserved,
}

/// Settings that change neither the meaning of a statement nor what a result tells about rows it does not show.
const HARMLESS: [&str; 30] = [
    "application_name",
    "client_min_messages",
    "commit_delay",
    "commit_siblings",
    "deadlock_timeout",
    "default_transaction_deferrable",
    "default_transaction_isolation",
    "default_transaction_read_only",
    "effective_io_concurrency",
    "hash_mem_multiplier",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    "jit",
    "lc_messages",
    "lock_timeout",
    "maintenance_work_mem",
    "restrict_nonsystem_relation_kind",
    "row_security",
    "statement_timeout",
    "synchronize_seqscans",
    "synchronous_commit",
    "tcp_keepalives_count",
    "tcp_keepalives_idle",
    "tcp_keepalives_interval",
    "temp_buffers",
    "transaction_deferrable",
    "transaction_isolation",
    "transaction_read_only",
    "transaction_timeout",
    "work_mem",
];

/// Settings whose value the session follows.
const MODELLED: [&str; 9] = [
    "bytea_output",
    "client_encoding",
    "datestyle",
    "extra_float_digits",
    "intervalstyle",
    "search_path",
    "standard_conforming_strings",
    "timezone",
    "xmlbinary",
];

impl SetChange {
    /// What the change means.
    pub fn class(&self) -> SettingClass {
        let name = self.name.as_str();
        if self.reset_all {
            return SettingClass::Meaning;
        }
        if matches!(name, "weir.purpose" | "weir.task" | "weir.run") {
            return SettingClass::Harmless;
        }
        if name.starts_with("weir.") || name == "traceparent" || name.starts_with("traceparent.") {
            return SettingClass::Reserved;
        }
        if HARMLESS.binary_search(&name).is_ok() {
            return SettingClass::Harmless;
        }
        if MODELLED.binary_search(&name).is_ok() {
            return SettingClass::Modelled;
        }
        SettingClass::Meaning
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn settings_are_sorted() {
        assert!(super::HARMLESS.is_sorted());
        assert!(super::MODELLED.is_sorted());
    }
}
