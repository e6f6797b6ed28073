//! What the ledger holds in the end: one intent for what may run, and one
//! outcome for each (promise 5).

use expect_test::{Expect, expect};
use session::Durability;

use crate::fixture::{self, Who};
use crate::lab::Lab;

/// What is recorded of a session that ends after `script`.
fn check(who: Who, script: &str, expected: Expect) {
    let mut lab = Lab::new(who, Durability::Balanced);
    lab.play(script);
    lab.machine.abandon();
    expected.assert_eq(&lab.ledger.lines());
}

#[test]
fn an_extended_query_is_two_entries_like_a_simple_one() {
    check(
        Who::Alice,
        "
        > Q select id from clean
        > P |select id from clean
        > B |
        > D P
        > E |
        > S
        > P a|insert into clean values (1, 'a', 1)
        > B |a
        > E |
        > B |a
        > E |
        > S
        ",
        expect![[r#"
            0 intent Allow SELECT [select id from clean] rules [engineers-read-write] masks []
            1 intent Allow SELECT [select id from clean] rules [engineers-read-write] masks []
            2 intent Allow INSERT [insert into clean values (1, 'a', 1)] rules [engineers-read-write] masks []
            3 intent Allow INSERT [insert into clean values (1, 'a', 1)] rules [engineers-read-write] masks []
            4 outcome of 0 Ok - rows 3 masked 0
            5 outcome of 1 Ok - rows 3 masked 0
            6 outcome of 2 Ok - rows 1 masked 0
            7 outcome of 3 Ok - rows 1 masked 0
        "#]],
    );
}

#[test]
fn a_parse_that_may_run_code_and_a_refused_one_are_recorded() {
    check(
        Who::Root,
        "
        > P a|select unknown_function()
        > S
        > P b|selct
        > S
        ",
        expect![[r#"
            0 intent Allow SELECT [select unknown_function()] rules [root-may] masks []
            1 intent Allow OPAQUE [-] rules [] masks [] opaque
            2 outcome of 0 Error 42703 rows 0 masked 0
            3 outcome of 1 Error 42601 rows 0 masked 0
        "#]],
    );
    check(
        Who::Alice,
        "
        > P c|drop table clean
        > S
        ",
        expect![[r#"
            0 intent Deny DROP TABLE [drop table clean] rules [prod-no-destroy] masks []
        "#]],
    );
}

#[test]
fn a_portal_that_is_dropped_has_an_outcome_with_the_rows_that_left() {
    // Closed, replaced, at the end of its transaction, at the end of the session.
    check(
        Who::Alice,
        "
        > Q begin
        wait
        > P a|select email from customers
        > B p|a
        > E p|1
        > E p|1
        > C P p
        > B |a
        > B |a
        > E |1
        > B q|a
        > S
        > Q commit
        wait
        > P |select id from clean
        > B |
        > E |2
        > S
        > Q begin
        wait
        > B r|a
        > E r|2
        > H
        ",
        expect![[r#"
            0 intent Allow BEGIN [begin] rules [anyone-connects] masks []
            1 outcome of 0 Ok - rows 0 masked 0
            2 intent Allow SELECT [select email from customers] rules [engineers-read-write labels-masked] masks [email]
            3 intent Allow SELECT [select email from customers] rules [engineers-read-write labels-masked] masks [email]
            4 intent Allow SELECT [select email from customers] rules [engineers-read-write labels-masked] masks [email]
            5 intent Allow SELECT [select email from customers] rules [engineers-read-write labels-masked] masks [email]
            6 intent Allow COMMIT [commit] rules [anyone-connects] masks []
            7 outcome of 2 Partial - rows 2 masked 2
            8 outcome of 3 NotExecuted - rows 0 masked 0
            9 outcome of 6 Ok - rows 0 masked 0
            10 outcome of 4 Partial - rows 1 masked 1
            11 outcome of 5 NotExecuted - rows 0 masked 0
            12 intent Allow SELECT [select id from clean] rules [engineers-read-write] masks []
            13 intent Allow BEGIN [begin] rules [anyone-connects] masks []
            14 outcome of 12 Partial - rows 2 masked 0
            15 outcome of 13 Ok - rows 0 masked 0
            16 intent Allow SELECT [select email from customers] rules [engineers-read-write labels-masked] masks [email]
            17 outcome of 16 Partial - rows 2 masked 2
        "#]],
    );
}

#[test]
fn a_portal_executed_in_pieces_has_one_outcome_at_its_end() {
    check(
        Who::Alice,
        "
        > P |select email from customers
        > B |
        > E |2
        > H
        > E |2
        > E |2
        > S
        ",
        expect![[r#"
            0 intent Allow SELECT [select email from customers] rules [engineers-read-write labels-masked] masks [email]
            1 outcome of 0 Ok - rows 3 masked 3
        "#]],
    );
}

#[test]
fn what_an_error_skips_did_not_run() {
    check(
        Who::Alice,
        "
        > Q begin
        wait
        > P a|select id from clean
        > B p|a
        > S
        > P |select 1/0
        > B |
        > E |
        > E p|
        > B q|a
        > E q|
        > S
        > Q rollback
        ",
        expect![[r#"
            0 intent Allow BEGIN [begin] rules [anyone-connects] masks []
            1 outcome of 0 Ok - rows 0 masked 0
            2 intent Allow SELECT [select id from clean] rules [engineers-read-write] masks []
            3 intent Allow SELECT [select 1/0] rules [anyone-connects] masks []
            4 outcome of 3 Error 22012 rows 0 masked 0
            5 intent Allow ROLLBACK [rollback] rules [anyone-connects] masks []
            6 outcome of 5 Ok - rows 0 masked 0
            7 outcome of 2 NotExecuted - rows 0 masked 0
        "#]],
    );
}

#[test]
fn what_follows_a_statement_that_breaks_the_connection_has_an_outcome() {
    let mut lab = Lab::new(Who::Alice, Durability::Balanced).scripted();
    lab.play(
        "
        > Q select 1; select 2; select 3
        > Q select 4; select 5
        < T ?@0.0:23
        < D 1
        < C SELECT 1
        < FATAL 57P01 terminating connection
        ",
    );
    lab.machine.abandon();
    expect![[r#"
        0 intent Allow SELECT [select 1] rules [anyone-connects] masks []
        1 intent Allow SELECT [select 2] rules [anyone-connects] masks []
        2 intent Allow SELECT [select 3] rules [anyone-connects] masks []
        3 intent Allow SELECT [select 4] rules [anyone-connects] masks []
        4 intent Allow SELECT [select 5] rules [anyone-connects] masks []
        5 outcome of 0 Ok - rows 1 masked 0
        6 outcome of 1 Error 57P01 rows 0 masked 0
        7 outcome of 2 NotExecuted - rows 0 masked 0
        8 outcome of 3 Unknown - rows 0 masked 0
        9 outcome of 4 Unknown - rows 0 masked 0
    "#]]
    .assert_eq(&lab.ledger.lines());
}

#[test]
fn a_cancelled_statement_is_recorded_as_cancelled() {
    let mut lab = Lab::new(Who::Alice, Durability::Balanced).scripted();
    lab.play(
        "
        > Q select 1
        < E 57014 canceling statement due to user request
        < Z I
        ",
    );
    expect![[r#"
        0 intent Allow SELECT [select 1] rules [anyone-connects] masks []
        1 outcome of 0 Cancelled 57014 rows 0 masked 0
    "#]]
    .assert_eq(&lab.ledger.lines());
}

#[test]
fn an_execute_is_recorded_with_the_text_that_was_prepared() {
    check(
        Who::Alice,
        "
        > Q prepare a as select id from clean
        > Q execute a
        > Q deallocate a; prepare a as select email from customers; execute a
        > P b|select id from customers
        > S
        > Q execute b
        ",
        expect![[r#"
            0 intent Allow PREPARE [prepare a as select id from clean] rules [engineers-read-write] masks []
            1 outcome of 0 Ok - rows 0 masked 0
            2 intent Allow SELECT [execute a] rules [engineers-read-write] masks [] prepared [select id from clean]
            3 intent Allow DEALLOCATE [deallocate a] rules [anyone-connects] masks []
            4 intent Allow PREPARE [prepare a as select email from customers] rules [engineers-read-write labels-masked] masks [email]
            5 intent Allow SELECT [execute a] rules [engineers-read-write labels-masked] masks [email] prepared [select email from customers]
            6 outcome of 2 Ok - rows 3 masked 0
            7 outcome of 3 Ok - rows 0 masked 0
            8 outcome of 4 Ok - rows 0 masked 0
            9 outcome of 5 Ok - rows 3 masked 3
            10 intent Allow SELECT [execute b] rules [engineers-read-write] masks [] prepared [select id from customers]
            11 outcome of 10 Ok - rows 3 masked 0
        "#]],
    );
}

#[test]
fn what_only_observe_mode_and_what_opaque_let_through_says_so() {
    let mut who = fixture::identity(Who::Raw);
    who.observe = true;
    let mut lab = Lab::of(who, fixture::world(Durability::Balanced));
    lab.play(
        "
        > Q drop table clean
        > Q select id from clean
        > Q set weir.principal to x
        ",
    );
    expect![[r#"
        0 intent Allow DROP TABLE [drop table clean] rules [] masks [] observed [prod-no-destroy]
        1 outcome of 0 Ok - rows 0 masked 0
        2 intent Allow SELECT [select id from clean] rules [engineers-read-write] masks []
        3 intent Deny SET [set weir.principal to x] rules [anyone-connects weir.reserved-setting] masks []
        4 outcome of 2 Ok - rows 3 masked 0
    "#]].assert_eq(&lab.ledger.lines());
    check(
        Who::Root,
        "
        > Q select unknown_function()
        > Q selct
        ",
        expect![[r#"
            0 intent Allow SELECT [select unknown_function()] rules [root-may] masks []
            1 outcome of 0 Error 42703 rows 0 masked 0
            2 intent Allow OPAQUE [-] rules [] masks [] opaque
            3 outcome of 2 Error 42601 rows 0 masked 0
        "#]],
    );
}
