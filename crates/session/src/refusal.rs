//! What a client is told when a statement does not run.
//!
//! Registry of codes: `docs/errors.md`. A refusal never carries values, hosts
//! or policy internals beyond the rule's id.

use serde_json::json;

/// Who is at fault, and with it which SQLSTATE a refusal carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Policy forbids it, or nothing permits it.
    Policy,
    /// Weir cannot analyse it and the principal does not hold `opaque`.
    Opaque,
    /// A masked column is used in a way that would release its values.
    Masked,
    /// More rows than the cap.
    RowCap,
    /// A name that does not resolve.
    Unknown,
    /// The text is not SQL.
    Syntax,
    /// Too long, too deep, too many.
    Limit,
    /// The protocol feature is not served.
    Unsupported,
    /// The ledger does not take entries.
    Ledger,
    /// The server's answer differs from what was proven.
    Mismatch,
}

impl Cause {
    /// Word for `DETAIL` and the ledger.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Cause::Policy => "policy",
            Cause::Opaque => "opaque",
            Cause::Masked => "masked",
            Cause::RowCap => "row_cap",
            Cause::Unknown => "unknown_name",
            Cause::Syntax => "syntax",
            Cause::Limit => "limit",
            Cause::Unsupported => "unsupported",
            Cause::Ledger => "ledger",
            Cause::Mismatch => "mismatch",
        }
    }
}

/// One refusal, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub cause: Cause,
    /// SQLSTATE, from the registry.
    pub code: &'static str,
    /// One human sentence.
    pub message: String,
    /// Policy id or built-in rule name.
    pub rule: String,
    /// Objects concerned, `schema.name` or `schema.name.column`.
    pub objects: Vec<String>,
    /// What to do instead.
    pub hint: Option<String>,
    /// 1-based character position in the client's text.
    pub position: Option<u32>,
}

impl Refusal {
    /// A refusal of `cause` by the built-in rule `rule`.
    #[must_use]
    pub fn new(cause: Cause, rule: &str, message: impl Into<String>) -> Self {
        let code = match cause {
            Cause::Policy | Cause::Opaque | Cause::Masked => "42501",
            Cause::RowCap | Cause::Limit => "54000",
            Cause::Unknown => "42P01",
            Cause::Syntax => "42601",
            Cause::Unsupported => "0A000",
            Cause::Ledger => "58030",
            Cause::Mismatch => "XX000",
        };
        Self {
            cause,
            code,
            message: message.into(),
            rule: rule.to_owned(),
            objects: Vec::new(),
            hint: None,
            position: None,
        }
    }

    /// With another SQLSTATE.
    #[must_use]
    pub fn code(mut self, code: &'static str) -> Self {
        self.code = code;
        self
    }

    /// With what to do instead.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With the objects concerned.
    #[must_use]
    pub fn objects(mut self, objects: Vec<String>) -> Self {
        self.objects = objects;
        self
    }

    /// The DETAIL field: JSON, version 1 (docs/errors.md).
    #[must_use]
    pub fn detail(&self, request: &str) -> String {
        json!({
            "v": 1,
            "decision": "deny",
            "cause": self.cause.word(),
            "rule": self.rule,
            "objects": self.objects,
            "request": request,
        })
        .to_string()
    }
}
