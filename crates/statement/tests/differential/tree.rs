//! What the server's own trees say: which columns a rewritten query reads.
//!
//! The text is that of `debug_print_rewritten` (nodes/outfuncs.c): `{NAME :field value …}`, `(list)`, words, with
//! `<>` for nothing and a backslash before what would end a word.

use std::collections::{BTreeMap, BTreeSet};

/// A piece of a tree.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Piece {
    Node(Node),
    List(Vec<Piece>),
    Word(String),
}

/// A node: its name and fields. Most fields hold one piece.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) fields: BTreeMap<String, Vec<Piece>>,
}

/// Reads the list of queries that a statement became.
pub(crate) fn parse(text: &str) -> Vec<Node> {
    let words = words(text);
    let mut place = 0;
    let mut queries = Vec::new();
    while place < words.len() {
        if let Piece::List(list) = piece(&words, &mut place) {
            queries.extend(list.into_iter().filter_map(|piece| match piece {
                Piece::Node(node) => Some(node),
                Piece::List(_) | Piece::Word(_) => None,
            }));
        }
    }
    queries
}

fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut characters = text.chars();
    let end = |word: &mut String, words: &mut Vec<String>| {
        if !word.is_empty() {
            words.push(std::mem::take(word));
        }
    };
    while let Some(next) = characters.next() {
        match next {
            // lines are folded at blanks, escaped ones too
            '\\' => word.extend(
                characters
                    .next()
                    .map(|next| if next == '\n' { ' ' } else { next }),
            ),
            '(' | ')' | '{' | '}' => {
                end(&mut word, &mut words);
                words.push(next.to_string());
            }
            space if space.is_whitespace() => end(&mut word, &mut words),
            other => word.push(other),
        }
    }
    end(&mut word, &mut words);
    words
}

fn piece(words: &[String], place: &mut usize) -> Piece {
    let word = &words[*place];
    *place += 1;
    match word.as_str() {
        "(" => {
            let mut list = Vec::new();
            while words[*place] != ")" {
                list.push(piece(words, place));
            }
            *place += 1;
            Piece::List(list)
        }
        "{" => {
            let name = words[*place].clone();
            *place += 1;
            let mut fields: BTreeMap<String, Vec<Piece>> = BTreeMap::new();
            let mut field = String::new();
            while words[*place] != "}" {
                match words[*place].strip_prefix(':') {
                    Some(name) if !name.is_empty() => {
                        field = name.to_owned();
                        fields.insert(field.clone(), Vec::new());
                        *place += 1;
                    }
                    _ => {
                        let value = piece(words, place);
                        fields.entry(field.clone()).or_default().push(value);
                    }
                }
            }
            *place += 1;
            Piece::Node(Node { name, fields })
        }
        _ => Piece::Word(word.clone()),
    }
}

impl Node {
    fn field(&self, name: &str) -> &[Piece] {
        self.fields.get(name).map_or(&[], Vec::as_slice)
    }

    fn node(&self, name: &str) -> Option<&Node> {
        match self.field(name) {
            [Piece::Node(node)] => Some(node),
            _ => None,
        }
    }

    fn list(&self, name: &str) -> &[Piece] {
        match self.field(name) {
            [Piece::List(list)] => list,
            _ => &[],
        }
    }

    fn nodes(&self, name: &str) -> impl Iterator<Item = &Node> {
        self.list(name).iter().filter_map(|piece| match piece {
            Piece::Node(node) => Some(node),
            Piece::List(_) | Piece::Word(_) => None,
        })
    }

    fn word(&self, name: &str) -> &str {
        match self.field(name) {
            [Piece::Word(word)] => word,
            _ => "",
        }
    }

    fn number(&self, name: &str) -> i64 {
        self.word(name).parse().unwrap_or(-1)
    }

    /// A query that is not a utility statement.
    pub(crate) fn is_query(&self) -> bool {
        self.name == "QUERY" && self.number("commandType") != 6
    }

