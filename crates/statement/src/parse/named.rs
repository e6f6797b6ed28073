//! Statements that name objects of any kind: DROP, ALTER … RENAME, COMMENT, GRANT.

use std::sync::Arc;

use pg_raw_parse::nodes::{GrantTargetType, ObjectType as Ob};
use pg_raw_parse::{Node, nodes};

use super::ddl::Steps;
use super::query::any_name;
use super::{Converter, names};
use crate::ast::{DdlStep, Ident, Path, Table};
use crate::{Effect, Object, OpaqueReason, Verb};

impl Converter {
    pub(super) fn drop(&mut self, drop: &nodes::DropStmt, class: &'static str, steps: &mut Steps) {
        for object in drop.objects() {
            self.object(Verb::Drop, class, drop.remove_type, object, steps);
        }
    }

    /// One object, named the way the grammar names objects of its kind.
    pub(super) fn object(
        &mut self,
        verb: Verb,
        class: &'static str,
        kind: Ob::Type,
        node: Node<'_>,
        steps: &mut Steps,
    ) {
        let mut path = match node {
            Node::NodeList(list) => names(list),
            Node::String(name) => vec![name.sval().unwrap_or_default().into()],
            Node::TypeName(ty) => Self::type_name(ty).map(|ty| ty.path).unwrap_or_default(),
            Node::ObjectWithArgs(object) => any_name(object.objname()),
            Node::RoleSpec(role) => vec![role.rolename().unwrap_or_default().into()],
            _ => Vec::new(),
        };
        match kind {
            Ob::OBJECT_SCHEMA => {
                steps.push(DdlStep::Object(verb, Object::Schema(joined(&path))));
            }
            Ob::OBJECT_DATABASE => {
                steps.push(DdlStep::Object(verb, Object::Database(joined(&path))));
            }
            Ob::OBJECT_ROLE => steps.push(DdlStep::Object(verb, Object::Role(joined(&path)))),
            Ob::OBJECT_FUNCTION
            | Ob::OBJECT_PROCEDURE
            | Ob::OBJECT_ROUTINE
            | Ob::OBJECT_AGGREGATE => {
                steps.push(DdlStep::Object(verb, function_object(path)));
            }
            // The last part is the trigger's, rule's, policy's or constraint's own name; before it the relation's.
            Ob::OBJECT_TRIGGER | Ob::OBJECT_RULE | Ob::OBJECT_POLICY | Ob::OBJECT_TABCONSTRAINT => {
                path.pop();
                steps.extend(table_of(path).map(|table| DdlStep::Relation(Verb::Alter, table)));
            }
            _ if is_relation(kind) => {
                if kind == Ob::OBJECT_COLUMN {
                    path.pop();
                }
                match table_of(path.clone()) {
                    Some(table) => steps.push(DdlStep::Relation(verb, table)),
                    None => steps.push(opaque("a relation name of unusual form")),
                }
                if verb == Verb::Drop {
                    steps.extend(table_of(path).map(DdlStep::Changes));
                }
            }
            _ => steps.push(other(verb, class, &joined(&path))),
        }
    }

    pub(super) fn rename(
        &mut self,
        rename: &nodes::RenameStmt,
    ) -> Option<(&'static str, Effect, Steps)> {
        let mut steps = Steps::new();
        let (class, _, command, _) = tags(rename.rename_type)?;
        match rename.relation() {
            Some(relation) => {
                steps.push(DdlStep::Relation(Verb::Alter, self.table(relation)));
                steps.push(DdlStep::Changes(self.table(relation)));
                if is_relation(rename.rename_type) && rename.rename_type != Ob::OBJECT_COLUMN {
                    let mut renamed = self.table(relation);
                    renamed.name = rename.newname().unwrap_or_default().into();
                    steps.push(DdlStep::Changes(renamed));
                }
            }
            None => {
                if rename.subname().is_some() && super::is_none(rename.object()) {
                    steps.push(other(
                        Verb::Alter,
                        class,
                        rename.subname().unwrap_or_default(),
                    ));
                } else {
                    self.object(
                        Verb::Alter,
                        class,
                        rename.rename_type,
                        rename.object(),
                        &mut steps,
                    );
                }
                steps.push(DdlStep::Defines(
                    rename.newname().unwrap_or_default().into(),
                ));
            }
        }
        Some((command, Effect::Definition, steps))
    }

    pub(super) fn grant(&mut self, grant: &nodes::GrantStmt, steps: &mut Steps) {
        if grant.targtype != GrantTargetType::ACL_TARGET_OBJECT {
            steps.push(other(Verb::Grant, "privileges", ""));
            return;
        }
        if !matches!(grant.objtype, Ob::OBJECT_TABLE | Ob::OBJECT_SEQUENCE) {
            // The list holds names of many forms.
            let (class, ..) = tags(grant.objtype).unwrap_or(("object", "", "", ""));
            steps.push(other(Verb::Grant, class, ""));
            return;
        }
        for relation in grant.objects().iter() {
            steps.push(DdlStep::Relation(Verb::Grant, self.table(relation)));
        }
    }
}

pub(super) fn table_of(mut path: Path) -> Option<Table> {
    let name = path.pop()?;
    let schema = path.pop();
    Some(Table {
        database: path.pop(),
        schema,
        name,
        alias: None,
        temporary: false,
    })
}

pub(super) fn joined(path: &[Ident]) -> Arc<str> {
    path.join(".").into()
}

pub(super) fn other(verb: Verb, class: &'static str, name: &str) -> DdlStep {
    DdlStep::Object(
        verb,
        Object::Other {
            class,
            name: name.into(),
        },
    )
}

