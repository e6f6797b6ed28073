//! Constants and parameters in the place of masked values: tokens become what they stand for, anything else is a
//! lookup (DESIGN §5).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use mask::{ColumnType, Format, Label, Reveal};
use policy::{AccessFact, Context, Decision, Facts, Request, ResourceFact};
use statement::{ColumnId, Given, GivenBy, Kind, Statement, Tells};

use super::Judge;
use crate::refusal::{Cause, Refusal};
use crate::verdict::{Judged, Parameter, Revealed};

/// The rule that wants tokens to be turned back before the statement is judged.
pub(super) const TOKENS: &str = "weir.masked-tokens";

/// The text that a statement stands in.
#[derive(Clone, Copy)]
pub(super) struct Written<'a> {
    pub(super) text: &'a str,
    /// Where in it constants stand that were tokens of a label.
    pub(super) revealed: &'a BTreeMap<usize, Label>,
}

impl Judge<'_> {
    /// Makes of each constant and parameter what it is; or refuses the statement.
    pub(super) fn settle(
        &self,
        judged: &mut Judged,
        source: Written<'_>,
        context: &Context<'_>,
    ) -> Option<Refusal> {
        let statement = Arc::clone(&judged.statement);
        let masks = judged.masks.clone();
        let mut lookups: Vec<ColumnId> = Vec::new();
        for given in &statement.given {
            let label = match self.masked_label(given, &masks) {
                Ok(Some(label)) => label,
                Ok(None) => continue,
                Err(column) => return Some(self.unproved(column, given)),
            };
            let column = *given.columns.first()?;
            judged.by_value = true;
            // What is turned back for one place is so for all places of it.
            let mut twins = statement.given.iter().filter(|other| is_same(given, other));
            if !twins.all(|other| self.masked_label(other, &masks) == Ok(Some(label))) {
                return Some(self.refuse_given(
                    column,
                    "what stands in the place of a masked value stands in that of another, too",
                    "Use another parameter there.",
                ));
            }
            match given.what {
                GivenBy::Elsewhere => {
                    if given.settled.as_deref() != Some(label.as_str()) {
                        return Some(self.unproved(column, given));
                    }
                }
                GivenBy::Parameter { only: false, .. } => {
                    return Some(self.refuse_given(
                        column,
                        "a parameter that stands in the place of a masked value stands elsewhere, too",
                        "Use another parameter there.",
                    ));
                }
                GivenBy::Parameter { number, .. } => {
                    let index = usize::try_from(number).ok()?.checked_sub(1)?;
                    let parameter = Parameter {
                        index,
                        label: label.clone(),
                        ty: self.given_type(given, column),
                        array: given.array,
                        written: given.written,
                        relation: self.dataset(column),
                    };
                    let another = |other: &&Parameter| other.index == index;
                    let mut before = judged.parameters.iter().filter(another);
                    if before.any(|other| other.label != *label || other.array != given.array) {
                        return Some(self.unproved(column, given));
                    }
                    judged.parameters.push(parameter);
                }
                GivenBy::Text(place) => {
                    if source.revealed.get(&place) == Some(label) {
                        continue;
                    }
                    if matches!(statement.kind, Kind::Prepare { .. }) {
                        return Some(self.refuse_given(
                            column,
                            "a constant in PREPARE stands in the place of a masked value",
                            "Use a parameter, and give the token to EXECUTE.",
                        ));
                    }
                    let Some(text) = statement::literal(source.text, place) else {
                        return Some(self.unproved(column, given));
                    };
                    let ty = self.given_type(given, column);
                    let reveal =
                        self.world
                            .masker
                            .reveal(label, &ty, Format::Text, text.as_bytes());
                    match reveal {
                        Reveal::Raw(raw) => {
                            let Ok(raw) = std::str::from_utf8(&raw) else {
                                return Some(self.unproved(column, given));
                            };
                            // One argument of EXECUTE may stand for several parameters.
                            if !judged.tokens.iter().any(|(known, ..)| *known == place) {
                                let revealed = Revealed::new(raw);
                                judged.tokens.push((place, label.clone(), revealed));
                            }
                        }
                        Reveal::Foreign => return Some(self.foreign(column, label)),
                        Reveal::NotAToken if given.array || !may_be_given(given, label, &ty) => {
                            return Some(self.no_token(column, label, given));
                        }
                        Reveal::NotAToken => lookups.push(column),
                    }
                }
            }
        }
        let mut asked: Vec<ColumnId> = lookups.clone();
        asked.extend(statement.given.iter().filter_map(|given| {
            let is_parameter = matches!(given.what, GivenBy::Parameter { .. });
            let label = self.masked_label(given, &masks).ok().flatten();
            label.filter(|_| is_parameter)?;
            given.columns.first().copied()
        }));
        if let Some(refusal) = self.may_not_look_up(&asked, context) {
            if !lookups.is_empty() {
                return Some(refusal);
            }
            judged.no_lookup = Some(refusal);
        }
        judged.lookups = lookups.iter().map(|column| self.dataset(*column)).collect();
        if !judged.tokens.is_empty() {
            return Some(
                Refusal::new(
                    Cause::Masked,
                    TOKENS,
                    "tokens are turned back only in a statement that is sent by itself",
                )
                .hint("Split the query string."),
            );
        }
        mark_settled(judged, &masks, self);
        None
    }

    /// The label of what a constant stands for, if it is masked; a column that has another, if not all have it.
    fn masked_label(
        &self,
        given: &Given,
        masks: &BTreeSet<String>,
    ) -> Result<Option<&Label>, ColumnId> {
        let masked = |column: ColumnId| {
            self.label(column)
                .filter(|label| masks.contains(label.as_str()))
        };
        let found = given.columns.iter().find_map(|column| masked(*column));
        let Some(label) = found else { return Ok(None) };
        let match_of = Tells::Match(Arc::clone(&given.columns));
        match given.columns.iter().find(|column| {
            masked(**column) != Some(label) || !self.releases(**column, &match_of, masks)
        }) {
            Some(other) => Err(*other),
            None => Ok(Some(label)),
        }
    }

    fn given_type(&self, given: &Given, column: ColumnId) -> ColumnType {
        let ty = self.column_type(column);
        if !given.array {
            return ty;
        }
        ColumnType::built_in(
            match ty.oid {
                2950 => 2951,
                869 => 1041,
                650 => 651,
                1042 => 1014,
                _ => 1009,
            },
            -1,
        )
    }

    fn dataset(&self, column: ColumnId) -> Arc<str> {
        match self.catalog.column_name(column) {
            Some((schema, relation, _)) => format!("{schema}.{relation}").into(),
            None => "".into(),
        }
    }

    /// Why the principal may not look values of these columns up, if it may not.
    fn may_not_look_up(&self, columns: &[ColumnId], context: &Context<'_>) -> Option<Refusal> {
        let mut asked: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
        for column in columns {
            let (schema, relation, _) = self.catalog.column_name(*column)?;
            let labels = asked.entry((schema, relation)).or_default();
            labels.extend(self.label(*column).map(Label::as_str));
        }
        if asked.is_empty() {
            return None;
        }
        let accesses: Vec<AccessFact<'_>> = asked
            .into_iter()
            .map(|((schema, name), labels)| AccessFact {
                action: "lookup",
                resource: ResourceFact::Dataset {
                    schema,
                    name,
                    system: false,
                    temporary: false,
                },
                labels,
            })
            .collect();
        let facts = Facts {
            accesses: &accesses,
            has_where: true,
            command: "SELECT",
            opaque: false,
        };
        let request = Request {
            subject: self.subject(),
            target: &self.session.who.target,
            facts: &facts,
            context,
        };
        let denial = match self.world.policies.decide(&request) {
            Decision::Allow(_) => return None,
            Decision::Deny(denial) => denial,
        };
        Some(
            Refusal::new(
                Cause::Masked,
                "weir.masked-lookup",
                format!(
                    "this looks up a value that is no token in a masked column, and {}",
                    denial.message
                ),
            )
            .objects(denial.objects())
            .hint("Use the token that a SELECT of the column gives; or ask for the action lookup."),
        )
    }

    /// The refusal of a value that bears the mark of tokens, and is none.
    pub(crate) fn foreign(&self, column: ColumnId, label: &Label) -> Refusal {
        let name = self.name_of(column);
        foreign(&name, label)
    }

    fn no_token(&self, column: ColumnId, label: &Label, given: &Given) -> Refusal {
        no_token(&self.name_of(column), label, given.written)
    }

    fn unproved(&self, column: ColumnId, given: &Given) -> Refusal {
        let what = if given.written {
            "is written with"
        } else {
            "is compared with"
        };
        self.refuse_given(
            column,
            &format!("it {what} something of which Weir cannot tell whether it is a token"),
            "Write the token as a plain string '…' or send it as a parameter; compare columns under one label.",
        )
    }

    fn refuse_given(&self, column: ColumnId, why: &str, hint: &str) -> Refusal {
        let name = self.name_of(column);
        Refusal::new(
            Cause::Masked,
            super::masks::MASKED_USE,
            format!("column {name} is masked: {why}"),
        )
        .objects(vec![name])
        .hint(hint)
    }

    fn name_of(&self, column: ColumnId) -> String {
        match self.catalog.column_name(column) {
            Some((schema, relation, name)) => format!("{schema}.{relation}.{name}"),
            None => "?".into(),
        }
    }
}