    /// The list that makes its result.
    fn results(&self) -> &'static str {
        if self.is_select() {
            "targetList"
        } else {
            "returningList"
        }
    }

    /// A SELECT or VALUES.
    pub(crate) fn is_select(&self) -> bool {
        self.number("commandType") == 1
    }

    /// The result's columns: name, table identifier, attribute number.
    pub(crate) fn origins(&self) -> Vec<(String, u32, i16)> {
        self.nodes(self.results())
            .filter(|entry| entry.word("resjunk") == "false")
            .map(|entry| {
                let origin = u32::try_from(entry.number("resorigtbl")).unwrap();
                let attribute = i16::try_from(entry.number("resorigcol")).unwrap();
                (entry.word("resname").to_owned(), origin, attribute)
            })
            .collect()
    }
}

/// Columns of tables that a query reads: relation and attribute number, 0 for a whole row.
pub(crate) type Columns = BTreeSet<(u32, i16)>;

/// The columns a query reads to give its result. What a view or subselect computes for nobody does not count.
pub(crate) fn reads(query: &Node) -> Columns {
    let mut reader = Reader::default();
    reader.query(query, &[query]);
    reader.entries(query, &[query]);
    reader.pieces(query.field("returningList"), &[query]);
    reader.columns
}

/// The base column that result column `place` is a plain reference to, through subselects, joins and CTEs.
pub(crate) fn plain(query: &Node, place: usize) -> Option<(u32, i16)> {
    let entry = query
        .nodes("targetList")
        .filter(|entry| entry.word("resjunk") == "false")
        .nth(place)?;
    follow(entry.node("expr")?, &[query], 0)
}

/// The columns whose values are part of result column `place`: not those that only decide which rows there are.
pub(crate) fn values(query: &Node, place: usize) -> Columns {
    let mut reader = Reader {
        only_values: true,
        ..Reader::default()
    };
    let entry = query
        .nodes(query.results())
        .filter(|entry| entry.word("resjunk") == "false")
        .nth(place);
    if let Some(entry) = entry {
        reader.pieces(entry.field("expr"), &[query]);
    }
    reader.columns
}

fn follow(expression: &Node, levels: &[&Node], depth: usize) -> Option<(u32, i16)> {
    if depth > 100 {
        return None;
    }
    match expression.name.as_str() {
        "RELABELTYPE" => follow(expression.node("arg")?, levels, depth + 1),
        // a scalar subselect (EXPR_SUBLINK) gives its one output as it is
        "SUBLINK" if expression.number("subLinkType") == 4 => {
            let query = expression.node("subselect")?;
            if query.node("setOperations").is_some() {
                return None;
            }
            let mut results = query.nodes(query.results());
            let entry = results.find(|entry| entry.word("resjunk") == "false")?;
            follow(entry.node("expr")?, &[levels, &[query]].concat(), depth + 1)
        }
        "VAR" => match target(expression, expression.number("varattno"), levels)? {
            Target::Table(relation, attribute) => Some((relation, attribute)),
            Target::Join(levels, alias) => follow(alias, &levels, depth + 1),
            Target::Query(levels, attribute) => {
                let query = *levels.last()?;
                if query.node("setOperations").is_some() {
                    // every arm gives values: one column is meant where all give that
                    let mut found = None;
                    for arm in query.nodes("rtable").filter_map(|arm| arm.node("subquery")) {
                        let mut entries = arm.nodes("targetList");
                        let entry = entries.find(|entry| entry.number("resno") == attribute)?;
                        let inner = [levels.as_slice(), &[arm]].concat();
                        let given = follow(entry.node("expr")?, &inner, depth + 1)?;
                        if *found.get_or_insert(given) != given {
                            return None;
                        }
                    }
                    return found;
                }
                let entry = query
                    .nodes(query.results())
                    .find(|entry| entry.number("resno") == attribute)?;
                follow(entry.node("expr")?, &levels, depth + 1)
            }
            Target::Other => None,
        },
        _ => None,
    }
}

