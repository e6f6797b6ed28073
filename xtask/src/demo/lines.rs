//! The four lines a visitor pastes, and what each must show.

/// A line for one principal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    /// Who runs it, in words.
    pub(crate) role: &'static str,
    /// The principal.
    pub(crate) principal: &'static str,
    /// The target.
    pub(crate) target: &'static str,
    /// Statements, one `-c` each.
    pub(crate) statements: &'static [&'static str],
    /// What they show, told before they are run.
    pub(crate) shows: &'static str,
    /// What must stand in the output.
    pub(crate) present: &'static [&'static str],
    /// What must not.
    pub(crate) absent: &'static [&'static str],
}

/// Raw values of customer 1: nobody in this demo may see them.
pub(crate) const RAW_COLUMNS: &str = "select name, email, phone from customers where id = 1";

pub(crate) const LINES: &[Line] = &[
    Line {
        role: "engineer",
        principal: "alice",
        target: "prod-app",
        statements: &[
            "select id, name, email, plan, country from customers order by id limit 3",
            "select plan, count(*) from customers group by plan order by plan",
            "drop table customers",
        ],
        shows: "stand-ins for names and addresses, true plans and counts; the DROP is refused, with the rule that says so",
        present: &["enterprise", "ERROR", "production"],
        absent: &[],
    },
    Line {
        role: "support",
        principal: "sam",
        target: "prod-app",
        statements: &[
            "select id, subject, body, status from support_tickets order by id limit 2",
            "copy customers to stdout",
        ],
        shows: "tickets with their text replaced; the export is refused",
        present: &["ERROR"],
        absent: &["Please answer to"],
    },
    Line {
        role: "agent",
        principal: "helper",
        target: "prod-app",
        statements: &[
            "select status, count(*) from payments group by status order by status",
            "select * from payments",
            "delete from payments where id = 1",
        ],
        shows: "counts; then an error at row 1001, because agents are capped; the DELETE is refused, because agents only read",
        present: &["refunded", "ERROR", "read-only"],
        absent: &[],
    },
    Line {
        role: "pipeline",
        principal: "nightly",
        target: "prod-app",
        statements: &[
            "copy (select customer_id, name, value from features order by 1, 2 limit 3) to stdout with (format csv, header)",
            "copy (select id, email from customers order by id limit 2) to stdout with (format csv, header)",
            "update customers set plan = 'free' where id = 1",
        ],
        shows: "an export of features as they are, one of customers with stand-ins; the UPDATE is refused",
        present: &["churn_risk", "ERROR"],
        absent: &[],
    },
];

impl Line {
    /// The line as a shell takes it.
    pub(crate) fn shell(&self, port: u16, key: &str) -> String {
        let statements: Vec<String> = self
            .statements
            .iter()
            .map(|text| format!("-c {}", quote(text)))
            .collect();
        format!(
            "PGPASSWORD={key} psql -X -h 127.0.0.1 -p {port} -U {} {} {}",
            self.principal,
            self.target,
            statements.join(" ")
        )
    }

    /// What the output lacks or should not have, in words.
    pub(crate) fn fault(&self, output: &str, raw: &[String]) -> Option<String> {
        if output.contains("(no end after") {
            return Some("it did not end".to_owned());
        }
        for wanted in self.present {
            if !output.contains(wanted) {
                return Some(format!("`{wanted}` is not in it"));
            }
        }
        if let Some(found) = self.absent.iter().find(|word| output.contains(**word)) {
            return Some(format!("`{found}` is in it"));
        }
        raw.iter()
            .any(|value| output.contains(value.as_str()))
            .then(|| "a raw value of customer 1 is in it".to_owned())
    }
}

fn quote(text: &str) -> String {
    if text.contains('\'') {
        format!("\"{text}\"")
    } else {
        format!("'{text}'")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_statement_needs_more_than_plain_quoting() {
        for line in LINES {
            assert!(
                line.statements
                    .iter()
                    .all(|text| !text.contains(['"', '$', '`', '\\', '!'])),
                "{line:?}"
            );
        }
    }

    #[test]
    fn a_raw_value_in_the_output_is_a_fault() {
        let line = Line {
            present: &["x"],
            ..LINES[0]
        };
        assert_eq!(line.fault("x", &["Ada".into()]), None);
        assert!(line.fault("x Ada", &["Ada".into()]).is_some());
        assert!(line.fault("Bob", &["Ada".into()]).is_some());
    }
}
