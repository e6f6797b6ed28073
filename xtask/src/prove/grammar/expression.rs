//! Outputs, conditions and constants.

use super::Kind::{
    Addr, Born, Email, Int, Note, Phone, Profile, Salary, Ssn, Tags, Text, Token, Uid,
};
use super::{Column, Grammar, Kind};

impl Grammar {
    pub(super) fn item(&mut self, own: &[Column], scope: &[Column]) -> (String, Kind) {
        let labelled = self.labelled(own);
        let name = &labelled.name;
        match self.below(24) {
            0..=7 => (name.clone(), labelled.kind),
            8..=10 => {
                let column = self.some(own);
                (column.name, column.kind)
            }
            11 => (format!("{name} is null"), Text),
            12 => (format!("({})", self.condition(scope)), Text),
            13 => (
                format!("case when {} then 1 else 0 end", self.condition(scope)),
                Int,
            ),
            14 => {
                let inner = self.select(scope, 1);
                let query = inner.0;
                let query = if query.contains(" limit ") {
                    query
                } else {
                    format!("{query} limit 1")
                };
                (
                    format!("({query})"),
                    inner.1.first().map_or(Note, |c| c.kind),
                )
            }
            15 => {
                let function = self.pick(&[
                    "lower(@::text)",
                    "length(@::text)",
                    "md5(@::text)",
                    "@::text",
                    "left(@::text, 1)",
                    "coalesce(@::text, 'none')",
                    "hashtext(@::text)",
                    "row(@)",
                    "to_jsonb(@)",
                    "array[@]",
                    "quote_literal(@)",
                    "concat(@, 'x')",
                    "nullif(@, @)",
                    "pg_typeof(@)",
                    "pg_column_size(@)",
                    "format('%s', @)",
                ]);
                (function.replace('@', name), Note)
            }
            16 => {
                let window = self.pick(&[
                    "count(*) over (partition by @)",
                    "row_number() over (order by @)",
                    "first_value(@) over ()",
                    "lag(@) over (order by 1)",
                    "rank() over (partition by @ order by 1)",
                    "dense_rank() over (order by @ desc)",
                ]);
                (window.replace('@', name), Note)
            }
            17 => match self.of_kind(own, Profile) {
                Some(profile) => {
                    let path = self.pick(&[
                        "@ -> 'contact'",
                        "@ ->> 'level'",
                        "@ #>> '{contact,phone}'",
                        "@ ? 'contact'",
                        "jsonb_typeof(@)",
                        "(@ ->> 'level')::int",
                        "@['contact']",
                        "jsonb_path_query_first(@, '$.contact.phone')",
                    ]);
                    (path.replace('@', &profile), Note)
                }
                None => (name.clone(), labelled.kind),
            },
            18 => match self.of_kind(own, Tags) {
                Some(tags) => {
                    let path = self.pick(&[
                        "@[1]",
                        "cardinality(@)",
                        "@[1:2]",
                        "array_to_string(@, ',')",
                        "'zoe' = any (@)",
                    ]);
                    (path.replace('@', &tags), Note)
                }
                None => (name.clone(), labelled.kind),
            },
            19 => (self.constant(labelled.kind), Token),
            // a whole row
            20 => (name.split('.').next().unwrap_or_default().to_owned(), Note),
            21 => (
                format!(
                    "exists (select 1 from contacts x where {})",
                    self.exists(scope)
                ),
                Text,
            ),
            22 => match self.of_kind(own, Int) {
                Some(number) => (format!("{number} + 1"), Int),
                None => ("1".to_owned(), Int),
            },
            _ => ("current_query()".to_owned(), Text),
        }
    }

    pub(super) fn exists(&mut self, scope: &[Column]) -> String {
        let column = self.labelled(scope);
        match column.kind {
            Email => format!("x.email = {}", column.name),
            Ssn => format!("x.ssn = {}", column.name),
            Int => format!("x.id = {}", column.name),
            _ => format!("{} is not null", column.name),
        }
    }

    pub(super) fn condition(&mut self, scope: &[Column]) -> String {
        self.depth += 1;
        let text = self.simple_condition(scope);
        self.depth -= 1;
        text
    }

    pub(super) fn simple_condition(&mut self, scope: &[Column]) -> String {
        let labelled = self.labelled(scope);
        let name = &labelled.name;
        match self.below(20) {
            0..=4 => match self.of_kind(scope, Int) {
                Some(number) => {
                    let compare = self.pick(&["<", "=", ">", "<>"]);
                    format!("{number} {compare} {}", self.below(9))
                }
                None => "true".to_owned(),
            },
            5 | 6 => format!("{name} is {}null", self.pick(&["", "not "])),
            7 | 8 => {
                let kind = labelled.kind;
                let kind = if kind == Email && self.one_in(6) {
                    Token
                } else {
                    kind
                };
                let other = self.of_kind(scope, kind);
                let equal = self.pick(&["=", "=", "is not distinct from", "<>"]);
                other.map_or("true".to_owned(), |other| format!("{name} {equal} {other}"))
            }
            9..=11 => {
                let value = self.constant(labelled.kind);
                match self.below(4) {
                    0 | 1 => format!("{name} = {value}"),
                    2 => format!("{name} in ({value}, {})", self.constant(labelled.kind)),
                    _ => format!("{name} = any (array[{value}])"),
                }
            }
            12 => {
                let kind = self.labelled_kind();
                format!("{name} = {}", self.constant(kind))
            }
            13 => {
                let compare = self.pick(&[
                    "@::text like 'z%'",
                    "@::text > 'm'",
                    "length(@::text) > 15",
                    "@::text ~ 'a'",
                    "lower(@::text) = 'x'",
                    "md5(@::text) < '8'",
                    "@::text = 'zoe@alpha.example'",
                    "(@, 1) = (@, 1)",
                ]);
                compare.replace('@', name)
            }
            14 if self.depth < 4 => format!(
                "exists (select 1 from contacts x where {})",
                self.exists(scope)
            ),
            15 if self.depth < 4 => {
                let not = self.pick(&["", "not "]);
                format!("{name} {not}in (select {})", self.column_of(labelled.kind))
            }
            16 if self.depth < 4 => {
                let joint = self.pick(&["and", "or"]);
                format!(
                    "({} {joint} {})",
                    self.simple_condition(scope),
                    self.simple_condition(scope)
                )
            }
            17 => format!("not ({})", self.below(2) == 0),
            18 => match self.of_kind(scope, Text) {
                Some(text) => format!("{text} = {}", self.constant(Email)),
                None => "true".to_owned(),
            },
            _ => format!("{name} = {name}"),
        }
    }

    pub(super) fn constant(&mut self, kind: Kind) -> String {
        let row = self.below(8);
        match kind {
            Int => row.to_string(),
            Text => "'eu'".to_owned(),
            Token | Email => format!("'{{{{email:{row}}}}}'"),
            Ssn => format!("'{{{{ssn:{row}}}}}'"),
            Phone => format!("'{{{{phone:{row}}}}}'"),
            Uid => format!("'{{{{uid:{row}}}}}'"),
            Addr => format!("'{{{{addr:{row}}}}}'"),
            Salary => "54000".to_owned(),
            Born => "'1984-02-29'".to_owned(),
            Profile => "'{}'".to_owned(),
            Tags => "'{zoe}'".to_owned(),
            Note => "'nothing'".to_owned(),
        }
    }
}
