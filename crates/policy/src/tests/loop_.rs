//! The requirements loop, with policies of its own.

use expect_test::expect;

use super::*;

const READ: &str = "@id(\"read\") permit (principal, action == Action::\"read\", resource);";

#[test]
fn requirements_unite_and_the_smallest_cap_wins() {
    let text = format!(
        r#"{READ}
        @id("cap-500") @require("row_cap:500")
        forbid (principal, action, resource is Dataset)
        unless {{ context.enforced has rowCap && context.enforced.rowCap <= 500 }};
        @id("cap-100") @require("row_cap:100")
        forbid (principal, action, resource is Dataset)
        when {{ context.labels.contains("email") }}
        unless {{ context.enforced has rowCap && context.enforced.rowCap <= 100 }};
        @id("email") @require("mask:label=email")
        forbid (principal, action, resource is Dataset)
        when {{ context.labels.contains("email") }}
        unless {{ context.enforced.masked.contains("email") }};"#
    );
    check(
        Some(&text),
        "alice @ prod-app: SELECT read public.a
         alice @ prod-app: SELECT read public.a[email+ssn], read public.b[ssn]",
        expect![[r#"
            alice @ prod-app: SELECT read public.a
              allow rows:500 by cap-500, read
            alice @ prod-app: SELECT read public.a[email+ssn], read public.b[ssn]
              allow mask:email rows:100 by cap-100, cap-500, email, read
        "#]],
    );
}

#[test]
fn a_chain_of_requirements_ends_within_four_rounds() {
    let step = |n: usize| {
        format!(
            r#"@id("step-{n}") @require("mask:label=l{n}")
            forbid (principal, action, resource is Dataset)
            when {{ context.enforced.masked.contains("l{}") }} unless {{ context.enforced.masked.contains("l{n}") }};"#,
            n - 1
        )
    };
    let first = r#"@id("step-0") @require("mask:label=l0")
        forbid (principal, action, resource is Dataset) unless { context.enforced.masked.contains("l0") };"#;
    let three = format!("{READ}{first}{}{}", step(1), step(2));
    let four = format!("{three}{}", step(3));
    check(
        Some(&three),
        "alice @ prod-app: SELECT read public.a",
        expect![[r#"
            alice @ prod-app: SELECT read public.a
              allow mask:l0 mask:l1 mask:l2 by read, step-0, step-1, step-2
        "#]],
    );
    check(
        Some(&four),
        "alice @ prod-app: SELECT read public.a",
        expect![[r#"
            alice @ prod-app: SELECT read public.a
              deny by requirement-unsatisfied: a policy asks for an enforcement that does not satisfy it (read on public.a) | Nothing was run. Tell whoever keeps Weir's policies: `weir policy check` finds most faults. | step-0, step-1, step-2, step-3
        "#]],
    );
}

#[test]
fn a_requirement_that_satisfies_nothing_denies() {
    let text = format!(
        r#"{READ}
        @id("never") @require("row_cap:10")
        forbid (principal, action, resource is Dataset)
        unless {{ context.enforced has rowCap && context.enforced.rowCap == 10 && context.tls == false }};"#
    );
    check(
        Some(&text),
        "alice @ prod-app: SELECT read public.a",
        expect![[r#"
            alice @ prod-app: SELECT read public.a
              deny by requirement-unsatisfied: a policy asks for an enforcement that does not satisfy it (read on public.a) | Nothing was run. Tell whoever keeps Weir's policies: `weir policy check` finds most faults. | never
        "#]],
    );
}

#[test]
fn a_purpose_is_the_clients_to_state() {
    let text = format!(
        r#"{READ}
        @id("purpose") @require("purpose") @message("Say what for.")
        forbid (principal, action, resource is Dataset) unless {{ context has purpose && context.purpose == "support" }};"#
    );
    check(
        Some(&text),
        "alice @ prod-app: SELECT read public.a
         alice @ prod-app: SELECT read public.a; +purpose",
        expect![[r#"
            alice @ prod-app: SELECT read public.a
              deny by purpose: Say what for (read on public.a) | State a purpose first: SET weir.purpose = '…'.
            alice @ prod-app: SELECT read public.a; +purpose
              allow by read
        "#]],
    );
}

#[test]
fn a_forbid_that_fails_denies_even_though_cedar_skips_it() {
    let text = format!(
        r#"{READ}
        @id("overflow") forbid (principal, action, resource is Dataset)
        when {{ 9223372036854775807 + 1 == 0 }};"#
    );
    check(
        Some(&text),
        "alice @ prod-app: SELECT read public.a",
        expect![[r#"
            alice @ prod-app: SELECT read public.a
              deny by policy-error: policy could not be evaluated for read on public.a | Nothing was run. Tell whoever keeps Weir's policies: `weir policy check` finds most faults. | error while evaluating policy `overflow`: integer overflow while attempting to add the values `9223372036854775807` and `1`
        "#]],
    );
}

#[test]
fn time_and_address_are_seen_and_time_limits_the_decision() {
    let text = r#"
        @id("night") permit (principal, action == Action::"read", resource)
        when { context.now.toTime() < duration("2h") };
        @id("inside") forbid (principal, action, resource is Dataset)
        unless { context.clientAddress.isInRange(ip("10.0.0.0/8")) };"#;
    check(
        Some(text),
        "alice @ prod-app: SELECT read public.a
         alice @ prod-app: INSERT insert public.a",
        expect![[r#"
            alice @ prod-app: SELECT read public.a
              allow by night until 1795222924000
            alice @ prod-app: INSERT insert public.a
              deny by default-deny: no policy permits insert on public.a | Ask whoever keeps Weir's policies for action "insert" on public.a.
        "#]],
    );
    let policies = policies(Some(text));
    let facts = Facts {
        accesses: &[access("read public.a")],
        has_where: true,
        command: "SELECT",
        opaque: false,
    };
    let alice = person("alice", Kind::Human, &[]);
    let mut answers = String::new();
    for (now_ms, address) in [
        (NOW_MS, "::ffff:10.0.0.1"),
        (NOW_MS, "192.168.0.1"),
        (NOW_MS, "local socket"),
        (NOW_MS + 3_600_000, "10.0.0.1"),
    ] {
        let context = Context {
            now_ms,
            client_address: address,
            ..context()
        };
        let subject = Subject {
            principal: &alice,
            human: None,
        };
        let request = Request {
            subject,
            target: &target("prod-app"),
            facts: &facts,
            context: &context,
        };
        writeln!(answers, "{}", render(&policies.decide(&request))).unwrap();
    }
    expect![[r#"
        allow by night until 1795222924000
        deny by inside: policy "inside" forbids read on public.a | Ask whoever keeps Weir's policies for action "read" on public.a. until 1795222924000
        deny by policy-error: policy could not be evaluated for read on public.a | Nothing was run. Tell whoever keeps Weir's policies: `weir policy check` finds most faults. | a policy looks at the client's address, which is not an IP address until 1795222924000
        deny by default-deny: no policy permits read on public.a | Ask whoever keeps Weir's policies for action "read" on public.a. until 1795226524000
    "#]].assert_eq(&answers);
}

#[test]
fn actions_and_objects_that_do_not_go_together_are_refused() {
    check(
        Some(r#"@id("all") permit (principal, action, resource);"#),
        "alice @ prod-app: FLY fly public.a
         alice @ prod-app: READ read fn public.a
         alice @ prod-app: READ read public.a",
        expect![[r#"
            alice @ prod-app: FLY fly public.a
              deny by unknown-action: policies have no word for fly on public.a | This sort of statement cannot be permitted.
            alice @ prod-app: READ read fn public.a
              deny by unknown-action: policies have no word for read on public.a | This sort of statement cannot be permitted.
            alice @ prod-app: READ read public.a
              allow by all
        "#]],
    );
}

#[test]
fn a_denial_is_json_for_machines() {
    let policies = policies(None);
    let Decision::Deny(denial) = ask(
        &policies,
        "alice @ prod-app: DROP drop public.orders, drop public.Bäume",
    ) else {
        panic!("allowed");
    };
    expect![[r#"{"v":1,"decision":"deny","rule":"prod-no-destroy","objects":["public.orders","public.\"Bäume\""],"request":"r-1"}"#]].assert_eq(&denial.detail("r-1"));
    assert_eq!(denial.sqlstate(), "42501");
}