/// What a Var stands for.
enum Target<'a> {
    Table(u32, i16),
    Query(Vec<&'a Node>, i64),
    Join(Vec<&'a Node>, &'a Node),
    Other,
}

fn target<'a>(var: &Node, attribute: i64, levels: &[&'a Node]) -> Option<Target<'a>> {
    let up = usize::try_from(var.number("varlevelsup")).ok()?;
    let level = levels.len().checked_sub(1 + up)?;
    let place = usize::try_from(var.number("varno") - 1).ok()?;
    let entry = levels[level].nodes("rtable").nth(place)?;
    Some(match entry.number("rtekind") {
        0 => Target::Table(
            u32::try_from(entry.number("relid")).ok()?,
            i16::try_from(attribute).ok()?,
        ),
        1 => {
            let mut inner = levels[..=level].to_vec();
            inner.push(entry.node("subquery")?);
            Target::Query(inner, attribute)
        }
        2 if attribute > 0 => {
            let alias = entry.list("joinaliasvars");
            match alias.get(usize::try_from(attribute - 1).ok()?)? {
                Piece::Node(alias) => Target::Join(levels[..=level].to_vec(), alias),
                Piece::List(_) | Piece::Word(_) => Target::Other,
            }
        }
        6 => {
            let up = usize::try_from(entry.number("ctelevelsup")).ok()?;
            let level = level.checked_sub(up)?;
            let name = entry.word("ctename");
            let with = levels[level]
                .nodes("cteList")
                .find(|with| with.word("ctename") == name)?;
            let mut inner = levels[..=level].to_vec();
            inner.push(with.node("ctequery")?);
            Target::Query(inner, attribute)
        }
        _ => Target::Other,
    })
}

/// Whether any of a tree of set operations is not UNION ALL.
fn compares(operation: &Node) -> bool {
    if operation.name != "SETOPERATIONSTMT" {
        return false;
    }
    let all = operation.number("op") == 1 && operation.word("all") == "true";
    let arms = [operation.node("larg"), operation.node("rarg")];
    !all || arms.into_iter().flatten().any(compares)
}

#[derive(Default)]
struct Reader {
    columns: Columns,
    /// Entries of subselects that have been read, by address and number.
    seen: BTreeSet<(usize, i64)>,
    /// Leaves out what decides over rows.
    only_values: bool,
}

impl Reader {
    /// Everything of a query but its target list: that counts as far as somebody asks for it.
    fn query(&mut self, query: &Node, levels: &[&Node]) {
        for entry in query.nodes("rtable") {
            match entry.number("rtekind") {
                1 => {
                    if let Some(inner) = entry.node("subquery") {
                        self.query(inner, &[levels, &[inner]].concat());
                    }
                }
                2 => {}
                _ => {
                    for field in [
                        "functions",
                        "tablefunc",
                        "values_lists",
                        "securityQuals",
                        "tablesample",
                    ] {
                        self.pieces(entry.field(field), levels);
                    }
                }
            }
        }
        for with in query.nodes("cteList") {
            if let Some(inner) = with.node("ctequery") {
                self.query(inner, &[levels, &[inner]].concat());
                if inner.number("commandType") != 1 {
                    self.entries(inner, &[levels, &[inner]].concat());
                }
            }
        }
        for field in [
            "jointree",
            "havingQual",
            "limitOffset",
            "limitCount",
            "onConflict",
            "mergeActionList",
            "windowClause",
        ] {
            self.pieces(query.field(field), levels);
        }
        let mut references = BTreeSet::new();
        for field in [
            "groupClause",
            "windowClause",
            "distinctClause",
            "sortClause",
        ] {
            collect_references(query.field(field), &mut references);
        }
        for entry in query.nodes("targetList") {
            if references.contains(entry.word("ressortgroupref")) {
                self.pieces(entry.field("expr"), levels);
            }
        }
        // UNION ALL gives what its arms give; any other operation compares it
        if query.node("setOperations").is_some_and(compares) {
            for entry in query
                .nodes("rtable")
                .filter(|entry| entry.number("rtekind") == 1)
            {
                if let Some(inner) = entry.node("subquery") {
                    self.entries(inner, &[levels, &[inner]].concat());
                }
            }
        }
    }

