//! Outcomes of single tests from a JUnit report, as pytest writes it.

use std::collections::BTreeMap;

/// Test → `passed`, `failed` or `skipped`.
pub(super) type Outcomes = BTreeMap<String, String>;

pub(super) fn parse(xml: &str) -> Outcomes {
    let mut outcomes = Outcomes::new();
    for case in xml.split("<testcase ").skip(1) {
        let Some((head, rest)) = case.split_once('>') else {
            continue;
        };
        let attribute = |name: &str| {
            head.split(&format!("{name}=\""))
                .nth(1)
                .and_then(|rest| rest.split('"').next())
                .unwrap_or_default()
                .to_owned()
        };
        let body = if head.ends_with('/') {
            ""
        } else {
            rest.split("</testcase>").next().unwrap_or_default()
        };
        let outcome = if body.contains("<failure") || body.contains("<error") {
            "failed"
        } else if body.contains("<skipped") {
            "skipped"
        } else {
            "passed"
        };
        let test = format!(
            "{}::{}",
            attribute(" classname").trim_start(),
            attribute(" name")
        );
        let test = if test.starts_with("::") {
            format!("{}{test}", attribute("classname"))
        } else {
            test
        };
        // A test that fails in its body and again in its teardown is reported twice.
        let known = outcomes.entry(test).or_insert_with(|| outcome.to_owned());
        if outcome == "failed" {
            outcome.clone_into(known);
        }
    }
    outcomes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_pytest_writes() {
        let xml = r#"<testsuite><testcase classname="t.a" name="one" time="0.1" /><testcase classname="t.a" name="two" time="0.1"><failure message="x">y</failure></testcase><testcase classname="t.a" name="three"><skipped /></testcase></testsuite>"#;
        let outcomes = parse(xml);
        assert_eq!(outcomes.get("t.a::one").map(String::as_str), Some("passed"));
        assert_eq!(outcomes.get("t.a::two").map(String::as_str), Some("failed"));
        assert_eq!(
            outcomes.get("t.a::three").map(String::as_str),
            Some("skipped")
        );
    }
}
