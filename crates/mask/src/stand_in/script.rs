//! Scripts, and how invented words are written in them. A word is a run of beats; every beat shows six bits or more,
//! and no two draws give one word.

use super::Draw;

/// A script in which names are invented. What is written in another one becomes Latin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Script {
    Latin,
    Cyrillic,
    Greek,
    Arabic,
    Hebrew,
    Devanagari,
    Thai,
    Han,
    Kana,
    Hangul,
}

impl Script {
    /// The script of the first letter that tells one.
    pub(super) fn of(text: &str) -> Self {
        let script = |char: char| match char {
            'A'..='Z' | 'a'..='z' | '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => {
                Some(Self::Latin)
            }
            '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}' => Some(Self::Greek),
            '\u{400}'..='\u{52f}' => Some(Self::Cyrillic),
            '\u{590}'..='\u{5ff}' => Some(Self::Hebrew),
            '\u{600}'..='\u{6ff}' | '\u{750}'..='\u{77f}' => Some(Self::Arabic),
            '\u{900}'..='\u{97f}' => Some(Self::Devanagari),
            '\u{e00}'..='\u{e7f}' => Some(Self::Thai),
            '\u{3040}'..='\u{30ff}' => Some(Self::Kana),
            '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}' => {
                Some(Self::Han)
            }
            '\u{1100}'..='\u{11ff}' | '\u{ac00}'..='\u{d7a3}' => Some(Self::Hangul),
            _ => None,
        };
        text.chars().find_map(script).unwrap_or(Self::Latin)
    }

    /// Fewest and most beats of a word, and characters of a beat.
    fn beats(self) -> (usize, usize, usize) {
        match self {
            Self::Latin | Self::Cyrillic | Self::Greek | Self::Devanagari | Self::Thai => (3, 8, 2),
            Self::Arabic | Self::Hebrew => (3, 6, 2),
            Self::Han | Self::Kana | Self::Hangul => (2, 4, 1),
        }
    }

    /// A space between the parts of a name, where the script has one there.
    pub(super) fn space(self) -> &'static str {
        match self {
            Self::Han | Self::Kana | Self::Hangul => "",
            Self::Latin
            | Self::Cyrillic
            | Self::Greek
            | Self::Arabic
            | Self::Hebrew
            | Self::Devanagari
            | Self::Thai => " ",
        }
    }

    /// Beats of a word that fit into so many characters; `None`: too few to tell words apart.
    pub(super) fn room(self, chars: usize) -> Option<usize> {
        let (least, most, width) = self.beats();
        let room = (chars / width).min(most);
        (room >= least).then_some(room)
    }

    /// An invented word of so many beats.
    pub(super) fn word(self, beats: usize, draw: &mut Draw, out: &mut Vec<u8>) {
        for beat in 0..beats {
            let (first, second) = match self {
                Self::Latin => syllable(draw, "bdfghjklmnprstvz", "aeio"),
                Self::Cyrillic => syllable(draw, "бвгджзклмнпрстфх", "аеио"),
                Self::Greek => syllable(draw, "βγδζθκλμνξπρστφχ", "αειο"),
                Self::Arabic => syllable(draw, "بتجحدرزسشعفقكلمن", "ايوه"),
                Self::Hebrew => syllable(draw, "בגדהזחטילמנסעפקר", "אוית"),
                Self::Devanagari => syllable(draw, "कखगचजटडतदनपबमरलस", "ािीो"),
                Self::Thai => syllable(draw, "กขคจชดตทนบปพมรลส", "ะาิุ"),
                Self::Han => (pick(draw, 7, HAN), None),
                Self::Kana => (pick(draw, 6, KANA), None),
                Self::Hangul => {
                    // Initial, medial and final of a syllable (Unicode, section 3.12): 9 bits.
                    let (initial, medial, last) = (
                        draw.bits(4) as u32,
                        draw.bits(3) as u32,
                        draw.bits(2) as u32,
                    );
                    let last = match last {
                        0 => 0,
                        1 => 4,
                        2 => 16,
                        _ => 21,
                    };
                    let syllable = 0xac00 + (initial * 21 + medial) * 28 + last;
                    (char::from_u32(syllable).unwrap_or('가'), None)
                }
            };
            let mut utf8 = [0; 4];
            for char in std::iter::once(first).chain(second) {
                let upper = char
                    .to_uppercase()
                    .next()
                    .filter(|_| beat == 0 && second.is_some() && char == first);
                out.extend_from_slice(upper.unwrap_or(char).encode_utf8(&mut utf8).as_bytes());
            }
        }
    }
}

/// Consonant and vowel: four bits and two.
fn syllable(draw: &mut Draw, consonants: &str, vowels: &str) -> (char, Option<char>) {
    (pick(draw, 4, consonants), Some(pick(draw, 2, vowels)))
}

fn pick(draw: &mut Draw, bits: u32, from: &str) -> char {
    let at = draw.bits(bits) as usize;
    from.chars()
        .nth(at)
        .or_else(|| from.chars().next())
        .unwrap_or('a')
}

/// 128 characters that names are made of.
const HAN: &str = "安白柏邦宝碧彬冰博才采灿昌长辰晨诚承春纯达丹德典定冬东端恩尔凡方芳飞非芬丰枫峰福刚高歌格光广贵国海涵翰航豪好浩禾和恒宏虹厚华怀欢辉惠慧吉佳嘉坚建健江杰洁捷金锦晋京晶景静君俊楷康可克坤兰乐雷礼力立丽连良林霖玲龙路伦罗满茂梅美孟梦苗民敏名明鸣茗牧楠宁佩朋鹏平朴";
/// 64 syllables.
const KANA: &str = "あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわがぎぐげござじずぜぞだでどばびぶべぼぱぴ";

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn alphabets_have_no_character_twice_and_as_many_as_are_drawn() {
        for (from, count) in [(HAN, 128), (KANA, 64)] {
            let all: HashSet<char> = from.chars().collect();
            assert_eq!((all.len(), from.chars().count()), (count, count), "{from}");
        }
    }
}
