//! Commands in groups that dashboards can tell apart, few enough to be labels.

/// A group of commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Select,
    Insert,
    Update,
    Delete,
    Merge,
    Copy,
    Call,
    Cursor,
    Prepared,
    Definition,
    Transaction,
    Setting,
    Opaque,
    Other,
}

impl Command {
    /// All, in the order of their numbers.
    pub(super) const ALL: [Command; 14] = [
        Command::Select,
        Command::Insert,
        Command::Update,
        Command::Delete,
        Command::Merge,
        Command::Copy,
        Command::Call,
        Command::Cursor,
        Command::Prepared,
        Command::Definition,
        Command::Transaction,
        Command::Setting,
        Command::Opaque,
        Command::Other,
    ];

    /// The group of a command tag.
    pub(super) fn of(tag: &str) -> Command {
        match tag.split(' ').next().unwrap_or_default() {
            "SELECT" | "VALUES" | "TABLE" => Command::Select,
            "INSERT" => Command::Insert,
            "UPDATE" => Command::Update,
            "DELETE" => Command::Delete,
            "MERGE" => Command::Merge,
            "COPY" => Command::Copy,
            "CALL" | "DO" => Command::Call,
            "DECLARE" | "FETCH" | "MOVE" | "CLOSE" => Command::Cursor,
            "PREPARE" if tag == "PREPARE TRANSACTION" => Command::Transaction,
            "PREPARE" | "EXECUTE" | "DEALLOCATE" => Command::Prepared,
            "CREATE" | "ALTER" | "DROP" | "TRUNCATE" | "COMMENT" | "GRANT" | "REVOKE"
            | "REINDEX" | "REFRESH" | "IMPORT" | "SECURITY" | "REASSIGN" => Command::Definition,
            "BEGIN" | "START" | "COMMIT" | "END" | "ROLLBACK" | "ABORT" | "SAVEPOINT"
            | "RELEASE" => Command::Transaction,
            "SET" | "RESET" | "SHOW" | "DISCARD" => Command::Setting,
            "OPAQUE" => Command::Opaque,
            _ => Command::Other,
        }
    }

    /// Its name as a label.
    pub(super) fn name(self) -> &'static str {
        match self {
            Command::Select => "select",
            Command::Insert => "insert",
            Command::Update => "update",
            Command::Delete => "delete",
            Command::Merge => "merge",
            Command::Copy => "copy",
            Command::Call => "call",
            Command::Cursor => "cursor",
            Command::Prepared => "prepared",
            Command::Definition => "definition",
            Command::Transaction => "transaction",
            Command::Setting => "setting",
            Command::Opaque => "opaque",
            Command::Other => super::OTHER,
        }
    }
}
