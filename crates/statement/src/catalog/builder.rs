//! From rows of text to a catalog.

use std::sync::Arc;

use foldhash::{HashMap, HashSet};

use super::layer::Layer;
use super::objects::*;
use super::row::Row;
use super::{Catalog, Error, FIRST_USER_OID, Oid};

/// Most rows of one load: a database of 100,000 tables with 30 columns fits.
const ROWS: usize = 5_000_000;
/// Most text of one load, bytes.
const TEXT_BYTES: usize = 512 << 20;

/// Collects the rows of [`super::LOAD`] or [`super::LOAD_TEMP`], in any order.
#[derive(Debug, Default)]
pub struct Builder {
    rows: usize,
    text_bytes: usize,
    /// Names that many objects share: schemas, languages.
    shared: HashSet<Arc<str>>,
    layer: Layer,
    columns: HashMap<Oid, Vec<Column>>,
    loose_collations: HashSet<(Oid, i16)>,
    rules: HashMap<Oid, Vec<Rule>>,
    triggers: HashMap<Oid, Vec<Trigger>>,
    policies: HashMap<Oid, Vec<Policy>>,
    indexes: HashMap<Oid, Vec<Index>>,
    relation_code: HashMap<Oid, Vec<UserCode>>,
    type_code: HashMap<Oid, Vec<UserCode>>,
    foreign_keys: Vec<ForeignKey>,
}

impl Builder {
    /// Without rows.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one row of a section.
    ///
    /// # Errors
    /// The row does not have the section's form, or the catalog exceeds its limits.
    pub fn row(&mut self, section: &str, columns: &[Option<&str>]) -> Result<(), Error> {
        self.count(columns)?;
        let row = |section, width| Row::new(section, columns, width);
        match section {
            "server" => self.server(row("server", 2)?),
            "schema" => self.schema(row("schema", 2)?),
            "relation" => self.relation(row("relation", 11)?),
            "column" => self.column(row("column", 9)?),
            "loose collation" => self.loose_collation(row("loose collation", 2)?),
            "inheritance" => self.inheritance(row("inheritance", 2)?),
            "index" => self.index(row("index", 11)?),
            "type" => self.data_type(row("type", 11)?),
            "function" => self.function(row("function", 16)?),
            "operator" => self.operator(row("operator", 6)?),
            "cast" => self.cast(row("cast", 8)?),
            "rule" => self.rule(row("rule", 6)?),
            "trigger" => self.trigger(row("trigger", 7)?),
            "policy" => self.policy(row("policy", 6)?),
            "foreign_key" => self.foreign_key(row("foreign_key", 7)?),
            "code" => self.code(row("code", 7)?),
            "event_trigger" => self.event_trigger(row("event_trigger", 5)?),
            unknown => Err(Error::UnknownSection(unknown.chars().take(64).collect())),
        }
    }

    /// The catalog, loaded under this fingerprint.
    pub fn finish(self, fingerprint: String) -> Catalog {
        Catalog::from_layer(fingerprint, self.layer())
    }

    /// Puts together what arrived in separate rows. What belongs to an object that has no row of its own is left
    /// out: such an object cannot be resolved, so nothing is concluded from its absence.
    pub(super) fn layer(mut self) -> Layer {
        for (relation, mut columns) in self.columns {
            for column in &mut columns {
                column.loose_collation = self
                    .loose_collations
                    .contains(&(relation, column.attribute));
            }
            if let Some(relation) = self.layer.relations.get_mut(&relation) {
                columns.sort_unstable_by_key(|column| column.attribute);
                relation.columns = columns;
            }
        }
        for key in self.foreign_keys {
            if let Some(relation) = self.layer.relations.get_mut(&key.to) {
                relation.referenced_by.push(key.clone());
            }
            if let Some(relation) = self.layer.relations.get_mut(&key.from) {
                relation.references.push(key);
            }
        }
        for relation in self.layer.relations.values_mut() {
            let oid = &relation.oid;
            relation.rules = self.rules.remove(oid).unwrap_or_default();
            relation.triggers = self.triggers.remove(oid).unwrap_or_default();
            relation.row_security.policies = self.policies.remove(oid).unwrap_or_default();
            relation.indexes = self.indexes.remove(oid).unwrap_or_default();
            relation.user_code = self.relation_code.remove(oid).unwrap_or_default();
        }
        for ty in self.layer.types.values_mut() {
            ty.user_code = self.type_code.remove(&ty.oid).unwrap_or_default();
        }
        self.layer
    }

