//! Whether runs of one case in two worlds look the same, when answers differ from run to run.
//!
//! Where order is random, rows are a random choice or a time is told, no two runs agree, in whatever world. Then runs
//! are compared trait by trait: how often each row, cell, word, place and order of two rows was seen in either world.
//! Nothing is excused because something beside it differs; a trait that is seen oftener in one world than chance
//! allows tells the worlds apart.

use std::collections::{HashMap, HashSet};

use super::transcript::Pieces;

/// What comparing says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// The same bytes.
    Same,
    /// The same up to what differs within one world too: times, ids of what was made, rows in random order.
    SameButNoise,
    /// A difference that the masked values make.
    Differ(String),
    /// Oftener in one world than in the other, but not so often that it could not be chance.
    Unclear(String),
}

/// Which world to run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// The values as they are.
    First,
    /// Their images.
    Second,
}

/// Runs in each world, and the chance of a trait's counts below which there are more.
const STAGES: [(usize, f64); 5] = [(6, 0.1), (12, 7e-3), (24, 2e-4), (48, 1e-6), (96, 1e-6)];

/// Chance that one comparison finds a difference where there is none.
const CHANCE: f64 = 1e-6;

/// Compares a case's pieces between worlds. `again` runs it anew in a world.
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
    let mut tally = Tally::default();
    tally.add(one, Which::First);
    tally.add(two, Which::Second);
    let mut found = String::new();
    for (runs, enough) in STAGES {
        for world in [Which::First, Which::Second] {
            while tally.runs(world) < runs {
                tally.add(&again(world)?, world);
            }
        }
        // each world always says one thing
        if tally.steady() && split(&logarithms(2 * runs), runs, 0, runs) < CHANCE {
            return Ok(Comparison::Differ(difference(one, two)));
        }
        let (chance, why) = tally.rarest();
        // the more traits there are, the rarer is the rarest
        if chance * tally.traits() < CHANCE {
            return Ok(Comparison::Differ(why));
        }
        if chance >= enough {
            return Ok(Comparison::SameButNoise);
        }
        found = why;
    }
    Ok(Comparison::Unclear(found))
}

/// How often each trait was seen in either world.
#[derive(Default)]
struct Tally {
    seen: HashMap<Vec<u8>, [usize; 2]>,
    answers: [HashSet<Pieces>; 2],
    runs: [usize; 2],
}

impl Tally {
    fn add(&mut self, run: &Pieces, world: Which) {
        let place = usize::from(world == Which::Second);
        for one in traits(run) {
            if let Some(count) = self.seen.entry(one).or_default().get_mut(place) {
                *count += 1;
            }
        }
        if let Some(answers) = self.answers.get_mut(place) {
            answers.insert(run.clone());
        }
        if let Some(runs) = self.runs.get_mut(place) {
            *runs += 1;
        }
    }

    fn runs(&self, world: Which) -> usize {
        let [first, second] = self.runs;
        match world {
            Which::First => first,
            Which::Second => second,
        }
    }

    fn traits(&self) -> f64 {
        u32::try_from(self.seen.len()).map_or(f64::INFINITY, f64::from)
    }

    fn steady(&self) -> bool {
        self.answers.iter().all(|answers| answers.len() == 1)
    }

    /// The trait whose counts are the least likely if the worlds are alike: how likely, and in words.
    fn rarest(&self) -> (f64, String) {
        let [runs, _] = self.runs;
        let sums = logarithms(2 * runs);
        let likely = |[one, two]: [usize; 2]| split(&sums, runs, one, two);
        let rarest = self
            .seen
            .iter()
            .map(|(name, counts)| (likely(*counts), name, counts))
            .min_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(b.1)));
        let Some((chance, name, [one, two])) = rarest else {
            return (1.0, String::new());
        };
        let why = format!(
            "in {one} of {runs} runs and in {two} of {runs}: {}",
            short(name)
        );
        (chance, why)
    }
}

/// ln(n!) up to a number.
fn logarithms(most: usize) -> Vec<f64> {
    let numbers = (1..=most).scan((0.0, 0.0), |(number, sum), _| {
        *number += 1.0;
        *sum += f64::ln(*number);
        Some(*sum)
    });
    std::iter::once(0.0).chain(numbers).collect()
}

