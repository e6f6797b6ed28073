//! Answers that a definition of another session may concern.

use std::sync::Arc;

use expect_test::{Expect, expect};
use session::Durability;

use crate::fixture::{self, Who};
use crate::lab::Lab;

/// Alice sends `asked`; a raw session's definition is answered with `READY` before the server says `answer`.
/// Then the catalog is looked at.
fn check(asked: &str, answer: &str, changed: bool, expected: Expect) {
    let mut alice = Lab::new(Who::Alice, Durability::Balanced).scripted();
    let mut raw = alice.beside(Who::Raw).scripted();
    let mut told = alice.play(asked);
    raw.play(
        "
        > Q alter table customers rename email to e2
        < C ALTER TABLE
        < Z I
        ",
    );
    alice.looks = false;
    told.push_str(&alice.play(answer));
    let waits = alice.machine.awaits_catalog();
    told.push_str(&format!("waits for the catalog {}\n", waits.is_some()));
    if changed {
        alice.world.catalog = Arc::new(fixture::catalog());
    }
    alice.looks = true;
    alice.settle();
    told.push_str(&alice.play("wait"));
    expected.assert_eq(&told);
}

#[test]
fn an_answer_waits_for_a_look_and_leaves_when_nothing_changed() {
    check(
        "> Q select upper(region) from customers",
        "
        < T upper@0.0:25
        < D X
        < C SELECT 1
        < Z I
        ",
        false,
        expect![[r#"
            > Q select upper(region) from customers
                server Q select upper(region) from customers
            < T upper@0.0:25
            < D X
            < C SELECT 1
            < Z I
            waits for the catalog true
            wait
              client T upper
              client D X
              client C SELECT 1
              client Z I
        "#]],
    );
}

#[test]
fn an_answer_is_withheld_when_the_catalog_changed() {
    check(
        "> Q select upper(region) from customers",
        "
        < T upper@0.0:25
        < D X
        < C SELECT 1
        < Z I
        ",
        true,
        expect![[r#"
            > Q select upper(region) from customers
                server Q select upper(region) from customers
            < T upper@0.0:25
            < D X
            < C SELECT 1
            < Z I
            waits for the catalog true
            wait
              client E 40001 <weir.definitions-changed>
              client Z I
        "#]],
    );
}

#[test]
fn errors_are_answers_too() {
    check(
        "> Q select 1/id from customers",
        "
        < E 22012 division by zero
        < Z I
        ",
        true,
        expect![[r#"
            > Q select 1/id from customers
                server Q select 1/id from customers
            < E 22012 division by zero
            < Z I
            waits for the catalog true
            wait
              client E 40001 <weir.definitions-changed>
              client Z I
        "#]],
    );
}

#[test]
fn counts_are_answers_too() {
    check(
        "> Q update customers set region = 'x' where region = 'y'",
        "
        < C UPDATE 3
        < Z I
        ",
        true,
        expect![[r#"
            > Q update customers set region = 'x' where region = 'y'
                server Q update customers set region = 'x' where region = 'y'
            < C UPDATE 3
            < Z I
            waits for the catalog true
            wait
              client E 40003 <weir.definitions-changed>
              client Z I
        "#]],
    );
}

#[test]
fn copies_are_answers_too() {
    check(
        "> Q copy (select upper(region) from customers) to stdout",
        "
        < H 1
        < d X
        < c
        < C COPY 1
        < Z I
        ",
        true,
        expect![[r#"
            > Q copy (select upper(region) from customers) to stdout
                server Q copy (select upper(region) from customers) to stdout
            < H 1
            < d X
            < c
            < C COPY 1
            < Z I
            waits for the catalog true
            wait
              client E 40001 <weir.definitions-changed>
              client Z I
        "#]],
    );
}

#[test]
fn an_extended_query_fails_and_its_connection_lives() {
    check(
        "
        > P |select upper(region) from customers
        > B |
        > E |
        > C P 
        > S
        ",
        "
        < 1
        < 2
        < D X
        < C SELECT 1
        < 3
        < Z I
        ",
        true,
        expect![[r#"
            > P |select upper(region) from customers
            > B |
            > E |
            > C P
            > S
                server P |select upper(region) from customers
                server B |
                server E |0
                server C P 
                server S
            < 1
            < 2
            < D X
            < C SELECT 1
            < 3
            < Z I
              client 1
              client 2
            waits for the catalog true
            wait
              client E 40001 <weir.definitions-changed>
              client Z I
        "#]],
    );
}

#[test]
fn a_transaction_fails_on_the_server_too() {
    let mut alice = Lab::new(Who::Alice, Durability::Balanced).scripted();
    alice.play("> Q begin\n< C BEGIN\n< Z T");
    let mut raw = alice.beside(Who::Raw).scripted();
    let mut told = alice.play(
        "
        > P |select upper(region) from customers
        > B |
        > E |
        > S
        ",
    );
    raw.play("> Q alter table customers rename email to e2");
    alice.world.catalog = Arc::new(fixture::catalog());
    told.push_str(&alice.play("< 1\n< 2\n< D X\n< C SELECT 1\n< Z T"));
    told.push_str(&alice.play("< E 42601 ended by weir\n< Z E"));
    expect![[r#"
        > P |select upper(region) from customers
        > B |
        > E |
        > S
            server P |select upper(region) from customers
            server B |
            server E |0
            server S
        < 1
        < 2
        < D X
        < C SELECT 1
        < Z T
            server Q /* ended by weir */ !
          client 1
          client 2
          client E 40001 <weir.definitions-changed>
        < E 42601 ended by weir
        < Z E
          client Z E
    "#]]
    .assert_eq(&told);
}

#[test]
fn what_concerns_others_holds_nothing() {
    let mut alice = Lab::new(Who::Alice, Durability::Balanced).scripted();
    let mut raw = alice.beside(Who::Raw).scripted();
    alice.play("> Q select upper(region) from customers");
    raw.play("> Q alter table clean rename n to m\n< C ALTER TABLE\n< Z I");
    alice.looks = false;
    alice.play("< T upper@0.0:25\n< D X");
    assert_eq!(alice.machine.awaits_catalog(), None);
}

/// What was sent may still take effect when its client is gone: until the server closed the connection, it is
/// announced, and no look at the catalog contains it.
#[test]
fn a_definition_outlives_the_client_who_sent_it() {
    let mut alice = Lab::new(Who::Alice, Durability::Balanced).scripted();
    let mut raw = alice.beside(Who::Raw).scripted();
    alice.play("> Q select upper(region) from customers");
    assert_eq!(raw.machine.unsettled(), None);
    raw.play("> Q alter table customers rename email to e2");
    let number = raw.machine.unsettled();
    assert!(number.is_some(), "it is on its way and announced");
    raw.machine.abandon();
    assert_eq!(raw.machine.unsettled(), number, "nobody settled it");
    alice.looks = false;
    alice.play(
        "
        < T upper@0.0:25
        < D X
        < C SELECT 1
        < Z I
        ",
    );
    assert!(
        alice.machine.awaits_catalog().is_some(),
        "the answer is held, though the definer is gone"
    );
}
