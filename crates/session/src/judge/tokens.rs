//! Constants and parameters in the place of masked values: tokens become what they stand for, anything else is a
//! lookup (DESIGN §5).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use foldhash::{HashMap, HashSet};
use mask::{ColumnType, Format, Label, Reveal};
use policy::{AccessFact, Context, Decision, ResourceFact};
use statement::{ColumnId, Given, GivenBy, Kind, Place, Statement};

use super::masked::Masked;
use super::{Judge, earlier};
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
        masked: &Masked<'_>,
        context: &Context<'_>,
    ) -> Option<Refusal> {
        let statement = Arc::clone(&judged.statement);
        // What is turned back for one place is so for all places of it.
        let mut twins: HashMap<Which, Option<&Label>> = HashMap::default();
        let mut torn: HashSet<Which> = HashSet::default();
        for given in &statement.given {
            let label = match masked.given(given) {
                Ok(label) => label,
                Err(column) => return Some(self.unproved(column, given)),
            };
            if let Some(which) = which(given)
                && *twins.entry(which).or_insert(label) != label
            {
                torn.insert(which);
            }
        }
        let mut asked: BTreeSet<Arc<[ColumnId]>> = BTreeSet::new();
        let mut datasets: HashMap<Arc<[ColumnId]>, Arc<[Arc<str>]>> = HashMap::default();
        let mut parameters: HashSet<(usize, Place, Arc<[ColumnId]>)> = HashSet::default();
        let mut arrays: HashMap<usize, bool> = HashMap::default();
        let mut places: HashSet<usize> = HashSet::default();
        for given in &statement.given {
            let Ok(Some(label)) = masked.given(given) else {
                continue;
            };
            let Some(column) = given.columns.first().copied() else {
                return Some(self.unproved(ColumnId::UNRESOLVED, given));
            };
            if which(given).is_some_and(|which| torn.contains(&which)) {
                return Some(self.refuse_given(
                    column,
                    "what stands in the place of a masked value stands in that of another, too",
                    "Use another parameter there.",
                ));
            }
            let looked_in = match datasets.get(&given.columns) {
                Some(found) => Arc::clone(found),
                None => {
                    let Some(found) = self.datasets(&given.columns) else {
                        return Some(self.unproved(column, given));
                    };
                    datasets.insert(Arc::clone(&given.columns), Arc::clone(&found));
                    found
                }
            };
            let ty = self.given_type(given, column);
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
                    let index = usize::try_from(number).ok().and_then(|n| n.checked_sub(1));
                    let Some(index) = index else {
                        return Some(self.unproved(column, given));
                    };
                    if *arrays.entry(index).or_insert(given.array) != given.array {
                        return Some(self.unproved(column, given));
                    }
                    asked.insert(Arc::clone(&given.columns));
                    if parameters.insert((index, given.place, Arc::clone(&given.columns))) {
                        judged.parameters.push(Parameter {
                            index,
                            label: label.clone(),
                            ty,
                            array: given.array,
                            written: given.place == Place::Written,
                            datasets: looked_in,
                        });
                    }
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
                            if places.insert(place) {
                                let revealed = Revealed::new(raw);
                                judged.tokens.push((place, label.clone(), revealed));
                            }
                        }
                        Reveal::Foreign => return Some(self.foreign(column, label)),
                        Reveal::NotAToken if given.array || !may_be_given(given, label, &ty) => {
                            return Some(self.no_token(column, label, given));
                        }
                        Reveal::NotAToken => {
                            asked.insert(Arc::clone(&given.columns));
                            judged.lookups.extend(looked_in.iter().cloned());
                        }
                    }
                }
            }
        }
        if let Err(refusal) = self.may_look_up(judged, &asked, context) {
            if !judged.lookups.is_empty() {
                return Some(refusal);
            }
            judged.no_lookup = Some(refusal);
        }
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
        mark_settled(judged, masked);
        None
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

    /// The datasets of these columns, each once; `None` if one is not known.
    fn datasets(&self, columns: &[ColumnId]) -> Option<Arc<[Arc<str>]>> {
        let mut relations: Vec<statement::Oid> = Vec::new();
        let mut names: Vec<Arc<str>> = Vec::new();
        for column in columns {
            let (schema, relation, _) = self.catalog.column_name(*column)?;
            if !relations.contains(&column.relation) {
                relations.push(column.relation);
                names.push(format!("{schema}.{relation}").into());
            }
        }
        Some(names.into())
    }

    /// Whether the principal may look values of these columns up; the statement is then bound to what that takes.
    fn may_look_up(
        &self,
        judged: &mut Judged,
        columns: &BTreeSet<Arc<[ColumnId]>>,
        context: &Context<'_>,
    ) -> Result<(), Refusal> {
        let mut asked: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
        for column in columns.iter().flat_map(|columns| columns.iter()) {
            // Without a name it was refused before.
            let name = self.catalog.column_name(*column);
            let (schema, relation, _) = name.unwrap_or_default();
            let labels = asked.entry((schema, relation)).or_default();
            labels.extend(self.label(*column).map(Label::as_str));
        }
        if asked.is_empty() {
            return Ok(());
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
        let decision = self.decide(&accesses, context);
        judged.expires_ms = earlier(judged.expires_ms, decision.expires_ms());
        let (why, objects) = match decision {
            Decision::Allow(enforcement) if enforcement.masks.is_subset(&judged.masks) => {
                judged.row_cap = earlier(judged.row_cap, enforcement.row_cap);
                return Ok(());
            }
            Decision::Allow(_) => (
                "policy would have more masked for it than can be".to_owned(),
                Vec::new(),
            ),
            Decision::Deny(denial) => (denial.message.clone(), denial.objects()),
        };
        Err(Refusal::new(
            Cause::Masked,
            "weir.masked-lookup",
            format!("this looks up a value that is no token in a masked column, and {why}"),
        )
        .objects(objects)
        .hint("Use the token that a SELECT of the column gives; or ask for the action lookup."))
    }

    /// The refusal of a value that bears the mark of tokens, and is none.
    pub(crate) fn foreign(&self, column: ColumnId, label: &Label) -> Refusal {
        let name = self.name_of(column);
        foreign(&name, label)
    }

    fn no_token(&self, column: ColumnId, label: &Label, given: &Given) -> Refusal {
        no_token(&self.name_of(column), label, given.place == Place::Written)
    }

    fn unproved(&self, column: ColumnId, given: &Given) -> Refusal {
        let what = if given.place == Place::Written {
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

/// A constant by its place, or a parameter by its number.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Which {
    Text(usize),
    Parameter(u32),
}

fn which(given: &Given) -> Option<Which> {
    match given.what {
        GivenBy::Text(place) => Some(Which::Text(place)),
        GivenBy::Parameter { number, .. } => Some(Which::Parameter(number)),
        GivenBy::Elsewhere => None,
    }
}

/// Whether what is no token may be given, if policy lets values be looked up. A stand-in that cannot be told from a
/// value must not replace one.
fn may_be_given(given: &Given, label: &Label, ty: &ColumnType) -> bool {
    given.place != Place::Written || label.reversible_in(ty)
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
fn mark_settled(judged: &mut Judged, masked: &Masked<'_>) {
    let mark = |statement: &mut Statement| {
        for given in &mut statement.given {
            if let Ok(Some(label)) = masked.given(given) {
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
