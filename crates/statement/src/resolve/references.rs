//! References to columns in the text at hand, gathered for [`crate::degrade()`] only.

use super::{Lineage, Ty};
use crate::ast::Ident;
use crate::{ColumnId, Tells, Usage};

/// What was found where in the text.
#[derive(Debug, Default)]
pub(crate) struct References {
    pub(crate) found: Vec<Reference>,
    pub(crate) uses: Vec<ReferenceUse>,
    pub(crate) names: Vec<Naming>,
}

/// A name that means a column, or the number or name of an output.
#[derive(Debug)]
pub(crate) struct Reference {
    /// Where it begins.
    pub(crate) place: usize,
    /// Its names; none for a number.
    pub(crate) path: Vec<Ident>,
    pub(crate) ty: Ty,
    /// It names a column of a query around its own.
    pub(crate) outer: bool,
}

/// How a reference uses a column.
#[derive(Debug)]
pub(crate) struct ReferenceUse {
    /// Where the reference begins; `None` when nothing in the text names it alone.
    pub(crate) place: Option<usize>,
    pub(crate) column: ColumnId,
    pub(crate) usage: Usage,
    pub(crate) tells: Tells,
    /// What it is part of decides which rows count.
    pub(crate) deciding: bool,
}

/// An output without a name of its own, which bears that of a reference.
#[derive(Debug)]
pub(crate) struct Naming {
    /// Where the output begins.
    pub(crate) place: usize,
    /// Where the reference begins.
    pub(crate) reference: usize,
    pub(crate) name: Box<str>,
}

impl References {
    /// Adds what another part of the text has.
    pub(crate) fn add(&mut self, other: Self) {
        self.found.extend(other.found);
        self.uses.extend(other.uses);
        self.names.extend(other.names);
    }

    pub(super) fn reference(&mut self, place: usize, path: &[Ident], ty: Ty, outer: bool) {
        self.found.push(Reference {
            place,
            path: path.to_vec(),
            ty,
            outer,
        });
    }

    pub(super) fn used(&mut self, lineage: &Lineage, usage: Usage, tells: &Tells, deciding: bool) {
        let computed = match usage {
            Usage::Projected => Usage::Expression,
            usage => usage,
        };
        let as_it_is = lineage.values();
        let through = lineage.through.iter().flat_map(|list| list.iter().copied());
        let derived = lineage.derived.iter().flat_map(|list| list.iter().copied());
        let uses = as_it_is
            .chain(through)
            .map(|column| (column, usage, tells.clone()))
            .chain(derived.map(|column| (column, computed, Tells::Anything)));
        self.uses
            .extend(uses.map(|(column, usage, tells)| ReferenceUse {
                place: lineage.at,
                column,
                usage,
                tells,
                deciding,
            }));
    }

    pub(super) fn named(&mut self, place: usize, reference: Option<usize>, name: &str) {
        self.names.extend(reference.map(|reference| Naming {
            place,
            reference,
            name: name.into(),
        }));
    }
}
