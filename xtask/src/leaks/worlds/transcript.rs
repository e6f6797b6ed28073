//! Two transcripts of one case, message by message.

use super::tokens::Names;
use crate::lab::client::Message;
use crate::lab::{Answer, Fields};

/// What an answer is made of: each piece must be the same in both worlds, and in the same place.
pub(crate) type Pieces = Vec<Vec<u8>>;

/// How a transcript is looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    /// Stand-ins of its world.
    pub(crate) names: &'a Names,
    /// The newest oid that both worlds share; what is made later has one by chance.
    pub(crate) newest_oid: u32,
    /// The requests held stand-ins, so that positions in them are not the same.
    pub(crate) own_text_differs: bool,
}

/// An answer in pieces, stand-ins by their names in both worlds. Left out is what has no part in the answer: the
/// gateway's own request ids, positions in a text that stand-ins make longer, and process ids.
pub(crate) fn pieces(answer: &Answer, view: View<'_>) -> Pieces {
    let names = view.names;
    let mut found = Vec::new();
    let mut copied: Vec<u8> = Vec::new();
    for message in &answer.messages {
        // the server may cut a row of COPY wherever it likes
        if message.tag == b'd' {
            copied.extend_from_slice(&message.body);
            continue;
        }
        if !copied.is_empty() {
            lines(&std::mem::take(&mut copied), names, &mut found);
        }
        piece(message, view, &mut found);
    }
    lines(&copied, names, &mut found);
    if answer.closed {
        found.push(b"closed".to_vec());
    }
    found
}

fn lines(copied: &[u8], names: &Names, found: &mut Pieces) {
    if !copied.is_empty() {
        found.extend(
            copied
                .split_inclusive(|byte| *byte == b'\n')
                .map(|line| [b"d ", names.rename(line).as_slice()].concat()),
        );
    }
}

fn piece(message: &Message, view: View<'_>, found: &mut Pieces) {
    let names = view.names;
    let tagged = |bytes: Vec<u8>| [&[message.tag, b' '], bytes.as_slice()].concat();
    match message.tag {
        b'D' => found.push(tagged(row(&message.body, names))),
        b'E' | b'N' => {
            let mut text = String::new();
            for (code, value) in &Fields::decode(&message.body).0 {
                if matches!(code, 'L' | 'F' | 'R')
                    || (view.own_text_differs && matches!(code, 'P' | 'p'))
                {
                    continue;
                }
                text.push_str(&format!("{code}={};", without_request(value)));
            }
            found.push(tagged(names.rename(text.as_bytes())));
        }
        // channel and payload, without the process that sent it
        b'A' => found.push(tagged(
            names.rename(message.body.get(4..).unwrap_or_default()),
        )),
        b'K' => {}
        b'T' => found.push(tagged(description(&message.body, view.newest_oid))),
        _ => found.push(tagged(names.rename(&message.body))),
    }
}

/// A RowDescription, in which what was made in the case is called 0.
fn description(body: &[u8], newest_oid: u32) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = body.get(2..).unwrap_or_default();
    while let Some(end) = rest.iter().position(|byte| *byte == 0) {
        let (name, tail) = rest.split_at(end);
        let Some((fields, next)) = tail
            .get(1..)
            .and_then(|tail| tail.split_first_chunk::<18>())
        else {
            break;
        };
        out.extend_from_slice(name);
        for (place, bytes) in fields.chunks(2).enumerate() {
            let oid_at = |start: usize| {
                let four = fields.get(start..).and_then(|four| four.first_chunk::<4>());
                four.map_or(0, |four| u32::from_be_bytes(*four))
            };
            // table at 0, attribute at 4, type at 6, size, modifier and format from 10
            let new = match place {
                0 | 1 => oid_at(0) > newest_oid,
                3 | 4 => oid_at(6) > newest_oid,
                _ => false,
            };
            out.extend_from_slice(if new { &[0, 0] } else { bytes });
        }
        rest = next;
    }
    out
}

/// A row's cells, each in brackets.
fn row(body: &[u8], names: &Names) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = body.get(2..).unwrap_or_default();
    while let Some((length, tail)) = rest.split_first_chunk::<4>() {
        let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else {
            out.extend_from_slice(b"[NULL]");
            rest = tail;
            continue;
        };
        out.push(b'[');
        out.extend(names.rename(tail.get(..length).unwrap_or_default()));
        out.push(b']');
        rest = tail.get(length..).unwrap_or_default();
    }
    out
}

