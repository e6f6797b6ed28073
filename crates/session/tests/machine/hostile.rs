//! A server that lies gets nothing of its rows through; a client that breaks the protocol is told so.

use std::collections::HashMap;
use std::sync::Arc;

use expect_test::expect;
use mask::Label;
use session::{Durability, Labels};
use statement::ColumnId;

use crate::fixture::Who;
use crate::lab::{Lab, check, check_scripted};

#[test]
fn a_description_with_another_origin_sends_no_row() {
    check_scripted(
        Who::Alice,
        "
        > Q select id, email from customers
        < T id@17095.1:23 email@17095.7:25
        < D 1|x@raw
        < C SELECT 1
        < Z I
        ",
        expect![[r#"
            > Q select id, email from customers
                server Q select id, email from customers
            < T id@17095.1:23 email@17095.7:25
            < D 1|x@raw
            < C SELECT 1
            < Z I
              client E XX000 <weir.result-mismatch>
              client Z I
              cancel
        "#]],
    );
}

#[test]
fn a_description_with_a_column_less_sends_no_row() {
    check_scripted(
        Who::Alice,
        "
        > Q select id, email from customers
        < T email@17095.2:25
        < D x@raw
        < C SELECT 1
        < Z I
        ",
        expect![[r#"
            > Q select id, email from customers
                server Q select id, email from customers
            < T email@17095.2:25
            < D x@raw
            < C SELECT 1
            < Z I
              client E XX000 <weir.result-mismatch>
              client Z I
              cancel
        "#]],
    );
}

#[test]
fn a_labelled_column_where_none_was_known_sends_no_row() {
    check_scripted(
        Who::Alice,
        "
        > Q select label from clean
        < T label@17095.2:25
        < D x@raw
        < C SELECT 1
        < Z I
        ",
        expect![[r#"
            > Q select label from clean
                server Q select label from clean
            < T label@17095.2:25
            < D x@raw
            < C SELECT 1
            < Z I
              client E XX000 <weir.result-mismatch>
              client Z I
              cancel
        "#]],
    );
}

/// Where labels are found, a column that came after the last look at the catalog has one, too.
#[test]
fn a_column_that_nobody_looked_at_sends_no_row() {
    let description = "
        > Q select * from clean
        < T id@17105.1:23 fresh@17105.77:25
        < D 1|x@raw
        < C SELECT 1
        < Z I
        ";
    let mut lab = Lab::new(Who::Alice, Durability::Balanced).scripted();
    assert!(lab.play(description).contains("client D"));
    let mut lab = Lab::new(Who::Alice, Durability::Balanced).scripted();
    let email = ColumnId {
        relation: crate::fixture::CUSTOMERS,
        attribute: 2,
    };
    let bound = HashMap::from([(email, Label::new("email").unwrap())]);
    let unseen = Label::new("unclassified").unwrap();
    lab.world.labels = Arc::new(Labels::new(bound, Vec::new()).with_unseen(unseen));
    let told = lab.play(description);
    assert!(
        told.contains("client E XX000 <weir.result-mismatch>"),
        "{told}"
    );
    assert!(!told.contains("client D"), "{told}");
}

#[test]
fn rows_without_a_description_are_not_sent() {
    check_scripted(
        Who::Alice,
        "
        > Q select email from customers
        < D x@raw
        < C SELECT 1
        < Z I
        ",
        expect![[r#"
            > Q select email from customers
                server Q select email from customers
            < D x@raw
            < C SELECT 1
            < Z I
              client E XX000 <weir.result-mismatch>
              client Z I
              cancel
        "#]],
    );
}

#[test]
fn a_row_with_a_cell_more_is_not_sent() {
    check_scripted(
        Who::Alice,
        "
        > Q select email from customers
        < T email@17095.2:25
        < D x@raw|y@raw
        < C SELECT 1
        < Z I
        ",
        expect![[r#"
            > Q select email from customers
                server Q select email from customers
            < T email@17095.2:25
            < D x@raw|y@raw
            < C SELECT 1
            < Z I
              client T email
              client E XX000 <weir.result-mismatch>
              client Z I
              cancel
        "#]],
    );
}

#[test]
fn rows_behind_the_last_statement_are_not_sent() {
    check_scripted(
        Who::Alice,
        "
        > Q select 1
        < T ?@0.0:23
        < D 1
        < C SELECT 1
        < D x@raw
        < C SELECT 1
        < Z I
        ",
        expect![[r#"
            > Q select 1
                server Q select 1
            < T ?@0.0:23
            < D 1
            < C SELECT 1
            < D x@raw
            < C SELECT 1
            < Z I
              client T ?
              client D 1
              client C SELECT 1
              client E XX000 <weir.result-mismatch>
              client Z I
              cancel
        "#]],
    );
}

#[test]
fn copy_data_before_copy_begins_is_not_sent() {
    check_scripted(
        Who::Alice,
        "
        > Q copy customers (email) to stdout
        < d x@raw\\n
        < c
        < C COPY 1
        < Z I
        ",
        expect![[r#"
            > Q copy customers (email) to stdout
                server Q copy customers (email) to stdout
            < d x@raw\n
            < c
            < C COPY 1
            < Z I
              client E XX000 <weir.result-mismatch>
              client Z I
              cancel
        "#]],
    );
}

#[test]
fn copy_data_behind_its_end_is_not_sent() {
    check_scripted(
        Who::Alice,
        "
        > Q copy customers (email) to stdout
        < H 1
        < d x@raw\\n
        < c
        < d x@raw\\n
        ",
        expect![[r#"
            > Q copy customers (email) to stdout
                server Q copy customers (email) to stdout
            < H 1
            < d x@raw\n
            < c
            < d x@raw\n
              client H
              client d u_mxrfa35lahev53kyxit3zdoqpmekb2jhaxca@m.invalid\n
              client c
              cancel
        "#]],
    );
}

#[test]
fn copy_with_other_fields_is_not_sent() {
    check_scripted(
        Who::Alice,
        "
        > Q copy customers (id, email) to stdout
        < H 1
        < d x@raw\\n
        < c
        < C COPY 1
        < Z I
        ",
        expect![[r#"
            > Q copy customers (id, email) to stdout
                server Q copy customers (id, email) to stdout
            < H 1
            < d x@raw\n
            < c
            < C COPY 1
            < Z I
              client E XX000 <weir.result-mismatch>
              client Z I
              cancel
        "#]],
    );
}

#[test]
fn a_result_nobody_asked_for_ends_the_session() {
    check_scripted(
        Who::Alice,
        "
        > Q select 1
        < T ?@0.0:23
        < D 1
        < C SELECT 1
        < Z I
        < T email@17095.2:25
        < D x@raw
        ",
        expect![[r#"
            > Q select 1
                server Q select 1
            < T ?@0.0:23
            < D 1
            < C SELECT 1
            < Z I
            < T email@17095.2:25
            < D x@raw
              client T ?
              client D 1
              client C SELECT 1
              client Z I
              client FATAL 08P01 the database broke the protocol; the connection is closed
            end UpstreamProtocol("an unexpected RowDescription")
        "#]],
    );
}

#[test]
fn a_parse_complete_out_of_place_ends_the_session() {
    check_scripted(
        Who::Alice,
        "
        > Q select 1
        < 1
        ",
        expect![[r#"
            > Q select 1
                server Q select 1
            < 1
              client FATAL 08P01 the database broke the protocol; the connection is closed
            end UpstreamProtocol("an unexpected ParseComplete")
        "#]],
    );
}

#[test]
fn a_bind_complete_for_a_parse_ends_the_session() {
    check_scripted(
        Who::Alice,
        "
        > P |select 1
        > S
        < 2
        ",
        expect![[r#"
            > P |select 1
            > S
                server P |select 1
                server S
            < 2
              client FATAL 08P01 the database broke the protocol; the connection is closed
            end UpstreamProtocol("an unexpected BindComplete")
        "#]],
    );
}

#[test]
fn a_ready_too_early_ends_the_session() {
    check_scripted(
        Who::Alice,
        "
        > P |select 1
        > S
        < Z I
        ",
        expect![[r#"
            > P |select 1
            > S
                server P |select 1
                server S
            < Z I
              client FATAL 08P01 the database broke the protocol; the connection is closed
            end UpstreamProtocol("an unexpected ReadyForQuery")
        "#]],
    );
}

#[test]
fn authentication_after_login_ends_the_session() {
    check_scripted(
        Who::Alice,
        "
        > Q select 1
        < raw 52 00000008 00000000
        ",
        expect![[r#"
            > Q select 1
                server Q select 1
            < raw 52 00000008 00000000
              client FATAL 08P01 the database broke the protocol; the connection is closed
            end UpstreamProtocol("a message that does not belong here")
        "#]],
    );
}

#[test]
fn an_unknown_message_of_the_server_ends_the_session() {
    check_scripted(
        Who::Alice,
        "
        > Q select 1
        < raw 7e 00000004
        ",
        expect![[r#"
            > Q select 1
                server Q select 1
            < raw 7e 00000004
              client FATAL 08P01 the database broke the protocol; the connection is closed
            end UpstreamProtocol("a malformed message")
        "#]],
    );
}

#[test]
fn a_length_that_lies_ends_the_session() {
    check_scripted(
        Who::Alice,
        "
        > Q select 1
        < raw 44 7fffffff
        ",
        expect![[r#"
            > Q select 1
                server Q select 1
            < raw 44 7fffffff
              client FATAL 08P01 the database broke the protocol; the connection is closed
            end UpstreamProtocol("a message longer than 1 GiB")
        "#]],
    );
}

#[test]
fn a_copy_in_nobody_asked_for_ends_the_session() {
    check_scripted(
        Who::Alice,
        "
        > Q select 1
        < G 1
        ",
        expect![[r#"
            > Q select 1
                server Q select 1
            < G 1
              client FATAL 08P01 the database broke the protocol; the connection is closed
            end UpstreamProtocol("an unexpected CopyInResponse")
        "#]],
    );
}

#[test]
fn an_unknown_tag_of_the_client_is_fatal() {
    check(
        Who::Alice,
        "
        > raw 7e 00000004
        ",
        expect![[r#"
            > raw 7e 00000004
              client FATAL 08P01 protocol violation: unknown message tag 0x7e
            end ClientProtocol("malformed message")
        "#]],
    );
}

#[test]
fn a_length_below_four_is_fatal() {
    check(
        Who::Alice,
        "
        > raw 51 00000003
        ",
        expect![[r#"
            > raw 51 00000003
              client FATAL 08P01 protocol violation: malformed message: message length below four
            end ClientProtocol("malformed message")
        "#]],
    );
}

#[test]
fn a_length_beyond_the_limit_is_fatal_before_its_bytes_come() {
    check(
        Who::Alice,
        "
        > raw 51 7fffffff
        ",
        expect![[r#"
            > raw 51 7fffffff
              client FATAL 08P01 protocol violation: message of 2147483647 bytes exceeds the limit of 1048576 bytes
            end ClientProtocol("malformed message")
        "#]],
    );
}

#[test]
fn a_password_after_login_is_fatal() {
    check(
        Who::Alice,
        "
        > raw 70 00000005 00
        ",
        expect![[r#"
            > raw 70 00000005 00
              client FATAL 08P01 unexpected password message
            end ClientProtocol("password after login")
        "#]],
    );
}

#[test]
fn bytes_left_over_in_a_message_are_fatal() {
    check(
        Who::Alice,
        "
        > raw 53 00000005 00
        ",
        expect![[r#"
            > raw 53 00000005 00
              client FATAL 08P01 protocol violation: message has bytes after its last field
            end ClientProtocol("malformed message")
        "#]],
    );
}

#[test]
fn a_text_that_is_not_utf8_is_refused() {
    check(
        Who::Alice,
        "
        > raw 51 00000006 ff 00
        > Q select 1
        ",
        expect![[r#"
            > raw 51 00000006 ff 00
            > Q select 1
                server Q /* refused by weir, request s/1 */ !
                server Q select 1
              client E 22021 <weir.not-utf8>
              client Z I
              client T ?column?
              client D 1
              client C SELECT 1
              client Z I
        "#]],
    );
}

#[test]
fn messages_after_goodbye_are_not_looked_at() {
    check(
        Who::Alice,
        "
        > X
        > Q select 1
        ",
        expect![[r#"
            > X
            > Q select 1
                server X
            end Client
        "#]],
    );
}
