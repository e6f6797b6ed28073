//! Statements that change the catalog, or maintain what is in it.

use std::sync::Arc;

use pg_raw_parse::nodes::{AlterTableType as At, ConstrType, GrantTargetType, ObjectType as Ob};
use pg_raw_parse::{Node, nodes};

use super::query::any_name;
use super::{Converter, Result, names};
use crate::ast::{Ddl, DdlStep, Expr, Ident, Path, Table, Tree};
use crate::{Effect, Object, OpaqueReason, Usage, Verb};

type Steps = Vec<DdlStep>;

fn table_of(mut path: Path) -> Option<Table> {
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

fn joined(path: &[Ident]) -> Arc<str> {
    path.join(".").into()
}

fn other(verb: Verb, class: &'static str, name: &str) -> DdlStep {
    DdlStep::Object(
        verb,
        Object::Other {
            class,
            name: name.into(),
        },
    )
}

fn function_object(mut path: Path) -> Object {
    let name = path.pop().unwrap_or_default();
    Object::Function {
        schema: path
            .pop()
            .map_or_else(|| "".into(), |schema| Arc::from(&*schema)),
        name: Arc::from(&*name),
    }
}

fn opaque(what: &'static str) -> DdlStep {
    DdlStep::Opaque(OpaqueReason::Construct(what))
}

fn role_name(role: Option<&nodes::RoleSpec>) -> Arc<str> {
    role.and_then(nodes::RoleSpec::rolename)
        .unwrap_or("")
        .into()
}

/// The words a command tag uses for a kind of object (`tcop/cmdtaglist.h`), for CREATE, ALTER and DROP.
fn tags(object: Ob::Type) -> Option<(&'static str, &'static str, &'static str, &'static str)> {
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

fn is_relation(object: Ob::Type) -> bool {
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

impl Converter {
    pub(super) fn ddl(&mut self, node: Node<'_>) -> Result<Tree> {
        let made = match self.tables_ddl(node)? {
            None => self.objects_ddl(node)?,
            made => made,
        };
        Ok(match made {
            Some((command, effect, steps)) => Tree::Ddl(Box::new(Ddl {
                command,
                effect,
                steps,
            })),
            None => Tree::Opaque("a statement of unknown kind"),
        })
    }

    /// Tables, indexes, views, sequences.
    #[inline(never)]
    fn tables_ddl(&mut self, node: Node<'_>) -> Result<Option<(&'static str, Effect, Steps)>> {
        let mut steps = Steps::new();
        let command = match node {
            Node::CreateStmt(create) => {
                self.create_table(create, &mut steps)?;
                "CREATE TABLE"
            }
            Node::AlterTableStmt(alter) => {
                self.alter_table(alter, &mut steps)?;
                tags(alter.objtype).map_or("ALTER TABLE", |tags| tags.2)
            }
            Node::IndexStmt(index) => {
                self.index(index, &mut steps)?;
                "CREATE INDEX"
            }
            Node::ViewStmt(view) => {
                let Some(name) = view.view() else {
                    return Ok(None);
                };
                steps.push(DdlStep::Query(self.query(view.query())?));
                steps.push(DdlStep::Creates(self.table(name)));
                "CREATE VIEW"
            }
            Node::CreateSeqStmt(sequence) => {
                let Some(name) = sequence.sequence() else {
                    return Ok(None);
                };
                steps.push(DdlStep::Creates(self.table(name)));
                "CREATE SEQUENCE"
            }
            Node::AlterSeqStmt(sequence) => {
                let Some(name) = sequence.sequence() else {
                    return Ok(None);
                };
                steps.push(DdlStep::Relation(Verb::Alter, self.table(name)));
                "ALTER SEQUENCE"
            }
            Node::DropStmt(drop) => {
                let Some((class, _, _, command)) = tags(drop.remove_type) else {
                    return Ok(None);
                };
                self.drop(drop, class, &mut steps);
                command
            }
            Node::RenameStmt(rename) => return Ok(self.rename(rename)),
            Node::AlterObjectSchemaStmt(alter) => {
                let Some((class, _, command, _)) = tags(alter.object_type) else {
                    return Ok(None);
                };
                match alter.relation() {
                    Some(relation) => {
                        let mut moved = self.table(relation);
                        steps.push(DdlStep::Relation(Verb::Alter, self.table(relation)));
                        steps.push(DdlStep::Changes(self.table(relation)));
                        moved.schema = alter.newschema().map(Into::into);
                        steps.push(DdlStep::Changes(moved));
                    }
                    None => self.object(
                        Verb::Alter,
                        class,
                        alter.object_type,
                        alter.object(),
                        &mut steps,
                    ),
                }
                command
            }
            Node::AlterOwnerStmt(alter) => {
                let Some((class, _, command, _)) = tags(alter.object_type) else {
                    return Ok(None);
                };
                match alter.relation() {
                    Some(relation) => {
                        steps.push(DdlStep::Relation(Verb::Grant, self.table(relation)));
                    }
                    None => self.object(
                        Verb::Grant,
                        class,
                        alter.object_type,
                        alter.object(),
                        &mut steps,
                    ),
                }
                command
            }
            Node::CommentStmt(comment) => {
                let (class, ..) = tags(comment.objtype).unwrap_or(("object", "", "", ""));
                self.object(
                    Verb::Alter,
                    class,
                    comment.objtype,
                    comment.object(),
                    &mut steps,
                );
                "COMMENT"
            }
            Node::SecLabelStmt(label) => {
                let (class, ..) = tags(label.objtype).unwrap_or(("object", "", "", ""));
                self.object(
                    Verb::Alter,
                    class,
                    label.objtype,
                    label.object(),
                    &mut steps,
                );
                "SECURITY LABEL"
            }
            Node::GrantStmt(grant) => {
                self.grant(grant, &mut steps);
                if grant.is_grant { "GRANT" } else { "REVOKE" }
            }
            Node::RefreshMatViewStmt(refresh) => {
                let Some(relation) = refresh.relation() else {
                    return Ok(None);
                };
                steps.push(DdlStep::Relation(Verb::Maintain, self.table(relation)));
                return Ok(Some(("REFRESH MATERIALIZED VIEW", Effect::Write, steps)));
            }
            Node::VacuumStmt(vacuum) => {
                for relation in vacuum.rels().iter().filter_map(|item| item.relation()) {
                    steps.push(DdlStep::Relation(Verb::Maintain, self.table(relation)));
                }
                if steps.is_empty() {
                    steps.push(DdlStep::Object(Verb::Maintain, Object::Database("".into())));
                }
                let command = if vacuum.is_vacuumcmd {
                    "VACUUM"
                } else {
                    "ANALYZE"
                };
                return Ok(Some((command, Effect::Write, steps)));
            }
            Node::ClusterStmt(cluster) => {
                steps.push(match cluster.relation() {
                    Some(relation) => DdlStep::Relation(Verb::Maintain, self.table(relation)),
                    None => DdlStep::Object(Verb::Maintain, Object::Database("".into())),
                });
                return Ok(Some(("CLUSTER", Effect::Write, steps)));
            }
            Node::ReindexStmt(reindex) => {
                steps.push(match reindex.relation() {
                    Some(relation) => DdlStep::Relation(Verb::Maintain, self.table(relation)),
                    None => DdlStep::Object(
                        Verb::Maintain,
                        Object::Database(reindex.name().unwrap_or_default().into()),
                    ),
                });
                return Ok(Some(("REINDEX", Effect::Write, steps)));
            }
            Node::CheckPointStmt(_) => {
                steps.push(DdlStep::Object(Verb::Maintain, Object::Database("".into())));
                return Ok(Some(("CHECKPOINT", Effect::Write, steps)));
            }
            Node::ConstraintsSetStmt(_) => {
                return Ok(Some(("SET CONSTRAINTS", Effect::Session, steps)));
            }
            _ => return Ok(None),
        };
        Ok(Some((command, Effect::Definition, steps)))
    }

    /// Everything else.
    #[inline(never)]
    fn objects_ddl(&mut self, node: Node<'_>) -> Result<Option<(&'static str, Effect, Steps)>> {
        let mut steps = Steps::new();
        let command = match node {
            Node::CreateSchemaStmt(create) => {
                let name = create
                    .schemaname()
                    .map_or_else(|| role_name(create.authrole()), Into::into);
                steps.push(DdlStep::Object(Verb::Create, Object::Schema(name)));
                if !create.schema_elts().is_empty() {
                    steps.push(opaque("CREATE SCHEMA with elements"));
                }
                "CREATE SCHEMA"
            }
            Node::CreateFunctionStmt(create) => {
                self.create_function(create, &mut steps);
                if create.is_procedure {
                    "CREATE PROCEDURE"
                } else {
                    "CREATE FUNCTION"
                }
            }
            Node::AlterFunctionStmt(alter) => {
                let Some((_, _, command, _)) = tags(alter.objtype) else {
                    return Ok(None);
                };
                let name = alter
                    .func()
                    .map(|object| any_name(object.objname()))
                    .unwrap_or_default();
                steps.push(DdlStep::Object(Verb::Alter, function_object(name)));
                command
            }
            Node::CreateTrigStmt(create) => {
                if let Some(relation) = create.relation() {
                    steps.push(DdlStep::Relation(Verb::Alter, self.table(relation)));
                }
                steps.push(other(
                    Verb::Create,
                    "trigger",
                    create.trigname().unwrap_or_default(),
                ));
                if let Some(condition) = self.optional(create.when_clause())? {
                    // OLD and NEW are rows of the relation, under other names.
                    steps.push(opaque("a trigger condition"));
                    steps.push(DdlStep::Stores(None, vec![condition]));
                }
                "CREATE TRIGGER"
            }
            Node::RuleStmt(_) => {
                steps.push(opaque("CREATE RULE"));
                "CREATE RULE"
            }
            Node::CreatePolicyStmt(policy) => {
                let Some(relation) = policy.table() else {
                    return Ok(None);
                };
                steps.push(DdlStep::Relation(Verb::Alter, self.table(relation)));
                steps.push(other(
                    Verb::Create,
                    "policy",
                    policy.policy_name().unwrap_or_default(),
                ));
                let exprs = self.present(&[policy.qual(), policy.with_check()])?;
                steps.push(DdlStep::Stores(Some(self.table(relation)), exprs));
                "CREATE POLICY"
            }
            Node::AlterPolicyStmt(policy) => {
                let Some(relation) = policy.table() else {
                    return Ok(None);
                };
                steps.push(DdlStep::Relation(Verb::Alter, self.table(relation)));
                let exprs = self.present(&[policy.qual(), policy.with_check()])?;
                steps.push(DdlStep::Stores(Some(self.table(relation)), exprs));
                "ALTER POLICY"
            }
            Node::CreateExtensionStmt(create) => {
                steps.push(other(
                    Verb::Create,
                    "extension",
                    create.extname().unwrap_or_default(),
                ));
                "CREATE EXTENSION"
            }
            Node::AlterExtensionStmt(alter) => {
                steps.push(other(
                    Verb::Alter,
                    "extension",
                    alter.extname().unwrap_or_default(),
                ));
                "ALTER EXTENSION"
            }
            Node::CreateRoleStmt(create) => {
                steps.push(DdlStep::Object(
                    Verb::Create,
                    Object::Role(create.role().unwrap_or_default().into()),
                ));
                "CREATE ROLE"
            }
            Node::AlterRoleStmt(alter) => {
                steps.push(DdlStep::Object(
                    Verb::Alter,
                    Object::Role(role_name(alter.role())),
                ));
                "ALTER ROLE"
            }
            Node::AlterRoleSetStmt(alter) => {
                steps.push(DdlStep::Object(
                    Verb::Alter,
                    Object::Role(role_name(alter.role())),
                ));
                "ALTER ROLE"
            }
            Node::DropRoleStmt(drop) => {
                for role in drop.roles() {
                    let Node::RoleSpec(role) = role else {
                        return Ok(None);
                    };
                    steps.push(DdlStep::Object(
                        Verb::Drop,
                        Object::Role(role_name(Some(role))),
                    ));
                }
                "DROP ROLE"
            }
            Node::GrantRoleStmt(grant) => {
                for role in grant.granted_roles() {
                    let Node::AccessPriv(role) = role else {
                        return Ok(None);
                    };
                    let name = role.priv_name().unwrap_or_default().into();
                    steps.push(DdlStep::Object(Verb::Grant, Object::Role(name)));
                }
                if grant.is_grant {
                    "GRANT ROLE"
                } else {
                    "REVOKE ROLE"
                }
            }
            Node::AlterDefaultPrivilegesStmt(_) => {
                steps.push(other(Verb::Grant, "default privileges", ""));
                "ALTER DEFAULT PRIVILEGES"
            }
            Node::DropOwnedStmt(_) => {
                steps.push(opaque("DROP OWNED"));
                "DROP OWNED"
            }
            Node::ReassignOwnedStmt(_) => {
                steps.push(opaque("REASSIGN OWNED"));
                "REASSIGN OWNED"
            }
            Node::CreatedbStmt(create) => {
                let name = create.dbname().unwrap_or_default().into();
                steps.push(DdlStep::Object(Verb::Create, Object::Database(name)));
                "CREATE DATABASE"
            }
            Node::DropdbStmt(drop) => {
                let name = drop.dbname().unwrap_or_default().into();
                steps.push(DdlStep::Object(Verb::Drop, Object::Database(name)));
                "DROP DATABASE"
            }
            Node::AlterDatabaseStmt(alter) => {
                let name = alter.dbname().unwrap_or_default().into();
                steps.push(DdlStep::Object(Verb::Alter, Object::Database(name)));
                "ALTER DATABASE"
            }
            Node::AlterDatabaseSetStmt(alter) => {
                let name = alter.dbname().unwrap_or_default().into();
                steps.push(DdlStep::Object(Verb::Alter, Object::Database(name)));
                "ALTER DATABASE"
            }
            Node::AlterSystemStmt(_) => {
                steps.push(opaque("ALTER SYSTEM"));
                "ALTER SYSTEM"
            }
            Node::DefineStmt(define) => {
                let Some((class, command, ..)) = tags(define.kind) else {
                    return Ok(None);
                };
                let path: Path = define
                    .defnames()
                    .iter()
                    .map(|name| name.sval().unwrap_or_default().into())
                    .collect();
                steps.push(other(Verb::Create, class, &joined(&path)));
                steps.extend(path.last().cloned().map(DdlStep::Defines));
                command
            }
            Node::CreateDomainStmt(create) => {
                let path: Path = create
                    .domainname()
                    .iter()
                    .map(|name| name.sval().unwrap_or_default().into())
                    .collect();
                steps.push(other(Verb::Create, "domain", &joined(&path)));
                steps.extend(path.last().cloned().map(DdlStep::Defines));
                steps.extend(
                    create
                        .type_name()
                        .and_then(Self::type_name)
                        .map(DdlStep::Type),
                );
                let mut checks = Vec::new();
                for constraint in create.constraints().iter() {
                    checks.extend(self.optional(constraint.raw_expr())?);
                }
                if !checks.is_empty() {
                    // VALUE is not a column.
                    steps.push(opaque("a domain constraint"));
                }
                "CREATE DOMAIN"
            }
            Node::AlterDomainStmt(alter) => {
                steps.push(other(
                    Verb::Alter,
                    "domain",
                    &joined(&names(alter.type_name())),
                ));
                if alter.subtype as u8 == b'C' {
                    steps.push(opaque("a domain constraint"));
                }
                "ALTER DOMAIN"
            }
            Node::CreateEnumStmt(create) => {
                let path: Path = create
                    .type_name()
                    .iter()
                    .map(|name| name.sval().unwrap_or_default().into())
                    .collect();
                steps.push(other(Verb::Create, "type", &joined(&path)));
                steps.extend(path.last().cloned().map(DdlStep::Defines));
                "CREATE TYPE"
            }
            Node::AlterEnumStmt(alter) => {
                let path: Path = alter
                    .type_name()
                    .iter()
                    .map(|name| name.sval().unwrap_or_default().into())
                    .collect();
                steps.push(other(Verb::Alter, "type", &joined(&path)));
                "ALTER TYPE"
            }
            Node::CompositeTypeStmt(create) => {
                let Some(name) = create.typevar() else {
                    return Ok(None);
                };
                steps.push(DdlStep::Creates(self.table(name)));
                steps.extend(name.relname().map(|name| DdlStep::Defines(name.into())));
                "CREATE TYPE"
            }
            Node::CreateRangeStmt(create) => {
                let path: Path = create
                    .type_name()
                    .iter()
                    .map(|name| name.sval().unwrap_or_default().into())
                    .collect();
                steps.push(other(Verb::Create, "type", &joined(&path)));
                steps.extend(path.last().cloned().map(DdlStep::Defines));
                "CREATE TYPE"
            }
            Node::CreateStatsStmt(create) => {
                let path: Path = create
                    .defnames()
                    .iter()
                    .map(|name| name.sval().unwrap_or_default().into())
                    .collect();
                steps.push(other(Verb::Create, "statistics", &joined(&path)));
                let mut exprs = Vec::new();
                for node in create.exprs() {
                    let Node::StatsElem(element) = node else {
                        return Ok(None);
                    };
                    exprs.push(match element.name() {
                        Some(name) => Expr::Column(Box::new(crate::ast::Column {
                            path: vec![name.into()],
                            star: false,
                        })),
                        None => self.expr(element.expr())?,
                    });
                }
                for relation in create.relations().iter().take(1) {
                    steps.push(DdlStep::Relation(Verb::Alter, self.table(relation)));
                    steps.push(DdlStep::Stores(
                        Some(self.table(relation)),
                        std::mem::take(&mut exprs),
                    ));
                }
                "CREATE STATISTICS"
            }
            Node::CreateCastStmt(cast) => {
                steps.push(other(Verb::Create, "cast", ""));
                steps.push(DdlStep::Defines("".into()));
                steps.extend(
                    cast.targettype()
                        .and_then(Self::type_name)
                        .map(DdlStep::Type),
                );
                steps.push(opaque("CREATE CAST"));
                "CREATE CAST"
            }
            Node::CreatePublicationStmt(create) => {
                steps.push(other(
                    Verb::Create,
                    "publication",
                    create.pubname().unwrap_or_default(),
                ));
                steps.push(opaque("CREATE PUBLICATION"));
                "CREATE PUBLICATION"
            }
            Node::CreateForeignServerStmt(create) => {
                steps.push(other(
                    Verb::Create,
                    "server",
                    create.servername().unwrap_or_default(),
                ));
                "CREATE SERVER"
            }
            Node::CreateFdwStmt(create) => {
                steps.push(other(
                    Verb::Create,
                    "foreign data wrapper",
                    create.fdwname().unwrap_or_default(),
                ));
                "CREATE FOREIGN DATA WRAPPER"
            }
            Node::CreateUserMappingStmt(create) => {
                steps.push(other(
                    Verb::Create,
                    "user mapping",
                    create.servername().unwrap_or_default(),
                ));
                "CREATE USER MAPPING"
            }
            Node::DropUserMappingStmt(drop) => {
                steps.push(other(
                    Verb::Drop,
                    "user mapping",
                    drop.servername().unwrap_or_default(),
                ));
                "DROP USER MAPPING"
            }
            Node::LoadStmt(_) => {
                steps.push(DdlStep::Opaque(OpaqueReason::DynamicCode));
                return Ok(Some(("LOAD", Effect::Unknown, steps)));
            }
            _ => return Ok(None),
        };
        Ok(Some((command, Effect::Definition, steps)))
    }

    // ---- tables

    fn create_table(&mut self, create: &nodes::CreateStmt, steps: &mut Steps) -> Result<()> {
        let Some(relation) = create.relation() else {
            steps.push(opaque("CREATE TABLE of unusual form"));
            return Ok(());
        };
        if create.partbound().is_some() {
            for parent in create.inh_relations() {
                if let Node::RangeVar(parent) = parent {
                    steps.push(DdlStep::Relation(Verb::Alter, self.table(parent)));
                    steps.push(DdlStep::Changes(self.table(parent)));
                }
            }
        } else if let Some(parents) = self.tables(create.inh_relations()) {
            for parent in parents {
                steps.push(DdlStep::Relation(Verb::Alter, parent));
            }
        }
        if let Some(parents) = self.tables(create.inh_relations()) {
            steps.extend(parents.into_iter().map(DdlStep::Changes));
        }
        steps.extend(
            create
                .of_typename()
                .and_then(Self::type_name)
                .map(DdlStep::Type),
        );
        let mut exprs = Vec::new();
        for element in create.table_elts() {
            match element {
                Node::ColumnDef(column) => {
                    self.column_definition(column, None, &mut exprs, steps)?
                }
                Node::Constraint(constraint) => {
                    self.constraint(constraint, None, &mut exprs, steps)?
                }
                Node::TableLikeClause(like) => {
                    if let Some(relation) = like.relation() {
                        steps.push(DdlStep::Relation(Verb::Read, self.table(relation)));
                        steps.push(DdlStep::Stores(Some(self.table(relation)), Vec::new()));
                    }
                }
                _ => steps.push(opaque("a table element of unknown kind")),
            }
        }
        for constraint in create.constraints().iter() {
            self.constraint(constraint, None, &mut exprs, steps)?;
        }
        if let Some(bound) = create.partbound() {
            self.partition_bound(bound, &mut exprs)?;
        }
        if let Some(spec) = create.partspec() {
            for element in spec.part_params().iter() {
                exprs.extend(self.optional(element.expr())?);
            }
        }
        if !exprs.is_empty() {
            steps.push(DdlStep::Stores(None, exprs));
        }
        steps.push(DdlStep::Creates(self.table(relation)));
        Ok(())
    }

    /// The bounds are computed when the partition is made.
    fn partition_bound(
        &mut self,
        bound: &nodes::PartitionBoundSpec,
        exprs: &mut Vec<Expr>,
    ) -> Result<()> {
        for list in [bound.listdatums(), bound.lowerdatums(), bound.upperdatums()] {
            for node in list {
                exprs.extend(match node {
                    Node::PartitionRangeDatum(datum) => self.optional(datum.value())?,
                    // MINVALUE and MAXVALUE look like columns.
                    Node::ColumnRef(_) => None,
                    node => self.optional(node)?,
                });
            }
        }
        Ok(())
    }

    fn column_definition(
        &mut self,
        column: &nodes::ColumnDef,
        table: Option<&nodes::RangeVar>,
        exprs: &mut Vec<Expr>,
        steps: &mut Steps,
    ) -> Result<()> {
        match column.type_name().and_then(Self::type_name) {
            Some(ty) => steps.push(DdlStep::Type(ty)),
            None if column.type_name().is_some() => {
                steps.push(opaque("a column type of unusual form"))
            }
            None => {}
        }
        exprs.extend(self.optional(column.raw_default())?);
        for constraint in column.constraints() {
            match constraint {
                Node::Constraint(constraint) => self.constraint(constraint, table, exprs, steps)?,
                Node::CollateClause(_) => {}
                _ => steps.push(opaque("a column constraint of unknown kind")),
            }
        }
        Ok(())
    }

    fn constraint(
        &mut self,
        constraint: &nodes::Constraint,
        table: Option<&nodes::RangeVar>,
        exprs: &mut Vec<Expr>,
        steps: &mut Steps,
    ) -> Result<()> {
        exprs.extend(self.present(&[constraint.raw_expr(), constraint.where_clause()])?);
        match constraint.contype {
            ConstrType::CONSTR_FOREIGN => {
                if let Some(target) = constraint.pktable() {
                    steps.push(DdlStep::Relation(Verb::Read, self.table(target)));
                    steps.push(DdlStep::Columns(
                        self.table(target),
                        names(constraint.pk_attrs()),
                        Usage::Join,
                    ));
                }
                if let Some(table) = table {
                    steps.push(DdlStep::Columns(
                        self.table(table),
                        names(constraint.fk_attrs()),
                        Usage::Join,
                    ));
                }
            }
            ConstrType::CONSTR_PRIMARY | ConstrType::CONSTR_UNIQUE => {
                if let Some(table) = table {
                    steps.push(DdlStep::Columns(
                        self.table(table),
                        names(constraint.keys()),
                        Usage::Distinct,
                    ));
                }
            }
            ConstrType::CONSTR_EXCLUSION => steps.push(opaque("an exclusion constraint")),
            _ => {}
        }
        Ok(())
    }

    fn alter_table(&mut self, alter: &nodes::AlterTableStmt, steps: &mut Steps) -> Result<()> {
        let Some(relation) = alter.relation() else {
            steps.push(opaque("ALTER TABLE of unusual form"));
            return Ok(());
        };
        steps.push(DdlStep::Relation(Verb::Alter, self.table(relation)));
        let mut exprs = Vec::new();
        for command in alter.cmds() {
            let Node::AlterTableCmd(command) = command else {
                steps.push(opaque("ALTER TABLE of unusual form"));
                continue;
            };
            self.alter_command(command, relation, &mut exprs, steps)?;
        }
        if !exprs.is_empty() {
            steps.push(DdlStep::Stores(Some(self.table(relation)), exprs));
        }
        steps.push(DdlStep::Changes(self.table(relation)));
        Ok(())
    }

    fn alter_command(
        &mut self,
        command: &nodes::AlterTableCmd,
        relation: &nodes::RangeVar,
        exprs: &mut Vec<Expr>,
        steps: &mut Steps,
    ) -> Result<()> {
        match command.subtype {
            At::AT_AddColumn | At::AT_AlterColumnType => match command.def() {
                Node::ColumnDef(column) => {
                    if command.subtype == At::AT_AlterColumnType {
                        // Every value is rewritten, by a cast when no expression is given.
                        let columns = command.name().map(Ident::from).into_iter().collect();
                        steps.push(DdlStep::Columns(
                            self.table(relation),
                            columns,
                            Usage::WrittenFrom,
                        ));
                    }
                    self.column_definition(column, Some(relation), exprs, steps)?;
                }
                _ => steps.push(opaque("a column definition of unusual form")),
            },
            At::AT_AddConstraint => match command.def() {
                Node::Constraint(constraint) => {
                    self.constraint(constraint, Some(relation), exprs, steps)?;
                }
                _ => steps.push(opaque("a constraint of unusual form")),
            },
            At::AT_ColumnDefault | At::AT_SetExpression => {
                exprs.extend(self.optional(command.def())?);
            }
            At::AT_ValidateConstraint => steps.push(opaque("VALIDATE CONSTRAINT")),
            At::AT_AddInherit | At::AT_DropInherit => match command.def() {
                Node::RangeVar(parent) => {
                    steps.push(DdlStep::Relation(Verb::Alter, self.table(parent)));
                    steps.push(DdlStep::Changes(self.table(parent)));
                }
                _ => steps.push(opaque("INHERIT of unusual form")),
            },
            At::AT_AttachPartition | At::AT_DetachPartition | At::AT_DetachPartitionFinalize => {
                match command.def() {
                    Node::PartitionCmd(part) => {
                        if let Some(bound) = part.bound() {
                            self.partition_bound(bound, exprs)?;
                        }
                        if let Some(part) = part.name() {
                            steps.push(DdlStep::Relation(Verb::Alter, self.table(part)));
                            steps.push(DdlStep::Changes(self.table(part)));
                        }
                    }
                    _ => steps.push(opaque("a partition command of unusual form")),
                }
            }
            At::AT_ChangeOwner => {
                steps.push(DdlStep::Relation(Verb::Grant, self.table(relation)));
            }
            At::AT_DropNotNull
            | At::AT_SetNotNull
            | At::AT_DropExpression
            | At::AT_SetStatistics
            | At::AT_SetOptions
            | At::AT_ResetOptions
            | At::AT_SetStorage
            | At::AT_SetCompression
            | At::AT_DropColumn
            | At::AT_AlterConstraint
            | At::AT_DropConstraint
            | At::AT_ClusterOn
            | At::AT_DropCluster
            | At::AT_SetLogged
            | At::AT_SetUnLogged
            | At::AT_DropOids
            | At::AT_SetAccessMethod
            | At::AT_SetTableSpace
            | At::AT_SetRelOptions
            | At::AT_ResetRelOptions
            | At::AT_ReplicaIdentity
            | At::AT_EnableRowSecurity
            | At::AT_DisableRowSecurity
            | At::AT_ForceRowSecurity
            | At::AT_NoForceRowSecurity
            | At::AT_AddIdentity
            | At::AT_SetIdentity
            | At::AT_DropIdentity
            | At::AT_EnableTrig
            | At::AT_EnableAlwaysTrig
            | At::AT_EnableReplicaTrig
            | At::AT_DisableTrig
            | At::AT_EnableTrigAll
            | At::AT_DisableTrigAll
            | At::AT_EnableTrigUser
            | At::AT_DisableTrigUser
            | At::AT_EnableRule
            | At::AT_EnableAlwaysRule
            | At::AT_EnableReplicaRule
            | At::AT_DisableRule => {}
            _ => steps.push(opaque("an ALTER TABLE action of unknown kind")),
        }
        Ok(())
    }

    fn index(&mut self, index: &nodes::IndexStmt, steps: &mut Steps) -> Result<()> {
        let Some(relation) = index.relation() else {
            steps.push(opaque("CREATE INDEX of unusual form"));
            return Ok(());
        };
        steps.push(DdlStep::Relation(Verb::Alter, self.table(relation)));
        let mut exprs = Vec::new();
        for element in index.index_params().iter() {
            exprs.push(self.index_element(element)?);
        }
        for node in index.index_including_params() {
            if let Node::IndexElem(element) = node {
                exprs.push(self.index_element(element)?);
            }
        }
        exprs.extend(self.optional(index.where_clause())?);
        steps.push(DdlStep::Stores(Some(self.table(relation)), exprs));
        Ok(())
    }

    // ---- names of objects

    fn drop(&mut self, drop: &nodes::DropStmt, class: &'static str, steps: &mut Steps) {
        for object in drop.objects() {
            self.object(Verb::Drop, class, drop.remove_type, object, steps);
        }
    }

    /// One object, named the way the grammar names objects of its kind.
    fn object(
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

    fn rename(&mut self, rename: &nodes::RenameStmt) -> Option<(&'static str, Effect, Steps)> {
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

    fn grant(&mut self, grant: &nodes::GrantStmt, steps: &mut Steps) {
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

    fn create_function(&mut self, create: &nodes::CreateFunctionStmt, steps: &mut Steps) {
        let path = any_name(create.funcname());
        steps.extend(path.last().cloned().map(DdlStep::Defines));
        steps.push(DdlStep::Object(Verb::Create, function_object(path)));
    }
}
