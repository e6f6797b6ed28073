//! One column, or one path in it, judged: log-odds of every kind from words and values, and the best of them.

use super::content;
use super::context::Context;
use super::evidence::{Evidence, Finding, Path};
use super::kind::Kind;
use super::profile::{Profile, ratio};
use super::sort::{self, Sort};
use crate::Label;

/// Log-odds before anything is known: of all columns, few hold a given kind.
const PRIOR: f32 = -3.0;
/// From here on a column is sensitive: rather masked and reviewed than shown.
const UNSURE: f32 = -0.6;
/// What a foreign key to a labelled column says.
const FOREIGN_KEY: f32 = 8.0;
/// Turns summed evidence, which is not independent, into a probability that comes true about as often as it says.
const SHRINK: f32 = 0.7;
/// Share of texts with something in them from which prose is sensitive, and of values that are no prose.
const PROSE_SHARE: f32 = 0.02;
const MIXED_SHARE: f32 = 0.1;
/// Share of values that are one span as a whole, from which the column is of that kind.
const WHOLE_SHARE: f32 = 0.25;
/// Summed confidence of what is found in many texts, below which it is chance.
const ENOUGH_FOUND: f32 = 1.6;
/// Fewest texts without anything in them that show that there is nothing.
const ENOUGH_PROSE: usize = 20;
/// Most texts that are scanned for a judgement, and how far into each.
const MAX_SCANNED: usize = 200;
const MAX_SCANNED_BYTES: usize = 4096;

/// What is judged.
pub(crate) struct Subject<'a> {
    pub(crate) path: Option<Path>,
    pub(crate) context: Context,
    pub(crate) sort: Sort,
    pub(crate) type_name: &'a str,
    pub(crate) references: Option<&'a Label>,
    pub(crate) profile: Profile<'a>,
    /// Values that are not NULL, equal ones too.
    pub(crate) rows: usize,
}

pub(crate) fn judge(subject: Subject<'_>) -> Finding {
    let profile = &subject.profile;
    let content = content::weigh(profile, &subject.context, subject.sort);
    let referenced = subject
        .references
        .and_then(|label| Kind::from_word(&label.as_str().replace('_', "-")));
    let score = |kind: Kind| {
        let mut odds = PRIOR + subject.context.odds(kind) + content.odds(kind);
        if referenced == Some(kind) {
            odds += FOREIGN_KEY;
        }
        odds
    };
    let best = Kind::ALL
        .iter()
        .copied()
        .filter(|kind| {
            !matches!(kind, Kind::None | Kind::FreeText) && sort::may_hold(subject.sort, *kind)
        })
        .map(|kind| (kind, score(kind)))
        .max_by(|a, b| a.1.total_cmp(&b.1));
    let (kind, odds) = best.unwrap_or((Kind::None, -9.0));
    if odds > UNSURE && !(content.prose && odds < 3.0) {
        return finish(&subject, kind, odds, &content, referenced);
    }
    let textual = matches!(
        subject.sort,
        Sort::Text | Sort::Json | Sort::Array | Sort::Other
    );
    if textual && let Some(finding) = prose(&subject, &content) {
        return finding;
    }
    if odds > UNSURE {
        return finish(&subject, kind, odds, &content, referenced);
    }
    nothing(&subject, odds, &content)
}

fn sigmoid(odds: f32) -> f32 {
    1.0 / (1.0 + (-odds * SHRINK).exp())
}

fn finish(
    subject: &Subject<'_>,
    kind: Kind,
    odds: f32,
    content: &content::Content,
    referenced: Option<Kind>,
) -> Finding {
    let mut evidence = Vec::new();
    if referenced == Some(kind) {
        evidence.push(Evidence::ForeignKey {
            label: kind.word().to_owned(),
        });
    }
    evidence.extend(content.evidence(kind).cloned());
    evidence.extend(subject.context.evidence(kind));
    if subject.profile.len() == 0 {
        evidence.push(Evidence::NoValues);
    }
    if evidence.is_empty() {
        evidence.push(Evidence::Type {
            name: subject.type_name.to_owned(),
        });
    }
    Finding {
        path: subject.path.clone(),
        label: kind.label(),
        class: kind.class(),
        sensitive: kind.is_sensitive(),
        confidence: sigmoid(odds),
        evidence,
    }
}

