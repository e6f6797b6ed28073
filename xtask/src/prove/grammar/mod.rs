//! Statements at random, aimed at labelled columns: what an analyst writes, and what somebody writes who is after the
//! values. A decision of 0 is the simplest everywhere, so that shortened tapes make small statements.

mod expression;
mod write;

use super::choices::Choices;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Int,
    Text,
    Email,
    Ssn,
    Phone,
    Salary,
    Born,
    Profile,
    Tags,
    Note,
    Uid,
    Addr,
    /// Stand-ins as text of the client's own: they differ between the worlds, so nothing is computed from them.
    Token,
}

use Kind::{Addr, Born, Email, Int, Note, Phone, Profile, Salary, Ssn, Tags, Text, Token, Uid};

impl Kind {
    fn labelled(self) -> bool {
        !matches!(self, Int | Text | Token)
    }
}

/// A column in reach.
#[derive(Clone, Debug)]
struct Column {
    name: String,
    kind: Kind,
}

type Relation = (&'static str, &'static [(&'static str, Kind)]);

const RELATIONS: &[Relation] = &[
    (
        "people",
        &[
            ("id", Int),
            ("email", Email),
            ("ssn", Ssn),
            ("backup", Email),
            ("phone", Phone),
            ("salary", Salary),
            ("born", Born),
            ("profile", Profile),
            ("tags", Tags),
            ("note", Note),
            ("uid", Uid),
            ("addr", Addr),
            ("region", Text),
            ("n", Int),
        ],
    ),
    (
        "contacts",
        &[
            ("id", Int),
            ("person_id", Int),
            ("email", Email),
            ("ssn", Ssn),
            ("kind", Text),
        ],
    ),
    ("events", &[("id", Int), ("email", Email), ("kind", Text)]),
    ("kin", &[("id", Int), ("email", Email)]),
    ("mail", &[("id", Int), ("address", Email), ("region", Text)]),
    ("both_mail", &[("id", Int), ("email", Email)]),
    (
        "eu",
        &[
            ("id", Int),
            ("email", Email),
            ("kind", Text),
            ("other", Email),
        ],
    ),
    ("kept", &[("id", Int), ("who", Email), ("ssn", Ssn)]),
    (
        "events_low",
        &[("id", Int), ("email", Email), ("kind", Text)],
    ),
    ("staff", &[("id", Int), ("email", Email), ("grade", Int)]),
    ("clean", &[("id", Int), ("label", Text), ("n", Int)]),
    ("loud", &[("id", Int), ("shout", Note), ("size", Int)]),
];

/// How a request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Simple,
    Extended,
    Binary,
}

/// Requests that belong together: they leave nothing behind.
#[derive(Clone, Debug)]
pub(crate) struct Unit {
    pub(crate) requests: Vec<(How, String)>,
    /// Whether tables or the catalog are written to, though it is rolled back.
    pub(crate) writes: bool,
}

/// Makes units from decisions. `{{email:3}}` in a text is the stand-in of row 3 of a column with that kind.
pub(crate) struct Grammar {
    choices: Choices,
    depth: usize,
    names: usize,
}

/// A unit from decisions.
pub(crate) fn unit(choices: Choices) -> (Unit, Choices) {
    let mut grammar = Grammar {
        choices,
        depth: 0,
        names: 0,
    };
    let unit = grammar.unit();
    (unit, grammar.choices)
}

impl Grammar {
    fn below(&mut self, bound: usize) -> usize {
        self.choices.below(bound)
    }

    fn one_in(&mut self, bound: usize) -> bool {
        self.choices.one_in(bound)
    }

    fn pick<'a>(&mut self, all: &[&'a str]) -> &'a str {
        self.choices.pick(all)
    }

    fn name(&mut self) -> String {
        self.names += 1;
        format!("t{}", self.names)
    }

    fn unit(&mut self) -> Unit {
        let simple = |texts: Vec<String>| Unit {
            requests: texts.into_iter().map(|text| (How::Simple, text)).collect(),
            writes: false,
        };
        let writing = |texts: Vec<String>| Unit {
            writes: true,
            ..simple(texts)
        };
        let width = 1 + self.below(3);
        match self.below(20) {
            0..=9 => {
                let how = [How::Simple, How::Extended, How::Binary];
                let how = how.get(self.below(3)).copied().unwrap_or(How::Simple);
                Unit {
                    requests: vec![(how, self.query(&[], width).0)],
                    writes: false,
                }
            }
            10 => simple(vec![format!(
                "copy ({}) to stdout",
                self.query(&[], width).0
            )]),
            11 => {
                let kind = self.pick(&["", "binary ", "scroll "]);
                let query = self.query(&[], width).0;
                let fetch =
                    self.pick(&["fetch all from k", "fetch 3 from k", "fetch first from k"]);
                simple(vec![
                    "begin".into(),
                    format!("declare k {kind}cursor for {query}"),
                    fetch.into(),
                    "rollback".into(),
                ])
            }
            12 => {
                let query = self.query(&[], width).0;
                simple(vec![
                    format!("prepare s as {query}"),
                    "execute s".into(),
                    "deallocate s".into(),
                ])
            }
            13 => {
                let (table, column, kind) = self.base();
                let typed = if kind.labelled() { "text" } else { "int" };
                let value = self.constant(kind);
                let value = if kind.labelled() {
                    value
                } else {
                    "3".to_owned()
                };
                let shown = self.pick(&["id", "*", "count(*)"]);
                simple(vec![
                    format!(
                        "prepare s ({typed}) as select {shown} from {table} where {column} = $1"
                    ),
                    format!("execute s ({value})"),
                    "deallocate s".into(),
                ])
            }
            14 => {
                let query = self.query(&[], width).0;
                let again = self.pick(&[
                    "select * from made",
                    "table made limit 3",
                    "select count(*) from made",
                ]);
                let make = self.pick(&["create temp table made as", "create temp view made as"]);
                writing(vec![
                    "begin".into(),
                    format!("{make} {query}"),
                    again.into(),
                    "rollback".into(),
                ])
            }
            _ => {
                let write = self.write();
                let look = self.look();
                writing(vec!["begin".into(), write, look, "rollback".into()])
            }
        }
    }

    fn base(&mut self) -> (&'static str, &'static str, Kind) {
        let (table, columns) = self.relation();
        let place = self.below(columns.len());
        let (column, kind) = columns.get(place).copied().unwrap_or(("id", Int));
        (table, column, kind)
    }

    fn relation(&mut self) -> Relation {
        // most often a table with many labels
        let place = if self.one_in(2) {
            self.below(RELATIONS.len())
        } else {
            self.below(2)
        };
        RELATIONS
            .get(place)
            .copied()
            .unwrap_or(("clean", &[("id", Int)]))
    }

    fn query(&mut self, outer: &[Column], width: usize) -> (String, Vec<Column>) {
        self.depth += 1;
        let made = match self.below(12) {
            8 if self.depth < 3 => self.set_operation(outer, width),
            9 if self.depth < 3 => self.with(outer, width),
            10 => self.grouped(outer),
            11 => self.distinct(outer),
            _ => self.select(outer, width),
        };
        self.depth -= 1;
        made
    }

    fn set_operation(&mut self, outer: &[Column], width: usize) -> (String, Vec<Column>) {
        let operator = self.pick(&[
            "union all",
            "union",
            "intersect",
            "except",
            "intersect all",
            "except all",
        ]);
        let kind = self.labelled_kind();
        let one = self.column_of(kind);
        let two = self.column_of(kind);
        let _ = (outer, width);
        let order = self.pick(&["", "", " order by 1", " limit 3"]);
        let column = Column {
            name: "c0".to_owned(),
            kind,
        };
        (
            format!("(select {one}) {operator} (select {two}){order}").replacen(
                " from",
                " as c0 from",
                1,
            ),
            vec![column],
        )
    }

    fn labelled_kind(&mut self) -> Kind {
        let all = [
            Email, Ssn, Email, Phone, Uid, Addr, Salary, Profile, Tags, Note, Born,
        ];
        let place = self.below(all.len());
        all.get(place).copied().unwrap_or(Email)
    }

    fn column_of(&mut self, kind: Kind) -> String {
        let fitting: Vec<(&str, &str)> = RELATIONS
            .iter()
            .flat_map(|(table, columns)| {
                columns
                    .iter()
                    .filter(move |c| c.1 == kind)
                    .map(move |c| (*table, c.0))
            })
            .collect();
        let place = self.below(fitting.len());
        let (table, column) = fitting.get(place).copied().unwrap_or(("people", "email"));
        let filter = self.pick(&["", " where id < 4", " where id > 2"]);
        format!("{column} from {table}{filter}")
    }

    fn with(&mut self, outer: &[Column], width: usize) -> (String, Vec<Column>) {
        let (inner, columns) = self.query(outer, width);
        let alias = self.name();
        let kind = self.pick(&["", " materialized", " not materialized"]);
        let scope: Vec<Column> = columns
            .iter()
            .map(|column| Column {
                name: format!("{alias}.{}", column.name),
                kind: column.kind,
            })
            .collect();
        let filter = self.condition(&scope);
        let tail = self.tail(&scope);
        (
            format!(
                "with w{alias} as{kind} ({inner}) select * from w{alias} {alias} where {filter}{tail}"
            ),
            columns,
        )
    }

    fn select(&mut self, outer: &[Column], width: usize) -> (String, Vec<Column>) {
        let (from, own) = self.from(outer);
        let mut scope = own.clone();
        scope.extend_from_slice(outer);
        let mut list = Vec::new();
        let mut columns = Vec::new();
        for place in 0..width {
            let (text, kind) = self.item(&own, &scope);
            list.push(format!("{text} as c{place}"));
            columns.push(Column {
                name: format!("c{place}"),
                kind,
            });
        }
        let filter = if self.one_in(2) {
            format!(" where {}", self.condition(&scope))
        } else {
            String::new()
        };
        let tail = self.tail(&own);
        (
            format!("select {} from {from}{filter}{tail}", list.join(", ")),
            columns,
        )
    }

    fn grouped(&mut self, outer: &[Column]) -> (String, Vec<Column>) {
        let (from, own) = self.from(outer);
        let key = self.some(&own);
        let wrapper = self.pick(&["", "", "", "rollup ", "cube "]);
        let argument = self.some(&own).name;
        let counted = self.pick(&[
            "count(*)",
            "count(@)",
            "count(distinct @)",
            "max(@)",
            "min(@)",
            "array_agg(@)",
        ]);
        let counted = counted.replace('@', &argument);
        let having = match self.below(4) {
            1 => format!(" having count(*) > {}", self.below(3)),
            2 => format!(" having {} is not null", key.name),
            3 => format!(" having max({}) is not null", self.some(&own).name),
            _ => String::new(),
        };
        let order = self.pick(&[
            "",
            "",
            " order by 2",
            " order by 1",
            " limit 2",
            " order by count(*) desc limit 2",
        ]);
        let columns = vec![
            Column {
                name: "c0".into(),
                kind: key.kind,
            },
            Column {
                name: "c1".into(),
                kind: Note,
            },
        ];
        let text = format!(
            "select {0} as c0, {counted} as c1 from {from} group by {wrapper}({0}){having}{order}",
            key.name
        );
        (text, columns)
    }

    fn distinct(&mut self, outer: &[Column]) -> (String, Vec<Column>) {
        let (from, own) = self.from(outer);
        let key = self.some(&own);
        let other = self.some(&own);
        let tail = self.pick(&["", "", " order by 1", " limit 2"]);
        let text = match self.below(3) {
            0 => format!("select distinct {} as c0 from {from}{tail}", key.name),
            1 => format!(
                "select distinct {} as c0, {} as c1 from {from}{tail}",
                key.name, other.name
            ),
            _ => format!(
                "select distinct on ({0}) {0} as c0, {1} as c1 from {from}{tail}",
                key.name, other.name
            ),
        };
        (
            text,
            vec![Column {
                name: "c0".into(),
                kind: key.kind,
            }],
        )
    }

    fn some(&mut self, scope: &[Column]) -> Column {
        let scope: Vec<&Column> = scope.iter().filter(|column| column.kind != Token).collect();
        let place = self.below(scope.len());
        scope.get(place).copied().cloned().unwrap_or(Column {
            name: "1".into(),
            kind: Int,
        })
    }

    fn of_kind(&mut self, scope: &[Column], kind: Kind) -> Option<String> {
        let fitting: Vec<&Column> = scope.iter().filter(|column| column.kind == kind).collect();
        let place = self.below(fitting.len());
        fitting.get(place).map(|column| column.name.clone())
    }

    fn labelled(&mut self, scope: &[Column]) -> Column {
        let fitting: Vec<Column> = scope
            .iter()
            .filter(|column| column.kind.labelled())
            .cloned()
            .collect();
        if fitting.is_empty() {
            self.some(scope)
        } else {
            self.some(&fitting)
        }
    }

    fn from(&mut self, outer: &[Column]) -> (String, Vec<Column>) {
        let (mut text, mut scope) = self.source(outer);
        for _ in 0..self.below(3) {
            if self.depth > 3 {
                break;
            }
            match self.below(6) {
                5 => {
                    let visible: Vec<Column> = scope.iter().chain(outer).cloned().collect();
                    let (inner, columns) = self.query(&visible, 1);
                    let alias = self.name();
                    text = format!("{text} cross join lateral ({inner}) {alias}");
                    scope.extend(columns.into_iter().map(|column| Column {
                        name: format!("{alias}.{}", column.name),
                        kind: column.kind,
                    }));
                }
                how => {
                    let (item, columns) = self.source(outer);
                    let join = self.pick(&["join", "left join", "right join", "full join"]);
                    let on = if how < 3 {
                        let one = self.of_kind(&scope, Int);
                        let two = self.of_kind(&columns, Int);
                        one.zip(two)
                    } else {
                        let kind = self.labelled(&scope).kind;
                        self.of_kind(&scope, kind).zip(self.of_kind(&columns, kind))
                    };
                    scope.extend(columns);
                    let on = match on {
                        Some((one, two)) => format!("{one} = {two}"),
                        None => self.condition(&scope),
                    };
                    text = format!("{text} {join} {item} on {on}");
                }
            }
        }
        (text, scope)
    }

    fn source(&mut self, outer: &[Column]) -> (String, Vec<Column>) {
        let alias = self.name();
        let aliased = |columns: &[(&str, Kind)]| {
            columns
                .iter()
                .map(|(name, kind)| Column {
                    name: format!("{alias}.{name}"),
                    kind: *kind,
                })
                .collect::<Vec<_>>()
        };
        match self.below(10) {
            8 if self.depth < 3 => {
                let (inner, columns) = self.query(outer, 2);
                let columns: Vec<(&str, Kind)> =
                    columns.iter().map(|c| (c.name.as_str(), c.kind)).collect();
                (format!("({inner}) {alias}"), aliased(&columns))
            }
            9 => {
                let (one, two) = (self.constant(Email), self.constant(Email));
                (
                    format!("(values (1, {one}), (2, {two})) {alias}(a, b)"),
                    aliased(&[("a", Int), ("b", Token)]),
                )
            }
            _ => {
                let (table, columns) = self.relation();
                let sample = if self.one_in(25) {
                    " tablesample system (50) repeatable (1)"
                } else {
                    ""
                };
                (format!("{table} {alias}{sample}"), aliased(columns))
            }
        }
    }

    fn tail(&mut self, scope: &[Column]) -> String {
        match self.below(8) {
            4 => self
                .of_kind(scope, Int)
                .map_or(String::new(), |id| format!(" order by {id}")),
            5 => self
                .of_kind(scope, Int)
                .map_or(String::new(), |id| format!(" order by {id} limit 3")),
            6 => format!(" order by {} limit 2", self.some(scope).name),
            7 => " limit 2".to_owned(),
            _ => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_decisions_make_the_same_unit() {
        for seed in 0..200 {
            let (one, choices) = unit(Choices::drawn(seed));
            let (two, _) = unit(Choices::replayed(&choices.tape()));
            assert_eq!(one.requests, two.requests);
        }
    }

    #[test]
    fn no_decisions_make_the_simplest() {
        let (unit, _) = unit(Choices::replayed(&[]));
        assert_eq!(unit.requests.len(), 1);
        assert_eq!(unit.requests[0].1, "select t1.email as c0 from people t1");
    }

    #[test]
    fn what_writes_says_so() {
        let verbs = ["insert", "update", "delete", "merge", "create"];
        for seed in 0..2_000 {
            let (unit, _) = unit(Choices::drawn(seed));
            let begins = |verb: &&str| {
                unit.requests
                    .iter()
                    .any(|(_, text)| text.starts_with(*verb))
            };
            assert!(unit.writes || !verbs.iter().any(begins), "{unit:?}");
            assert!(!unit.writes || unit.requests.len() == 4, "{unit:?}");
        }
    }
}