/// Request ids are random.
fn without_request(text: &str) -> String {
    const NAME: &str = "\"request\":\"";
    let Some((before, after)) = text.split_once(NAME) else {
        return text.to_owned();
    };
    let end = after.find('"').unwrap_or(after.len());
    format!("{before}{NAME}{}", after.get(end..).unwrap_or_default())
}

/// What comparing says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// The same bytes.
    Same,
    /// The same up to what differs within one world too: times, ids of what was made, rows in random order.
    SameButNoise,
    /// A difference that the masked values make.
    Differ(String),
    /// So much differs within one world that nothing can be said.
    Unclear(String),
}

/// Compares a case's pieces between worlds. `again` runs it anew in a world, for what differs within one.
///
/// # Errors
/// Those of `again`.
pub(crate) fn compare<E>(
    one: &Pieces,
    two: &Pieces,
    mut again: impl FnMut(Which) -> Result<Pieces, E>,
) -> Result<Comparison, E> {
    if one == two {
        return Ok(Comparison::Same);
    }
    // few rows in random order come in the same one now and then
    let mut repeated = again(Which::First)?;
    let mut runs = 2;
    while *one == repeated && runs < RUNS {
        repeated = again(Which::First)?;
        runs += 1;
    }
    if *one == repeated {
        return Ok(Comparison::Differ(difference(one, two)));
    }
    let (mut sorted, mut sorted_again, mut sorted_two) =
        (one.clone(), repeated.clone(), two.clone());
    for all in [&mut sorted, &mut sorted_again, &mut sorted_two] {
        all.sort();
    }
    if sorted == sorted_again {
        if sorted != sorted_two {
            return Ok(Comparison::Differ(difference(&sorted, &sorted_two)));
        }
        let mut first = vec![one.clone(), repeated];
        let mut second = vec![two.clone()];
        while first.len() < RUNS {
            first.push(again(Which::First)?);
        }
        while second.len() < RUNS {
            second.push(again(Which::Second)?);
        }
        return Ok(match steady(&first, &second) {
            Some(pair) => Comparison::Differ(pair),
            None => Comparison::SameButNoise,
        });
    }
    if one.len() != repeated.len() {
        return Ok(Comparison::Unclear(difference(one, &repeated)));
    }
    if one.len() != two.len() {
        return Ok(Comparison::Differ(difference(one, two)));
    }
    // what differs within a world is blanked, byte ranges of a piece by their common ends
    for ((one, again), two) in one.iter().zip(&repeated).zip(two) {
        if one == two || one == again {
            if one != two {
                return Ok(Comparison::Differ(format!(
                    "{} ≠ {}",
                    short(one),
                    short(two)
                )));
            }
            continue;
        }
        let head = one.iter().zip(again).take_while(|(a, b)| a == b).count();
        let tail = one
            .iter()
            .rev()
            .zip(again.iter().rev())
            .take_while(|(a, b)| a == b)
            .count();
        let noisy =
            |c: u8| c.is_ascii_hexdigit() || matches!(c, b'-' | b':' | b'.' | b'/' | b'+' | b' ');
        // noise is a number: its first and last digits may agree by chance
        let head = head
            - one
                .iter()
                .take(head)
                .rev()
                .take_while(|c| noisy(**c))
                .count();
        let tail = tail.min(one.len() - head);
        let tail = tail
            - one
                .iter()
                .rev()
                .take(tail)
                .rev()
                .take_while(|c| noisy(**c))
                .count();
        let ends = one.get(..head) == two.get(..head)
            && one.len().checked_sub(tail).and_then(|at| one.get(at..))
                == two.len().checked_sub(tail).and_then(|at| two.get(at..));
        if !ends {
            return Ok(Comparison::Differ(format!(
                "{} ≠ {}",
                short(one),
                short(two)
            )));
        }
    }
    Ok(Comparison::SameButNoise)
}

/// Which world to run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// The values as they are.
    First,
    /// Their images.
    Second,
}

/// Runs of a shuffled answer in each world: two pieces stand one way around in all runs of one world and the other
/// way around in all of the other by chance once in 2^23.
const RUNS: usize = 12;

