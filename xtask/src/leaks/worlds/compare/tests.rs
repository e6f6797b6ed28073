use super::*;

/// Answers in turn: a message per text, in which `~` is another number each time.
struct World<'a> {
    answers: &'a [&'a [&'a str]],
    at: usize,
}

impl World<'_> {
    fn next(&mut self, number: &mut u32) -> Pieces {
        let answer = self.answers[self.at % self.answers.len()];
        self.at += 1;
        *number += 7;
        let rows = answer.iter();
        rows.map(|row| {
            let tag = if row.starts_with("d ") { "" } else { "D [" };
            let end = if tag.is_empty() { "" } else { "]" };
            format!("{tag}{row}{end}")
                .replace('~', &number.to_string())
                .into_bytes()
        })
        .collect()
    }
}

/// What the comparison says of two worlds that give answers in turn.
fn check(one: &[&[&str]], two: &[&[&str]]) -> Comparison {
    let world = |answers| World { answers, at: 0 };
    let (mut first, mut second, mut number) = (world(one), world(two), 16_400);
    let start = (first.next(&mut number), second.next(&mut number));
    compare::<()>(&start.0, &start.1, |which| {
        Ok(match which {
            Which::First => first.next(&mut number),
            Which::Second => second.next(&mut number),
        })
    })
    .unwrap()
}

fn differs(one: &[&[&str]], two: &[&[&str]]) -> bool {
    matches!(check(one, two), Comparison::Differ(_))
}

#[test]
fn equal_bytes_in_the_same_order_are_asked_for() {
    assert_eq!(check(&[&["1", "2"]], &[&["1", "2"]]), Comparison::Same);
    for two in [["2", "1"], ["1", "3"], ["1", ""]] {
        assert!(differs(&[&["1", "2"]], &[&two]), "{two:?}");
    }
    assert!(differs(&[&["1", "2"]], &[&["1"]]));
}

#[test]
fn what_differs_within_a_world_excuses_nothing_else() {
    let noise = |one: &str, two: &str| check(&[&[one]], &[&[two]]);
    assert_eq!(noise("at ~ t", "at ~ t"), Comparison::SameButNoise);
    for (one, two) in [
        ("at ~ t", "at ~ f"),
        ("~][12", "~][17"),
        ("[12][~", "[17][~"),
        ("~ (a)", "~ (a,)"),
    ] {
        assert!(matches!(noise(one, two), Comparison::Differ(_)), "{two}");
    }
}

#[test]
fn noise_beside_a_value_of_some_row_excuses_nothing() {
    // both values are there in both worlds, beside another stand-in
    let (one, two): ([&[&str]; 1], [&[&str]; 1]) =
        ([&["~][a][12", "~][b][17"]], [&["~][a][17", "~][b][12"]]);
    assert!(differs(&one, &two));
}

#[test]
fn a_random_choice_of_rows_excuses_no_content() {
    let rows: Vec<String> = (0..6).map(|n| format!("⟨{n}⟩][{}", n % 3)).collect();
    let others: Vec<String> = (0..6).map(|n| format!("⟨{n}⟩][{}", n % 2)).collect();
    let chosen = |all: &'_ [String]| -> Vec<Vec<String>> {
        let pairs = [(0, 3), (4, 1), (2, 5), (5, 0), (1, 2), (3, 4), (2, 0)];
        let row = |n: usize| all[n].clone();
        pairs.iter().map(|(a, b)| vec![row(*a), row(*b)]).collect()
    };
    fn lent(all: &[Vec<String>]) -> Vec<Vec<&str>> {
        all.iter()
            .map(|run| run.iter().map(String::as_str).collect())
            .collect()
    }
    let (same, other) = (chosen(&rows), chosen(&others));
    let (same, other) = (lent(&same), lent(&other));
    let same: Vec<&[&str]> = same.iter().map(Vec::as_slice).collect();
    let other: Vec<&[&str]> = other.iter().map(Vec::as_slice).collect();
    let turned: Vec<&[&str]> = same.iter().cycle().skip(3).take(7).copied().collect();
    assert_eq!(check(&same, &turned), Comparison::SameButNoise);
    assert!(differs(&same, &other));
}

#[test]
fn a_random_order_must_be_random_in_both_worlds() {
    let (ab, ba): (&[&str], &[&str]) = (&["a", "b"], &["b", "a"]);
    assert_eq!(check(&[ab, ba], &[ba, ab]), Comparison::SameButNoise);
    assert_eq!(
        check(&[ab, ab, ab, ba, ba, ba], &[ba, ab]),
        Comparison::SameButNoise,
        "the same one three times"
    );
    // the first answers are not the same here: else nothing is looked at
    assert!(differs(&[ba, ab], &[ab]), "random in one, sorted in two");
    assert!(differs(&[ab], &[ba, ab]), "sorted in one, random in two");
    assert!(differs(&[ab, ba], &[&["a", "c"]]), "other rows");
    let shuffled: [&[&str]; 2] = [&["a", "b", "c"], &["a", "c", "b"]];
    let last: [&[&str]; 2] = [&["b", "c", "a"], &["c", "b", "a"]];
    assert!(differs(&shuffled, &last), "first in one, last in two");
}

#[test]
fn rows_of_copy_have_an_order_too() {
    let (ab, ba): (&[&str], &[&str]) = (&["d a\t1\n", "d b\t2\n"], &["d b\t2\n", "d a\t1\n"]);
    assert_eq!(check(&[ab, ba], &[ba, ab]), Comparison::SameButNoise);
    assert!(differs(&[ba, ab], &[ab]));
    let with: [&[&str]; 2] = [&["d a\n", "d b\n", "d c\n"], &["d a\n", "d c\n", "d b\n"]];
    let last: [&[&str]; 2] = [&["d b\n", "d c\n", "d a\n"], &["d c\n", "d b\n", "d a\n"]];
    assert!(differs(&with, &last));
}

#[test]
fn how_many_rows_are_equal_is_told() {
    let one: [&[&str]; 2] = [&["a", "a", "b"], &["a", "b", "a"]];
    let two: [&[&str]; 2] = [&["a", "b", "b"], &["b", "a", "b"]];
    assert!(differs(&one, &two));
}

#[test]
fn what_happens_once_is_chance_and_what_happens_now_and_then_unclear() {
    let (a, b): (&[&str], &[&str]) = (&["a"], &["b"]);
    let mut once = vec![a; 96];
    once[0] = b;
    assert_eq!(check(&once, &[a]), Comparison::SameButNoise);
    // so many times in every other run, and never again
    let said: Vec<Comparison> = [8, 20, 30]
        .map(|times| {
            let often: Vec<&[&str]> = (0..96)
                .map(|n| if n % 2 == 0 && n < 2 * times { b } else { a })
                .collect();
            check(&often, &[a])
        })
        .to_vec();
    let [rarely, often, oftener] = said.as_slice() else {
        panic!()
    };
    assert_eq!(*rarely, Comparison::SameButNoise);
    assert!(matches!(often, Comparison::Unclear(_)), "{often:?}");
    assert!(matches!(oftener, Comparison::Differ(_)), "{oftener:?}");
}

#[test]
fn chance_is_fishers() {
    let sums = logarithms(24);
    // C(12, 6) / C(24, 6)
    assert!((split(&sums, 12, 0, 6) - 924.0 / 134_596.0).abs() < 1e-9);
    assert!((split(&sums, 12, 12, 0) - 1.0 / 2_704_156.0).abs() < 1e-12);
}
