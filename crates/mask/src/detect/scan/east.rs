//! Names in Chinese, Japanese and Korean text.

use super::super::kind::Kind;
use super::super::names;
use super::{Candidate, place};

/// What a cue beside a name says.
const CUE: f32 = 2.6;

/// Chinese, Japanese and Korean: a run without blanks, with a cue before or after the name, or a name by itself.
pub(super) fn names_in(text: &str, start: usize, end: usize, found: &mut Vec<Candidate>) {
    const AFTER: &[&str] = &[
        "様",
        "さん",
        "氏",
        "です",
        "と申します",
        "先生",
        "女士",
        "小姐",
        "입니다",
        "님",
        "씨",
        "이라고",
        "드림",
        "경리",
        "君",
        "殿",
        "の",
    ];
    const BEFORE: &[&str] = &[
        "我叫",
        "我是",
        "联系人",
        "联系人:",
        "联系人:",
        "姓名",
        "姓名:",
        "姓名:",
        "名前は",
        "担当",
        "担当:",
        "本人",
        "致",
        "안녕하세요",
        "이름은",
        "저는",
        "聯絡人:",
        "客户",
    ];
    let Some(run) = text.get(start..end) else {
        return;
    };
    if place::east_asian(text, start, end, found) {
        return;
    }
    // Pieces between punctuation and particles.
    let mut at = start;
    for piece in
        run.split(|c: char| !(names::is_han(c) || names::is_kana(c) || names::is_hangul(c)))
    {
        let from = at;
        at += piece.len();
        at += text
            .get(at..end)
            .and_then(|rest| rest.chars().next())
            .map_or(0, char::len_utf8);
        if piece.is_empty() || piece.len() > 60 {
            continue;
        }
        let cue = BEFORE
            .iter()
            .find(|cue| piece.starts_with(**cue))
            .map_or(0, |cue| cue.len());
        let rest = piece.get(cue..).unwrap_or_default();
        let before = cue > 0
            || text.get(..from).is_some_and(|head| {
                let head = head.trim_end_matches([' ', ':', ':', '、', ',', ',']);
                BEFORE.iter().any(|cue| head.ends_with(cue))
            });
        let stop = AFTER
            .iter()
            .filter_map(|cue| rest.find(cue))
            .filter(|at| *at >= 3)
            .min()
            .unwrap_or(rest.len());
        let name = rest.get(..stop).unwrap_or_default();
        let after = stop < rest.len();
        let next_cue = !after
            && text.get(from + piece.len()..).is_some_and(|tail| {
                let tail = tail.trim_start();
                AFTER.iter().any(|cue| tail.starts_with(cue))
            });
        let alone = cue == 0 && !after;
        if let Some(person) = names::person(name) {
            let score = person.score
                + if before { CUE } else { 0.0 }
                + if after || next_cue { 1.5 } else { 0.0 };
            let enough = if alone && !before && !next_cue {
                3.5
            } else {
                2.8
            };
            let two = name.chars().count() >= 2;
            if score >= enough && two {
                let begin = from + cue;
                found.push(Candidate {
                    start: begin,
                    end: begin + name.len(),
                    kind: Kind::Name,
                    confidence: 0.7,
                });
            }
        }
    }
    join_parts(found, text);
}

/// A family and a given name with a blank between them are one.
fn join_parts(found: &mut Vec<Candidate>, text: &str) {
    if let [.., a, b] = found.as_slice()
        && a.kind == Kind::Name
        && b.kind == Kind::Name
        && text
            .get(a.end..b.start)
            .is_some_and(|gap| gap == " " || gap == "\u{3000}")
    {
        let joined = Candidate { end: b.end, ..*a };
        found.truncate(found.len() - 2);
        found.push(joined);
    }
}
