//! Which columns are masked in one statement, and what their labels release (DESIGN §5).

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::sync::Arc;

use foldhash::HashMap;
use mask::Label;
use policy::Context;
use statement::{ColumnId, Given, Oid, Tells};

use super::{Judge, earlier};

/// The label that a constant is looked at for; or a column that is masked otherwise than the rest.
type Found<'j> = Result<Option<&'j Label>, ColumnId>;

/// What is masked in one statement. A text may name a column very often, so each answer is kept.
pub(super) struct Masked<'j> {
    judge: &'j Judge<'j>,
    masks: &'j BTreeSet<String>,
    context: &'j Context<'j>,
    labels: RefCell<HashMap<ColumnId, Option<&'j Label>>>,
    alone: RefCell<HashMap<Oid, bool>>,
    given: RefCell<HashMap<Arc<[ColumnId]>, Found<'j>>>,
    expires_ms: Cell<Option<u64>>,
}

impl<'j> Masked<'j> {
    pub(super) fn new(
        judge: &'j Judge<'j>,
        masks: &'j BTreeSet<String>,
        context: &'j Context<'j>,
    ) -> Self {
        Self {
            judge,
            masks,
            context,
            labels: RefCell::default(),
            alone: RefCell::default(),
            given: RefCell::default(),
            expires_ms: Cell::new(None),
        }
    }

    /// The label of a column, if it is masked.
    pub(super) fn label(&self, column: ColumnId) -> Option<&'j Label> {
        let mut labels = self.labels.borrow_mut();
        *labels.entry(column).or_insert_with(|| {
            let label = self.judge.label(column);
            label.filter(|label| self.masks.contains(label.as_str()))
        })
    }

    /// Whether what a use of a column tells is released by its label.
    pub(super) fn releases(&self, column: ColumnId, tells: &Tells) -> bool {
        let Some(label) = self.label(column) else {
            return true;
        };
        match tells {
            Tells::Anything => false,
            Tells::Nullness => true,
            Tells::Equality(columns) | Tells::Match(columns) => {
                label.releases().equality
                    && columns.iter().all(|other| {
                        self.label(*other) == Some(label) && self.is_masked_alone(other.relation)
                    })
            }
        }
    }

    /// The label of what a constant or parameter stands for, if it is masked; a column that has another, if not all
    /// have it.
    pub(super) fn given(&self, given: &Given) -> Found<'j> {
        if let Some(found) = self.given.borrow().get(&given.columns) {
            return *found;
        }
        let found = self.look_at(&given.columns);
        let mut known = self.given.borrow_mut();
        known.insert(Arc::clone(&given.columns), found);
        found
    }

    fn look_at(&self, columns: &Arc<[ColumnId]>) -> Found<'j> {
        let Some(label) = columns.iter().find_map(|column| self.label(*column)) else {
            return Ok(None);
        };
        let tells = Tells::Match(Arc::clone(columns));
        let other = columns
            .iter()
            .find(|column| self.label(**column) != Some(label) || !self.releases(**column, &tells));
        other.map_or(Ok(Some(label)), |other| Err(*other))
    }

    /// Whether a relation is masked in a statement of its own, too. If not, who has written raw values to it would
    /// compare them with others here, and who has tokens turned back into it would read them raw there.
    fn is_masked_alone(&self, relation: Oid) -> bool {
        let mut alone = self.alone.borrow_mut();
        *alone.entry(relation).or_insert_with(|| {
            let (raw, until) = self.judge.sees_raw(relation, self.context);
            self.expires_ms.set(earlier(self.expires_ms.get(), until));
            !raw
        })
    }

    /// When what it said ends, if policy looked at the time.
    pub(super) fn expires_ms(&self) -> Option<u64> {
        self.expires_ms.get()
    }
}