/// Two pieces whose order is always one in the first world and the other in the second.
fn steady(first: &[Pieces], second: &[Pieces]) -> Option<String> {
    let sample = first.first()?;
    let distinct: Vec<&Vec<u8>> = sample
        .iter()
        .filter(|piece| {
            piece.first() == Some(&b'D')
                && sample.iter().filter(|other| other == piece).count() == 1
        })
        .take(80)
        .collect();
    let before = |run: &Pieces, a: &Vec<u8>, b: &Vec<u8>| {
        let place = |wanted: &Vec<u8>| run.iter().position(|piece| piece == wanted);
        place(a) < place(b)
    };
    for (at, a) in distinct.iter().enumerate() {
        for b in distinct.iter().skip(at + 1) {
            let one: Vec<bool> = first.iter().map(|run| before(run, a, b)).collect();
            let two: Vec<bool> = second.iter().map(|run| before(run, a, b)).collect();
            let (all, none) = (
                |all: &[bool]| all.iter().all(|x| *x),
                |all: &[bool]| all.iter().all(|x| !x),
            );
            if (all(&one) && none(&two)) || (none(&one) && all(&two)) {
                return Some(format!("the order of {} and {}", short(a), short(b)));
            }
        }
    }
    None
}

fn difference(one: &Pieces, two: &Pieces) -> String {
    one.iter().zip(two).find(|(a, b)| a != b).map_or_else(
        || format!("{} ≠ {} messages", one.len(), two.len()),
        |(a, b)| format!("{} ≠ {}", short(a), short(b)),
    )
}

fn short(piece: &[u8]) -> String {
    String::from_utf8_lossy(piece)
        .chars()
        .take(120)
        .collect::<String>()
        .replace('\0', "·")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(cells: &[&str]) -> Pieces {
        cells
            .iter()
            .map(|cell| format!("D [{cell}]").into_bytes())
            .collect()
    }

    fn check(one: &[&str], again: &[&[&str]], two: &[&[&str]]) -> Comparison {
        let (mut first, mut second) = (again.iter().cycle(), two.iter().cycle());
        let start = rows(second.next().unwrap());
        compare::<()>(&rows(one), &start, |which| {
            Ok(rows(match which {
                Which::First => first.next().unwrap(),
                Which::Second => second.next().unwrap(),
            }))
        })
        .unwrap()
    }

    fn differs(one: &[&str], again: &[&[&str]], two: &[&[&str]]) -> bool {
        matches!(check(one, again, two), Comparison::Differ(_))
    }

    #[test]
    fn equal_bytes_in_the_same_order_are_asked_for() {
        assert_eq!(check(&["1", "2"], &[], &[&["1", "2"]]), Comparison::Same);
        for two in [["2", "1"], ["1", "3"]] {
            assert!(differs(&["1", "2"], &[&["1", "2"]], &[&two]), "{two:?}");
        }
        assert!(differs(&["1", "2"], &[&["1", "2"]], &[&["1"]]));
    }

    #[test]
    fn what_differs_within_a_world_excuses_nothing_else() {
        let noise = |one: &str, again: &str, two: &str| check(&[one], &[&[again]], &[&[two]]);
        assert_eq!(
            noise("at 12:01 t", "at 12:02 t", "at 12:03 t"),
            Comparison::SameButNoise
        );
        assert_eq!(
            noise("oid 16401", "oid 16403", "oid 17001"),
            Comparison::SameButNoise
        );
        let leak = noise("at 12:01 t", "at 12:02 t", "at 12:03 f");
        assert!(matches!(leak, Comparison::Differ(_)), "{leak:?}");
    }

    #[test]
    fn a_random_order_must_be_random_in_both_worlds() {
        let (ab, ba): (&[&str], &[&str]) = (&["a", "b"], &["b", "a"]);
        assert_eq!(check(ab, &[ba, ab], &[ba, ab]), Comparison::SameButNoise);
        let by_chance = check(ab, &[ab, ab, ab, ba], &[ba, ab]);
        assert_eq!(
            by_chance,
            Comparison::SameButNoise,
            "the same one three times"
        );
        assert!(differs(ab, &[ba, ab], &[&["a", "c"]]), "other rows");
        let with =
            |rest: &[&str]| -> Vec<String> { rest.iter().map(|s| (*s).to_owned()).collect() };
        // b and c are shuffled, a stands first in one world and last in the other
        let (one, two) = (
            [with(&["a", "b", "c"]), with(&["a", "c", "b"])],
            [with(&["b", "c", "a"]), with(&["c", "b", "a"])],
        );
        fn refer(all: &[String]) -> Vec<&str> {
            all.iter().map(String::as_str).collect()
        }
        let (o0, o1, t0, t1) = (
            refer(&one[0]),
            refer(&one[1]),
            refer(&two[0]),
            refer(&two[1]),
        );
        assert!(differs(&o0, &[&o1, &o0], &[&t0, &t1]));
    }
}
