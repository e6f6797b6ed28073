//! Settings that decide what statements mean.

use expect_test::expect;

use crate::fixture::Who;
use crate::lab::check;

#[test]
fn names_follow_the_search_path_through_transactions_and_savepoints() {
    check(
        Who::Alice,
        "
        > Q select email from customers
        wait
        > Q begin
        > Q savepoint x
        > Q set search_path to app
        > Q select email from customers
        > Q rollback to x
        > Q select email from customers
        > Q set search_path to app
        > Q commit
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
            > Q savepoint x
            > Q set search_path to app
            > Q select email from customers
            > Q rollback to x
            > Q select email from customers
            > Q set search_path to app
            > Q commit
            > Q select email from customers
                server Q begin
                server Q savepoint x
                server Q set search_path to app
                server Q select email from customers
                server Q rollback to x
                server Q select email from customers
                server Q set search_path to app
                server Q commit
                server Q select email from customers
              client C BEGIN
              client Z T
              client C SAVEPOINT
              client Z T
              client C SET
              client Z T
              client T email
              client D v1
              client D v2
              client D v3
              client C SELECT 3
              client Z T
              client C ROLLBACK
              client Z T
              client T email
              client D u_lc2fv3hlmqjh7gjub54alcvs56a374mwwfqa@m.invalid
              client D u_gj5taza6nibujxx5se4g4qz5sveommu26n4q@m.invalid
              client D u_smmisibhpgc2tyaf6mdpmbesh4xn6puqtkha@m.invalid
              client C SELECT 3
              client Z T
              client C SET
              client Z T
              client C COMMIT
              client Z I
              client T email
              client D v1
              client D v2
              client D v3
              client C SELECT 3
              client Z I
        "#]],
    );
}

#[test]
fn settings_that_change_meaning_stay_with_the_server() {
    check(
        Who::Alice,
        "
        > Q set standard_conforming_strings to off
        > Q set client_encoding to latin1
        > Q set role postgres
        > Q set enable_seqscan to off
        > Q set weir.session to 'x'
        > Q select set_config('role', 'postgres', false)
        > Q select 1
        ",
        expect![[r#"
            > Q set standard_conforming_strings to off
            > Q set client_encoding to latin1
            > Q set role postgres
            > Q set enable_seqscan to off
            > Q set weir.session to 'x'
            > Q select set_config('role', 'postgres', false)
            > Q select 1
                server Q /* refused by weir, request s/1 */ !
                server Q /* refused by weir, request s/2 */ !
                server Q /* refused by weir, request s/3 */ !
                server Q /* refused by weir, request s/4 */ !
                server Q /* refused by weir, request s/5 */ !
                server Q /* refused by weir, request s/6 */ !
                server Q select 1
              client E 0A000 <weir.session-setting>
              client Z I
              client E 0A000 <weir.session-setting>
              client Z I
              client E 0A000 <weir.session-setting>
              client Z I
              client E 42501 <weir.meaning-setting>
              client Z I
              client E 42501 <weir.reserved-setting>
              client Z I
              client E 0A000 <weir.session-setting>
              client Z I
              client T ?column?
              client D 1
              client C SELECT 1
              client Z I
        "#]],
    );
}

#[test]
fn pools_may_reset_a_session() {
    check(
        Who::Alice,
        "
        > Q discard all
        > Q select email from customers
        ",
        expect![[r#"
            > Q discard all
            > Q select email from customers
                server Q discard all
                server Q select email from customers
              client C DISCARD ALL
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
