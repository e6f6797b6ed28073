//! What computes with masked columns is served with NULL in their place (DESIGN §5).

use expect_test::expect;
use session::{Durability, Labels};
use std::collections::HashMap;
use std::sync::Arc;

use crate::fixture::Who;
use crate::lab::{Lab, check, check_scripted};

#[test]
fn a_simple_query_is_sent_in_other_words_and_says_so() {
    check(
        Who::Alice,
        "
        > Q select id, upper(email), email from customers
        wait
        > Q select id from customers order by email
        > Q select id from customers
        ",
        expect![[r#"
            > Q select id, upper(email), email from customers
                server Q select id, upper((NULL::pg_catalog."text")), email from customers
              client N 01000 <weir.degraded>
              client T id computed email
              client D 1|null|u_lc2fv3hlmqjh7gjub54alcvs56a374mwwfqa@m.invalid
              client D 2|null|u_gj5taza6nibujxx5se4g4qz5sveommu26n4q@m.invalid
              client D 3|null|u_smmisibhpgc2tyaf6mdpmbesh4xn6puqtkha@m.invalid
              client C SELECT 3
              client Z I
            wait
            > Q select id from customers order by email
            > Q select id from customers
                server Q select id from customers order by (NULL::pg_catalog."text")
                server Q select id from customers
              client N 01000 <weir.degraded>
              client T id
              client D 1
              client D 2
              client D 3
              client C SELECT 3
              client Z I
              client T id
              client D 1
              client D 2
              client D 3
              client C SELECT 3
              client Z I
        "#]],
    );
}

#[test]
fn an_extended_query_is_described_and_run_in_other_words() {
    check(
        Who::Alice,
        "
        > P a|select upper(email), email from customers
        > D S a
        > B |a
        > D P
        > E |
        > S
        wait
        > B |a
        > E |
        > B |a|b
        > E |
        > S
        ",
        expect![[r#"
            > P a|select upper(email), email from customers
            > D S a
            > B |a
            > D P
            > E |
            > S
                server P a|select upper((NULL::pg_catalog."text")), email from customers
                server D S a
                server B |a
                server D P 
                server E |0
                server S
              client 1
              client t 0
              client T computed email
              client 2
              client T computed email
              client N 01000 <weir.degraded>
              client D null|u_lc2fv3hlmqjh7gjub54alcvs56a374mwwfqa@m.invalid
              client D null|u_gj5taza6nibujxx5se4g4qz5sveommu26n4q@m.invalid
              client D null|u_smmisibhpgc2tyaf6mdpmbesh4xn6puqtkha@m.invalid
              client C SELECT 3
              client Z I
            wait
            > B |a
            > E |
            > B |a|b
            > E |
            > S
                server B |a
                server E |0
                server B |a
                server E |0
                server S
              client 2
              client N 01000 <weir.degraded>
              client D null|u_lc2fv3hlmqjh7gjub54alcvs56a374mwwfqa@m.invalid
              client D null|u_gj5taza6nibujxx5se4g4qz5sveommu26n4q@m.invalid
              client D null|u_smmisibhpgc2tyaf6mdpmbesh4xn6puqtkha@m.invalid
              client C SELECT 3
              client 2
              client N 01000 <weir.degraded>
              client D null|u_lc2fv3hlmqjh7gjub54alcvs56a374mwwfqa@m.invalid
              client D null|u_gj5taza6nibujxx5se4g4qz5sveommu26n4q@m.invalid
              client D null|u_smmisibhpgc2tyaf6mdpmbesh4xn6puqtkha@m.invalid
              client C SELECT 3
              client Z I
        "#]],
    );
}

#[test]
fn a_portal_read_in_pieces_is_announced_once() {
    check(
        Who::Alice,
        "
        > P a|select upper(email) from customers
        > B p|a
        > E p|1
        > E p|1
        > H
        wait
        > E p|1
        > S
        ",
        expect![[r#"
            > P a|select upper(email) from customers
            > B p|a
            > E p|1
            > E p|1
            > H
                server P a|select upper((NULL::pg_catalog."text")) from customers
                server B p|a
                server E p|1
                server E p|1
                server H
              client 1
              client 2
              client N 01000 <weir.degraded>
              client D null
              client s
              client D null
              client s
            wait
            > E p|1
            > S
                server E p|1
                server S
              client D null
              client s
              client Z I
        "#]],
    );
}

#[test]
fn cursors_and_prepared_statements_hold_the_other_words() {
    check(
        Who::Alice,
        "
        > Q begin
        wait
        > Q declare c cursor for select upper(email), email from customers
        wait
        > Q fetch 2 from c
        wait
        > Q prepare p as select upper(email), email from customers
        wait
        > Q execute p
        wait
        > P s|select upper(email) from customers
        > S
        wait
        > Q execute s
        wait
        > B |p
        > E |
        > S
        wait
        > Q commit
        ",
        expect![[r#"
            > Q begin
                server Q begin
              client C BEGIN
              client Z T
            wait
            > Q declare c cursor for select upper(email), email from customers
                server Q declare c cursor for select upper((NULL::pg_catalog."text")), email from customers
              client N 01000 <weir.degraded>
              client C DECLARE CURSOR
              client Z T
            wait
            > Q fetch 2 from c
                server Q fetch 2 from c
              client T computed email
              client D null|u_lc2fv3hlmqjh7gjub54alcvs56a374mwwfqa@m.invalid
              client D null|u_gj5taza6nibujxx5se4g4qz5sveommu26n4q@m.invalid
              client C FETCH 2
              client Z T
            wait
            > Q prepare p as select upper(email), email from customers
                server Q prepare p as select upper((NULL::pg_catalog."text")), email from customers
              client N 01000 <weir.degraded>
              client C PREPARE
              client Z T
            wait
            > Q execute p
                server Q execute p
              client N 01000 <weir.degraded>
              client T computed email
              client D null|u_lc2fv3hlmqjh7gjub54alcvs56a374mwwfqa@m.invalid
              client D null|u_gj5taza6nibujxx5se4g4qz5sveommu26n4q@m.invalid
              client D null|u_smmisibhpgc2tyaf6mdpmbesh4xn6puqtkha@m.invalid
              client C SELECT 3
              client Z T
            wait
            > P s|select upper(email) from customers
            > S
                server P s|select upper((NULL::pg_catalog."text")) from customers
                server S
              client 1
              client Z T
            wait
            > Q execute s
                server Q execute s
              client N 01000 <weir.degraded>
              client T computed
              client D null
              client D null
              client D null
              client C SELECT 3
              client Z T
            wait
            > B |p
            > E |
            > S
                server B |p
                server E |0
                server S
              client 2
              client N 01000 <weir.degraded>
              client D null|u_lc2fv3hlmqjh7gjub54alcvs56a374mwwfqa@m.invalid
              client D null|u_gj5taza6nibujxx5se4g4qz5sveommu26n4q@m.invalid
              client D null|u_smmisibhpgc2tyaf6mdpmbesh4xn6puqtkha@m.invalid
              client C SELECT 3
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
fn only_pure_reads_alone_are_sent_in_other_words() {
    check(
        Who::Alice,
        "
        > Q select upper(email) from customers; select 1
        > Q select upper(email) from customers for update
        > Q explain select upper(email) from customers
        > Q insert into clean select 1, upper(email), 1 from customers
        > Q update clean set label = (select max(email) from customers)
        > Q with x as (insert into clean values (1) returning id) select upper(email) from customers
        > Q prepare p as insert into clean select 1, upper(email), 1 from customers
        > Q create table t as select upper(email) from customers
        ",
        expect![[r#"
            > Q select upper(email) from customers; select 1
            > Q select upper(email) from customers for update
            > Q explain select upper(email) from customers
            > Q insert into clean select 1, upper(email), 1 from customers
            > Q update clean set label = (select max(email) from customers)
            > Q with x as (insert into clean values (1) returning id) select upper(email) from customers
            > Q prepare p as insert into clean select 1, upper(email), 1 from customers
            > Q create table t as select upper(email) from customers
                server Q /* refused by weir, request s/2 */ !
                server Q /* refused by weir, request s/3 */ !
                server Q /* refused by weir, request s/4 */ !
                server Q /* refused by weir, request s/5 */ !
                server Q /* refused by weir, request s/6 */ !
                server Q /* refused by weir, request s/7 */ !
                server Q /* refused by weir, request s/8 */ !
                server Q /* refused by weir, request s/9 */ !
              client E 42501 <weir.masked-use>
              client Z I
              client E 42501 <weir.masked-use>
              client Z I
              client E 42501 <weir.masked-use>
              client Z I
              client E 42501 <weir.masked-use>
              client Z I
              client E 42501 <prod-no-whole-table-write>
              client Z I
              client E 42501 <weir.masked-use>
              client Z I
              client E 42501 <weir.masked-use>
              client Z I
              client E 42501 <weir.masked-use>
              client Z I
        "#]],
    );
}

#[test]
fn the_server_tells_of_errors_in_the_words_of_the_client() {
    check_scripted(
        Who::Alice,
        "
        > Q select upper(email), nosuchfunction() from customers
        > Q select upper(email) + 1 from customers
        < E 42883 operator does not exist: text + integer
        < Z I
        > Q select upper(email), 1/0 from customers
        < T upper@0.0:25 ?column?@0.0:23
        < D ~|1
        < E 22012 division by zero near v@raw
        < Z I
        ",
        expect![[r#"
            > Q select upper(email), nosuchfunction() from customers
            > Q select upper(email) + 1 from customers
                server Q /* refused by weir, request s/1 */ !
                server Q select upper((NULL::pg_catalog."text")) + 1 from customers
            < E 42883 operator does not exist: text + integer
            < Z I
              client E 42501 <default-deny>
              client Z I
            > Q select upper(email), 1/0 from customers
                server Q select upper((NULL::pg_catalog."text")), 1/0 from customers
            < T upper@0.0:25 ?column?@0.0:23
            < D ~|1
            < E 22012 division by zero near v@raw
            < Z I
              client N 01000 <weir.degraded>
              client T upper ?column?
              client D ~|1
              client E 22012 the database reported error 22012 (data exception)
              client Z I
        "#]],
    );
}

#[test]
fn copies_are_announced_before_their_data() {
    check_scripted(
        Who::Alice,
        "
        > Q copy (select reverse(email), email from customers) to stdout
        < H 2
        < d ~\\tada@raw\\n
        < c
        < C COPY 1
        < Z I
        ",
        expect![[r#"
            > Q copy (select reverse(email), email from customers) to stdout
                server Q copy (select reverse((NULL::pg_catalog."text")), email from customers) to stdout
            < H 2
            < d ~\tada@raw\n
            < c
            < C COPY 1
            < Z I
              client N 01000 <weir.degraded>
              client H
              client d ~\tu_2hsgjpwo6cbdi3iu4cnwmgmv7756ng7gvpgq@m.invalid\n
              client c
              client C COPY 1
              client Z I
        "#]],
    );
}

#[test]
fn pipelined_statements_are_announced_in_order() {
    check(
        Who::Alice,
        "
        > Q select id from customers
        > Q select upper(email) from customers
        > P a|select lower(email) from customers
        > B |a
        > E |
        > P b|select 1
        > B |b
        > E |
        > S
        > Q select upper(email) from customers
        ",
        expect![[r#"
            > Q select id from customers
            > Q select upper(email) from customers
            > P a|select lower(email) from customers
            > B |a
            > E |
            > P b|select 1
            > B |b
            > E |
            > S
            > Q select upper(email) from customers
                server Q select id from customers
                server Q select upper((NULL::pg_catalog."text")) from customers
                server P a|select lower((NULL::pg_catalog."text")) from customers
                server B |a
                server E |0
                server P b|select 1
                server B |b
                server E |0
                server S
                server Q select upper((NULL::pg_catalog."text")) from customers
              client T id
              client D 1
              client D 2
              client D 3
              client C SELECT 3
              client Z I
              client N 01000 <weir.degraded>
              client T computed
              client D null
              client D null
              client D null
              client C SELECT 3
              client Z I
              client 1
              client 2
              client N 01000 <weir.degraded>
              client D null
              client D null
              client D null
              client C SELECT 3
              client 1
              client 2
              client D 1
              client C SELECT 1
              client Z I
              client N 01000 <weir.degraded>
              client T computed
              client D null
              client D null
              client D null
              client C SELECT 3
              client Z I
        "#]],
    );
}

#[test]
fn who_sees_raw_values_is_sent_as_written() {
    check(
        Who::Raw,
        "
        > P a|select id from customers order by email
        > B |a
        > E |
        > S
        ",
        expect![[r#"
            > P a|select id from customers order by email
            > B |a
            > E |
            > S
                server P a|select id from customers order by email
                server B |a
                server E |0
                server S
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
fn a_verdict_on_other_words_is_for_one_text() {
    check(
        Who::Alice,
        "
        > Q select id from customers where id = 1 order by email
        > Q select id from customers where id = 2 order by email
        > Q select id from customers where id = 1 order by email
        ",
        expect![[r#"
            > Q select id from customers where id = 1 order by email
            > Q select id from customers where id = 2 order by email
            > Q select id from customers where id = 1 order by email
                server Q select id from customers where id = 1 order by (NULL::pg_catalog."text")
                server Q select id from customers where id = 2 order by (NULL::pg_catalog."text")
                server Q select id from customers where id = 1 order by (NULL::pg_catalog."text")
              client N 01000 <weir.degraded>
              client T id
              client D 1
              client D 2
              client D 3
              client C SELECT 3
              client Z I
              client N 01000 <weir.degraded>
              client T id
              client D 1
              client D 2
              client D 3
              client C SELECT 3
              client Z I
              client N 01000 <weir.degraded>
              client T id
              client D 1
              client D 2
              client D 3
              client C SELECT 3
              client Z I
        "#]],
    );
}

#[test]
fn what_the_server_holds_in_other_words_is_prepared_anew_when_they_change() {
    let mut lab = Lab::new(Who::Alice, Durability::Balanced);
    let mut out = lab.play(
        "
        > P a|select id, upper(email) from customers
        > P b|select id from customers order by id
        > B p|a
        > S
        ",
    );
    let label = |attribute| {
        let column = statement::ColumnId {
            relation: crate::fixture::CUSTOMERS,
            attribute,
        };
        (column, mask::Label::new("email").unwrap())
    };
    let relabel = |lab: &mut Lab, attributes: &[i16]| {
        lab.world.epoch += 1;
        let labels: HashMap<_, _> = attributes.iter().copied().map(label).collect();
        lab.world.labels = Arc::new(Labels::new(labels, Vec::new()));
    };
    relabel(&mut lab, &[]);
    out += &lab.play(
        "
        > B |a
        > E |
        > S
        > D S a
        > S
        > Q execute a
        ",
    );
    relabel(&mut lab, &[1, 2]);
    out += &lab.play(
        "
        > B |a
        > E |
        > S
        > B |b
        > E |
        > S
        ",
    );
    relabel(&mut lab, &[2]);
    out += &lab.play(
        "
        > B |a
        > E |
        > S
        ",
    );
    expect![[r#"
        > P a|select id, upper(email) from customers
        > P b|select id from customers order by id
        > B p|a
        > S
            server P a|select id, upper((NULL::pg_catalog."text")) from customers
            server P b|select id from customers order by id
            server B p|a
            server S
          client 1
          client 1
          client 2
          client Z I
        > B |a
        > E |
        > S
        > D S a
        > S
        > Q execute a
            server P weir_refused|/* refused by weir, request s/2 */ !
            server S
            server P weir_refused|/* refused by weir, request s/3 */ !
            server S
            server Q execute a
          client E 0A000 <weir.prepared-changed>
          client Z I
          client E 0A000 <weir.prepared-changed>
          client Z I
          client N 01000 <weir.degraded>
          client T id computed
          client D 1|null
          client D 2|null
          client D 3|null
          client C SELECT 3
          client Z I
        > B |a
        > E |
        > S
        > B |b
        > E |
        > S
            server B |a
            server E |0
            server S
            server P weir_refused|/* refused by weir, request s/6 */ !
            server S
          client 2
          client N 01000 <weir.degraded>
          client D ~|null
          client D ~|null
          client D ~|null
          client C SELECT 3
          client Z I
          client E 0A000 <weir.prepared-changed>
          client Z I
        > B |a
        > E |
        > S
            server B |a
            server E |0
            server S
          client 2
          client N 01000 <weir.degraded>
          client D 1|null
          client D 2|null
          client D 3|null
          client C SELECT 3
          client Z I
    "#]]
    .assert_eq(&out);
}

#[test]
fn the_record_tells_what_was_asked_and_what_was_not_given() {
    let mut lab = Lab::new(Who::Alice, Durability::Balanced);
    lab.play(
        "
        > Q select id, upper(email), email from customers where id = 7
        > Q prepare p as select upper(email) from customers
        > Q execute p
        > Q begin
        > Q declare c cursor for select upper(email) from customers
        > Q fetch 1 from c
        > Q select upper((NULL::pg_catalog.\"text\")) from customers
        > B |p
        > E |
        > S
        > Q select upper((NULL::pg_catalog.\"text\")) from customers
        > Q select id from customers where email = 'x'
        ",
    );
    expect![[r#"
        0 intent Allow SELECT [select id, upper(email), email from customers where id = 7] rules [engineers-read-write labels-masked] masks [email] degraded [public.customers.email]
        1 intent Allow PREPARE [prepare p as select upper(email) from customers] rules [engineers-read-write] masks [email] degraded [public.customers.email]
        2 outcome of 0 Ok - rows 3 masked 3
        3 outcome of 1 Ok - rows 0 masked 0
        4 intent Allow SELECT [execute p] rules [engineers-read-write] masks [] prepared [select upper((NULL::pg_catalog."text")) from customers] degraded [public.customers.email]
        5 intent Allow BEGIN [begin] rules [anyone-connects] masks []
        6 intent Allow DECLARE CURSOR [declare c cursor for select upper(email) from customers] rules [engineers-read-write] masks [email] degraded [public.customers.email]
        7 outcome of 4 Ok - rows 3 masked 0
        8 outcome of 5 Ok - rows 0 masked 0
        9 outcome of 6 Ok - rows 0 masked 0
        10 intent Allow FETCH [fetch 1 from c] rules [engineers-read-write] masks [] degraded [public.customers.email]
        11 intent Allow SELECT [select upper((NULL::pg_catalog."text")) from customers] rules [engineers-read-write] masks []
        12 intent Allow SELECT [select upper((NULL::pg_catalog."text")) from customers] rules [engineers-read-write] masks [] degraded [public.customers.email]
        13 intent Allow SELECT [select upper((NULL::pg_catalog."text")) from customers] rules [engineers-read-write] masks []
        14 intent Deny SELECT [select id from customers where email = 'x'] rules [engineers-read-write labels-masked weir.masked-lookup] masks [email]
        15 outcome of 10 Ok - rows 1 masked 0
        16 outcome of 11 Ok - rows 3 masked 0
        17 outcome of 12 Ok - rows 3 masked 0
        18 outcome of 13 Ok - rows 3 masked 0
    "#]].assert_eq(&lab.ledger.lines());
}
