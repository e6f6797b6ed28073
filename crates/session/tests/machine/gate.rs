//! The effect gate: what may change something waits for the disk, and all
//! behind it; nothing runs off the record (promise 5).

use expect_test::{Expect, expect};
use session::Durability;

use crate::fixture::Who;
use crate::lab::{Lab, Server};
use crate::model::Model;

/// Plays with a disk that syncs where the script says `disk`.
fn check(durability: Durability, script: &str, expected: Expect) {
    let mut lab = Lab::new(Who::Alice, durability);
    lab.prompt_disk = false;
    if durability == Durability::Fast {
        // The audited model would not take a write that is not durable.
        lab.server = Server::Model(Box::new(Model::new(|_| false)));
    }
    expected.assert_eq(&lab.play(script));
}

#[test]
fn bytes_of_a_write_wait_for_the_disk_and_all_behind_them() {
    check(
        Durability::Balanced,
        "
        > Q select 1
        > Q insert into clean values (1, 'a', 1)
        > Q select 2
        disk
        ",
        expect![[r#"
            > Q select 1
            > Q insert into clean values (1, 'a', 1)
            > Q select 2
                server Q select 1
              client T ?column?
              client D 1
              client C SELECT 1
              client Z I
            disk
                server Q insert into clean values (1, 'a', 1)
                server Q select 2
              client C INSERT 0 1
              client Z I
              client T ?column?
              client D 2
              client C SELECT 1
              client Z I
        "#]],
    );
}

#[test]
fn reads_do_not_wait() {
    check(
        Durability::Balanced,
        "
        > Q select id from clean
        > P |select email from customers
        > B |
        > E |
        > S
        ",
        expect![[r#"
            > Q select id from clean
            > P |select email from customers
            > B |
            > E |
            > S
                server Q select id from clean
                server P |select email from customers
                server B |
                server E |0
                server S
              client T id
              client D 1
              client D 2
              client D 3
              client C SELECT 3
              client Z I
              client 1
              client 2
              client D u_lc2fv3hlmqjh7gjub54alcvs56a374mwwfqa@m.invalid
              client D u_gj5taza6nibujxx5se4g4qz5sveommu26n4q@m.invalid
              client D u_smmisibhpgc2tyaf6mdpmbesh4xn6puqtkha@m.invalid
              client C SELECT 3
              client Z I
        "#]],
    );
}

#[test]
fn a_bind_with_effects_waits_and_its_parse_does_not() {
    check(
        Durability::Balanced,
        "
        > P a|insert into clean values (1, 'a', 1)
        > B |a
        > E |
        > S
        disk
        ",
        expect![[r#"
            > P a|insert into clean values (1, 'a', 1)
            > B |a
            > E |
            > S
                server P a|insert into clean values (1, 'a', 1)
            disk
                server B |a
                server E |0
                server S
              client 1
              client 2
              client C INSERT 0 1
              client Z I
        "#]],
    );
}

#[test]
fn commit_waits() {
    check(
        Durability::Balanced,
        "
        > Q begin
        disk
        > Q select 1
        > Q commit
        disk
        ",
        expect![[r#"
            > Q begin
            disk
                server Q begin
              client C BEGIN
              client Z T
            > Q select 1
            > Q commit
                server Q select 1
              client T ?column?
              client D 1
              client C SELECT 1
              client Z T
            disk
                server Q commit
              client C COMMIT
              client Z I
        "#]],
    );
}

#[test]
fn under_fast_nothing_waits() {
    check(
        Durability::Fast,
        "
        > Q insert into clean values (1, 'a', 1)
        ",
        expect![[r#"
            > Q insert into clean values (1, 'a', 1)
                server Q insert into clean values (1, 'a', 1)
              client C INSERT 0 1
              client Z I
        "#]],
    );
}

#[test]
fn under_strict_replies_wait_for_their_outcome() {
    check(
        Durability::Strict,
        "
        > Q select id from clean
        disk
        disk
        ",
        expect![[r#"
            > Q select id from clean
            disk
                server Q select id from clean
              client T id
              client D 1
              client D 2
              client D 3
            disk
              client C SELECT 3
              client Z I
        "#]],
    );
}

#[test]
fn nothing_is_forwarded_while_the_ledger_takes_nothing() {
    check(
        Durability::Balanced,
        "
        > Q select 1
        full
        > Q select 2
        > Q insert into clean values (1, 'a', 1)
        > P a|select 3
        > B |a
        > S
        free
        > Q select 4
        ",
        expect![[r#"
            > Q select 1
                server Q select 1
              client T ?column?
              client D 1
              client C SELECT 1
              client Z I
            full
            > Q select 2
            > Q insert into clean values (1, 'a', 1)
            > P a|select 3
            > B |a
            > S
                server Q /* refused by weir, request s/2 */ !
                server Q /* refused by weir, request s/3 */ !
                server P a|select 3
                server P weir_refused|/* refused by weir, request s/4 */ !
                server S
              client E 58030 <weir.ledger>
              client Z I
              client E 58030 <weir.ledger>
              client Z I
              client 1
              client E 58030 <weir.ledger>
              client Z I
            free
            > Q select 4
                server Q select 4
              client T ?column?
              client D 4
              client C SELECT 1
              client Z I
        "#]],
    );
}

#[test]
fn an_outcome_that_cannot_be_recorded_ends_a_strict_session() {
    let mut lab = Lab::new(Who::Alice, Durability::Strict).scripted();
    let told = lab.play(
        "
        > Q select 1
        full
        < T ?@0.0:23
        < D 1
        < C SELECT 1
        < Z I
        ",
    );
    expect![[r#"
        > Q select 1
            server Q select 1
        full
        < T ?@0.0:23
        < D 1
        < C SELECT 1
        < Z I
          client T ?
          client D 1
          client FATAL 58030 the outcome could not be recorded
        end Ledger
    "#]]
    .assert_eq(&told);
}

#[test]
fn the_ledger_tells_what_was_meant_and_what_became_of_it() {
    let mut lab = Lab::new(Who::Alice, Durability::Balanced);
    lab.play(
        "
        > Q select id, email from customers
        > Q drop table clean
        > Q insert into clean values (1, 'dup', 1); select 1
        > P a|select email from customers
        > B |a
        > E |
        > S
        > P |select 1/0
        > B |
        > E |
        > Q select 1
        > S
        > Q selct
        > Q create role x password 'secret'
        ",
    );
    expect![[r#"
        0 intent Allow SELECT [select id, email from customers] rules [engineers-read-write labels-masked] masks [email]
        1 intent Deny DROP TABLE [drop table clean] rules [prod-no-destroy] masks []
        2 intent Allow INSERT [insert into clean values (1, 'dup', 1)] rules [engineers-read-write] masks []
        3 intent Allow SELECT [select 1] rules [anyone-connects] masks []
        4 outcome of 0 Ok - rows 3 masked 3
        5 outcome of 2 Error 23505 rows 0 masked 0
        6 outcome of 3 NotExecuted - rows 0 masked 0
        7 intent Allow SELECT [select email from customers] rules [engineers-read-write labels-masked] masks [email]
        8 intent Allow SELECT [select 1/0] rules [anyone-connects] masks []
        9 intent Allow SELECT [select 1] rules [anyone-connects] masks []
        10 outcome of 7 Ok - rows 3 masked 3
        11 outcome of 8 Error 22012 rows 0 masked 0
        12 outcome of 9 NotExecuted - rows 0 masked 0
        13 intent Deny OPAQUE [selct] rules [weir.syntax] masks [] opaque
        14 intent Allow CREATE ROLE [create role x password ?] rules [engineers-define] masks []
        15 outcome of 14 Error 42601 rows 0 masked 0
    "#]].assert_eq(&lab.ledger.lines());
}

#[test]
fn what_is_in_flight_when_the_connection_breaks_has_an_unknown_outcome() {
    let mut lab = Lab::new(Who::Alice, Durability::Balanced).scripted();
    lab.play(
        "
        > Q insert into clean values (1, 'a', 1)
        > P a|update clean set n = 1 where id = 1
        > B |a
        > E |
        > S
        ",
    );
    lab.machine.abandon();
    expect![[r#"
        0 intent Allow INSERT [insert into clean values (1, 'a', 1)] rules [engineers-read-write] masks []
        1 intent Allow UPDATE [update clean set n = 1 where id = 1] rules [engineers-read-write] masks []
        2 outcome of 0 Unknown - rows 0 masked 0
        3 outcome of 1 Unknown - rows 0 masked 0
    "#]].assert_eq(&lab.ledger.lines());
}
