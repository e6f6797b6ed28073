//! Who acts: a human, an agent for a human, or a workload.

use crate::error::Error;
use serde::{Deserialize, Serialize};

/// Longest principal id, in bytes.
const MAX_ID_BYTES: usize = 128;

/// A principal as the operator declared it. Holding one says nothing about proof: the session makes
/// a principal its own only after an exchange in [`crate::scram`] (or another proof) succeeded.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Principal {
    /// The name used to log in and in policy, such as `alice`.
    pub id: String,
    /// What sort of principal it is.
    pub kind: Kind,
    /// Groups it belongs to, as policy names them.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Selects the upstream login role.
    pub tier: String,
}

impl Principal {
    /// The human whose rights bound this principal's, if it acts for one.
    pub fn on_behalf_of(&self) -> Option<&str> {
        match &self.kind {
            Kind::Agent { on_behalf_of } => Some(on_behalf_of),
            Kind::Human | Kind::Workload => None,
        }
    }
}

/// The sort of a principal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Kind {
    /// A person.
    Human,
    /// Software that acts for a person; both must be allowed.
    Agent {
        /// Id of the human it acts for.
        on_behalf_of: String,
    },
    /// A service or pipeline that acts for itself.
    Workload,
}

impl Kind {
    /// The word policy and ledger use.
    pub fn name(&self) -> &'static str {
        match self {
            Kind::Human => "human",
            Kind::Agent { .. } => "agent",
            Kind::Workload => "workload",
        }
    }
}

/// Checks that `id` may name a principal: 1 to 128 bytes, no white space, no control characters
/// (they would not survive a log line or a connection string).
pub fn check_principal_id(id: &str) -> Result<(), Error> {
    let fits = !id.is_empty() && id.len() <= MAX_ID_BYTES;
    let clean = !id.chars().any(|c| c.is_control() || c.is_whitespace());
    if fits && clean {
        Ok(())
    } else {
        Err(Error::PrincipalId)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_each_kind_and_refuses_unknown_fields() {
        for text in [
            r#"{"id":"alice","kind":"human","groups":["eng"],"tier":"rw"}"#,
            r#"{"id":"bot","kind":{"agent":{"on_behalf_of":"alice"}},"groups":[],"tier":"ro"}"#,
            r#"{"id":"etl","kind":"workload","groups":[],"tier":"ro"}"#,
        ] {
            let principal: Principal = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&principal).unwrap(), text);
        }
        for text in [
            r#"{"id":"a","kind":"human","tier":"x","group":[]}"#,
            r#"{"id":"a","kind":"robot","tier":"x"}"#,
            r#"{"id":"a","kind":{"agent":{"on_behalf_of":"b","also":1}},"tier":"x"}"#,
            r#"{"id":"a","kind":"agent","tier":"x"}"#,
        ] {
            assert!(serde_json::from_str::<Principal>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn ids_are_short_and_printable() {
        for id in ["alice", "alice@example.org", "spiffe://corp/ns/a", "Zoë"] {
            assert_eq!(check_principal_id(id), Ok(()), "{id}");
        }
        for id in ["", "a b", "a\n", "a\0", &"x".repeat(129)] {
            assert_eq!(check_principal_id(id), Err(Error::PrincipalId), "{id:?}");
        }
    }
}
