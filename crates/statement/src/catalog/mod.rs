//! What a database's system catalog says, as plain data.
//!
//! A [`Catalog`] is built by pure code from the text rows of the queries in [`LOAD`] and is what names in a
//! statement are resolved against. It never talks to a server. Its rows come from a database that other people
//! may shape, so nothing here trusts them: sizes are bounded, malformed rows are errors, nothing panics.
//!
//! A catalog is a stack of at most two layers: the snapshot shared by every session of a target, and over it the
//! temporary objects of one session ([`Catalog::overlay`]). Look-ups read the upper layer first.

mod builder;
mod error;
mod layer;
mod literal;
mod objects;
mod queries;
mod row;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use builder::Builder;
pub use error::Error;
pub use objects::*;
pub use queries::{FINGERPRINT, LOAD, LOAD_TEMP, Query};

use layer::Layer;

/// An object identifier of PostgreSQL; 0 is "none".
pub type Oid = u32;

/// Objects at or above this identifier are made by users; those below come with the server
/// (`FirstNormalObjectId`, access/transam.h).
pub const FIRST_USER_OID: Oid = 16_384;

/// A column of a relation by identity, not by name, so that a rename does not lose it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ColumnId {
    /// `pg_class.oid`.
    pub relation: Oid,
    /// `pg_attribute.attnum`; negative for system columns.
    pub attribute: i16,
}

/// A snapshot of one database's catalog. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Catalog {
    fingerprint: Arc<str>,
    top: Option<Arc<Layer>>,
    base: Arc<Layer>,
}

impl Catalog {
    /// A catalog without any object: no name resolves.
    pub fn empty() -> Self {
        Self {
            fingerprint: Arc::from(""),
            top: None,
            base: Arc::new(Layer::default()),
        }
    }

    fn from_layer(fingerprint: String, layer: Layer) -> Self {
        Self {
            fingerprint: fingerprint.into(),
            top: None,
            base: Arc::new(layer),
        }
    }

    /// The same snapshot with the objects of `temporary` (rows of [`LOAD_TEMP`]) over it. An earlier overlay is
    /// replaced, not stacked. The fingerprint stays that of the shared snapshot.
    pub fn overlay(&self, temporary: Builder) -> Catalog {
        Self {
            fingerprint: Arc::clone(&self.fingerprint),
            top: Some(Arc::new(temporary.layer())),
            base: Arc::clone(&self.base),
        }
    }

    /// The answer of [`FINGERPRINT`] this catalog was loaded under; empty when none was given.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// `server_version_num` (150008 for 15.8); 0 when unknown.
    pub fn server_version(&self) -> u32 {
        self.base.server.version
    }

    /// Name of the database the snapshot was taken from; empty when unknown.
    pub fn database(&self) -> &str {
        &self.base.server.database
    }

    fn layers(&self) -> impl Iterator<Item = &Layer> {
        self.top
            .as_deref()
            .into_iter()
            .chain(std::iter::once(&*self.base))
    }

    // ---- schemas

    /// Whether a schema of that name is known. `pg_temp` and temporary schemas of other sessions are not.
    pub fn has_schema(&self, name: &str) -> bool {
        self.layers().any(|layer| layer.schemas.contains(name))
    }

    /// Whether a schema holds the server's own objects: `pg_catalog`, `information_schema`, `pg_toast` and the
    /// TOAST side of temporary schemas. What is read there is either allow-listed or refused.
    pub fn is_system_schema(name: &str) -> bool {
        matches!(name, "pg_catalog" | "information_schema" | "pg_toast")
            || name.starts_with("pg_toast_temp_")
    }

    // ---- relations and columns

    /// A relation by schema and name, both as in the catalog (already case-folded).
    pub fn relation(&self, schema: &str, name: &str) -> Option<&Relation> {
        self.layers().find_map(|layer| layer.relation(schema, name))
    }

    /// A relation by identifier.
    pub fn relation_by_oid(&self, oid: Oid) -> Option<&Relation> {
        self.layers().find_map(|layer| layer.relations.get(&oid))
    }

