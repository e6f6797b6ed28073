//! Statements about roles, functions, types and other objects that are not relations.

use pg_raw_parse::nodes::ObjectType as Ob;
use pg_raw_parse::{Node, nodes};

use super::ddl::Steps;
use super::named::{function_object, joined, opaque, other, role_name, tags};
use super::query::any_name;
use super::{Converter, Result, names};
use crate::ast::{DdlStep, Expr, Path, Tree};
use crate::{Effect, Object, OpaqueReason, SettingClass, Verb};

impl Converter {
    /// Everything else.
    #[inline(never)]
    pub(super) fn objects_ddl(
        &mut self,
        node: Node<'_>,
    ) -> Result<Option<(&'static str, Effect, Steps)>> {
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
                steps.extend(stored_setting(alter.setstmt()));
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
                steps.extend(stored_setting(alter.setstmt()));
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
                match define.kind {
                    // The planner puts a negator or commutator in the place of an operator that the text names.
                    Ob::OBJECT_OPERATOR if ties_operators(define) => {
                        steps.push(opaque("an operator tied to another or to an estimator"));
                    }
                    // Functions that nothing names read and write its values.
                    Ob::OBJECT_TYPE if !define.definition().is_empty() => {
                        steps.push(opaque("CREATE TYPE of a base type"));
                    }
                    _ => {}
                }
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
                            place: None,
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

    pub(super) fn create_function(
        &mut self,
        create: &nodes::CreateFunctionStmt,
        steps: &mut Steps,
    ) {
        let path = any_name(create.funcname());
        steps.extend(path.last().cloned().map(DdlStep::Defines));
        steps.push(DdlStep::Object(Verb::Create, function_object(path)));
    }
}

/// Whether CREATE OPERATOR names other operators, which it then changes, or estimators, which planning runs.
fn ties_operators(define: &nodes::DefineStmt) -> bool {
    define.definition().iter().any(|option| {
        !matches!(
            option.defname().unwrap_or_default(),
            "leftarg" | "rightarg" | "function" | "procedure" | "hashes" | "merges"
        )
    })
}

/// A setting that sessions to come start with: what SET would not be allowed to do.
fn stored_setting(set: Option<&nodes::VariableSetStmt>) -> Option<DdlStep> {
    let harmless = match set.map(Converter::set) {
        Some(Tree::Set(change)) => {
            // What the session models is read when it begins.
            let read = matches!(
                change.class(),
                SettingClass::Harmless | SettingClass::Modelled
            );
            change.is_reset || read
        }
        _ => false,
    };
    (!harmless).then_some(DdlStep::Opaque(OpaqueReason::Setting))
}
