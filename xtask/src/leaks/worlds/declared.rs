//! What labels declare to tell of a value besides equality: the same in both worlds.

use mask::{ColumnType, Format, Label, Masked, Masker, Part, Reveal, detect};

use super::image::Space;

/// Judges pairs of values by what a gateway would make of them.
pub(super) struct Declared {
    masker: Masker,
}

impl Default for Declared {
    fn default() -> Declared {
        Declared {
            // what a label tells does not depend on the key
            masker: Masker::new(&[7; 32], "worlds", 1),
        }
    }
}

/// Whether a label's stand-ins tell which values, or which parts of them, are equal.
pub(crate) fn tells_equality(label: &Label) -> bool {
    let releases = label.releases();
    releases.equality || releases.parts.contains(&Part::Equality)
}

impl Declared {
    /// Whether each of the labels tells the same of two values.
    pub(super) fn same(&self, labels: &[Label], space: Space, raw: &str, image: &str) -> bool {
        let alike = |label: &Label| self.alike(label, space, raw, image);
        labels.iter().all(alike)
    }

    fn alike(&self, label: &Label, space: Space, raw: &str, image: &str) -> bool {
        let (one, two) = (
            self.masked(label, space, raw),
            self.masked(label, space, image),
        );
        if !tells_equality(label) {
            return one == two;
        }
        let length = |token: &Option<Vec<u8>>| token.as_ref().map(Vec::len);
        let script = |token: &Option<Vec<u8>>| token.as_ref().map(|token| token.is_ascii());
        let can_be_turned_back = |value: &str, token: &Option<Vec<u8>>| {
            let ty = ColumnType::built_in(space.oid(value), -1);
            let token = token.as_deref().unwrap_or_default();
            let said = self.masker.reveal(label, &ty, Format::Text, token);
            matches!(said, Reveal::Raw(_))
        };
        let parts = label.releases().parts;
        can_be_turned_back(raw, &one) == can_be_turned_back(image, &two)
            && parts.iter().all(|part| match part {
                Part::Length => length(&one) == length(&two),
                Part::Script => script(&one) == script(&two),
                Part::Bucket => one == two,
                Part::Equality => true,
                Part::Kind => match (kind(raw), kind(image)) {
                    (None, None) => true,
                    (Some(one), Some(two)) => one == two && self.alike(&one, space, raw, image),
                    _ => false,
                },
                // documents are taken apart, and keep theirs
                Part::Shape => true,
                // a text that differs in what is not masked is another text
                Part::Rest => false,
            })
    }

    fn masked(&self, label: &Label, space: Space, value: &str) -> Option<Vec<u8>> {
        let ty = ColumnType::built_in(space.oid(value), -1);
        let mut out = Vec::new();
        let said = self
            .masker
            .mask(label, &ty, Format::Text, value.as_bytes(), &mut out);
        match said {
            Masked::Value => Some(out),
            Masked::Null => None,
        }
    }
}

/// What a text is recognised as, when it is that as a whole.
fn kind(text: &str) -> Option<Label> {
    let spans = detect::scan(text);
    let [span] = spans.as_slice() else {
        return None;
    };
    (span.range == (0..text.len())).then(|| span.label.clone())
}
