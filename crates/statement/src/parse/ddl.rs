//! Statements that change the catalog, or maintain what is in it.

use pg_raw_parse::Node;

use super::named::tags;
use super::{Converter, Result};
use crate::ast::{Ddl, DdlStep, Tree};
use crate::{Effect, Object, Usage, Verb};

pub(super) type Steps = Vec<DdlStep>;

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
    pub(super) fn tables_ddl(
        &mut self,
        node: Node<'_>,
    ) -> Result<Option<(&'static str, Effect, Steps)>> {
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
                match cluster.relation() {
                    Some(relation) => {
                        steps.push(DdlStep::Relation(Verb::Maintain, self.table(relation)));
                        // Rows come in the order of an index from then on.
                        steps.push(DdlStep::Whole(self.table(relation), Usage::Order));
                    }
                    None => {
                        steps.push(DdlStep::Object(Verb::Maintain, Object::Database("".into())));
                    }
                }
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
}