    /// All of a query's target list.
    fn entries(&mut self, query: &Node, levels: &[&Node]) {
        for entry in query.nodes("targetList") {
            self.pieces(entry.field("expr"), levels);
        }
    }

    fn pieces(&mut self, pieces: &[Piece], levels: &[&Node]) {
        for piece in pieces {
            match piece {
                Piece::Node(node) => self.node(node, levels),
                Piece::List(list) => self.pieces(list, levels),
                Piece::Word(_) => {}
            }
        }
    }

    fn node(&mut self, node: &Node, levels: &[&Node]) {
        match node.name.as_str() {
            "VAR" => self.var(node, node.number("varattno"), levels),
            // how many rows there are, not what is in them
            "AGGREF" if self.only_values && matches!(node.word("aggfnoid"), "2147" | "2803") => {}
            "NULLTEST" if self.only_values => {}
            // a field of a whole row is that column alone
            "FIELDSELECT" => match node.node("arg") {
                Some(row) if row.name == "VAR" && row.number("varattno") == 0 => {
                    self.var(row, node.number("fieldnum"), levels);
                }
                _ => self.pieces(node.field("arg"), levels),
            },
            "SUBLINK" => {
                self.pieces(node.field("testexpr"), levels);
                if let Some(query) = node.node("subselect") {
                    let inner = [levels, &[query]].concat();
                    if !self.only_values {
                        self.query(query, &inner);
                    }
                    // EXISTS has no use for what it selects
                    if node.number("subLinkType") != 0 {
                        self.entries(query, &inner);
                    }
                }
            }
            _ => {
                for pieces in node.fields.values() {
                    self.pieces(pieces, levels);
                }
            }
        }
    }

    fn var(&mut self, var: &Node, attribute: i64, levels: &[&Node]) {
        match target(var, attribute, levels) {
            Some(Target::Table(relation, attribute)) => {
                self.columns.insert((relation, attribute));
            }
            Some(Target::Join(levels, alias)) => self.node(alias, &levels),
            Some(Target::Query(levels, attribute)) => {
                let Some(query) = levels.last().copied() else {
                    return;
                };
                if !self
                    .seen
                    .insert((std::ptr::from_ref(query).addr(), attribute))
                {
                    return;
                }
                // in a set operation every arm gives values, in the same place
                if query.node("setOperations").is_some() {
                    for entry in query.nodes("rtable") {
                        if let Some(arm) = entry.node("subquery") {
                            let inner = [levels.as_slice(), &[arm]].concat();
                            for entry in arm
                                .nodes("targetList")
                                .filter(|entry| entry.number("resno") == attribute)
                            {
                                self.pieces(entry.field("expr"), &inner);
                            }
                        }
                    }
                }
                let wanted = |entry: &&Node| attribute == 0 || entry.number("resno") == attribute;
                for entry in query.nodes(query.results()).filter(wanted) {
                    self.pieces(entry.field("expr"), &levels);
                }
            }
            Some(Target::Other) | None => {}
        }
    }
}

fn collect_references(pieces: &[Piece], references: &mut BTreeSet<String>) {
    for piece in pieces {
        match piece {
            Piece::Node(node) => {
                if node.name == "SORTGROUPCLAUSE" {
                    references.insert(node.word("tleSortGroupRef").to_owned());
                }
                for pieces in node.fields.values() {
                    collect_references(pieces, references);
                }
            }
            Piece::List(list) => collect_references(list, references),
            Piece::Word(_) => {}
        }
    }
}