    fn count(&mut self, columns: &[Option<&str>]) -> Result<(), Error> {
        self.rows += 1;
        if self.rows > ROWS {
            return Err(Error::TooLarge {
                limit: ROWS,
                unit: "rows",
            });
        }
        let text_bytes: usize = columns.iter().flatten().map(|text| text.len()).sum();
        self.text_bytes = self.text_bytes.saturating_add(text_bytes);
        if self.text_bytes > TEXT_BYTES {
            return Err(Error::TooLarge {
                limit: TEXT_BYTES,
                unit: "bytes",
            });
        }
        Ok(())
    }

    fn shared(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.shared.get(name) {
            return Arc::clone(known);
        }
        let name: Arc<str> = name.into();
        self.shared.insert(Arc::clone(&name));
        name
    }

    fn server(&mut self, mut row: Row<'_>) -> Result<(), Error> {
        self.layer.server.version = row.number()?;
        self.layer.server.database = row.name()?.into();
        Ok(())
    }

    fn schema(&mut self, mut row: Row<'_>) -> Result<(), Error> {
        let _oid: Oid = row.number()?;
        let name = row.name()?;
        let name = self.shared(name);
        self.layer.schemas.insert(name);
        Ok(())
    }

    fn relation(&mut self, mut row: Row<'_>) -> Result<(), Error> {
        let oid = row.number()?;
        let schema = self.shared(row.name()?);
        let relation = Relation {
            oid,
            system: is_system(&schema, oid),
            schema,
            name: row.name()?.into(),
            kind: RelationKind::from_code(row.text()?),
            persistence: persistence(&mut row)?,
            row_type: row.number()?,
            xmin: row.number()?,
            partition: row.boolean()?,
            row_security: RowSecurity {
                enabled: row.boolean()?,
                forced: row.boolean()?,
                policies: Vec::new(),
            },
            view_definition: row.optional_text(),
            columns: Vec::new(),
            rules: Vec::new(),
            triggers: Vec::new(),
            user_code: Vec::new(),
            references: Vec::new(),
            referenced_by: Vec::new(),
            indexes: Vec::new(),
            index_of: None,
        };
        self.insert_relation("relation", relation)
    }

    fn insert_relation(&mut self, section: &'static str, relation: Relation) -> Result<(), Error> {
        let by_name = self
            .layer
            .relations_by_name
            .entry(Arc::clone(&relation.name))
            .or_default();
        by_name.push(relation.oid);
        if relation.row_type != 0 {
            self.layer
                .relations_by_row_type
                .insert(relation.row_type, relation.oid);
        }
        match self.layer.relations.insert(relation.oid, relation) {
            None => Ok(()),
            Some(_) => Err(Error::Duplicate(section)),
        }
    }

    fn column(&mut self, mut row: Row<'_>) -> Result<(), Error> {
        let relation: Oid = row.number()?;
        let attribute: i16 = row.number()?;
        if attribute < 1 {
            return Err(row.fault("attribute number below 1"));
        }
        let column = Column {
            attribute,
            name: self.shared(row.name()?),
            type_oid: row.number()?,
            typmod: row.number()?,
            not_null: row.boolean()?,
            has_default: row.boolean()?,
            generated: row.code()? != 0,
            identity: row.code()? != 0,
            loose_collation: false,
        };
        let columns = self.columns.entry(relation).or_default();
        if columns.len() >= usize::from(i16::MAX.unsigned_abs()) {
            return Err(row.fault("too many columns in one relation"));
        }
        columns.push(column);
        Ok(())
    }

    fn loose_collation(&mut self, mut row: Row<'_>) -> Result<(), Error> {
        self.loose_collations.insert((row.number()?, row.number()?));
        Ok(())
    }

    fn inheritance(&mut self, mut row: Row<'_>) -> Result<(), Error> {
        let child: Oid = row.number()?;
        let parent: Oid = row.number()?;
        self.layer.children.entry(parent).or_default().push(child);
        self.layer.parents.entry(child).or_default().push(parent);
        Ok(())
    }

    fn index(&mut self, mut row: Row<'_>) -> Result<(), Error> {
        let oid = row.number()?;
        let schema = self.shared(row.name()?);
        let name = row.name()?.into();
        let kind = RelationKind::from_code(row.text()?);
        let persistence = persistence(&mut row)?;
        let xmin = row.number()?;
        let index_of: Oid = row.number()?;
        let index = Index {
            oid,
            unique: row.boolean()?,
            primary: row.boolean()?,
            attributes: row.vector()?,
            partial: row.boolean()?,
        };
        self.indexes.entry(index_of).or_default().push(index);
        let relation = Relation {
            oid,
            system: is_system(&schema, oid),
            schema,
            name,
            kind,
            persistence,
            row_type: 0,
            xmin,
            partition: false,
            columns: Vec::new(),
            view_definition: None,
            rules: Vec::new(),
            triggers: Vec::new(),
            row_security: RowSecurity::default(),
            user_code: Vec::new(),
            references: Vec::new(),
            referenced_by: Vec::new(),
            indexes: Vec::new(),
            index_of: Some(index_of),
        };
        self.insert_relation("index", relation)
    }

