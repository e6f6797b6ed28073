//! Row N+1 is an error, however the rows are asked for.

use expect_test::expect;

use crate::fixture::Who;
use crate::lab::check;

#[test]
fn a_simple_query_is_stopped_at_its_cap() {
    check(
        Who::Capped,
        "
        > Q select id from clean
        wait
        > Q select 1
        ",
        expect![[r#"
            > Q select id from clean
                server Q select id from clean
              client T id
              client D 1
              client D 2
              client E 54000 <row_cap>
              client Z I
              cancel
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
fn a_result_within_its_cap_is_whole() {
    check(
        Who::Capped,
        "
        > Q select 1
        > P |select 1
        > B |
        > E |
        > S
        ",
        expect![[r#"
            > Q select 1
            > P |select 1
            > B |
            > E |
            > S
                server Q select 1
                server P |select 1
                server B |
                server E |0
                server S
              client T ?column?
              client D 1
              client C SELECT 1
              client Z I
              client 1
              client 2
              client D 1
              client C SELECT 1
              client Z I
        "#]],
    );
}

#[test]
fn an_extended_query_is_asked_for_one_row_more_than_its_cap() {
    check(
        Who::Capped,
        "
        > P |select id from clean
        > B |
        > E |
        > S
        wait
        > Q select 1
        ",
        expect![[r#"
            > P |select id from clean
            > B |
            > E |
            > S
                server P |select id from clean
                server B |
                server E |3
                server H
                server P weir_refused|/* refused by weir, request s/1 */ !
                server S
              client 1
              client 2
              client D 1
              client D 2
              client E 54000 <row_cap>
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
fn rows_are_counted_over_the_pieces_of_a_portal() {
    check(
        Who::Capped,
        "
        > Q begin
        wait
        > P |select id from clean
        > B p|
        > E p|1
        > S
        wait
        > E p|1
        > S
        wait
        > E p|1
        > S
        wait
        > Q rollback
        ",
        expect![[r#"
            > Q begin
                server Q begin
              client C BEGIN
              client Z T
            wait
            > P |select id from clean
            > B p|
            > E p|1
            > S
                server P |select id from clean
                server B p|
                server E p|1
                server H
                server S
              client 1
              client 2
              client D 1
              client s
              client Z T
            wait
            > E p|1
            > S
                server E p|1
                server H
                server S
              client D 2
              client s
              client Z T
            wait
            > E p|1
            > S
                server E p|1
                server H
                server P weir_refused|/* refused by weir, request s/2 */ !
                server S
              client E 54000 <row_cap>
              client Z E
            wait
            > Q rollback
                server Q rollback
              client C ROLLBACK
              client Z I
        "#]],
    );
}

#[test]
fn rows_are_counted_over_the_fetches_of_a_cursor() {
    check(
        Who::Capped,
        "
        > Q begin
        wait
        > Q declare c cursor for select id from clean
        wait
        > Q fetch 1 from c
        wait
        > Q fetch 1 from c
        wait
        > Q fetch 1 from c
        wait
        > Q rollback
        ",
        expect![[r#"
            > Q begin
                server Q begin
              client C BEGIN
              client Z T
            wait
            > Q declare c cursor for select id from clean
                server Q declare c cursor for select id from clean
              client C DECLARE CURSOR
              client Z T
            wait
            > Q fetch 1 from c
                server Q fetch 1 from c
              client T id
              client D 1
              client C FETCH 1
              client Z T
            wait
            > Q fetch 1 from c
                server Q fetch 1 from c
              client T id
              client D 2
              client C FETCH 1
              client Z T
            wait
            > Q fetch 1 from c
                server Q fetch 1 from c
                server Q /* ended by weir */ !
              client T id
              client E 54000 <row_cap>
              client Z E
              cancel
            wait
            > Q rollback
                server Q rollback
              client C ROLLBACK
              client Z I
        "#]],
    );
}

#[test]
fn a_transaction_fails_with_its_capped_statement() {
    check(
        Who::Capped,
        "
        > Q begin
        wait
        > Q select id from clean
        wait
        > Q insert into clean values (1, 'a', 1)
        wait
        > Q rollback
        ",
        expect![[r#"
            > Q begin
                server Q begin
              client C BEGIN
              client Z T
            wait
            > Q select id from clean
                server Q select id from clean
                server Q /* ended by weir */ !
              client T id
              client D 1
              client D 2
              client E 54000 <row_cap>
              client Z E
              cancel
            wait
            > Q insert into clean values (1, 'a', 1)
                server Q insert into clean values (1, 'a', 1)
              client E 25P02 current transaction is aborted
              client Z E
            wait
            > Q rollback
                server Q rollback
              client C ROLLBACK
              client Z I
        "#]],
    );
}

#[test]
fn copy_is_stopped_at_its_cap() {
    check(
        Who::Capped,
        "
        > Q copy customers (id) to stdout
        wait
        > Q select 1
        ",
        expect![[r#"
            > Q copy customers (id) to stdout
                server Q copy customers (id) to stdout
              client H
              client d 1\n
              client d 2\n
              client E 54000 <row_cap>
              client Z I
              cancel
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
fn capped_and_masked_rows_are_both() {
    check(
        Who::MaskedAndCapped,
        "
        > P |select email from customers
        > B |
        > E |
        > S
        wait
        > Q select email from customers
        ",
        expect![[r#"
            > P |select email from customers
            > B |
            > E |
            > S
                server P |select email from customers
                server B |
                server E |3
                server H
                server P weir_refused|/* refused by weir, request s/1 */ !
                server S
              client 1
              client 2
              client D u_lc2fv3hlmqjh7gjub54alcvs56a374mwwfqa@m.invalid
              client D u_gj5taza6nibujxx5se4g4qz5sveommu26n4q@m.invalid
              client E 54000 <row_cap>
              client Z I
            wait
            > Q select email from customers
                server Q select email from customers
              client T email
              client D u_lc2fv3hlmqjh7gjub54alcvs56a374mwwfqa@m.invalid
              client D u_gj5taza6nibujxx5se4g4qz5sveommu26n4q@m.invalid
              client E 54000 <row_cap>
              client Z I
              cancel
        "#]],
    );
}

#[test]
fn statements_with_effects_are_sent_alone_under_a_cap() {
    check(
        Who::Capped,
        "
        > Q insert into clean values (1, 'a', 1); select id from clean
        ",
        expect![[r#"
            > Q insert into clean values (1, 'a', 1); select id from clean
                server Q /* refused by weir, request s/2 */ !
              client E 54000 <weir.capped-string>
              client Z I
        "#]],
    );
}