    /// Every relation of that name, in any schema.
    pub fn relations_named<'a>(
        &'a self,
        name: &str,
    ) -> impl Iterator<Item = &'a Relation> + use<'a> {
        self.layers()
            .filter_map(|layer| Some((layer, layer.relations_by_name.get(name)?)))
            .flat_map(|(layer, oids)| oids.iter().filter_map(|oid| layer.relations.get(oid)))
            .collect::<Vec<_>>()
            .into_iter()
    }

    /// All relations, in no particular order.
    pub fn relations(&self) -> impl Iterator<Item = &Relation> {
        self.layers().flat_map(|layer| layer.relations.values())
    }

    /// The relation whose rows have this composite type.
    pub fn relation_of_row_type(&self, row_type: Oid) -> Option<&Relation> {
        self.layers().find_map(|layer| {
            layer
                .relations
                .get(layer.relations_by_row_type.get(&row_type)?)
        })
    }

    /// A column by schema, relation and column name; also the system columns of what has storage.
    pub fn column(&self, schema: &str, relation: &str, column: &str) -> Option<ColumnId> {
        let relation = self.relation(schema, relation)?;
        Some(ColumnId {
            relation: relation.oid,
            attribute: relation.attribute(column)?,
        })
    }

    /// Schema, relation and column name of a column.
    pub fn column_name(&self, column: ColumnId) -> Option<(&str, &str, &str)> {
        let relation = self.relation_by_oid(column.relation)?;
        let name = relation.attribute_name(column.attribute)?;
        Some((&relation.schema, &relation.name, name))
    }

    /// Type identifier and type modifier (−1 for none) of a column.
    pub fn column_type(&self, column: ColumnId) -> Option<(Oid, i32)> {
        let relation = self.relation_by_oid(column.relation)?;
        relation.attribute_type(column.attribute)
    }

    /// Relations that inherit from, or are partitions of, this one (one level).
    pub fn children(&self, relation: Oid) -> impl Iterator<Item = Oid> + '_ {
        self.layers()
            .filter_map(move |layer| layer.children.get(&relation))
            .flatten()
            .copied()
    }

    /// Relations that this one inherits from or is a partition of (one level).
    pub fn parents(&self, relation: Oid) -> impl Iterator<Item = Oid> + '_ {
        self.layers()
            .filter_map(move |layer| layer.parents.get(&relation))
            .flatten()
            .copied()
    }

    /// The relation and everything below it in the inheritance tree, itself first.
    pub fn descendants(&self, relation: Oid) -> Vec<Oid> {
        self.closure(relation, |oid, found| found.extend(self.children(oid)))
    }

    /// Every column that shares values with this one through inheritance or partitioning: the columns of the same
    /// name in all ancestors and descendants, and in theirs in turn. The column itself comes first.
    pub fn family(&self, column: ColumnId) -> impl Iterator<Item = ColumnId> + use<> {
        let mut family = vec![column];
        let name = self.column_name(column).map(|(_, _, name)| name);
        if let Some(name) = name.filter(|_| column.attribute > 0) {
            let related = self.closure(column.relation, |oid, found| {
                let holds = |oid: &Oid| {
                    self.relation_by_oid(*oid)
                        .is_some_and(|relation| relation.column(name).is_some())
                };
                found.extend(self.children(oid).filter(holds));
                found.extend(self.parents(oid).filter(holds));
            });
            family.extend(related.into_iter().skip(1).filter_map(|oid| {
                let relation = self.relation_by_oid(oid)?;
                Some(ColumnId {
                    relation: oid,
                    attribute: relation.column(name)?.attribute,
                })
            }));
        }
        family.into_iter()
    }

    fn closure(&self, start: Oid, mut step: impl FnMut(Oid, &mut Vec<Oid>)) -> Vec<Oid> {
        let mut seen = foldhash::HashSet::default();
        seen.insert(start);
        let mut order = vec![start];
        let mut queue = std::collections::VecDeque::from([start]);
        let mut found = Vec::new();
        while let Some(oid) = queue.pop_front() {
            step(oid, &mut found);
            for next in found.drain(..) {
                if seen.insert(next) {
                    order.push(next);
                    queue.push_back(next);
                }
            }
        }
        order
    }

    // ---- types

    /// A type by identifier.
    pub fn type_by_oid(&self, oid: Oid) -> Option<&Type> {
        self.layers().find_map(|layer| layer.types.get(&oid))
    }

    /// A type by schema and name. Array types are found under their own name (`_text`).
    pub fn type_named(&self, schema: &str, name: &str) -> Option<&Type> {
        self.layers().find_map(|layer| {
            let oids = layer.types_by_name.get(name)?;
            oids.iter()
                .filter_map(|oid| layer.types.get(oid))
                .find(|ty| &*ty.schema == schema)
        })
    }

    /// Every type of that name, in any schema.
    pub fn types_named<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Type> + use<'a> {
        self.layers()
            .filter_map(|layer| Some((layer, layer.types_by_name.get(name)?)))
            .flat_map(|(layer, oids)| oids.iter().filter_map(|oid| layer.types.get(oid)))
            .collect::<Vec<_>>()
            .into_iter()
    }

    /// User-defined code that runs when a value of this type is made or cast to: checks of domains, support functions
    /// of ranges, through arrays, domains and composite types. Not the input and output functions of base types
    /// ([`Type::user_io`]): only a superuser can make those.
    pub fn type_code(&self, ty: Oid) -> Vec<&UserCode> {
        let members = self.closure(ty, |oid, found| {
            let Some(ty) = self.type_by_oid(oid) else {
                return;
            };
            found.extend([ty.element, ty.base].into_iter().filter(|oid| *oid != 0));
            if let Some(relation) = self.relation_by_oid(ty.relation) {
                found.extend(relation.columns.iter().map(|column| column.type_oid));
            }
        });
        members
            .into_iter()
            .filter_map(|oid| self.type_by_oid(oid))
            .flat_map(|ty| ty.user_code.iter())
            .collect()
    }

    // ---- code

    /// User-defined functions, procedures, aggregates and window functions of that name, in any schema. Includes
    /// what stands in `pg_catalog` but did not come with the server.
    pub fn functions_named<'a>(
        &'a self,
        name: &str,
    ) -> impl Iterator<Item = &'a Function> + use<'a> {
        self.layers()
            .filter_map(|layer| layer.functions.get(name))
            .flatten()
            .collect::<Vec<_>>()
            .into_iter()
    }

    /// A user-defined function by identifier.
    pub fn function_by_oid(&self, oid: Oid) -> Option<&Function> {
        self.layers().find_map(|layer| {
            layer
                .functions
                .get(layer.functions_by_oid.get(&oid)?)?
                .iter()
                .find(|function| function.oid == oid)
        })
    }

    /// The server's own functions of that name that return named columns (`json_each`, `pg_options_to_table`, …).
    /// Functions without OUT parameters are not in the snapshot.
    pub fn built_in_functions_named(&self, name: &str) -> &[Function] {
        self.base
            .built_in_functions
            .get(name)
            .map_or(&[], Vec::as_slice)
    }

    /// User-defined operators of that name, in any schema.
    pub fn operators_named<'a>(
        &'a self,
        name: &str,
    ) -> impl Iterator<Item = &'a Operator> + use<'a> {
        self.layers()
            .filter_map(|layer| layer.operators.get(name))
            .flatten()
            .collect::<Vec<_>>()
            .into_iter()
    }

    /// All user-defined casts. PostgreSQL finds casts by types, not by the search path.
    pub fn casts(&self) -> impl Iterator<Item = &Cast> {
        self.layers().flat_map(|layer| layer.casts.iter())
    }

    /// Event triggers that are not disabled: they run user code on DDL.
    pub fn event_triggers(&self) -> impl Iterator<Item = &EventTrigger> {
        self.layers().flat_map(|layer| layer.event_triggers.iter())
    }
}

impl Default for Catalog {
    fn default() -> Self {
        Self::empty()
    }
}
