//! What a name stands for, and by what Bind and Execute are judged.

use expect_test::expect;

use crate::fixture::Who;
use crate::lab::check;

#[test]
fn a_parse_that_fails_does_not_change_what_bind_is_judged_by() {
    check(
        Who::Alice,
        "
        > P s1|select email from customers
        > B |s1
        > E |
        > S
        wait
        > P s1|select id from customers
        > S
        > B |s1
        > E |
        > S
        ",
        expect![[r#"
            > P s1|select email from customers
            > B |s1
            > E |
            > S
                server P s1|select email from customers
                server B |s1
                server E |0
                server S
              client 1
              client 2
              client D u_lc2fv3hlmqjh7gjub54alcvs56a374mwwfqa@m.invalid
              client D u_gj5taza6nibujxx5se4g4qz5sveommu26n4q@m.invalid
              client D u_smmisibhpgc2tyaf6mdpmbesh4xn6puqtkha@m.invalid
              client C SELECT 3
              client Z I
            wait
            > P s1|select id from customers
            > S
            > B |s1
            > E |
            > S
                server P s1|select id from customers
                server S
                server B |s1
                server E |0
                server S
              client E 42P05 prepared statement "s1" already exists
              client Z I
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
fn a_portal_bound_again_before_sync_is_not_what_execute_runs_after_a_failure() {
    check(
        Who::Alice,
        "
        > P s1|select email from customers
        > P s2|select id from customers
        > B c|s1
        > S
        wait
        > Q begin
        > B c|s1
        > S
        wait
        > B c|s2
        > S
        > E c
        > S
        > Q rollback
        ",
        expect![[r#"
            > P s1|select email from customers
            > P s2|select id from customers
            > B c|s1
            > S
                server P s1|select email from customers
                server P s2|select id from customers
                server B c|s1
                server S
              client 1
              client 1
              client 2
              client Z I
            wait
            > Q begin
            > B c|s1
            > S
                server Q begin
                server B c|s1
                server S
              client C BEGIN
              client Z T
              client 2
              client Z T
            wait
            > B c|s2
            > S
            > E c
            > S
            > Q rollback
                server B c|s2
                server S
                server E c|0
                server S
                server Q rollback
              client E 42P03 cursor already exists
              client Z E
              client E 25P02 current transaction is aborted
              client Z E
              client C ROLLBACK
              client Z I
        "#]],
    );
}

#[test]
fn sql_names_in_flight_are_waited_for() {
    check(
        Who::Alice,
        "
        > P s|select id from customers
        > S
        > Q select email from customers
        wait
        > Q deallocate s; prepare s as select email from customers
        > B |s
        > E |
        > S
        wait
        > Q begin
        > B c|s
        > S
        wait
        > Q close c; declare c cursor for select email from customers
        > E c
        > S
        > Q fetch all from c
        > Q rollback
        ",
        expect![[r#"
            > P s|select id from customers
            > S
            > Q select email from customers
                server P s|select id from customers
                server S
                server Q select email from customers
              client 1
              client Z I
              client T email
              client D u_lc2fv3hlmqjh7gjub54alcvs56a374mwwfqa@m.invalid
              client D u_gj5taza6nibujxx5se4g4qz5sveommu26n4q@m.invalid
              client D u_smmisibhpgc2tyaf6mdpmbesh4xn6puqtkha@m.invalid
              client C SELECT 3
              client Z I
            wait
            > Q deallocate s; prepare s as select email from customers
            > B |s
            > E |
            > S
                server Q deallocate s; prepare s as select email from customers
                server B |s
                server E |0
                server S
              client C DEALLOCATE
              client C PREPARE
              client Z I
              client 2
              client D u_lc2fv3hlmqjh7gjub54alcvs56a374mwwfqa@m.invalid
              client D u_gj5taza6nibujxx5se4g4qz5sveommu26n4q@m.invalid
              client D u_smmisibhpgc2tyaf6mdpmbesh4xn6puqtkha@m.invalid
              client C SELECT 3
              client Z I
            wait
            > Q begin
            > B c|s
            > S
                server Q begin
                server B c|s
                server S
              client C BEGIN
              client Z T
              client 2
              client Z T
            wait
            > Q close c; declare c cursor for select email from customers
            > E c
            > S
            > Q fetch all from c
            > Q rollback
                server Q close c; declare c cursor for select email from customers
                server P weir_refused|/* refused by weir, request s/9 */ !
                server S
                server Q fetch all from c
                server Q rollback
              client C CLOSE CURSOR
              client C DECLARE CURSOR
              client Z T
              client E 0A000 <weir.cursor-by-protocol>
              client Z E
              client E 25P02 current transaction is aborted
              client Z E
              client C ROLLBACK
              client Z I
        "#]],
    );
}

#[test]
fn sql_names_in_flight_in_a_pipeline_are_waited_for() {
    check(
        Who::Alice,
        "
        > P s|select id from customers
        > S
        > Q select email from customers
        wait
        > P |deallocate s
        > B |
        > E |
        > P |prepare s as select email from customers
        > B |
        > E |
        > B |s
        > E |
        > S
        ",
        expect![[r#"
            > P s|select id from customers
            > S
            > Q select email from customers
                server P s|select id from customers
                server S
                server Q select email from customers
              client 1
              client Z I
              client T email
              client D u_lc2fv3hlmqjh7gjub54alcvs56a374mwwfqa@m.invalid
              client D u_gj5taza6nibujxx5se4g4qz5sveommu26n4q@m.invalid
              client D u_smmisibhpgc2tyaf6mdpmbesh4xn6puqtkha@m.invalid
              client C SELECT 3
              client Z I
            wait
            > P |deallocate s
            > B |
            > E |
            > P |prepare s as select email from customers
            > B |
            > E |
            > B |s
            > E |
            > S
                server P |deallocate s
                server B |
                server E |0
                server H
                server P |prepare s as select email from customers
                server B |
                server E |0
                server H
                server B |s
                server E |0
                server S
              client 1
              client 2
              client C DEALLOCATE
              client 1
              client 2
              client C PREPARE
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
fn what_was_prepared_over_masked_columns_is_not_judged_by_what_its_names_mean_now() {
    check(
        Who::Alice,
        "
        > P s1|select email from customers
        > S
        wait
        > Q set search_path = app
        wait
        > B |s1
        > E |
        > S
        wait
        > Q execute s1
        ",
        expect![[r#"
            > P s1|select email from customers
            > S
                server P s1|select email from customers
                server S
              client 1
              client Z I
            wait
            > Q set search_path = app
                server Q set search_path = app
              client C SET
              client Z I
            wait
            > B |s1
            > E |
            > S
                server P weir_refused|/* refused by weir, request s/2 */ !
                server S
              client E 0A000 <weir.prepared-changed>
              client Z I
            wait
            > Q execute s1
                server Q /* refused by weir, request s/3 */ !
              client E 0A000 <weir.prepared-changed>
              client Z I
        "#]],
    );
}
