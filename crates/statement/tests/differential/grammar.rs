//! Statements at random, over the relations of the setup: mostly valid, always terminating, the same for the same seed.

/// Generates statements.
pub(crate) struct Grammar {
    state: u64,
    depth: usize,
    names: usize,
    /// Window functions may stand here.
    windows: bool,
}

/// The type of an expression, as far as the grammar cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    Int,
    Text,
    Json,
    Array,
}

use Type::{Array, Int, Json, Text};

/// A column that may be referred to: its alias, name and type.
type Scope = Vec<(String, String, Type)>;

const RELATIONS: [(&str, &[(&str, Type)]); 16] = [
    (
        "customers",
        &[
            ("id", Int),
            ("email", Text),
            ("ssn", Text),
            ("salary", Int),
            ("profile", Json),
            ("tags", Array),
            ("note", Text),
            ("region", Text),
        ],
    ),
    ("clean", &[("id", Int), ("label", Text), ("n", Int)]),
    ("public.parent", &[("id", Int), ("email", Text)]),
    ("child", &[("id", Int), ("email", Text), ("extra", Text)]),
    ("part", &[("id", Int), ("email", Text)]),
    ("part1", &[("id", Int), ("email", Text)]),
    ("v1", &[("id", Int), ("email", Text)]),
    ("v2", &[("id", Int), ("label", Text)]),
    ("mv", &[("id", Int), ("label", Text)]),
    (
        "joined",
        &[("id", Int), ("e", Text), ("label", Text), ("total", Int)],
    ),
    (
        "grouped",
        &[("region", Text), ("people", Int), ("top", Int)],
    ),
    ("united", &[("id", Int), ("what", Text)]),
    ("nested", &[("id", Int), ("first", Text), ("doc", Json)]),
    ("recursed", &[("id", Int), ("path", Text)]),
    (
        "\"Odd Names\"",
        &[("\"Id\"", Int), ("\"select\"", Text), ("\"a b\"", Text)],
    ),
    (
        "app.orders",
        &[
            ("id", Int),
            ("customer_id", Int),
            ("total", Int),
            ("notes", Text),
        ],
    ),
];

/// Relations that the statements want besides those of the leak corpus.
pub(crate) const SETUP: &str = r#"
CREATE SCHEMA app;
CREATE TABLE app.orders(id int primary key, customer_id int references customers, total int, gone int, notes text);
ALTER TABLE app.orders DROP COLUMN gone;
CREATE TABLE "Odd Names"("Id" int, "select" text, "a b" text);
CREATE VIEW joined AS SELECT c.id, c.email AS e, l.label, c.salary + l.n AS total
  FROM customers c JOIN clean l USING (id) LEFT JOIN parent p ON p.id = c.id WHERE c.note IS NOT NULL;
CREATE VIEW grouped AS SELECT region, count(*)::int AS people, max(salary) AS top FROM customers
  GROUP BY region HAVING min(ssn) <> '';
CREATE VIEW united AS SELECT id, email AS what FROM customers UNION ALL SELECT id, label FROM clean
  UNION SELECT id, extra FROM child;
CREATE VIEW nested AS SELECT id, (SELECT j.e FROM joined j WHERE j.id = v.id LIMIT 1) AS first,
  (SELECT profile FROM customers c WHERE c.id = v.id) AS doc FROM (SELECT id, email FROM v1 ORDER BY email) v
  WHERE EXISTS (SELECT ssn FROM customers x WHERE x.id = v.id);
CREATE VIEW recursed AS WITH RECURSIVE t AS (SELECT id, email AS path FROM customers WHERE id = 1
  UNION ALL SELECT t.id + 1, t.path || p.email FROM t JOIN parent p ON p.id = t.id WHERE t.id < 5) SELECT * FROM t;