/// How likely it is that of `one + two` runs with a trait so many are in each world, when any `runs` of all could be
/// the first's (Fisher's exact test, one term of it).
fn split(sums: &[f64], runs: usize, one: usize, two: usize) -> f64 {
    let choose = |all: usize, some: usize| {
        let at = |n: usize| sums.get(n).copied().unwrap_or_default();
        at(all) - at(some) - at(all.saturating_sub(some))
    };
    (choose(runs, one) + choose(runs, two) - choose(2 * runs, one + two)).exp()
}

/// Rows of an answer whose order is looked at, pair by pair.
const ROWS: usize = 60;

/// What can be said of an answer. Each is something that either holds or does not.
fn traits(run: &Pieces) -> HashSet<Vec<u8>> {
    let mut found = HashSet::new();
    let mut add = |kind: &str, of: &[&[u8]]| {
        let mut name = kind.as_bytes().to_vec();
        for part in of {
            name.push(b' ');
            name.extend_from_slice(part);
        }
        found.insert(name);
    };
    add("messages", &[run.len().to_string().as_bytes()]);
    let mut tags: Vec<u8> = run
        .iter()
        .filter_map(|piece| piece.first().copied())
        .collect();
    tags.dedup();
    add("kinds of messages", &[&tags]);
    let mut times: HashMap<&[u8], usize> = HashMap::new();
    let mut places: HashMap<u8, usize> = HashMap::new();
    for piece in run {
        let tag = piece.first().copied().unwrap_or_default();
        let place = places.entry(tag).or_default();
        *place += 1;
        let place = place.to_string();
        let time = times.entry(piece).or_default();
        *time += 1;
        let time = if *time > 1 {
            time.to_string()
        } else {
            String::new()
        };
        add("message", &[time.as_bytes(), piece]);
        let cells = cells(piece);
        for (column, cell) in cells.iter().enumerate() {
            let column = format!("{}{column}", char::from(tag));
            let (words, between) = words(cell);
            add("cell", &[column.as_bytes(), cell]);
            add("cell at", &[place.as_bytes(), column.as_bytes(), cell]);
            add("form", &[column.as_bytes(), &between]);
            for (number, word) in words.iter().enumerate() {
                let number = number.to_string();
                add("word", &[column.as_bytes(), number.as_bytes(), word]);
                add(
                    "word at",
                    &[place.as_bytes(), column.as_bytes(), number.as_bytes(), word],
                );
            }
        }
        for (column, one) in cells.iter().enumerate() {
            for (other, two) in cells.iter().enumerate().skip(column + 1) {
                let columns = format!("{column} and {other}:");
                add("cells", &[columns.as_bytes(), one, two]);
            }
        }
    }
    let rows: Vec<&Vec<u8>> = run
        .iter()
        .filter(|piece| is_row(piece) && times.get(piece.as_slice()) == Some(&1))
        .take(ROWS)
        .collect();
    for (place, before) in rows.iter().enumerate() {
        for after in rows.iter().skip(place + 1) {
            add("order of", &[before, b"and", after]);
        }
    }
    found
}

fn is_row(piece: &[u8]) -> bool {
    matches!(piece.first(), Some(b'D' | b'd'))
}

/// A row's cells, or the whole of another message.
fn cells(piece: &[u8]) -> Vec<&[u8]> {
    match piece.first() {
        Some(b'D') => {
            let mut found = Vec::new();
            let mut from = 0;
            for (at, two) in piece.windows(2).enumerate() {
                if two == b"][" {
                    found.extend(piece.get(from..=at));
                    from = at + 1;
                }
            }
            found.extend(piece.get(from..));
            found
        }
        Some(b'd') => piece.split(|byte| *byte == b'\t').collect(),
        _ => vec![piece],
    }
}

/// Words and numbers, and what stands between them.
fn words(cell: &[u8]) -> (Vec<&[u8]>, Vec<u8>) {
    let mut between = Vec::new();
    let mut found = Vec::new();
    for part in cell.chunk_by(|a, b| a.is_ascii_alphanumeric() == b.is_ascii_alphanumeric()) {
        if part.first().is_some_and(u8::is_ascii_alphanumeric) {
            found.push(part);
            between.push(b'#');
        } else {
            between.extend_from_slice(part);
        }
    }
    (found, between)
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
        .take(160)
        .collect::<String>()
        .replace('\0', "·")
}

#[cfg(test)]
mod tests;
