//! CREATE TABLE, ALTER TABLE, CREATE INDEX.

use pg_raw_parse::nodes::{AlterTableType as At, ConstrType};
use pg_raw_parse::{Node, nodes};

use super::ddl::Steps;
use super::named::opaque;
use super::{Converter, Result, names};
use crate::ast::{DdlStep, Expr, Ident, TypeName};
use crate::{Usage, Verb};

impl Converter {
    pub(super) fn create_table(
        &mut self,
        create: &nodes::CreateStmt,
        steps: &mut Steps,
    ) -> Result<()> {
        let Some(relation) = create.relation() else {
            steps.push(opaque("CREATE TABLE of unusual form"));
            return Ok(());
        };
        for parent in create.inh_relations() {
            match parent {
                // What columns, checks and bounds of the child make of the parent's would have no label.
                Node::RangeVar(parent) => {
                    steps.push(DdlStep::Relation(Verb::Alter, self.table(parent)));
                    steps.push(DdlStep::Whole(self.table(parent), Usage::WrittenFrom));
                    steps.push(DdlStep::Changes(self.table(parent)));
                }
                _ => steps.push(opaque("INHERITS of unusual form")),
            }
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
    pub(super) fn partition_bound(
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

    pub(super) fn column_definition(
        &mut self,
        column: &nodes::ColumnDef,
        table: Option<&nodes::RangeVar>,
        exprs: &mut Vec<Expr>,
        steps: &mut Steps,
    ) -> Result<()> {
        match column.type_name().and_then(Self::type_name) {
            Some(ty) if is_serial(&ty) => {}
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

    pub(super) fn constraint(
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
                    let columns = names(constraint.pk_attrs());
                    steps.push(if columns.is_empty() {
                        DdlStep::Key(self.table(target), Usage::Join)
                    } else {
                        DdlStep::Columns(self.table(target), columns, Usage::Join)
                    });
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

    pub(super) fn alter_table(
        &mut self,
        alter: &nodes::AlterTableStmt,
        steps: &mut Steps,
    ) -> Result<()> {
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

    /// One comes to show the rows of the other, or no longer does: labels of one hold for the other only so long.
    fn family(&mut self, one: &nodes::RangeVar, other: &nodes::RangeVar, steps: &mut Steps) {
        for relation in [one, other] {
            steps.push(DdlStep::Whole(self.table(relation), Usage::WrittenFrom));
        }
    }

    pub(super) fn alter_command(
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
                if let Some(value) = self.optional(command.def())? {
                    exprs.push(value);
                    // INSERT writes it without naming the column.
                    let columns = command.name().map(Ident::from).into_iter().collect();
                    steps.push(DdlStep::Columns(
                        self.table(relation),
                        columns,
                        Usage::Written,
                    ));
                }
            }
            At::AT_ValidateConstraint => steps.push(opaque("VALIDATE CONSTRAINT")),
            At::AT_AddInherit | At::AT_DropInherit => match command.def() {
                Node::RangeVar(parent) => {
                    steps.push(DdlStep::Relation(Verb::Alter, self.table(parent)));
                    self.family(relation, parent, steps);
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
                            self.family(relation, part, steps);
                            steps.push(DdlStep::Changes(self.table(part)));
                        }
                    }
                    _ => steps.push(opaque("a partition command of unusual form")),
                }
            }
            // The next CLUSTER puts the rows in the order of the index.
            At::AT_ClusterOn => {
                steps.push(DdlStep::Whole(self.table(relation), Usage::Order));
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

    pub(super) fn index(&mut self, index: &nodes::IndexStmt, steps: &mut Steps) -> Result<()> {
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
}

/// `serial` and kin are no types: they stand for an integer with a sequence (parser/parse_utilcmd.c,
/// transformColumnDefinition).
fn is_serial(ty: &TypeName) -> bool {
    let serial = |name: &str| {
        matches!(
            name,
            "smallserial" | "serial2" | "serial" | "serial4" | "bigserial" | "serial8"
        )
    };
    !ty.array && !ty.of_column && matches!(ty.path.as_slice(), [name] if serial(name))
}