CREATE TABLE app.secured(id int, owner text, secret text);
ALTER TABLE app.secured ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON app.secured USING (owner = current_user AND id IN (SELECT c.id FROM customers c WHERE c.region = 'eu'));
CREATE VIEW app.over_secured AS SELECT id FROM app.secured;
CREATE ROLE reader;
GRANT USAGE ON SCHEMA app TO reader;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public, app TO reader;
"#;

impl Grammar {
    /// Starts a sequence.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            state: seed,
            depth: 0,
            names: 0,
            windows: false,
        }
    }

    /// The next statement.
    pub(crate) fn statement(&mut self) -> String {
        self.depth = 0;
        self.names = 0;
        self.windows = false;
        match self.below(12) {
            0 => self.insert(),
            1 => self.update(),
            2 => self.delete(),
            _ => {
                let width = 1 + self.below(4);
                self.query(&Scope::new(), width, false).0
            }
        }
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }

    fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }

    fn name(&mut self) -> String {
        self.names += 1;
        format!("t{}", self.names)
    }

    /// A query and the names and types of its columns. With `typed` the types are Int and Text in turn.
    fn query(&mut self, outer: &Scope, width: usize, typed: bool) -> (String, Vec<(String, Type)>) {
        self.depth += 1;
        let query = if self.depth < 4 && self.one_in(7) {
            let operator = self.pick(&["UNION", "UNION ALL", "INTERSECT", "EXCEPT"]);
            let (left, columns) = self.select(outer, width, true);
            let (right, _) = self.select(outer, width, true);
            let order = if self.one_in(3) { " ORDER BY 1" } else { "" };
            (format!("({left}) {operator} ({right}){order}"), columns)
        } else if self.depth < 3 && self.one_in(7) {
            self.with(outer, width)
        } else {
            self.select(outer, width, typed)
        };
        self.depth -= 1;
        query
    }

    fn with(&mut self, outer: &Scope, width: usize) -> (String, Vec<(String, Type)>) {
        let name = format!("w{}", self.name());
        let (inner, columns) = self.query(outer, width, true);
        let alias = self.name();
        let kind = self.pick(&["", "", " MATERIALIZED", " NOT MATERIALIZED"]);
        let names: Vec<_> = columns.iter().map(|(name, _)| name.clone()).collect();
        let scope: Scope = columns
            .iter()
            .map(|(name, ty)| (alias.clone(), name.clone(), *ty))
            .collect();
        let filter = self.condition(&scope);
        let list = if self.one_in(2) {
            "*".to_owned()
        } else {
            names
                .iter()
                .map(|name| format!("{alias}.{name}"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let text = format!(
            "WITH {name}({}) AS{kind} ({inner}) SELECT {list} FROM {name} {alias} WHERE {filter}",
            names.join(", ")
        );
        (text, columns)
    }

    fn select(
        &mut self,
        outer: &Scope,
        width: usize,
        typed: bool,
    ) -> (String, Vec<(String, Type)>) {
        let (from, own) = self.from(outer);
        let mut scope = own.clone();
        scope.extend(outer.iter().cloned());
        if !typed && self.one_in(8) {
            let star = match self.below(3) {
                0 => "*".to_owned(),
                1 => format!("{}.*", own[0].0),
                _ => own[0].0.clone(),
            };
            let filter = self.condition(&scope);
            return (
                format!("SELECT {star} FROM {from} WHERE {filter}"),
                vec![("x".to_owned(), Text)],
            );
        }
        let mut columns = Vec::new();
        let mut list = Vec::new();
        let grouped = self.one_in(6);
        let mut groups = Vec::new();
        for place in 0..width {
            let ty = if typed {
                [Int, Text][place % 2]
            } else {
                [Int, Text, Text, Json, Array][self.below(5)]
            };
            let name = format!("c{place}");
            let expression = if grouped && !self.one_in(2) {
                self.aggregate(&own, ty)
            } else {
                self.windows = !grouped;
                let expression = self.expression(&scope, ty, 2);
                self.windows = false;
                if grouped {
                    groups.push(expression.clone());
                }
                expression
            };
            list.push(format!("{expression} AS {name}"));
            columns.push((name, ty));
        }
        let mut text = String::from("SELECT ");
        if !grouped && self.one_in(10) {
            text.push_str("DISTINCT ");
        }
        text.push_str(&list.join(", "));
        text.push_str(&format!(" FROM {from}"));
        if self.one_in(2) {
            text.push_str(&format!(" WHERE {}", self.condition(&scope)));
        }
        if !groups.is_empty() {
            let wrapper = self.pick(&["", "", "", "ROLLUP", "CUBE"]);
            if wrapper.is_empty() {
                text.push_str(&format!(" GROUP BY {}", groups.join(", ")));
            } else {
                text.push_str(&format!(" GROUP BY {wrapper} ({})", groups.join(", ")));
            }
        }
        if grouped && self.one_in(2) {
            text.push_str(&format!(
                " HAVING {} IS NOT NULL",
                self.aggregate(&own, Int)
            ));
        }
        match self.below(8) {
            0 => text.push_str(" ORDER BY 1 DESC"),
            1 => text.push_str(&format!(" ORDER BY c{}", width - 1)),
            2 if !grouped && !text.starts_with("SELECT DISTINCT") => {
                text.push_str(&format!(" ORDER BY {}", self.expression(&scope, Text, 1)));
            }
            _ => {}
        }
        if self.one_in(8) {
            text.push_str(" LIMIT 3 OFFSET 0");
        } else if self.one_in(10)
            && !grouped
            && !text.contains("DISTINCT")
            && outer.is_empty()
            && !typed
        {
            text.push_str(self.pick(&[" FOR UPDATE", " FOR SHARE SKIP LOCKED"]));
        }
        (text, columns)
    }

    fn from(&mut self, outer: &Scope) -> (String, Scope) {
        let (mut text, mut scope) = self.item(outer);
        let mut more = self.below(3);
        while more > 0 && self.depth < 4 {
            more -= 1;
            match self.below(5) {
                0 => {
                    let (item, columns) = self.item(outer);
                    text.push_str(&format!(", {item}"));
                    scope.extend(columns);
                }
                1 => {
                    let mut visible = scope.clone();
                    visible.extend(outer.iter().cloned());
                    let (inner, columns) = self.query(&visible, 2, true);
                    let alias = self.name();
                    text.push_str(&format!(" CROSS JOIN LATERAL ({inner}) {alias}"));
                    scope.extend(
                        columns
                            .into_iter()
                            .map(|(name, ty)| (alias.clone(), name, ty)),
                    );
                }
                kind => {
                    let (item, columns) = self.item(outer);
                    let join = self.pick(&["JOIN", "LEFT JOIN", "RIGHT JOIN"]);
                    let shared =
                        |columns: &Scope| columns.iter().filter(|column| column.1 == "id").count();
                    if kind == 2 && shared(&scope) == 1 && shared(&columns) == 1 {
                        let join = if self.one_in(4) { "FULL JOIN" } else { join };
                        text = format!("{text} {join} {item} USING (id)");
                        scope.extend(columns);
                        // the merged column has no alias: keep to the others
                        scope.retain(|column| column.1 != "id");
                        if scope.is_empty() {
                            scope.push((String::new(), "id".to_owned(), Int));
                        }
                    } else {
                        let mut both = scope.clone();
                        both.extend(columns);
                        let condition = self.condition(&both);
                        text = format!("{text} {join} {item} ON {condition}");
                        scope = both;
                    }
                }
            }
        }
        (text, scope)
    }

    fn item(&mut self, outer: &Scope) -> (String, Scope) {
        let alias = self.name();
        if self.depth < 4 && self.one_in(6) {
            let (inner, columns) = self.query(outer, 2, true);
            let renamed = self.one_in(3);
            let columns: Vec<_> = columns
                .into_iter()
                .enumerate()
                .map(|(place, (name, ty))| (if renamed { format!("r{place}") } else { name }, ty))
                .collect();
            let names: Vec<_> = columns.iter().map(|(name, _)| name.as_str()).collect();
            let list = if renamed {
                format!("({})", names.join(", "))
            } else {
                String::new()
            };
            let scope = columns
                .iter()
                .map(|(name, ty)| (alias.clone(), name.clone(), *ty))
                .collect();
            return (format!("({inner}) AS {alias}{list}"), scope);
        }
        if self.one_in(12) {
            let scope = vec![
                (alias.clone(), "a".to_owned(), Int),
                (alias.clone(), "b".to_owned(), Text),
            ];
            return (format!("(VALUES (1, 'x'), (2, NULL)) {alias}(a, b)"), scope);
        }
        if self.one_in(14) {
            let scope = vec![(alias.clone(), alias.clone(), Int)];
            return (format!("generate_series(1, 3) {alias}"), scope);
        }
        let (name, columns) = RELATIONS[self.below(RELATIONS.len())];
        let renamed = self.one_in(8);
        let scope = columns
            .iter()
            .enumerate()
            .map(|(place, (name, ty))| {
                let name = if renamed && place == 0 {
                    "renamed"
                } else {
                    name
                };
                (alias.clone(), name.to_owned(), *ty)
            })
            .collect();
        let list = if renamed { "(renamed)" } else { "" };
        let table = matches!(name, "customers" | "clean" | "part" | "mv");
        let sample = if table && self.one_in(15) {
            " TABLESAMPLE SYSTEM (50)"
        } else {
            ""
        };
        (format!("{name} AS {alias}{list}{sample}"), scope)
    }

    fn column(&mut self, scope: &Scope, ty: Type) -> Option<String> {
        let fitting: Vec<_> = scope.iter().filter(|column| column.2 == ty).collect();
        if fitting.is_empty() {
            return None;
        }
        let (alias, name, _) = fitting[self.below(fitting.len())];
        Some(if alias.is_empty() {
            name.clone()
        } else if self.one_in(12) {
            format!("({alias}).{name}")
        } else {
            format!("{alias}.{name}")
        })
    }

    fn expression(&mut self, scope: &Scope, ty: Type, depth: usize) -> String {
        if depth == 0 || self.one_in(3) {
            if let Some(column) = self.column(scope, ty) {
                return column;
            }
            return match ty {
                Int => self.pick(&["1", "NULL::int", "(-7)"]).to_owned(),
                Text => self.pick(&["'a'", "NULL::text", "'it''s'"]).to_owned(),
                Json => "'{\"a\": 1}'::jsonb".to_owned(),
                Array => "ARRAY['a']".to_owned(),
            };
        }
        let next = depth - 1;
        match ty {
            Int => match self.below(10) {
                0 => format!("length({})", self.expression(scope, Text, next)),
                1 => format!(
                    "({} + {})",
                    self.expression(scope, Int, next),
                    self.expression(scope, Int, next)
                ),
                2 => format!("coalesce({}, 0)", self.expression(scope, Int, next)),
                3 => format!("cardinality({})", self.expression(scope, Array, next)),
                4 => format!(
                    "(CASE WHEN {} THEN {} ELSE 0 END)",
                    self.condition(scope),
                    self.expression(scope, Int, next)
                ),
                5 => format!("({}->>'a')::int", self.expression(scope, Json, next)),
                6 => self.scalar(scope, Int),
                7 if self.windows => format!(
                    "row_number() OVER (PARTITION BY {} ORDER BY {})::int",
                    self.expression(scope, Text, 0),
                    self.expression(scope, Int, 0)
                ),
                8 => format!("greatest({}, 3)", self.expression(scope, Int, next)),
                _ => format!(
                    "extract(year from now())::int + {}",
                    self.expression(scope, Int, next)
                ),
            },
            Text => match self.below(12) {
                0 => format!("upper({})", self.expression(scope, Text, next)),
                1 => format!(
                    "({} || {})",
                    self.expression(scope, Text, next),
                    self.expression(scope, Text, next)
                ),
                2 => format!("{}::text", self.expression(scope, Int, next)),
                3 => format!("({}->>'email')", self.expression(scope, Json, next)),
                4 => format!("({})[1]", self.expression(scope, Array, next)),
                5 => format!("substring({} from 2)", self.expression(scope, Text, next)),
                6 => self.scalar(scope, Text),
                7 if self.windows => format!(
                    "lag({}) OVER (ORDER BY {})",
                    self.expression(scope, Text, 0),
                    self.expression(scope, Int, 0)
                ),
                8 => format!("nullif({}, '')", self.expression(scope, Text, next)),
                9 => format!(
                    "cast({} AS varchar(200))",
                    self.expression(scope, Text, next)
                ),
                10 => format!("({} COLLATE \"C\")", self.expression(scope, Text, next)),
                _ => format!("format('%s', {})", self.expression(scope, Text, next)),
            },
            Json => match self.below(4) {
                0 => format!("to_jsonb({})", self.expression(scope, Text, next)),
                1 => format!(
                    "jsonb_build_object('a', {})",
                    self.expression(scope, Int, next)
                ),
                2 if scope.iter().any(|column| !column.0.is_empty()) => {
                    let whole: Vec<_> =
                        scope.iter().filter(|column| !column.0.is_empty()).collect();
                    let alias = &whole[self.below(whole.len())].0;
                    format!("to_jsonb({alias}.*)")
                }
                _ => format!("({} -> 'a')", self.expression(scope, Json, next)),
            },
            Array => match self.below(3) {
                0 => format!(
                    "ARRAY[{}, {}]",
                    self.expression(scope, Text, next),
                    self.expression(scope, Text, next)
                ),
                1 => {
                    self.depth += 1;
                    let inner = if self.depth < 4 {
                        format!("ARRAY({})", self.subselect(scope, Text))
                    } else {
                        "ARRAY['z']".to_owned()
                    };
                    self.depth -= 1;
                    inner
                }
                _ => format!(
                    "array_append({}, {})",
                    self.expression(scope, Array, next),
                    self.expression(scope, Text, next)
                ),
            },
        }
    }

    fn scalar(&mut self, scope: &Scope, ty: Type) -> String {
        if self.depth >= 3 {
            return self.expression(scope, ty, 0);
        }
        self.depth += 1;
        let text = format!("({} LIMIT 1)", self.subselect(scope, ty));
        self.depth -= 1;
        text
    }

    fn subselect(&mut self, scope: &Scope, ty: Type) -> String {
        let windows = std::mem::replace(&mut self.windows, false);
        let (from, mut inner) = self.from(scope);
        inner.extend(scope.iter().cloned());
        let expression = self.expression(&inner, ty, 1);
        let condition = self.condition(&inner);
        self.windows = windows;
        format!("SELECT {expression} FROM {from} WHERE {condition}")
    }

    fn aggregate(&mut self, scope: &Scope, ty: Type) -> String {
        match ty {
            Int => match self.below(4) {
                0 => "count(*)::int".to_owned(),
                1 => format!("max({})", self.expression(scope, Int, 1)),
                2 => format!("count(DISTINCT {})::int", self.expression(scope, Text, 1)),
                _ => format!(
                    "count({}) FILTER (WHERE {})::int",
                    self.expression(scope, Text, 0),
                    self.condition(scope)
                ),
            },
            Text => match self.below(3) {
                0 => format!("min({})", self.expression(scope, Text, 1)),
                1 => format!(
                    "string_agg({}, ',' ORDER BY {})",
                    self.expression(scope, Text, 1),
                    self.expression(scope, Int, 0)
                ),
                _ => format!(
                    "mode() WITHIN GROUP (ORDER BY {})",
                    self.expression(scope, Text, 0)
                ),
            },
            Json => format!("jsonb_agg({})", self.expression(scope, Text, 1)),
            Array => format!("array_agg({})", self.expression(scope, Text, 1)),
        }
    }

    fn condition(&mut self, scope: &Scope) -> String {
        let windows = std::mem::replace(&mut self.windows, false);
        let condition = self.any_condition(scope);
        self.windows = windows;
        condition
    }

    fn any_condition(&mut self, scope: &Scope) -> String {
        match self.below(11) {
            0 => format!(
                "{} = {}",
                self.expression(scope, Int, 1),
                self.expression(scope, Int, 1)
            ),
            1 => format!("{} LIKE 'a%'", self.expression(scope, Text, 1)),
            2 => format!("{} IS NOT NULL", self.expression(scope, Text, 1)),
            3 => format!("{} IN ('a', 'b')", self.expression(scope, Text, 1)),
            4 => format!(
                "{} = ANY ({})",
                self.expression(scope, Text, 0),
                self.expression(scope, Array, 1)
            ),
            5 if self.depth < 3 => {
                self.depth += 1;
                let text = format!("EXISTS ({})", self.subselect(scope, Text));
                self.depth -= 1;
                text
            }
            6 if self.depth < 3 => {
                self.depth += 1;
                let left = self.expression(scope, Text, 0);
                let negated = self.pick(&["", "NOT "]);
                let text = format!("{left} {negated}IN ({})", self.subselect(scope, Text));
                self.depth -= 1;
                text
            }
            7 => {
                let (left, right) = (self.condition_leaf(scope), self.condition_leaf(scope));
                format!("({left} OR NOT {right})")
            }
            8 => format!("{} BETWEEN 1 AND 5", self.expression(scope, Int, 1)),
            9 => format!(
                "({}, 1) > ({}, 2)",
                self.expression(scope, Text, 0),
                self.expression(scope, Text, 0)
            ),
            _ => self.condition_leaf(scope),
        }
    }

    fn condition_leaf(&mut self, scope: &Scope) -> String {
        match self.below(3) {
            0 => format!("{} < 10", self.expression(scope, Int, 0)),
            1 => format!("{} ~ '^a'", self.expression(scope, Text, 0)),
            _ => format!("{} IS DISTINCT FROM 'q'", self.expression(scope, Text, 0)),
        }
    }

    fn returning(&mut self, scope: &Scope) -> String {
        match self.below(4) {
            0 => " RETURNING *".to_owned(),
            1 => format!(" RETURNING {} AS r", self.expression(scope, Text, 1)),
            _ => String::new(),
        }
    }

    fn insert(&mut self) -> String {
        let (query, _) = self.query(&Scope::new(), 2, true);
        let scope = vec![("clean".to_owned(), "label".to_owned(), Text)];
        let conflict = self.pick(&["", "", " ON CONFLICT DO NOTHING"]);
        let returning = self.returning(&scope);
        format!("INSERT INTO clean(id, label) {query}{conflict}{returning}")
    }

    fn update(&mut self) -> String {
        let (from, mut scope) = self.from(&Scope::new());
        let set = self.expression(&scope, Text, 2);
        scope.push(("u".to_owned(), "label".to_owned(), Text));
        let condition = self.condition(&scope);
        let returning = self.returning(&scope);
        format!("UPDATE clean u SET label = {set} FROM {from} WHERE {condition}{returning}")
    }

    fn delete(&mut self) -> String {
        let (from, mut scope) = self.from(&Scope::new());
        scope.push(("d".to_owned(), "label".to_owned(), Text));
        let condition = self.condition(&scope);
        let returning = self.returning(&scope);
        format!("DELETE FROM clean d USING {from} WHERE {condition}{returning}")
    }
}
