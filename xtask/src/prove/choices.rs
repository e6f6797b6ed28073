//! Decisions of a generator, on a tape: drawn from a seed, replayed, and shortened to find the smallest text that
//! still shows a fault.

/// Decisions, drawn or replayed.
#[derive(Clone, Debug)]
pub(crate) struct Choices {
    tape: Vec<u32>,
    at: usize,
    /// `None` replays: past the tape's end every decision is the simplest, 0.
    state: Option<u64>,
}

impl Choices {
    /// Draws from a seed.
    pub(crate) fn drawn(seed: u64) -> Choices {
        Choices {
            tape: Vec::new(),
            at: 0,
            state: Some(seed),
        }
    }

    /// Replays a tape.
    pub(crate) fn replayed(tape: &[u32]) -> Choices {
        Choices {
            tape: tape.to_vec(),
            at: 0,
            state: None,
        }
    }

    /// A decision among `bound`; lower ones are simpler.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let bound = u32::try_from(bound.max(1)).unwrap_or(u32::MAX);
        let drawn = self.state.is_some().then(|| self.next());
        if let Some(drawn) = drawn {
            self.tape.push(drawn % bound);
        }
        let decided = self.tape.get(self.at).copied().unwrap_or_default() % bound;
        self.at += 1;
        usize::try_from(decided).unwrap_or_default()
    }

    /// True once in `bound` times; false is simpler.
    pub(crate) fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == bound.saturating_sub(1)
    }

    /// One of several.
    pub(crate) fn pick<'a>(&mut self, all: &[&'a str]) -> &'a str {
        let place = self.below(all.len());
        all.get(place).copied().unwrap_or_default()
    }

    /// What was decided.
    pub(crate) fn tape(self) -> Vec<u32> {
        self.tape
    }

    /// SplitMix64.
    fn next(&mut self) -> u32 {
        let state = self.state.get_or_insert(0);
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u32::try_from((mixed ^ (mixed >> 31)) >> 33).unwrap_or_default()
    }
}

/// Tries at a shorter tape.
const TRIES: usize = 400;

/// The shortest tape found with the smallest decisions for which `fails` still holds.
///
/// # Errors
/// Those of `fails`.
pub(crate) fn shrink<E>(
    tape: &[u32],
    mut fails: impl FnMut(&[u32]) -> Result<bool, E>,
) -> Result<Vec<u32>, E> {
    let mut best = tape.to_vec();
    let mut tries = 0;
    loop {
        let before = best.clone();
        let mut length = best.len().next_power_of_two();
        while length > 0 {
            let mut from = 0;
            while from < best.len() && tries < TRIES {
                tries += 1;
                let mut shorter = best.clone();
                shorter.drain(from..(from + length).min(best.len()));
                if fails(&shorter)? {
                    best = shorter;
                } else {
                    from += length;
                }
            }
            length /= 2;
        }
        for place in 0..best.len() {
            let known = best.get(place).copied().unwrap_or_default();
            for smaller in [0, known / 2, known.saturating_sub(1)] {
                let known = best.get(place).copied().unwrap_or_default();
                if smaller >= known || tries >= TRIES {
                    continue;
                }
                tries += 1;
                let mut simpler = best.clone();
                if let Some(slot) = simpler.get_mut(place) {
                    *slot = smaller;
                }
                if fails(&simpler)? {
                    best = simpler;
                }
            }
        }
        if best == before || tries >= TRIES {
            return Ok(best);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_drawn_is_replayed() {
        let mut drawn = Choices::drawn(7);
        let one: Vec<usize> = (1..50).map(|bound| drawn.below(bound)).collect();
        let mut replayed = Choices::replayed(&drawn.tape());
        let two: Vec<usize> = (1..50).map(|bound| replayed.below(bound)).collect();
        assert_eq!(one, two);
        assert_eq!(replayed.below(9), 0, "past the end");
    }

    #[test]
    fn shrinks_to_what_matters() {
        let tape: Vec<u32> = (0..40).map(|n| n % 11).collect();
        let fails = |tape: &[u32]| Ok::<_, ()>(tape.iter().any(|n| *n >= 9));
        assert_eq!(shrink(&tape, fails).unwrap(), [9]);
    }
}
