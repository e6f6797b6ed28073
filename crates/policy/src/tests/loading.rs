//! What is wrong with a policy file, and where.

use expect_test::expect;

use super::*;

#[allow(clippy::needless_pass_by_value)]
fn problems(text: &str, expected: expect_test::Expect) {
    let problems = Policies::load(&[("a.cedar".to_owned(), text.to_owned())]).unwrap_err();
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    expected.assert_eq(&lines.join("\n"));
}

#[test]
fn says_where_syntax_is_wrong() {
    problems(
        "@id(\"a\")\npermit (principal, action, resource)\nwhen { context.tls = true };",
        expect![[r#"
            a.cedar:3:8: '=' is not a valid operator in Cedar
              help: try using '==' instead"#]],
    );
    problems(
        "@id(\"a\")\npermit (principal, action resource);",
        expect![
            "a.cedar:2:27: unexpected token `resource`: expected `!=`, `)`, `,`, `:`, `<`, `<=`, `==`, `>`, `>=`, `in`, or `is`"
        ],
    );
}

#[test]
fn says_which_word_does_not_exist() {
    problems(
        "@id(\"a\") permit (principal, action == Action::\"reed\", resource);\n\
         @id(\"b\") permit (principal in Groop::\"x\", action, resource);\n\
         @id(\"c\") permit (principal, action, resource) when { context.rowcap == 1 };\n\
         @id(\"d\") permit (principal, action == Action::\"read\", resource is Function);\n\
         @id(\"e\") permit (principal, action, resource) when { context.purpose == \"x\" };",
        expect![[r#"
            a.cedar:1:39: for policy `a`, unrecognized action `Action::"reed"`
              help: did you mean `Action::"read"`?
            a.cedar:2:31: for policy `b`, unrecognized entity type `Groop`
              help: did you mean `Group`?
            a.cedar:3:54: for policy `c`, attribute `rowcap` in context not found
              help: did you mean `now`?
            a.cedar:4:1: for policy `d`, unable to find an applicable action given the policy scope constraints
            a.cedar:5:54: for policy `e`, unable to guarantee safety of access to optional attribute `purpose` in context
              help: try testing for the attribute's presence with `context has purpose && ..`"#]],
    );
}

#[test]
fn every_policy_has_an_id_of_its_own() {
    problems(
        "permit (principal, action, resource);\n\
         @id(\"a\") permit (principal, action, resource);\n\
         @id(\"default-deny\") permit (principal, action, resource);\n\
         @id(\"a\") forbid (principal, action, resource);",
        expect![[r#"
            a.cedar:1:1: the policy has no @id
              help: Add a line such as @id("support-reads"): refusals and the ledger name the rule by it.
            a.cedar:3:1: the id "default-deny" is one of Weir's own rules
            a.cedar:4:1: the id "a" is taken by a policy in a.cedar, line 2"#]],
    );
}

#[test]
fn annotation_and_condition_must_agree() {
    problems(
        "@id(\"a\") @require(\"row_cap:1000\") forbid (principal, action, resource)\n\
         unless { context.enforced has rowCap && context.enforced.rowCap <= 100 };\n\
         @id(\"b\") @require(\"mask:*\") forbid (principal, action, resource)\n\
         when { context.labels.contains(\"email\") };\n\
         @id(\"c\") @require(\"mask:label=email\") forbid (principal, action, resource)\n\
         unless { context.enforced.masked.contains(\"phone\") };\n\
         @id(\"d\") @require(\"purpose\") forbid (principal, action, resource);\n\
         @id(\"e\") forbid (principal, action, resource) unless { context.enforced.masked.contains(\"phone\") };\n\
         @id(\"f\") @require(\"purpose\") permit (principal, action, resource);\n\
         @id(\"g\") @require(\"approval:group=leads\") forbid (principal, action, resource);\n\
         @id(\"h\") @requires(\"purpose\") forbid (principal, action, resource);",
        expect![[r#"
            a.cedar:1:10: @require("row_cap:1000") and the condition do not agree
              help: Write `unless { context.enforced has rowCap && context.enforced.rowCap <= 1000 }`.
            a.cedar:3:10: @require("mask:*") and the condition do not agree
              help: Write `unless { context.enforced.masked.containsAll(context.labels) }`.
            a.cedar:5:10: @require("mask:label=email") and the condition do not agree
              help: Write `unless { context.enforced.masked.contains("email") }`.
            a.cedar:7:10: @require("purpose") and the condition do not agree
              help: Write `unless { context has purpose }`.
            a.cedar:8:1: the condition waits for context.enforced, but no @require says what to enforce
              help: Add @require("mask:*"), @require("mask:label=…") or @require("row_cap:…").
            a.cedar:9:10: @require stands on a permit, where it has no effect
              help: Write `forbid (…) unless { … }` with the @require, and keep the permit plain.
            a.cedar:10:10: requirement `approval` is not available in this version of Weir
            a.cedar:11:10: unknown annotation @requires
              help: There are @id, @message, @hint, @require, @description."#]],
    );
}

#[test]
fn templates_are_refused() {
    problems(
        "@id(\"a\") permit (principal == ?principal, action, resource);",
        expect![[r#"
            a.cedar:1:31: templates are not supported
              help: Write one policy per principal or resource, or use a group."#]],
    );
}

#[test]
fn ids_are_unique_across_files() {
    let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let policy = "\n@id(\"a\") permit (principal, action, resource);";
    let problems = Policies::load(&[file("a.cedar", policy), file("b.cedar", policy)]).unwrap_err();
    expect![[r#"b.cedar:2:1: the id "a" is taken by a policy in a.cedar, line 2"#]]
        .assert_eq(&problems.first().unwrap().to_string());
}

#[test]
fn the_version_follows_text_not_order() {
    let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let a = file("a", "@id(\"a\") permit (principal, action, resource);");
    let b = file("b", "@id(\"b\") permit (principal, action, resource);");
    let version = |files: &[(String, String)]| Policies::load(files).unwrap().version().to_owned();
    assert_eq!(
        version(&[a.clone(), b.clone()]),
        version(&[b.clone(), a.clone()])
    );
    assert_ne!(version(std::slice::from_ref(&a)), version(&[a, b.clone()]));
    assert_eq!(version(&[]).len(), 16);
    let moved = (String::from("/elsewhere/a"), b.1.clone());
    assert_eq!(version(&[moved]), version(std::slice::from_ref(&b)));
}

#[test]
fn the_words_of_the_schema_and_the_code_are_the_same() {
    let (schema, warnings) = cedar_policy::Schema::from_cedarschema_str(SCHEMA).unwrap();
    assert_eq!(warnings.count(), 0);
    let mut in_schema: Vec<String> = schema
        .request_envs()
        .map(|env| AsRef::<str>::as_ref(env.action().id()).to_owned())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let mut in_code: Vec<String> = ACTIONS.iter().map(|a| (*a).to_owned()).collect();
    in_schema.sort();
    in_code.sort();
    assert_eq!(in_schema, in_code);
    assert!(ACTIONS.len() <= 64);
}

/// The examples of docs/policy.md are policies that load, each on its own.
#[test]
fn examples_in_the_documentation_are_valid() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/policy.md");
    let page = std::fs::read_to_string(page).unwrap();
    let whole = |example: &&str| example.contains("@id");
    let examples: Vec<&str> = page
        .split("```cedar\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .filter(whole)
        .collect();
    assert!(examples.len() >= 4);
    for example in examples {
        policies(Some(example));
    }
}
