//! Differences that are known: each has a reason in `docs/compatibility.md`.

/// `suite test reason`; a test may end in `*`.
const LIST: &str = include_str!("known.txt");

/// Why a test of a suite answers differently through the gateway.
pub(super) fn reason(suite: &str, test: &str) -> Option<&'static str> {
    lines().find_map(|(of, name, reason)| {
        let meant = match name.strip_suffix('*') {
            Some(start) => test.starts_with(start),
            None => test == name,
        };
        (of == suite && meant).then_some(reason)
    })
}

fn lines() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    LIST.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .filter_map(|line| {
            let (suite, rest) = line.split_once(' ')?;
            let (test, reason) = rest.rsplit_once(' ')?;
            Some((suite, test.trim(), reason))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_stands_in_the_documents() {
        let page = std::fs::read_to_string(crate::root().join("docs/compatibility.md")).unwrap();
        for (suite, test, reason) in lines() {
            assert!(super::super::SUITES.contains(&suite), "{suite}");
            let heading = format!("| {reason} |");
            assert!(page.contains(&heading), "{reason} of {test}");
        }
    }

    #[test]
    fn names_and_beginnings_of_names_are_known() {
        assert_eq!(
            reason("pq", "github.com/lib/pq::TestRuntimeParameters/#08"),
            Some("application-name")
        );
        assert_eq!(reason("pq", "github.com/lib/pq::TestPing"), None);
    }
}
