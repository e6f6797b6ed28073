//! Where analysis says that it holds for every text of a pattern, it does.
//!
//! Every text of the everyday tools, of the leak corpus and of the generator of statements is analysed with other
//! constants in place of its own: names of relations and settings, positions, words for true, the longest numbers.

#[cfg(test)]
#[path = "../analysis/fixture.rs"]
mod fixture;
#[cfg(test)]
#[path = "../differential/grammar.rs"]
#[expect(dead_code, reason = "its setup is for servers")]
mod grammar;

#[cfg(test)]
mod tests {
    use statement::{Analysis, GivenBy, Kind, pattern};

    use crate::fixture::analyze;
    use crate::grammar::Grammar;

    const EVERYDAY: [&str; 8] = [
        include_str!("../everyday/psql.sql"),
        include_str!("../everyday/psql18.sql"),
        include_str!("../everyday/pg_dump.sql"),
        include_str!("../everyday/sqlalchemy.sql"),
        include_str!("../everyday/django.sql"),
        include_str!("../everyday/pgcli.sql"),
        include_str!("../everyday/jdbc.sql"),
        include_str!("../everyday/drivers.sql"),
    ];
    const LEAKS: &str = include_str!("../leaks/corpus.json");

    const NUMBERS: [&str; 6] = ["1", "2", "0", "999999999", "007", "3"];
    const TEXTS: [&str; 8] = [
        "'customers'",
        "''",
        "'it''s'",
        "'search_path'",
        "'true'",
        "'0'",
        "'pg_catalog.pg_authid'",
        "'-- ü \" /* $$'",
    ];

    /// A text of the pattern; other constants for every `turn`.
    fn text(pattern: &str, turn: usize) -> String {
        let mut out = String::new();
        let mut place = turn;
        for character in pattern.chars() {
            match character {
                '\u{1}' => out.push_str(NUMBERS[place % NUMBERS.len()]),
                '\u{2}' => out.push_str(TEXTS[place % TEXTS.len()]),
                other => {
                    out.push(other);
                    continue;
                }
            }
            place += 1;
        }
        out
    }

    /// Without what may differ: where the statement stands, and constants in it.
    fn placeless(mut analysis: Analysis) -> Analysis {
        for statement in &mut analysis.statements {
            statement.text = 0..0;
            for given in &mut statement.given {
                if let GivenBy::Text(place) = &mut given.what {
                    *place = 0;
                }
            }
        }
        analysis
    }

    /// How many of the texts have one analysis for their pattern.
    fn check<'a>(texts: impl Iterator<Item = &'a str>) -> usize {
        let mut patterns = 0;
        for original in texts {
            let Ok(analysis) = analyze(original) else {
                continue;
            };
            let Some(found) = analysis.pattern.clone() else {
                continue;
            };
            patterns += 1;
            assert_eq!(Some(&found), pattern(original).as_ref(), "{original}");
            let plain = matches!(
                analysis.statements[0].kind,
                Kind::Select | Kind::Insert | Kind::Update | Kind::Delete | Kind::Merge
            );
            assert!(plain, "{original}");
            let expected = placeless(analysis);
            for turn in 0..4 {
                let other = text(&found, turn * 3);
                let analysis = analyze(&other);
                let analysis = analysis.unwrap_or_else(|error| panic!("{error}: {other}"));
                assert_eq!(placeless(analysis), expected, "{original}\n{other}");
            }
        }
        patterns
    }

    #[test]
    fn of_everyday_tools() {
        let texts = EVERYDAY
            .iter()
            .flat_map(|texts| texts.split("\n--------\n"));
        let patterns = check(texts);
        assert!(patterns > 100, "{patterns}");
    }

    #[test]
    fn of_the_leak_corpus() {
        let cases: serde_json::Value = serde_json::from_str(LEAKS).unwrap();
        let texts = cases.as_array().unwrap().iter().flat_map(|case| {
            let statements = case["statements"].as_array().unwrap();
            statements.iter().filter_map(|text| text.as_str())
        });
        let patterns = check(texts);
        assert!(patterns > 20, "{patterns}");
    }

    #[test]
    fn of_generated_statements() {
        let mut grammar = Grammar::new(7);
        let texts: Vec<String> = (0..800).map(|_| grammar.statement()).collect();
        let patterns = check(texts.iter().map(String::as_str));
        assert!(patterns > 300, "{patterns}");
    }

    #[test]
    fn a_value_that_means_something_is_noticed() {
        for (text, holds) in [
            ("select id from customers where id = 1", true),
            ("select id from customers limit 3", true),
            ("update clean set n = 5 where label = 'x'", true),
            ("select id, email from customers order by 1", false),
            ("select id, count(id) from customers group by 1", false),
            ("select set_config('search_path', 'x', false)", false),
            ("select id::varchar(10) from customers", false),
            ("select 'x'::varchar(10), extract(year from now())", false),
            ("select float(3) '1'", false),
            ("select -5", false),
            ("select 'a'\n'b'", false),
            ("select 1; select 2", false),
            ("set work_mem = 1", false),
            ("prepare p as select 1", false),
            ("explain select 1", false),
            ("declare c cursor for select 1", false),
        ] {
            let pattern = analyze(text).unwrap().pattern;
            assert_eq!(pattern.is_some(), holds, "{text}");
        }
    }
}
