//! The principal in `application_name`, for people who read the views and logs
//! of the database.
//!
//! A client may set the name. It is shown its own, and before its next statement
//! the server is given both. Nothing is decided by it: `weir.principal` is what
//! code in the database may rely on.

use wire::postgres as pg;

use super::Machine;
use super::errand::Question;
use super::step::Step;

/// The setting.
const NAME: &[u8] = b"application_name";
/// Longest name a server keeps, bytes (NAMEDATALEN - 1).
const LIMIT_BYTES: usize = 63;

/// `psql [alice]`: the client's name first, the principal never cut.
#[must_use]
pub fn attributed(application: &str, principal: &str) -> String {
    let own = format!("[{principal}]");
    let room = LIMIT_BYTES.saturating_sub(own.len() + 1);
    let mut end = application.len().min(room);
    while !application.is_char_boundary(end) {
        end -= 1;
    }
    match application.get(..end) {
        Some(kept) if !kept.is_empty() => format!("{kept} {own}"),
        _ => own,
    }
}

/// The client's part of a name that ends with the principal.
fn clients<'a>(name: &'a str, principal: &str) -> Option<&'a str> {
    let rest = name.strip_suffix(&format!("[{principal}]"))?;
    if rest.is_empty() {
        Some(rest)
    } else {
        rest.strip_suffix(' ')
    }
}

impl Machine {
    /// The server tells of a setting.
    pub(super) fn parameter_status(&mut self, name: &[u8], value: &[u8], raw: &[u8]) {
        if name != NAME {
            self.to_client.buffer().extend_from_slice(raw);
            return;
        }
        if matches!(self.queue.front(), Some(Step::Errand(_))) {
            // Weir's own doing.
            return;
        }
        let value = String::from_utf8_lossy(value);
        let principal = &self.names.principal;
        let own = clients(&value, principal);
        self.rename = own.is_none().then(|| attributed(&value, principal));
        let shown = own.unwrap_or(&value);
        pg::encode::parameter_status(self.to_client.buffer(), NAME, shown.as_bytes());
    }

    /// The question that puts the principal back, if the client took it out.
    ///
    /// Inside a transaction for as long as it lasts: what holds after it is told
    /// when it ends.
    pub(super) fn attribution(&mut self) -> Option<Question> {
        let local = self.in_transaction();
        let name = self.rename.take()?;
        Some(Question::Attribution { name, local })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attribution_keeps_the_principal_whole() {
        assert_eq!(attributed("psql", "alice"), "psql [alice]");
        assert_eq!(attributed("", "alice"), "[alice]");
        assert!(attributed(&"ä".repeat(60), "alice").ends_with(" [alice]"));
        assert!(attributed(&"ä".repeat(60), "alice").len() <= LIMIT_BYTES);
    }

    #[test]
    fn the_clients_part_is_told_from_the_principals() {
        assert_eq!(clients("psql [alice]", "alice"), Some("psql"));
        assert_eq!(clients("[alice]", "alice"), Some(""));
        for other in ["psql", "psql[alice]", "x [bob]", "x [alice] "] {
            assert_eq!(clients(other, "alice"), None, "{other}");
        }
    }
}
