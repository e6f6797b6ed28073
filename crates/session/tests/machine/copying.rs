//! COPY FROM STDIN.

use expect_test::expect;

use crate::fixture::Who;
use crate::lab::check;

#[test]
fn simple_copy_in() {
    check(
        Who::Alice,
        "
        > Q copy clean from stdin
        wait
        > d 1\\n2\\n
        > d 3\\n
        > c
        wait
        > Q select 1
        ",
        expect![[r#"
            > Q copy clean from stdin
                server Q copy clean from stdin
              client G
            wait
            > d 1\n2\n
            > d 3\n
            > c
                server d 1\n2\n
                server d 3\n
                server c
              client C COPY 3
              client Z I
            wait
            > Q select 1
                server Q select 1
              client T ?column?
              client D 1
              client C SELECT 1
              client Z I
        "#]],
    );
}

#[test]
fn simple_copy_in_given_up() {
    check(
        Who::Alice,
        "
        > Q copy clean from stdin
        wait
        > d 1\\n
        > f no more
        wait
        > Q select 1
        ",
        expect![[r#"
            > Q copy clean from stdin
                server Q copy clean from stdin
              client G
            wait
            > d 1\n
            > f no more
                server d 1\n
                server f no more
              client E 57014 COPY from stdin failed: no more
              client Z I
            wait
            > Q select 1
                server Q select 1
              client T ?column?
              client D 1
              client C SELECT 1
              client Z I
        "#]],
    );
}

#[test]
fn simple_copy_in_with_data_before_the_server_asks() {
    check(
        Who::Alice,
        "
        > Q copy clean from stdin
        > d 1\\n
        > c
        > Q select 1
        ",
        expect![[r#"
            > Q copy clean from stdin
            > d 1\n
            > c
            > Q select 1
                server Q copy clean from stdin
                server d 1\n
                server c
                server Q select 1
              client G
              client C COPY 1
              client Z I
              client T ?column?
              client D 1
              client C SELECT 1
              client Z I
        "#]],
    );
}

#[test]
fn a_sync_during_copy_is_not_answered() {
    check(
        Who::Alice,
        "
        > Q copy clean from stdin
        > S
        wait
        > d 1\\n
        > S
        > c
        wait
        > Q select 1
        ",
        expect![[r#"
            > Q copy clean from stdin
            > S
                server Q copy clean from stdin
                server S
              client G
            wait
            > d 1\n
            > S
            > c
                server d 1\n
                server c
              client C COPY 1
              client Z I
            wait
            > Q select 1
                server Q select 1
              client T ?column?
              client D 1
              client C SELECT 1
              client Z I
        "#]],
    );
}

#[test]
fn extended_copy_in_with_a_sync_too_early() {
    check(
        Who::Alice,
        "
        > P |copy clean from stdin
        > B |
        > E |
        > S
        wait
        > d 1\\n
        > c
        > S
        wait
        > Q select 1
        ",
        expect![[r#"
            > P |copy clean from stdin
            > B |
            > E |
            > S
                server P |copy clean from stdin
                server B |
                server E |0
                server S
              client 1
              client 2
              client G
            wait
            > d 1\n
            > c
            > S
                server d 1\n
                server c
                server S
              client C COPY 1
              client Z I
            wait
            > Q select 1
                server Q select 1
              client T ?column?
              client D 1
              client C SELECT 1
              client Z I
        "#]],
    );
}

#[test]
fn extended_copy_in_all_at_once() {
    check(
        Who::Alice,
        "
        > P |copy clean from stdin
        > B |
        > E |
        > S
        > d 1\\n
        > c
        > S
        > Q select 1
        ",
        expect![[r#"
            > P |copy clean from stdin
            > B |
            > E |
            > S
            > d 1\n
            > c
            > S
            > Q select 1
                server P |copy clean from stdin
                server B |
                server E |0
                server S
                server d 1\n
                server c
                server S
                server Q select 1
              client 1
              client 2
              client G
              client C COPY 1
              client Z I
              client T ?column?
              client D 1
              client C SELECT 1
              client Z I
        "#]],
    );
}

#[test]
fn extended_copy_in_given_up_skips_to_sync() {
    check(
        Who::Alice,
        "
        > P |copy clean from stdin
        > B |
        > E |
        wait
        > f no
        > P |select 1
        > S
        wait
        > Q select 1
        ",
        expect![[r#"
            > P |copy clean from stdin
            > B |
            > E |
                server P |copy clean from stdin
                server B |
                server E |0
              client 1
              client 2
              client G
            wait
            > f no
            > P |select 1
            > S
                server f no
                server P |select 1
                server S
              client E 57014 COPY from stdin failed: no
              client Z I
            wait
            > Q select 1
                server Q select 1
              client T ?column?
              client D 1
              client C SELECT 1
              client Z I
        "#]],
    );
}

#[test]
fn data_of_a_refused_copy_is_ignored() {
    check(
        Who::Alice,
        "
        > Q copy nosuch from stdin
        > d 1\\n
        > c
        > Q select 1
        ",
        expect![[r#"
            > Q copy nosuch from stdin
            > d 1\n
            > c
            > Q select 1
                server Q /* refused by weir, request s/1 */ !
                server Q select 1
              client E 42P01 <weir.unknown-name>
              client Z I
              client T ?column?
              client D 1
              client C SELECT 1
              client Z I
        "#]],
    );
}

#[test]
fn data_of_a_copy_that_never_begins_is_ignored() {
    check(
        Who::Alice,
        "
        > P |select 1/0
        > B |
        > E |
        > P |copy clean from stdin
        > B |
        > E |
        > d 1\\n
        > c
        > S
        > Q select 1
        ",
        expect![[r#"
            > P |select 1/0
            > B |
            > E |
            > P |copy clean from stdin
            > B |
            > E |
            > d 1\n
            > c
            > S
            > Q select 1
                server P |select 1/0
                server B |
                server E |0
                server P |copy clean from stdin
                server B |
                server E |0
                server d 1\n
                server c
                server S
                server Q select 1
              client 1
              client 2
              client E 22012 division by zero
              client Z I
              client T ?column?
              client D 1
              client C SELECT 1
              client Z I
        "#]],
    );
}

#[test]
fn data_of_two_copies_stays_apart() {
    check(
        Who::Alice,
        "
        > Q copy clean from stdin
        > d 1\\n
        > c
        > Q copy clean from stdin
        > d 1\\n2\\n
        > c
        > Q select 1
        ",
        expect![[r#"
            > Q copy clean from stdin
            > d 1\n
            > c
            > Q copy clean from stdin
            > d 1\n2\n
            > c
            > Q select 1
                server Q copy clean from stdin
                server d 1\n
                server c
                server Q copy clean from stdin
                server d 1\n2\n
                server c
                server Q select 1
              client G
              client C COPY 1
              client Z I
              client G
              client C COPY 2
              client Z I
              client T ?column?
              client D 1
              client C SELECT 1
              client Z I
        "#]],
    );
}

#[test]
fn a_query_during_copy_is_fatal() {
    check(
        Who::Alice,
        "
        > Q copy clean from stdin
        wait
        > Q select email from customers
        ",
        expect![[r#"
            > Q copy clean from stdin
                server Q copy clean from stdin
              client G
            wait
            > Q select email from customers
              client FATAL 08P01 unexpected message during COPY from stdin
            end ClientProtocol("message during COPY")
        "#]],
    );
}

#[test]
fn a_query_pipelined_behind_copy_is_fatal() {
    check(
        Who::Alice,
        "
        > Q copy clean from stdin
        > Q select 1
        ",
        expect![[r#"
            > Q copy clean from stdin
            > Q select 1
                server Q copy clean from stdin
                server Q select 1
              client G
              client FATAL 08P01 unexpected message during COPY from stdin
            end ClientProtocol("message during COPY")
        "#]],
    );
}

#[test]
fn a_sync_too_early_behind_a_setting_holds_nothing_back() {
    check(
        Who::Alice,
        "
        > P a|set search_path to app
        > B |a
        > E |
        > P |copy public.clean from stdin
        > B |
        > E |
        > S
        > d 1\\n
        > c
        > S
        > Q select 1
        ",
        expect![[r#"
            > P a|set search_path to app
            > B |a
            > E |
            > P |copy public.clean from stdin
            > B |
            > E |
            > S
            > d 1\n
            > c
            > S
            > Q select 1
                server P a|set search_path to app
                server B |a
                server E |0
                server P |copy public.clean from stdin
                server B |
                server E |0
                server S
                server d 1\n
                server c
                server S
                server Q select 1
              client 1
              client 2
              client C SET
              client 1
              client 2
              client G
              client C COPY 1
              client Z I
              client T ?column?
              client D 1
              client C SELECT 1
              client Z I
        "#]],
    );
}
