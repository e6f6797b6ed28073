//! Errors, notices and notifications are results.

use expect_test::expect;

use crate::fixture::Who;
use crate::lab::{check, check_scripted};

#[test]
fn an_error_that_may_hold_values_keeps_its_sqlstate_only() {
    check(
        Who::Alice,
        "
        > Q select 10/(3-id) from customers
        > P |select 10/(3-id) from customers
        > B |
        > E |
        > S
        ",
        expect![[r#"
            > Q select 10/(3-id) from customers
            > P |select 10/(3-id) from customers
            > B |
            > E |
            > S
                server Q select 10/(3-id) from customers
                server P |select 10/(3-id) from customers
                server B |
                server E |0
                server S
              client T ?column?
              client D 5
              client D 10
              client E 22012 the database reported error 22012 (data exception)
              client Z I
              client 1
              client 2
              client D 5
              client D 10
              client E 22012 the database reported error 22012 (data exception)
              client Z I
        "#]],
    );
}

#[test]
fn an_error_of_an_unlabelled_table_is_told_whole() {
    check(
        Who::Alice,
        "
        > Q insert into clean values (1, 'dup', 1)
        ",
        expect![[r#"
            > Q insert into clean values (1, 'dup', 1)
                server Q insert into clean values (1, 'dup', 1)
              client E 23505 duplicate key value, Key (label)=(dup) already exists
              client Z I
        "#]],
    );
}

#[test]
fn who_sees_raw_values_is_told_errors_whole() {
    check(
        Who::Raw,
        "
        > Q select 10/(3-id) from customers
        ",
        expect![[r#"
            > Q select 10/(3-id) from customers
                server Q select 10/(3-id) from customers
              client T ?column?
              client D 5
              client D 10
              client E 22012 division by zero near @raw
              client Z I
        "#]],
    );
}

#[test]
fn notices_and_notifications_hold_nothing_for_masked_principals() {
    check_scripted(
        Who::Alice,
        "
        > Q select email from customers
        < N 00000 secret@raw
        < A channel secret@raw
        < T email@17095.2:25
        < D x@raw
        < C SELECT 1
        < Z I
        < A channel secret@raw
        < N 00000 secret@raw
        ",
        expect![[r#"
            > Q select email from customers
                server Q select email from customers
            < N 00000 secret@raw
            < A channel secret@raw
            < T email@17095.2:25
            < D x@raw
            < C SELECT 1
            < Z I
            < A channel secret@raw
            < N 00000 secret@raw
              client A channel 
              client T email
              client D u_mxrfa35lahev53kyxit3zdoqpmekb2jhaxca@m.invalid
              client C SELECT 1
              client Z I
              client A channel 
        "#]],
    );
}

#[test]
fn notices_and_notifications_pass_for_who_sees_raw_values() {
    check_scripted(
        Who::Raw,
        "
        > Q select email from customers
        < N 00000 secret@raw
        < A channel secret@raw
        < T email@17095.2:25
        < D x@raw
        < C SELECT 1
        < Z I
        ",
        expect![[r#"
            > Q select email from customers
                server Q select email from customers
            < N 00000 secret@raw
            < A channel secret@raw
            < T email@17095.2:25
            < D x@raw
            < C SELECT 1
            < Z I
              client N 00000 secret@raw
              client A channel secret@raw
              client T email
              client D x@raw
              client C SELECT 1
              client Z I
        "#]],
    );
}

#[test]
fn a_fatal_error_ends_the_session_and_holds_nothing() {
    check_scripted(
        Who::Alice,
        "
        > Q select email from customers
        < FATAL 57P01 secret@raw
        ",
        expect![[r#"
            > Q select email from customers
                server Q select email from customers
            < FATAL 57P01 secret@raw
              client FATAL 57P01 the database reported error 57P01 (operator intervention)
            end Upstream
        "#]],
    );
}

#[test]
fn settings_the_server_reports_pass() {
    check_scripted(
        Who::Alice,
        "
        > Q select 1
        < K TimeZone UTC
        < T ?@0.0:23
        < D 1
        < C SELECT 1
        < Z I
        ",
        expect![[r#"
            > Q select 1
                server Q select 1
            < K TimeZone UTC
            < T ?@0.0:23
            < D 1
            < C SELECT 1
            < Z I
              client K TimeZone UTC
              client T ?
              client D 1
              client C SELECT 1
              client Z I
        "#]],
    );
}
