//! A running statement: how its rows are masked and counted.

use std::sync::Arc;

use mask::Format;
use wire::postgres as pg;

use super::Now;
use super::rows::{self, RowMask};
use super::step::Run;
use crate::refusal::Refusal;
use crate::verdict::{Judged, Verdict};
use crate::world::World;

impl Run {
    /// A run that only waits for ReadyForQuery after a replaced message failed.
    pub(super) fn refused(now: Now) -> Self {
        let mut run = Run::new(Arc::new(Verdict::empty()), None, Vec::new(), now);
        run.told = true;
        run
    }

    /// Whether rows may be forwarded without looking at them.
    pub(super) fn passes_rows(&self) -> bool {
        self.overruled.is_none()
            && self.copy_mask.is_none()
            && match self.current() {
                Some(judged) => {
                    judged.row_cap.is_none()
                        && !judged.masks_rows()
                        && judged.copy.iter().all(Option::is_none)
                }
                // More results than statements: only where one stands for a whole text.
                None => self.verdict.judged.iter().any(Judged::is_text),
            }
    }

    /// Whether it is still to be seen if its answer may leave.
    pub(super) fn may_be_in_doubt(&self) -> bool {
        self.under.is_some() && !self.beyond_doubt && self.overruled.is_none()
    }

    pub(super) fn current(&self) -> Option<&crate::verdict::Judged> {
        self.verdict.judged.get(self.index)
    }

    pub(super) fn cap(&self) -> Option<u64> {
        self.current().and_then(|j| j.row_cap)
    }

    pub(super) fn mask_simple(
        &mut self,
        description: &pg::RowDescription<'_>,
        world: Option<&World>,
    ) -> Result<(), Refusal> {
        let Some(judged) = self.verdict.judged.get(self.index) else {
            // The end of a replaced message: nothing has rows.
            return Err(rows::mismatch());
        };
        if let Some(world) = world {
            rows::expected(judged, world, description)?;
        }
        if !judged.masks_rows() {
            return Ok(());
        }
        let types = rows::verify(judged, description)?;
        let formats: Vec<Format> = description
            .fields()
            .map(|field| match field.format {
                pg::Format::Binary => Format::Binary,
                pg::Format::Text => Format::Text,
            })
            .collect();
        self.row_mask = Some(RowMask::new(judged, &types, |i| {
            formats.get(i).copied().unwrap_or(Format::Text)
        })?);
        Ok(())
    }

    pub(super) fn mask_bound(&mut self) -> Result<(), Refusal> {
        let Some(judged) = self.verdict.judged.get(self.index) else {
            return Err(rows::mismatch());
        };
        if !judged.masks_rows() {
            return Ok(());
        }
        let types = judged.described.get().ok_or_else(rows::mismatch)?;
        let formats = &self.formats;
        let format = |index: usize| {
            let code = match formats.len() {
                0 => 0,
                1 => formats.first().copied().unwrap_or(0),
                _ => formats.get(index).copied().unwrap_or(0),
            };
            if code == 1 {
                Format::Binary
            } else {
                Format::Text
            }
        };
        self.row_mask = Some(RowMask::new(judged, types, format)?);
        Ok(())
    }

    pub(super) fn next_statement(&mut self, now: Now) {
        self.index += 1;
        self.announced = false;
        self.row_mask = None;
        self.copy_mask = None;
        self.copied.clear();
        self.copy_asked = false;
        self.beyond_doubt = false;
        self.rows = 0;
        self.bytes = 0;
        self.rows_before = 0;
        self.started_us = now.monotonic_us;
    }
}
