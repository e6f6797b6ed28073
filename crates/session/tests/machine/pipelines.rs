//! What is pipelined behind a failure must not be judged by what never ran.

use expect_test::expect;
use session::Durability;

use crate::fixture::Who;
use crate::lab::{Lab, check};

#[test]
fn a_query_behind_a_failed_extended_message_is_skipped_like_the_server_skips_it() {
    check(
        Who::Alice,
        "
        > Q select email from customers
        wait
        > P |select 1/0
        > B |
        > E |
        > Q select 1
        > Q select 2
        > S
        > Q select email from customers
        ",
        expect![[r#"
            > Q select email from customers
                server Q select email from customers
              client T email
              client D u_lc2fv3hlmqjh7gjub54alcvs56a374mwwfqa@m.invalid
              client D u_gj5taza6nibujxx5se4g4qz5sveommu26n4q@m.invalid
              client D u_smmisibhpgc2tyaf6mdpmbesh4xn6puqtkha@m.invalid
              client C SELECT 3
              client Z I
            wait
            > P |select 1/0
            > B |
            > E |
            > Q select 1
            > Q select 2
            > S
            > Q select email from customers
                server P |select 1/0
                server B |
                server E |0
                server Q select 1
                server S
                server Q select email from customers
              client 1
              client 2
              client E 22012 division by zero
              client Z I
              client T email
              client D u_lc2fv3hlmqjh7gjub54alcvs56a374mwwfqa@m.invalid
              client D u_gj5taza6nibujxx5se4g4qz5sveommu26n4q@m.invalid
              client D u_smmisibhpgc2tyaf6mdpmbesh4xn6puqtkha@m.invalid
              client C SELECT 3
              client Z I
        "#]],
    );
}

#[test]
fn a_query_ends_an_open_pipeline() {
    check(
        Who::Alice,
        "
        > P a|select 1
        > Q select 1/0
        > Q select email from customers
        > S
        > Q select 1
        ",
        expect![[r#"
            > P a|select 1
            > Q select 1/0
            > Q select email from customers
            > S
            > Q select 1
                server P a|select 1
                server Q select 1/0
                server Q select email from customers
                server S
                server Q select 1
              client 1
              client E 22012 division by zero
              client Z I
              client T email
              client D u_lc2fv3hlmqjh7gjub54alcvs56a374mwwfqa@m.invalid
              client D u_gj5taza6nibujxx5se4g4qz5sveommu26n4q@m.invalid
              client D u_smmisibhpgc2tyaf6mdpmbesh4xn6puqtkha@m.invalid
              client C SELECT 3
              client Z I
              client Z I
              client T ?column?
              client D 1
              client C SELECT 1
              client Z I
        "#]],
    );
}

#[test]
fn a_query_behind_an_open_pipeline_whose_description_fails_is_answered() {
    check(
        Who::Alice,
        "
        > P a|select 1
        > Q rollback to nowhere
        > Q select email, id from customers
        > Q select 1
        ",
        expect![[r#"
            > P a|select 1
            > Q rollback to nowhere
            > Q select email, id from customers
            > Q select 1
                server P a|select 1
                server Q rollback to nowhere
                server Q select email, id from customers
                server Q select 1
              client 1
              client E 25P01 ROLLBACK TO SAVEPOINT can only be used in transaction blocks
              client Z I
              client T email id
              client D u_lc2fv3hlmqjh7gjub54alcvs56a374mwwfqa@m.invalid|1
              client D u_gj5taza6nibujxx5se4g4qz5sveommu26n4q@m.invalid|2
              client D u_smmisibhpgc2tyaf6mdpmbesh4xn6puqtkha@m.invalid|3
              client C SELECT 3
              client Z I
              client T ?column?
              client D 1
              client C SELECT 1
              client Z I
        "#]],
    );
}

#[test]
fn a_definition_in_a_pipeline_is_answered_without_waiting_for_sync() {
    check(
        Who::Alice,
        "
        > P |create table t (a int)
        > B |
        > D P
        > E |
        > S
        > Q select 1
        ",
        expect![[r#"
            > P |create table t (a int)
            > B |
            > D P
            > E |
            > S
            > Q select 1
                server P |create table t (a int)
                server B |
                server D P 
                server E |0
                server H
                server S
                server Q select 1
              client 1
              client 2
              client n
              client C CREATE TABLE
              client Z I
              client T ?column?
              client D 1
              client C SELECT 1
              client Z I
        "#]],
    );
}

#[test]
fn what_follows_a_rolled_back_setting_is_judged_under_the_setting_that_holds() {
    check(
        Who::Alice,
        "
        > Q select email from customers
        wait
        > P |set search_path to app
        > B |
        > E |
        > P |select email from customers
        > P b|select 1/0
        > B |b
        > E |
        > S
        > P |select email from customers
        > B |
        > E |
        > S
        ",
        expect![[r#"
            > Q select email from customers
                server Q select email from customers
              client T email
              client D u_lc2fv3hlmqjh7gjub54alcvs56a374mwwfqa@m.invalid
              client D u_gj5taza6nibujxx5se4g4qz5sveommu26n4q@m.invalid
              client D u_smmisibhpgc2tyaf6mdpmbesh4xn6puqtkha@m.invalid
              client C SELECT 3
              client Z I
            wait
            > P |set search_path to app
            > B |
            > E |
            > P |select email from customers
            > P b|select 1/0
            > B |b
            > E |
            > S
            > P |select email from customers
            > B |
            > E |
            > S
                server P |set search_path to app
                server B |
                server E |0
                server P |select email from customers
                server P b|select 1/0
                server B |b
                server E |0
                server S
                server P |select email from customers
                server B |
                server E |0
                server S
              client 1
              client 2
              client C SET
              client 1
              client 1
              client 2
              client E 22012 division by zero
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
fn what_follows_the_end_of_a_failed_transaction_is_judged_under_the_setting_that_holds() {
    check(
        Who::Alice,
        "
        > Q select email from customers
        wait
        > Q begin
        > Q set search_path to app
        > Q select email from customers
        > Q select 1/0
        wait
        > Q rollback
        > Q select email from customers
        ",
        expect![[r#"
            > Q select email from customers
                server Q select email from customers
              client T email
              client D u_lc2fv3hlmqjh7gjub54alcvs56a374mwwfqa@m.invalid
              client D u_gj5taza6nibujxx5se4g4qz5sveommu26n4q@m.invalid
              client D u_smmisibhpgc2tyaf6mdpmbesh4xn6puqtkha@m.invalid
              client C SELECT 3
              client Z I
            wait
            > Q begin
            > Q set search_path to app
            > Q select email from customers
            > Q select 1/0
                server Q begin
                server Q set search_path to app
                server Q select email from customers
                server Q select 1/0
              client C BEGIN
              client Z T
              client C SET
              client Z T
              client T email
              client D v1
              client D v2
              client D v3
              client C SELECT 3
              client Z T
              client E 22012 division by zero
              client Z E
            wait
            > Q rollback
            > Q select email from customers
                server Q rollback
                server Q select email from customers
              client C ROLLBACK
              client Z I
              client T email
              client D u_lc2fv3hlmqjh7gjub54alcvs56a374mwwfqa@m.invalid
              client D u_gj5taza6nibujxx5se4g4qz5sveommu26n4q@m.invalid
              client D u_smmisibhpgc2tyaf6mdpmbesh4xn6puqtkha@m.invalid
              client C SELECT 3
              client Z I
        "#]],
    );
}

#[test]
fn a_failed_transaction_can_be_rolled_back_though_its_settings_cannot_be_read() {
    check(
        Who::Alice,
        "
        > Q begin
        > Q set search_path to app; select 1/0
        > Q select 1
        > Q rollback
        > Q select 1
        ",
        expect![[r#"
            > Q begin
            > Q set search_path to app; select 1/0
            > Q select 1
            > Q rollback
            > Q select 1
                server Q begin
                server Q set search_path to app; select 1/0
                server Q select 1
                server Q rollback
                server Q select 1
              client C BEGIN
              client Z T
              client C SET
              client E 22012 division by zero
              client Z E
              client E 25P02 current transaction is aborted
              client Z E
              client C ROLLBACK
              client Z I
              client T ?column?
              client D 1
              client C SELECT 1
              client Z I
        "#]],
    );
}

#[test]
fn a_close_opens_no_pipeline_for_questions_to_leave_a_transaction_in() {
    let mut lab = Lab::new(Who::Alice, Durability::Balanced).questions();
    let told = lab.play("> C P p\n> Q discard all");
    expect![[r#"
        > C P p
        > Q discard all
            server C P p
            server ask settings
            server Q discard all
          client 3
          client C DISCARD ALL
          client Z I
    "#]]
    .assert_eq(&told);
}

#[test]
fn a_setting_in_flight_is_not_forgotten_with_an_earlier_answer() {
    check(
        Who::Alice,
        "
        > Q select email from customers
        wait
        > Q select 1
        > Q begin
        > Q set search_path to app
        > Q select id from customers
        wait
        > Q rollback
        > P |select email from customers
        > B |
        > E |
        > S
        ",
        expect![[r#"
            > Q select email from customers
                server Q select email from customers
              client T email
              client D u_lc2fv3hlmqjh7gjub54alcvs56a374mwwfqa@m.invalid
              client D u_gj5taza6nibujxx5se4g4qz5sveommu26n4q@m.invalid
              client D u_smmisibhpgc2tyaf6mdpmbesh4xn6puqtkha@m.invalid
              client C SELECT 3
              client Z I
            wait
            > Q select 1
            > Q begin
            > Q set search_path to app
            > Q select id from customers
                server Q select 1
                server Q begin
                server Q set search_path to app
                server Q select id from customers
              client T ?column?
              client D 1
              client C SELECT 1
              client Z I
              client C BEGIN
              client Z T
              client C SET
              client Z T
              client T id
              client D 1
              client D 2
              client D 3
              client C SELECT 3
              client Z T
            wait
            > Q rollback
            > P |select email from customers
            > B |
            > E |
            > S
                server Q rollback
                server P |select email from customers
                server B |
                server E |0
                server S
              client C ROLLBACK
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
fn a_string_that_ends_a_failed_transaction_goes_on_behind_it() {
    check(
        Who::Alice,
        "
        > Q begin
        > Q select 1/0
        > Q rollback; select email from customers
        ",
        expect![[r#"
            > Q begin
            > Q select 1/0
            > Q rollback; select email from customers
                server Q begin
                server Q select 1/0
                server Q rollback; select email from customers
              client C BEGIN
              client Z T
              client E 22012 division by zero
              client Z E
              client C ROLLBACK
              client T email
              client D u_lc2fv3hlmqjh7gjub54alcvs56a374mwwfqa@m.invalid
              client D u_gj5taza6nibujxx5se4g4qz5sveommu26n4q@m.invalid
              client D u_smmisibhpgc2tyaf6mdpmbesh4xn6puqtkha@m.invalid
              client C SELECT 3
              client Z I
        "#]],
    );
}