fn nothing(subject: &Subject<'_>, odds: f32, content: &content::Content) -> Finding {
    let mut evidence: Vec<Evidence> = content.evidence(Kind::None).cloned().collect();
    if subject.profile.len() == 0 {
        evidence.push(Evidence::NoValues);
    }
    if evidence.is_empty() {
        evidence.push(Evidence::Nothing);
    }
    Finding {
        path: subject.path.clone(),
        label: Kind::None.label(),
        class: Kind::None.class(),
        sensitive: false,
        confidence: 1.0 - sigmoid(odds),
        evidence,
    }
}

/// Kinds whose form alone tells them.
fn is_certain(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Email | Kind::Secret | Kind::ApiKey | Kind::Password | Kind::Iban
    )
}

/// Texts in which single values stand.
fn prose(subject: &Subject<'_>, content: &content::Content) -> Option<Finding> {
    let texts = &subject.profile.values;
    let step = (texts.len() / MAX_SCANNED).max(1);
    let (mut found, mut of, mut weight) = (0, 0, 0.0f32);
    let mut kinds: Vec<(String, usize)> = Vec::new();
    let (mut whole, mut main): (usize, Vec<(Kind, usize)>) = (0, Vec::new());
    for text in texts.iter().step_by(step) {
        let end = (0..=MAX_SCANNED_BYTES.min(text.len()))
            .rev()
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or(0);
        let mut spans = super::scan(text.get(..end).unwrap_or_default());
        if !content.prose && (subject.context.not || subject.context.thing) {
            // In numbers and names of things, what looks like a person's is one by chance.
            spans.retain(|span| Kind::from_word(span.label.as_str()).is_some_and(is_certain));
        }
        of += 1;
        found += usize::from(!spans.is_empty());
        weight += spans.iter().map(|span| span.confidence).fold(0.0, f32::max);
        if let [span] = spans.as_slice()
            && span.range.len() * 10 >= text.len() * 8
            && let Some(kind) = Kind::from_word(span.label.as_str())
        {
            whole += 1;
            match main.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, count)) => *count += 1,
                None => main.push((kind, 1)),
            }
        }
        for span in spans {
            match kinds
                .iter_mut()
                .find(|(word, _)| word == span.label.as_str())
            {
                Some((_, count)) => *count += 1,
                None => kinds.push((span.label.as_str().to_owned(), 1)),
            }
        }
    }
    let share = ratio(found, of);
    let said = subject.context.names(Kind::FreeText);
    let enough = if content.prose {
        share >= PROSE_SHARE && (weight >= ENOUGH_FOUND || of < ENOUGH_PROSE)
    } else {
        share >= MIXED_SHARE && found >= 2
    };
    let unsure = found == 0 && said && subject.rows < ENOUGH_PROSE && (content.prose || of == 0);
    if !enough && !unsure {
        return None;
    }
    kinds.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let words: Vec<String> = kinds.into_iter().map(|(word, _)| word).take(4).collect();
    let mut evidence = Vec::new();
    if found > 0 {
        evidence.push(Evidence::Prose {
            found,
            of,
            kinds: words.join(", "),
        });
    }
    evidence.extend(subject.context.evidence(Kind::FreeText));
    // Where what was found is the whole value, that is what the column holds.
    let kind = main
        .into_iter()
        .max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.cmp(&a.0)))
        .map(|(kind, _)| kind)
        .filter(|_| !content.prose && ratio(whole, of) >= WHOLE_SHARE)
        .unwrap_or(Kind::FreeText);
    Some(Finding {
        path: subject.path.clone(),
        label: kind.label(),
        class: kind.class(),
        sensitive: true,
        confidence: if unsure { 0.4 } else { (0.6 + share).min(0.99) },
        evidence,
    })
}