    fn data_type(&mut self, mut row: Row<'_>) -> Result<(), Error> {
        let oid = row.number()?;
        let schema = self.shared(row.name()?);
        let ty = Type {
            oid,
            system: is_system(&schema, oid),
            schema,
            name: row.name()?.into(),
            kind: type_kind(row.code()?),
            category: row.code()?,
            element: row.number()?,
            array: row.number()?,
            base: row.number()?,
            base_typmod: row.number()?,
            relation: row.number()?,
            user_io: row.boolean()?,
            user_code: Vec::new(),
        };
        let by_name = self
            .layer
            .types_by_name
            .entry(Arc::clone(&ty.name))
            .or_default();
        by_name.push(oid);
        match self.layer.types.insert(oid, ty) {
            None => Ok(()),
            Some(_) => Err(Error::Duplicate("type")),
        }
    }

    fn function(&mut self, mut row: Row<'_>) -> Result<(), Error> {
        let oid = row.number()?;
        let schema = self.shared(row.name()?);
        let name: Arc<str> = row.name()?.into();
        let kind = function_kind(row.code()?);
        let volatility = row.code()?;
        let arguments = row.vector()?;
        let defaults = row.number()?;
        let variadic = row.boolean()?;
        let returns = row.number()?;
        let returns_set = row.boolean()?;
        let outputs = self.outputs(&mut row)?;
        let function = Function {
            oid,
            schema,
            name: Arc::clone(&name),
            kind,
            volatility,
            arguments,
            defaults,
            variadic,
            returns,
            returns_set,
            outputs,
            language: self.shared(row.name()?),
            security_definer: row.boolean()?,
            xmin: row.number()?,
        };
        let built_in = is_system(&function.schema, oid)
            && matches!(&*function.language, "internal" | "c" | "sql");
        let by_name = if built_in {
            &mut self.layer.built_in_functions
        } else {
            self.layer.functions_by_oid.insert(oid, Arc::clone(&name));
            &mut self.layer.functions
        };
        by_name.entry(name).or_default().push(function);
        Ok(())
    }

    /// `proallargtypes`, `proargmodes` and `proargnames` of the parameters that come out.
    fn outputs(&mut self, row: &mut Row<'_>) -> Result<Vec<(Arc<str>, Oid)>, Error> {
        let types = row.optional_numbers()?.unwrap_or_default();
        let modes = row.optional_array()?.unwrap_or_default();
        let names = row.optional_array()?.unwrap_or_default();
        if !modes.is_empty() && modes.len() != types.len() {
            return Err(row.fault("parameter modes and types differ in number"));
        }
        let mut names = names.into_iter().map(Option::unwrap_or_default);
        let mut outputs = Vec::new();
        for (ty, mode) in types.into_iter().zip(modes) {
            let name = names.next().unwrap_or_default();
            if matches!(mode.as_deref(), Some("o" | "b" | "t")) {
                // an output without a name is called by its place (CREATE FUNCTION, PostgreSQL docs)
                let name = if name.is_empty() {
                    format!("column{}", outputs.len() + 1)
                } else {
                    name
                };
                outputs.push((self.shared(&name), ty));
            }
        }
        Ok(outputs)
    }

    fn operator(&mut self, mut row: Row<'_>) -> Result<(), Error> {
        let oid = row.number()?;
        let schema = self.shared(row.name()?);
        let name: Arc<str> = row.name()?.into();
        let operator = Operator {
            oid,
            schema,
            name: Arc::clone(&name),
            left: row.number()?,
            right: row.number()?,
            function: row.number()?,
        };
        self.layer.operators.entry(name).or_default().push(operator);
        Ok(())
    }

    fn cast(&mut self, mut row: Row<'_>) -> Result<(), Error> {
        let cast = Cast {
            oid: row.number()?,
            source: row.number()?,
            target: row.number()?,
            context: row.code()?,
            method: row.code()?,
            function: row.optional_function()?,
        };
        self.layer.casts.push(cast);
        Ok(())
    }

