//! WITH: common table expressions, recursive ones too.

use std::sync::Arc;

use super::outputs::rename;
use super::{CteState, Frame, Lineage, Resolver, Rows, ScopeColumn, State, Ty};
use crate::Usage;
use crate::ast::{Body, Query, Select, With};

impl<'a> Resolver<'a> {
    pub(super) fn enter_with(&mut self, with: Option<&'a With>) -> bool {
        let Some(with) = with else { return false };
        self.frames.push(Frame {
            recursive: with.recursive,
            ctes: with
                .ctes
                .iter()
                .map(|cte| CteState {
                    cte,
                    state: State::Waiting,
                })
                .collect(),
            levels: self.levels.len(),
        });
        let frame = self.frames.len() - 1;
        for place in 0..with.ctes.len() {
            self.read_cte(frame, place);
        }
        true
    }

    pub(super) fn leave_with(&mut self, framed: bool) {
        if framed {
            self.frames.pop();
        }
    }

    /// Reads a common table expression in the scope of its WITH clause, if that is not done.
    pub(super) fn read_cte(&mut self, frame: usize, place: usize) {
        let Some(state) = self.cte_state(frame, place) else {
            return;
        };
        if !matches!(state.state, State::Waiting) {
            return;
        }
        state.state = State::Started;
        let cte = state.cte;
        let Some(levels) = self.frames.get(frame).map(|frame| frame.levels) else {
            return;
        };
        let inner_levels = self.levels.split_off(levels.min(self.levels.len()));
        let inner_frames = self.frames.split_off(frame + 1);
        let recursive = self.frames.get(frame).is_some_and(|frame| frame.recursive);
        let rows = self.deeper(Rows::default(), |this| match &cte.query {
            Query::Select(select) if recursive => this.recursive(select, frame, place),
            query => this.query(query),
        });
        self.consume_all(&cte.marks, Usage::Expression);
        let mut rows = rename(rows, &cte.columns);
        for name in &cte.added {
            // SEARCH and CYCLE gather the values of columns they name into rows.
            for column in &rows.columns {
                self.facts.lineage(&column.lineage, Usage::WholeRow);
            }
            rows.columns.push(ScopeColumn {
                name: Arc::from(&**name),
                lineage: Lineage::computed(false),
                ty: Ty::Other,
            });
        }
        self.levels.extend(inner_levels);
        self.frames.extend(inner_frames);
        if let Some(state) = self.cte_state(frame, place) {
            state.state = State::Done(rows);
        }
    }

    pub(super) fn cte_state(&mut self, frame: usize, place: usize) -> Option<&mut CteState<'a>> {
        self.frames.get_mut(frame)?.ctes.get_mut(place)
    }

    /// A query under WITH RECURSIVE. When it is a UNION, its first arm tells what references to itself give.
    pub(super) fn recursive(&mut self, select: &'a Select, frame: usize, place: usize) -> Rows {
        let Body::Set(arms, _) = &select.body else {
            return self.select(select);
        };
        let (Some(last), [_, _, ..]) = (arms.last(), arms.as_slice()) else {
            return self.select(select);
        };
        let framed = self.enter_with(select.with.as_ref());
        let earlier = arms.get(..arms.len() - 1).unwrap_or_default();
        let first = match earlier {
            [only] => {
                let rows = self.select(only);
                self.as_arm(rows)
            }
            several => self.set_operation(several, false),
        };
        // A column of itself may hold anything that reaches the first arm; what the last arm adds is recorded below
        // as used in every way.
        let columns: Vec<_> = first
            .columns
            .iter()
            .flat_map(|column| column.lineage.columns())
            .collect();
        let anything = Lineage::derived(columns);
        let own = Rows {
            columns: first
                .columns
                .iter()
                .map(|column| ScopeColumn {
                    name: Arc::clone(&column.name),
                    lineage: anything.clone(),
                    ty: Ty::Other,
                })
                .collect(),
            open: first.open,
        };
        if let Some(state) = self.cte_state(frame, place) {
            let own = rename(own, &state.cte.columns);
            state.state = State::Recursing(own);
        }
        let second = self.select(last);
        for column in &second.columns {
            self.facts.lineage(&column.lineage, Usage::SetOperation);
            self.facts.lineage(&column.lineage, Usage::Expression);
        }
        self.order_by_outputs(&select.order, &first);
        self.consume_all(&select.limit, Usage::Predicate);
        self.leave_with(framed);
        Rows {
            columns: first
                .columns
                .into_iter()
                .map(|column| ScopeColumn {
                    lineage: Lineage::computed(false),
                    ty: Ty::Other,
                    ..column
                })
                .collect(),
            open: first.open || second.open,
        }
    }

    /// The common table expression of that name, if one is visible.
    pub(super) fn cte(&mut self, name: &str) -> Option<Rows> {
        for frame in (0..self.frames.len()).rev() {
            let Some(at) = self.frames.get(frame) else {
                continue;
            };
            let recursive = at.recursive;
            let count = at.ctes.len();
            if !self.spend(count) {
                return None;
            }
            let Some(at) = self.frames.get(frame) else {
                continue;
            };
            let Some(place) = at.ctes.iter().position(|cte| *cte.cte.name == *name) else {
                continue;
            };
            if recursive {
                self.read_cte(frame, place);
            }
            match self.cte_state(frame, place).map(|cte| &cte.state) {
                Some(State::Done(rows) | State::Recursing(rows)) => return Some(rows.clone()),
                // Without RECURSIVE a query sees only its elder siblings.
                _ if !recursive => {}
                _ => {
                    self.construct("a recursive query of this form");
                    return Some(Rows {
                        columns: Vec::new(),
                        open: true,
                    });
                }
            }
        }
        None
    }
}
