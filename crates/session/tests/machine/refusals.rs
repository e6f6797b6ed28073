//! A refusal is an error at its place; everything around it goes on (promise 6).

use expect_test::expect;

use crate::fixture::Who;
use crate::lab::check;

#[test]
fn one_refused_statement_refuses_the_whole_string_before_any_of_it_runs() {
    check(
        Who::Alice,
        "
        > Q insert into clean values (1, 'a', 1); drop table clean; select 1
        wait
        > Q select 1
        ",
        expect![[r#"
            > Q insert into clean values (1, 'a', 1); drop table clean; select 1
                server Q /* refused by weir, request s/3 */ !
              client E 42501 <prod-no-destroy>
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
fn a_refusal_in_a_transaction_fails_the_transaction() {
    check(
        Who::Alice,
        "
        > Q begin
        wait
        > Q drop table clean
        wait
        > Q select 1
        wait
        > Q rollback
        wait
        > Q select 1
        ",
        expect![[r#"
            > Q begin
                server Q begin
              client C BEGIN
              client Z T
            wait
            > Q drop table clean
                server Q /* refused by weir, request s/2 */ !
              client E 42501 <prod-no-destroy>
              client Z E
            wait
            > Q select 1
                server Q select 1
              client E 25P02 current transaction is aborted
              client Z E
            wait
            > Q rollback
                server Q rollback
              client C ROLLBACK
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
fn a_savepoint_survives_a_refusal() {
    check(
        Who::Alice,
        "
        > Q begin
        wait
        > Q savepoint x
        wait
        > Q drop table clean
        wait
        > Q rollback to x
        wait
        > Q select 1
        wait
        > Q commit
        ",
        expect![[r#"
            > Q begin
                server Q begin
              client C BEGIN
              client Z T
            wait
            > Q savepoint x
                server Q savepoint x
              client C SAVEPOINT
              client Z T
            wait
            > Q drop table clean
                server Q /* refused by weir, request s/3 */ !
              client E 42501 <prod-no-destroy>
              client Z E
            wait
            > Q rollback to x
                server Q rollback to x
              client C ROLLBACK
              client Z T
            wait
            > Q select 1
                server Q select 1
              client T ?column?
              client D 1
              client C SELECT 1
              client Z T
            wait
            > Q commit
                server Q commit
              client C COMMIT
              client Z I
        "#]],
    );
}

#[test]
fn a_refusal_on_parse_skips_to_sync() {
    check(
        Who::Alice,
        "
        > P a|drop table clean
        > B |a
        > E |
        > S
        wait
        > P a|select 1
        > B |a
        > E |
        > S
        ",
        expect![[r#"
            > P a|drop table clean
            > B |a
            > E |
            > S
                server P a|/* refused by weir, request s/1 */ !
                server S
              client E 42501 <prod-no-destroy>
              client Z I
            wait
            > P a|select 1
            > B |a
            > E |
            > S
                server P a|select 1
                server B |a
                server E |0
                server S
              client 1
              client 2
              client D 1
              client C SELECT 1
              client Z I
        "#]],
    );
}

#[test]
fn a_refusal_mid_pipeline_keeps_what_came_before_and_what_comes_after_sync() {
    check(
        Who::Alice,
        "
        > P |select 1
        > B |
        > E |
        > P |drop table clean
        > B |
        > E |
        > S
        > P |select id from clean
        > B |
        > E |
        > S
        ",
        expect![[r#"
            > P |select 1
            > B |
            > E |
            > P |drop table clean
            > B |
            > E |
            > S
            > P |select id from clean
            > B |
            > E |
            > S
                server P |select 1
                server B |
                server E |0
                server P |/* refused by weir, request s/2 */ !
                server S
                server P |select id from clean
                server B |
                server E |0
                server S
              client 1
              client 2
              client D 1
              client C SELECT 1
              client E 42501 <prod-no-destroy>
              client Z I
              client 1
              client 2
              client D 1
              client D 2
              client D 3
              client C SELECT 3
              client Z I
        "#]],
    );
}

#[test]
fn a_bind_of_a_statement_refused_since_is_refused() {
    check(
        Who::Alice,
        "
        > P a|select email from customers
        > P b|select id from customers where email > 'x'
        > S
        wait
        > B |b
        > E |
        > S
        wait
        > B |a
        > E |
        > S
        ",
        expect![[r#"
            > P a|select email from customers
            > P b|select id from customers where email > 'x'
            > S
                server P a|select email from customers
                server P b|/* refused by weir, request s/1 */ !
                server S
              client 1
              client E 42501 <weir.masked-use>
              client Z I
            wait
            > B |b
            > E |
            > S
                server P weir_refused|/* refused by weir, request s/2 */ !
                server S
              client E 26000 <weir.unknown-name>
              client Z I
            wait
            > B |a
            > E |
            > S
                server B |a
                server E |0
                server S
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
fn missing_names_are_refused_on_bind_describe_and_execute() {
    check(
        Who::Alice,
        "
        > B |nosuch
        > S
        > D S nosuch
        > S
        > D P nosuch
        > S
        > E nosuch
        > S
        > Q select 1
        ",
        expect![[r#"
            > B |nosuch
            > S
            > D S nosuch
            > S
            > D P nosuch
            > S
            > E nosuch
            > S
            > Q select 1
                server P weir_refused|/* refused by weir, request s/1 */ !
                server S
                server P weir_refused|/* refused by weir, request s/2 */ !
                server S
                server P weir_refused|/* refused by weir, request s/3 */ !
                server S
                server P weir_refused|/* refused by weir, request s/4 */ !
                server S
                server Q select 1
              client E 26000 <weir.unknown-name>
              client Z I
              client E 26000 <weir.unknown-name>
              client Z I
              client E 34000 <weir.unknown-name>
              client Z I
              client E 34000 <weir.unknown-name>
              client Z I
              client T ?column?
              client D 1
              client C SELECT 1
              client Z I
        "#]],
    );
}

#[test]
fn names_of_weir_are_reserved() {
    check(
        Who::Alice,
        "
        > P weir_x|select 1
        > S
        > P a|select 1
        > B weir_p|a
        > S
        > D S weir_errand
        > S
        > C P weir_errand
        > S
        > E weir_errand
        > S
        > Q select 1
        ",
        expect![[r#"
            > P weir_x|select 1
            > S
            > P a|select 1
            > B weir_p|a
            > S
            > D S weir_errand
            > S
            > C P weir_errand
            > S
            > E weir_errand
            > S
            > Q select 1
                server P weir_refused|/* refused by weir, request s/1 */ !
                server S
                server P a|select 1
                server P weir_refused|/* refused by weir, request s/2 */ !
                server S
                server P weir_refused|/* refused by weir, request s/3 */ !
                server S
                server P weir_refused|/* refused by weir, request s/4 */ !
                server S
                server P weir_refused|/* refused by weir, request s/5 */ !
                server S
                server Q select 1
              client E 42939 <weir.reserved-name>
              client Z I
              client 1
              client E 42939 <weir.reserved-name>
              client Z I
              client E 42939 <weir.reserved-name>
              client Z I
              client E 42939 <weir.reserved-name>
              client Z I
              client E 42939 <weir.reserved-name>
              client Z I
              client T ?column?
              client D 1
              client C SELECT 1
              client Z I
        "#]],
    );
}

#[test]
fn a_function_call_is_refused_and_answered_with_ready() {
    check(
        Who::Alice,
        "
        > F
        > Q select 1
        ",
        expect![[r#"
            > F
            > Q select 1
                server Q /* refused by weir, request s/1 */ !
                server Q select 1
              client E 0A000 <weir.function-call>
              client Z I
              client T ?column?
              client D 1
              client C SELECT 1
              client Z I
        "#]],
    );
}

#[test]
fn a_syntax_error_is_told_as_one() {
    check(
        Who::Alice,
        "
        > Q selct 1
        > P |selct 1
        > S
        > Q select 1
        ",
        expect![[r#"
            > Q selct 1
            > P |selct 1
            > S
            > Q select 1
                server Q /* refused by weir, request s/1 */ !
                server P |/* refused by weir, request s/2 */ !
                server S
                server Q select 1
              client E 42601 <weir.syntax>
              client Z I
              client E 42601 <weir.syntax>
              client Z I
              client T ?column?
              client D 1
              client C SELECT 1
              client Z I
        "#]],
    );
}

#[test]
fn an_unknown_name_reads_like_the_servers_message() {
    check(
        Who::Alice,
        "
        > Q select nosuch from clean
        > Q select 1 from nosuch
        > Q select 1
        ",
        expect![[r#"
            > Q select nosuch from clean
            > Q select 1 from nosuch
            > Q select 1
                server Q /* refused by weir, request s/1 */ !
                server Q /* refused by weir, request s/2 */ !
                server Q select 1
              client E 42703 <weir.unknown-name>
              client Z I
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
fn what_follows_a_definition_in_one_string_is_refused_to_masked_principals() {
    check(
        Who::Alice,
        "
        > Q create table t (a int); select email from customers
        ",
        expect![[r#"
            > Q create table t (a int); select email from customers
                server Q /* refused by weir, request s/2 */ !
              client E 42501 <weir.unsettled-string>
              client Z I
        "#]],
    );
}

#[test]
fn a_prepared_statement_is_one_statement() {
    check(
        Who::Alice,
        "
        > P |select 1; select 2
        > B |
        > E |
        > S
        ",
        expect![[r#"
            > P |select 1; select 2
            > B |
            > E |
            > S
                server P |/* refused by weir, request s/2 */ !
                server S
              client E 42601 <weir.syntax>
              client Z I
        "#]],
    );
}

#[test]
fn a_function_call_runs_for_holders_of_opaque_who_see_everything() {
    check(
        Who::Root,
        "
        > F
        > Q select 1
        ",
        expect![[r#"
            > F
            > Q select 1
                server F
                server Q select 1
              client FunctionCallResponse
              client Z I
              client T ?column?
              client D 1
              client C SELECT 1
              client Z I
        "#]],
    );
}

#[test]
fn what_the_parser_cannot_tell_runs_for_holders_of_opaque() {
    let script = "> Q create statistics s on a, b from (values (1, 2)) as v (a, b)";
    check(
        Who::Raw,
        script,
        expect![[r#"
        > Q create statistics s on a, b from (values (1, 2)) as v (a, b)
            server Q /* refused by weir, request s/1 */ !
          client E XX000 <weir.limit>
          client Z I
    "#]],
    );
    check(
        Who::Root,
        script,
        expect![[r#"
        > Q create statistics s on a, b from (values (1, 2)) as v (a, b)
            server Q create statistics s on a, b from (values (1, 2)) as v (a, b)
          client E 42601 syntax error
          client Z I
    "#]],
    );
}