    fn rule(&mut self, mut row: Row<'_>) -> Result<(), Error> {
        let relation: Oid = row.number()?;
        let rule = Rule {
            name: row.name()?.into(),
            event: match row.code()? {
                b'1' => RuleEvent::Select,
                b'2' => RuleEvent::Update,
                b'3' => RuleEvent::Insert,
                b'4' => RuleEvent::Delete,
                _ => RuleEvent::Unknown,
            },
            instead: row.boolean()?,
            enabled: row.boolean()?,
            definition: row.text()?.into(),
        };
        self.rules.entry(relation).or_default().push(rule);
        Ok(())
    }

    fn trigger(&mut self, mut row: Row<'_>) -> Result<(), Error> {
        let relation: Oid = row.number()?;
        let trigger = Trigger {
            name: row.name()?.into(),
            // int2 in the catalog; the bits in use are the low seven
            type_bits: row.number::<i16>()?.unsigned_abs(),
            enabled: row.boolean()?,
            function: row.function()?,
        };
        self.triggers.entry(relation).or_default().push(trigger);
        Ok(())
    }

    fn policy(&mut self, mut row: Row<'_>) -> Result<(), Error> {
        let relation: Oid = row.number()?;
        let policy = Policy {
            name: row.name()?.into(),
            command: row.code()?,
            permissive: row.boolean()?,
            using: row.optional_text(),
            check: row.optional_text(),
        };
        self.policies.entry(relation).or_default().push(policy);
        Ok(())
    }

    fn foreign_key(&mut self, mut row: Row<'_>) -> Result<(), Error> {
        let key = ForeignKey {
            oid: row.number()?,
            from: row.number()?,
            from_attributes: row.numbers()?,
            to: row.number()?,
            to_attributes: row.numbers()?,
            on_update: row.code()?,
            on_delete: row.code()?,
        };
        if key.from_attributes.len() != key.to_attributes.len() {
            return Err(row.fault("sides of different width"));
        }
        self.foreign_keys.push(key);
        Ok(())
    }

    fn code(&mut self, mut row: Row<'_>) -> Result<(), Error> {
        let relation: Oid = row.number()?;
        let ty: Oid = row.number()?;
        let code = UserCode {
            origin: match row.text()? {
                "default" => CodeOrigin::Default,
                "constraint" => CodeOrigin::Constraint,
                "index" => CodeOrigin::Index,
                "partition" => CodeOrigin::Partition,
                "policy" => CodeOrigin::Policy,
                "trigger" => CodeOrigin::Trigger,
                "statistics" => CodeOrigin::Statistics,
                "type" => CodeOrigin::Type,
                _ => CodeOrigin::Unknown,
            },
            class: match row.text()? {
                "function" => CodeClass::Function,
                "operator" => CodeClass::Operator,
                "operator class" => CodeClass::OperatorClass,
                "type" => CodeClass::Type,
                _ => CodeClass::Other,
            },
            oid: row.number()?,
            schema: self.shared(row.name()?),
            name: self.shared(row.name()?),
        };
        let (owners, owner) = if relation != 0 {
            (&mut self.relation_code, relation)
        } else {
            (&mut self.type_code, ty)
        };
        let codes = owners.entry(owner).or_default();
        // the server has one dependency for each place that mentions a function
        if codes.len() < 64 && codes.contains(&code) {
            return Ok(());
        }
        codes.push(code);
        Ok(())
    }

    fn event_trigger(&mut self, mut row: Row<'_>) -> Result<(), Error> {
        let trigger = EventTrigger {
            name: row.name()?.into(),
            event: row.text()?.into(),
            function: row.function()?,
        };
        self.layer.event_triggers.push(trigger);
        Ok(())
    }
}

fn is_system(schema: &str, oid: Oid) -> bool {
    oid < FIRST_USER_OID && Catalog::is_system_schema(schema)
}

fn persistence(row: &mut Row<'_>) -> Result<Persistence, Error> {
    match row.code()? {
        b'p' => Ok(Persistence::Permanent),
        b'u' => Ok(Persistence::Unlogged),
        b't' => Ok(Persistence::Temporary),
        _ => Err(row.fault("unknown persistence")),
    }
}

fn type_kind(code: u8) -> TypeKind {
    match code {
        b'b' => TypeKind::Base,
        b'c' => TypeKind::Composite,
        b'd' => TypeKind::Domain,
        b'e' => TypeKind::Enum,
        b'p' => TypeKind::Pseudo,
        b'r' => TypeKind::Range,
        b'm' => TypeKind::Multirange,
        _ => TypeKind::Unknown,
    }
}

fn function_kind(code: u8) -> FunctionKind {
    match code {
        b'f' => FunctionKind::Function,
        b'p' => FunctionKind::Procedure,
        b'a' => FunctionKind::Aggregate,
        b'w' => FunctionKind::Window,
        _ => FunctionKind::Unknown,
    }
}