pub(super) fn function_object(mut path: Path) -> Object {
    let name = path.pop().unwrap_or_default();
    Object::Function {
        schema: path
            .pop()
            .map_or_else(|| "".into(), |schema| Arc::from(&*schema)),
        name: Arc::from(&*name),
    }
}

pub(super) fn opaque(what: &'static str) -> DdlStep {
    DdlStep::Opaque(OpaqueReason::Construct(what))
}

pub(super) fn role_name(role: Option<&nodes::RoleSpec>) -> Arc<str> {
    role.and_then(nodes::RoleSpec::rolename)
        .unwrap_or("")
        .into()
}

/// The words a command tag uses for a kind of object (`tcop/cmdtaglist.h`), for CREATE, ALTER and DROP.
pub(super) fn tags(
    object: Ob::Type,
) -> Option<(&'static str, &'static str, &'static str, &'static str)> {
    macro_rules! words {
        ($class:literal, $tag:literal) => {
            (
                $class,
                concat!("CREATE ", $tag),
                concat!("ALTER ", $tag),
                concat!("DROP ", $tag),
            )
        };
    }
    Some(match object {
        Ob::OBJECT_ACCESS_METHOD => words!("access method", "ACCESS METHOD"),
        Ob::OBJECT_AGGREGATE => words!("aggregate", "AGGREGATE"),
        Ob::OBJECT_CAST => words!("cast", "CAST"),
        Ob::OBJECT_COLLATION => words!("collation", "COLLATION"),
        Ob::OBJECT_CONVERSION => words!("conversion", "CONVERSION"),
        Ob::OBJECT_DATABASE => words!("database", "DATABASE"),
        Ob::OBJECT_DOMAIN | Ob::OBJECT_DOMCONSTRAINT => words!("domain", "DOMAIN"),
        Ob::OBJECT_EVENT_TRIGGER => words!("event trigger", "EVENT TRIGGER"),
        Ob::OBJECT_EXTENSION => words!("extension", "EXTENSION"),
        Ob::OBJECT_FDW => words!("foreign data wrapper", "FOREIGN DATA WRAPPER"),
        Ob::OBJECT_FOREIGN_SERVER => words!("server", "SERVER"),
        Ob::OBJECT_FOREIGN_TABLE => words!("foreign table", "FOREIGN TABLE"),
        Ob::OBJECT_FUNCTION => words!("function", "FUNCTION"),
        Ob::OBJECT_INDEX => words!("index", "INDEX"),
        Ob::OBJECT_LANGUAGE => words!("language", "LANGUAGE"),
        Ob::OBJECT_MATVIEW => words!("materialized view", "MATERIALIZED VIEW"),
        Ob::OBJECT_OPCLASS => words!("operator class", "OPERATOR CLASS"),
        Ob::OBJECT_OPERATOR => words!("operator", "OPERATOR"),
        Ob::OBJECT_OPFAMILY => words!("operator family", "OPERATOR FAMILY"),
        Ob::OBJECT_POLICY => words!("policy", "POLICY"),
        Ob::OBJECT_PROCEDURE => words!("procedure", "PROCEDURE"),
        Ob::OBJECT_PUBLICATION => words!("publication", "PUBLICATION"),
        Ob::OBJECT_ROLE => words!("role", "ROLE"),
        Ob::OBJECT_ROUTINE => words!("routine", "ROUTINE"),
        Ob::OBJECT_RULE => words!("rule", "RULE"),
        Ob::OBJECT_SCHEMA => words!("schema", "SCHEMA"),
        Ob::OBJECT_SEQUENCE => words!("sequence", "SEQUENCE"),
        Ob::OBJECT_SUBSCRIPTION => words!("subscription", "SUBSCRIPTION"),
        Ob::OBJECT_STATISTIC_EXT => words!("statistics", "STATISTICS"),
        Ob::OBJECT_TABLE | Ob::OBJECT_COLUMN | Ob::OBJECT_TABCONSTRAINT => words!("table", "TABLE"),
        Ob::OBJECT_TABLESPACE => words!("tablespace", "TABLESPACE"),
        Ob::OBJECT_TRANSFORM => words!("transform", "TRANSFORM"),
        Ob::OBJECT_TRIGGER => words!("trigger", "TRIGGER"),
        Ob::OBJECT_TSCONFIGURATION => {
            words!("text search configuration", "TEXT SEARCH CONFIGURATION")
        }
        Ob::OBJECT_TSDICTIONARY => words!("text search dictionary", "TEXT SEARCH DICTIONARY"),
        Ob::OBJECT_TSPARSER => words!("text search parser", "TEXT SEARCH PARSER"),
        Ob::OBJECT_TSTEMPLATE => words!("text search template", "TEXT SEARCH TEMPLATE"),
        Ob::OBJECT_TYPE | Ob::OBJECT_ATTRIBUTE => words!("type", "TYPE"),
        Ob::OBJECT_USER_MAPPING => words!("user mapping", "USER MAPPING"),
        Ob::OBJECT_VIEW => words!("view", "VIEW"),
        _ => return None,
    })
}

pub(super) fn is_relation(object: Ob::Type) -> bool {
    matches!(
        object,
        Ob::OBJECT_TABLE
            | Ob::OBJECT_FOREIGN_TABLE
            | Ob::OBJECT_INDEX
            | Ob::OBJECT_MATVIEW
            | Ob::OBJECT_SEQUENCE
            | Ob::OBJECT_VIEW
            | Ob::OBJECT_COLUMN
    )
}
