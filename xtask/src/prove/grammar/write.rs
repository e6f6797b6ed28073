//! Statements that write.

use super::Kind::{Addr, Email, Int, Phone, Ssn, Uid};
use super::{Column, Grammar, Kind, RELATIONS};

impl Grammar {
    pub(super) fn write(&mut self) -> String {
        let returning = self.pick(&[
            "",
            " returning *",
            " returning id",
            " returning email",
            " returning length(email)",
        ]);
        let own = |alias: &str, columns: &[(&str, Kind)]| -> Vec<Column> {
            columns
                .iter()
                .map(|(name, kind)| Column {
                    name: format!("{alias}.{name}"),
                    kind: *kind,
                })
                .collect()
        };
        let people: &[(&str, Kind)] = RELATIONS.first().map_or(&[], |r| r.1);
        match self.below(12) {
            0 => format!(
                "update people c set region = 'x' where {}{returning}",
                self.condition(&own("c", people))
            ),
            1 => {
                let (column, kind) = self.assigned();
                let value = self.constant(kind);
                format!(
                    "update people c set {column} = {value} where {}{returning}",
                    self.condition(&own("c", people))
                )
            }
            2 => format!(
                "delete from events c where {}{returning}",
                self.condition(&own("c", &[("id", Int), ("email", Email)]))
            ),
            3 => {
                let value = self.constant(Email);
                format!("insert into kin (id, email) values (9, {value}){returning}")
            }
            4 => {
                let (value, ssn) = (self.constant(Email), self.constant(Ssn));
                let conflict = self.pick(&[
                    "",
                    " on conflict (id) do nothing",
                    " on conflict do nothing",
                    " on conflict (email) do update set n = 9",
                ]);
                format!(
                    "insert into people (id, email, ssn) values ({}, {value}, {ssn}){conflict}{returning}",
                    1 + self.below(20)
                )
            }
            5 => format!(
                "insert into kin (id, email) select id, email from {}",
                self.pick(&["people", "contacts", "events", "eu"])
            ),
            6 => format!(
                "insert into clean (id, label) select id + 100, {} from people",
                self.pick(&["region", "email", "ssn", "'x'"])
            ),
            7 => {
                let other = self.pick(&["backup", "email", "note", "ssn", "region"]);
                format!("update people set backup = {other} where id < 4")
            }
            8 => {
                let on = self.pick(&["c.id = k.person_id", "c.email = k.email", "c.ssn = k.ssn"]);
                format!(
                    "update people c set region = k.kind from contacts k where {on} returning c.id, k.kind, c.email"
                )
            }
            9 => {
                let on = self.pick(&["c.id = k.id", "c.email = k.email", "c.backup = k.email"]);
                let action = self.pick(&[
                    "update set region = 'm'",
                    "delete",
                    "do nothing",
                    "update set backup = k.email",
                ]);
                format!("merge into people c using kin k on {on} when matched then {action}")
            }
            10 => {
                let lock = self.pick(&["for update", "for share skip locked"]);
                format!(
                    "select id, email from people c where {} {lock}",
                    self.condition(&own("c", people))
                )
            }
            _ => format!(
                "with w as (update people c set n = 7 where {} returning id, email) select * from w",
                self.condition(&own("c", people))
            ),
        }
    }

    pub(super) fn assigned(&mut self) -> (&'static str, Kind) {
        let all = [
            ("backup", Email),
            ("ssn", Ssn),
            ("phone", Phone),
            ("uid", Uid),
            ("addr", Addr),
            ("region", Email),
            ("note", Email),
        ];
        let place = self.below(all.len());
        all.get(place).copied().unwrap_or(("backup", Email))
    }

    pub(super) fn look(&mut self) -> String {
        self.pick(&[
            "select id, region, n from people order by id",
            "select id, email, backup, ssn from people order by id",
            "select count(*) from events",
            "select * from kin order by id",
            "select id, label from clean order by id",
        ])
        .to_owned()
    }
}