/// Whether both are the one constant or parameter.
fn is_same(one: &Given, other: &Given) -> bool {
    match (one.what, other.what) {
        (GivenBy::Parameter { number, .. }, GivenBy::Parameter { number: other, .. }) => {
            number == other
        }
        (one, other) => one == other && one != GivenBy::Elsewhere,
    }
}

/// Whether what is no token may be given, if policy lets values be looked up. A stand-in that cannot be told from a
/// value must not replace one.
fn may_be_given(given: &Given, label: &Label, ty: &ColumnType) -> bool {
    !given.written || label.reversible_in(ty)
}

/// The refusal of what bears the mark of tokens and is none.
pub(crate) fn foreign(column: &str, label: &Label) -> Refusal {
    Refusal::new(
        Cause::Masked,
        "weir.foreign-token",
        format!(
            "what is given for {column} looks like a token, but it is none of label {}: it was altered, is of another scope or a retired epoch, or cannot be turned back",
            label.as_str()
        ),
    )
    .objects(vec![column.to_owned()])
    .hint("Use tokens as a SELECT of the column gives them today.")
}

/// The refusal of what is no token where only tokens are taken.
pub(crate) fn no_token(column: &str, label: &Label, written: bool) -> Refusal {
    let why = if written && !label.reversible() {
        "stand-ins of this label cannot be turned back, so one must not replace a value"
    } else {
        "only tokens of this label are taken there"
    };
    Refusal::new(
        Cause::Masked,
        "weir.no-token",
        format!(
            "what is given for {column} is no token of label {}, and {why}",
            label.as_str()
        ),
    )
    .objects(vec![column.to_owned()])
    .hint("Use tokens as a SELECT of the column gives them.")
}

/// For a cursor to keep: what its constants were taken for.
fn mark_settled(judged: &mut Judged, masks: &BTreeSet<String>, judge: &Judge<'_>) {
    let mark = |statement: &mut Statement| {
        for given in &mut statement.given {
            if let Ok(Some(label)) = judge.masked_label(given, masks) {
                given.settled = Some(label.as_str().into());
            }
        }
    };
    if judged.statement.given.is_empty() {
        return;
    }
    let statement = Arc::make_mut(&mut judged.statement);
    mark(statement);
    if let Kind::Declare { inner, .. } = &mut statement.kind {
        mark(inner);
    }
}
