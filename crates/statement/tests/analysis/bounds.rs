//! Texts made to overflow a stack or to take forever.

use std::time::{Duration, Instant};

use statement::{Catalog, Error, GivenBy, Limits, NothingPrepared, Scope, Settings};

/// On a thread with the stack that threads of a server have.
fn on_small_stack(text: String, limits: Limits) -> Result<usize, Error> {
    std::thread::Builder::new()
        .stack_size(2 << 20)
        .spawn(move || {
            let catalog = Catalog::empty();
            let settings = Settings::default();
            let scope = Scope {
                catalog: &catalog,
                settings: &settings,
                prepared: &NothingPrepared,
                limits,
            };
            statement::analyze(&text, &scope).map(|analysis| analysis.statements.len())
        })
        .unwrap()
        .join()
        .unwrap()
}

fn large() -> Limits {
    Limits {
        text_bytes: 64 << 20,
        ..Limits::default()
    }
}

fn nested(depth: usize, open: &str, inner: &str, close: &str) -> String {
    format!(
        "SELECT {}{inner}{}",
        open.repeat(depth),
        close.repeat(depth)
    )
}

#[test]
fn nesting_beyond_the_limit_is_refused() {
    for (open, inner, close) in [
        ("(", "1", ")"),
        ("(SELECT ", "1", ")"),
        ("ARRAY[", "1", "]"),
        ("CASE WHEN true THEN ", "1", " END"),
        ("f(", "1", ")"),
        ("(SELECT * FROM ", "t", " x)"),
    ] {
        for depth in [600, 100_000] {
            let text = nested(depth, open, inner, close);
            let result = on_small_stack(text, large());
            assert!(
                matches!(result, Err(Error::TooDeep { .. })),
                "{open} {depth}: {result:?}"
            );
        }
    }
}

#[test]
fn nesting_below_the_limit_fits_the_stack() {
    for (open, inner, close, depth) in [
        ("(", "1", ")", 490),
        ("(SELECT ", "1", ")", 150),
        (
            "(SELECT (SELECT max(a) FROM t WHERE b IN ",
            "(SELECT 1)",
            "))",
            70,
        ),
        ("ARRAY[", "1", "]", 490),
        ("CASE WHEN true THEN ", "1", " END", 490),
        ("f(", "1", ")", 490),
        ("NOT ", "true", "", 490),
        ("- ", "1", "", 490),
    ] {
        let text = nested(depth, open, inner, close);
        let result = on_small_stack(text, large());
        assert!(
            matches!(result, Ok(1) | Err(Error::TooDeep { .. })),
            "{open} {depth}: {result:?}"
        );
    }
}

#[test]
fn prefix_chains_neither_overflow_nor_hang() {
    for (open, inner) in [("NOT ", "true"), ("- ", "1"), ("@ ", "1"), ("+", "1")] {
        let result = on_small_stack(nested(100_000, open, inner, ""), large());
        assert!(result.is_err(), "{open}: {result:?}");
    }
}

#[test]
fn long_chains_are_read() {
    let chain =
        |term: &str, by: &str, count: usize| format!("SELECT {}", vec![term; count].join(by));
    for (term, by) in [
        ("1", " + "),
        ("'a'", " || "),
        ("a", " AND "),
        ("a = 1", " OR "),
        ("1", ", "),
        ("1", " UNION ALL SELECT "),
        ("1", "; SELECT "),
    ] {
        let result = on_small_stack(chain(term, by, 10_000), large());
        assert!(result.is_ok(), "{by}: {result:?}");
    }
    for by in ["::int", " IS NULL", " COLLATE \"C\"", "[1]", ".a"] {
        let text = format!("SELECT (a){}", by.repeat(10_000));
        let result = on_small_stack(text, large());
        assert!(
            matches!(result, Ok(1) | Err(Error::TooDeep { .. })),
            "{by}: {result:?}"
        );
    }
    let joins = format!("SELECT 1 FROM t{}", " JOIN t USING (a)".repeat(10_000));
    assert!(matches!(
        on_small_stack(joins, large()),
        Err(Error::TooDeep { .. })
    ));
}

#[test]
fn large_lists_are_read_in_time_that_grows_with_them() {
    let list = |count: usize| {
        let items: Vec<String> = (0..count).map(|item| item.to_string()).collect();
        format!("SELECT 1 WHERE 1 IN ({})", items.join(","))
    };
    let start = Instant::now();
    assert_eq!(on_small_stack(list(300_000), large()), Ok(1));
    assert!(start.elapsed() < Duration::from_secs(60));
    let text = list(200_000);
    assert!(matches!(
        on_small_stack(text, Limits::default()),
        Err(Error::TooLarge { .. })
    ));
}

/// How many values are given in a text, and of how many of them all places are known.
fn given(text: &str) -> (usize, usize) {
    let catalog = crate::fixture::catalog();
    let settings = crate::fixture::settings();
    let scope = Scope {
        catalog: &catalog,
        settings: &settings,
        prepared: &NothingPrepared,
        limits: large(),
    };
    let analysis = statement::analyze(text, &scope).unwrap();
    let given = &analysis.statements[0].given;
    let known = given
        .iter()
        .filter(|given| matches!(given.what, GivenBy::Parameter { only: true, .. }));
    (given.len(), known.count())
}

/// Each of these takes minutes where one value is compared with all others.
#[test]
fn many_values_are_given() {
    let list = |count: usize, one: &dyn Fn(usize) -> String| {
        let all: Vec<String> = (1..=count).map(one).collect();
        format!("select 1 from customers where email in ({})", all.join(","))
    };
    assert_eq!(given(&list(10_000, &|n| format!("${n}"))), (10_000, 10_000));
    assert_eq!(given(&list(50_000, &|_| "$1".into())), (50_000, 50_000));
    assert_eq!(given(&list(350_000, &|_| "'a'".into())), (350_000, 0));
    let text = format!(
        "select 1 from customers where {}email = $2",
        "email = $1 or ".repeat(10_000)
    );
    assert_eq!(given(&text), (10_001, 10_001));
    let text = format!(
        "select $1 from customers where {}email = $2",
        "email = $1 or ".repeat(10_000)
    );
    assert_eq!(given(&text), (10_001, 1));
}

#[test]
fn broken_text_is_an_error() {
    for text in [
        "SELECT 'a",
        "SELECT \"a",
        "SELECT $$a",
        "/* a",
        "SELECT 1 /* /* */",
        "\u{0}",
        "SELECT U&'\\'",
    ] {
        assert!(
            on_small_stack(text.into(), Limits::default()).is_err(),
            "{text}"
        );
    }
    let identifier = "ü".repeat(100);
    assert!(on_small_stack(format!("SELECT {identifier}"), Limits::default()).is_ok());
}
