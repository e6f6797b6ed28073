//! Joins.

use std::sync::Arc;

use super::expr::keeps_text;
use super::{Item, Lineage, Resolver, Rows, ScopeColumn, Ty};
use crate::ast::{Join, JoinKind};
use crate::{Tells, Usage};

impl<'a> Resolver<'a> {
    /// The columns that items from `start` up to `end` show without a name before them.
    pub(super) fn shown(&self, start: usize, end: usize) -> Rows {
        let mut rows = Rows::default();
        if let Some(level) = self.levels.last() {
            let items = level.items.iter().take(end).skip(start);
            for item in items.filter(|item| item.bare) {
                rows.open |= item.open;
                rows.columns.extend(item.columns.iter().cloned());
            }
        }
        rows
    }

    pub(super) fn items(&self) -> usize {
        self.levels.last().map_or(0, |level| level.items.len())
    }

    pub(super) fn hide(&mut self, start: usize, named: bool) {
        if let Some(level) = self.level() {
            for item in level.items.iter_mut().skip(start) {
                item.bare = false;
                item.named &= !named;
            }
        }
    }

    pub(super) fn join(&mut self, join: &'a Join) {
        let start = self.items();
        self.item_of(&join.left);
        let middle = self.items();
        self.item_of(&join.right);
        let end = self.items();
        let left = self.shown(start, middle);
        let right = self.shown(middle, end);
        let names: Vec<Arc<str>> = if join.natural {
            if left.open || right.open {
                self.construct("NATURAL JOIN of columns that are not known");
            }
            left.columns
                .iter()
                .filter(|column| right.columns.iter().any(|other| other.name == column.name))
                .map(|column| Arc::clone(&column.name))
                .collect()
        } else {
            join.using.iter().map(|name| Arc::from(&**name)).collect()
        };
        if !names.is_empty() {
            self.merge_columns(join, &names, left, right, start);
        }
        if let Some(on) = &join.on {
            let was = self
                .level()
                .map(|level| std::mem::replace(&mut level.start, start));
            self.consume(on, Usage::Join);
            if let (Some(level), Some(was)) = (self.level(), was) {
                level.start = was;
            }
        }
        if let Some(alias) = &join.alias {
            let rows = self.shown(start, self.items());
            self.hide(start, true);
            self.push_rows(Some(alias), rows);
        }
    }

    /// USING and NATURAL: each pair of columns becomes one.
    pub(super) fn merge_columns(
        &mut self,
        join: &'a Join,
        names: &[Arc<str>],
        left: Rows,
        right: Rows,
        start: usize,
    ) {
        let mut merged = Vec::with_capacity(names.len());
        for name in names {
            let one = |rows: &Rows| {
                let mut matching = rows.columns.iter().filter(|column| column.name == *name);
                match (matching.next(), matching.next()) {
                    (Some(column), None) => Some(column.clone()),
                    _ => None,
                }
            };
            let (Some(left), Some(right)) = (one(&left), one(&right)) else {
                if left.open || right.open {
                    self.unresolved("", "", name);
                } else {
                    self.facts.missing("column", &**name);
                }
                continue;
            };
            let own = self.operator(&["=".into()], Some(left.ty), right.ty);
            let tells = if own {
                self.equality_among(&[&left.lineage, &right.lineage])
            } else {
                Tells::Anything
            };
            self.facts.telling(&left.lineage, Usage::Join, &tells);
            self.facts.telling(&right.lineage, Usage::Join, &tells);
            let same_type = left.ty == right.ty && !matches!(left.ty, Ty::Other | Ty::Exact);
            let is_text = |ty: Ty| matches!(ty, Ty::Known(25, _));
            let both_text =
                keeps_text(left.ty, Ty::Known(25, -1)) && keeps_text(right.ty, Ty::Known(25, -1));
            let kept = match join.kind {
                // A side that is text as it is, else the one that is kept as text (parser/parse_clause.c,
                // buildMergedJoinVar).
                JoinKind::Inner | JoinKind::Left if both_text && is_text(left.ty) => left,
                JoinKind::Inner | JoinKind::Right if both_text && is_text(right.ty) => right,
                JoinKind::Inner | JoinKind::Left if same_type => left,
                JoinKind::Right if same_type => right,
                // The value of one side or the other, as it is. Of one column joined to itself the
                // server reports no origin where one column would have one.
                JoinKind::Full
                    if same_type
                        && left.lineage.value.is_some()
                        && right.lineage.value.is_some()
                        && left.lineage.value != right.lineage.value =>
                {
                    ScopeColumn {
                        lineage: Lineage::any_of(&[left.lineage, right.lineage]),
                        ..left
                    }
                }
                // A computed value: both sides are used to make it.
                JoinKind::Inner | JoinKind::Left | JoinKind::Right | JoinKind::Full => {
                    let clean = left.lineage.clean && right.lineage.clean;
                    let columns: Vec<_> = left
                        .lineage
                        .columns()
                        .chain(right.lineage.columns())
                        .collect();
                    let mut lineage = Lineage::derived(columns);
                    lineage.clean = clean;
                    ScopeColumn {
                        name: left.name,
                        lineage,
                        ty: Ty::Other,
                    }
                }
            };
            merged.push(kept);
        }
        let rest = |rows: Rows| {
            rows.columns
                .into_iter()
                .filter(|column| !names.contains(&column.name))
        };
        let open = left.open || right.open;
        let mut columns = merged.clone();
        columns.extend(rest(left));
        columns.extend(rest(right));
        self.hide(start, false);
        self.push_rows(None, Rows { columns, open });
        if let Some(alias) = &join.using_alias {
            self.push(Item {
                name: alias,
                schema: None,
                relation: None,
                columns: merged,
                named: true,
                bare: false,
                open: false,
                lockable: false,
            });
        }
    }
}
