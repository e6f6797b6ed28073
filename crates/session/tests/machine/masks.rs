//! Masked values leave as stand-ins, in every form (promise 4).

use expect_test::expect;

use session::{Durability, Labels};
use std::collections::HashMap;
use std::sync::Arc;

use crate::fixture::{Who, identity, world};
use crate::lab::{Lab, check};

#[test]
fn masks_text_rows_of_simple_and_extended_queries() {
    check(
        Who::Alice,
        "
        > Q select id, email from customers
        wait
        > P a|select id, email from customers
        > D S a
        > B |a
        > D P
        > E |
        > S
        wait
        > B |a
        > E |
        > S
        ",
        expect![[r#"
            > Q select id, email from customers
                server Q select id, email from customers
              client T id email
              client D 1|u_lc2fv3hlmqjh7gjub54alcvs56a374mwwfqa@m.invalid
              client D 2|u_gj5taza6nibujxx5se4g4qz5sveommu26n4q@m.invalid
              client D 3|u_smmisibhpgc2tyaf6mdpmbesh4xn6puqtkha@m.invalid
              client C SELECT 3
              client Z I
            wait
            > P a|select id, email from customers
            > D S a
            > B |a
            > D P
            > E |
            > S
                server P a|select id, email from customers
                server D S a
                server B |a
                server D P 
                server E |0
                server S
              client 1
              client t 0
              client T id email
              client 2
              client T id email
              client D 1|u_lc2fv3hlmqjh7gjub54alcvs56a374mwwfqa@m.invalid
              client D 2|u_gj5taza6nibujxx5se4g4qz5sveommu26n4q@m.invalid
              client D 3|u_smmisibhpgc2tyaf6mdpmbesh4xn6puqtkha@m.invalid
              client C SELECT 3
              client Z I
            wait
            > B |a
            > E |
            > S
                server B |a
                server E |0
                server S
              client 2
              client D 1|u_lc2fv3hlmqjh7gjub54alcvs56a374mwwfqa@m.invalid
              client D 2|u_gj5taza6nibujxx5se4g4qz5sveommu26n4q@m.invalid
              client D 3|u_smmisibhpgc2tyaf6mdpmbesh4xn6puqtkha@m.invalid
              client C SELECT 3
              client Z I
        "#]],
    );
}

#[test]
fn masks_binary_rows() {
    check(
        Who::Alice,
        "
        > P a|select id, email from customers
        > B |a|b
        > D P
        > E |
        > S
        > B |a|tb
        > E |
        > S
        ",
        expect![[r#"
            > P a|select id, email from customers
            > B |a|b
            > D P
            > E |
            > S
            > B |a|tb
            > E |
            > S
                server P a|select id, email from customers
                server B |a
                server D P 
                server E |0
                server S
                server B |a
                server E |0
                server S
              client 1
              client 2
              client T id email
              client D \x00\x00\x00\x01|u_lc2fv3hlmqjh7gjub54alcvs56a374mwwfqa@m.invalid
              client D \x00\x00\x00\x02|u_gj5taza6nibujxx5se4g4qz5sveommu26n4q@m.invalid
              client D \x00\x00\x00\x03|u_smmisibhpgc2tyaf6mdpmbesh4xn6puqtkha@m.invalid
              client C SELECT 3
              client Z I
              client 2
              client D 1|u_lc2fv3hlmqjh7gjub54alcvs56a374mwwfqa@m.invalid
              client D 2|u_gj5taza6nibujxx5se4g4qz5sveommu26n4q@m.invalid
              client D 3|u_smmisibhpgc2tyaf6mdpmbesh4xn6puqtkha@m.invalid
              client C SELECT 3
              client Z I
        "#]],
    );
}

#[test]
fn masks_rows_fetched_in_pieces() {
    check(
        Who::Alice,
        "
        > Q begin
        > P |select email from customers
        > B p|
        > E p|2
        > E p|2
        > S
        > Q commit
        ",
        expect![[r#"
            > Q begin
            > P |select email from customers
            > B p|
            > E p|2
            > E p|2
            > S
            > Q commit
                server Q begin
                server P |select email from customers
                server B p|
                server E p|2
                server E p|2
                server S
                server Q commit
              client C BEGIN
              client Z T
              client 1
              client 2
              client D u_lc2fv3hlmqjh7gjub54alcvs56a374mwwfqa@m.invalid
              client D u_gj5taza6nibujxx5se4g4qz5sveommu26n4q@m.invalid
              client s
              client D u_smmisibhpgc2tyaf6mdpmbesh4xn6puqtkha@m.invalid
              client C SELECT 1
              client Z T
              client C COMMIT
              client Z I
        "#]],
    );
}

#[test]
fn masks_copy_to_stdout() {
    check(
        Who::Alice,
        "
        > Q copy customers (id, email) to stdout
        wait
        > P |copy customers (id, email) to stdout
        > B |
        > E |
        > S
        ",
        expect![[r#"
            > Q copy customers (id, email) to stdout
                server Q copy customers (id, email) to stdout
              client H
              client d 1\tu_lc2fv3hlmqjh7gjub54alcvs56a374mwwfqa@m.invalid\n
              client d 2\tu_gj5taza6nibujxx5se4g4qz5sveommu26n4q@m.invalid\n
              client d 3\tu_smmisibhpgc2tyaf6mdpmbesh4xn6puqtkha@m.invalid\n
              client c
              client C COPY 3
              client Z I
            wait
            > P |copy customers (id, email) to stdout
            > B |
            > E |
            > S
                server P |copy customers (id, email) to stdout
                server B |
                server E |0
                server S
              client 1
              client 2
              client H
              client d 1\tu_lc2fv3hlmqjh7gjub54alcvs56a374mwwfqa@m.invalid\n
              client d 2\tu_gj5taza6nibujxx5se4g4qz5sveommu26n4q@m.invalid\n
              client d 3\tu_smmisibhpgc2tyaf6mdpmbesh4xn6puqtkha@m.invalid\n
              client c
              client C COPY 3
              client Z I
        "#]],
    );
}

#[test]
fn masks_what_a_cursor_returns() {
    check(
        Who::Alice,
        "
        > Q begin; declare c cursor for select id, email from customers; fetch 1 from c
        wait
        > Q fetch 1 from c
        wait
        > P |fetch all from c
        > B |
        > D P
        > E |
        > S
        wait
        > Q close c; commit
        ",
        expect![[r#"
            > Q begin; declare c cursor for select id, email from customers; fetch 1 from c
                server Q begin; declare c cursor for select id, email from customers; fetch 1 from c
              client C BEGIN
              client C DECLARE CURSOR
              client T id email
              client D 1|u_lc2fv3hlmqjh7gjub54alcvs56a374mwwfqa@m.invalid
              client C FETCH 1
              client Z T
            wait
            > Q fetch 1 from c
                server Q fetch 1 from c
              client T id email
              client D 2|u_gj5taza6nibujxx5se4g4qz5sveommu26n4q@m.invalid
              client C FETCH 1
              client Z T
            wait
            > P |fetch all from c
            > B |
            > D P
            > E |
            > S
                server P |fetch all from c
                server B |
                server D P 
                server E |0
                server S
              client 1
              client 2
              client T id email
              client D 3|u_smmisibhpgc2tyaf6mdpmbesh4xn6puqtkha@m.invalid
              client C FETCH 1
              client Z T
            wait
            > Q close c; commit
                server Q close c; commit
              client C CLOSE CURSOR
              client C COMMIT
              client Z I
        "#]],
    );
}

#[test]
fn masks_what_prepare_and_execute_return() {
    check(
        Who::Alice,
        "
        > Q prepare a as select email from customers
        wait
        > Q execute a
        wait
        > P |execute a
        > B |
        > E |
        > S
        wait
        > Q discard all
        wait
        > Q execute a
        ",
        expect![[r#"
            > Q prepare a as select email from customers
                server Q prepare a as select email from customers
              client C PREPARE
              client Z I
            wait
            > Q execute a
                server Q execute a
              client T email
              client D u_lc2fv3hlmqjh7gjub54alcvs56a374mwwfqa@m.invalid
              client D u_gj5taza6nibujxx5se4g4qz5sveommu26n4q@m.invalid
              client D u_smmisibhpgc2tyaf6mdpmbesh4xn6puqtkha@m.invalid
              client C SELECT 3
              client Z I
            wait
            > P |execute a
            > B |
            > E |
            > S
                server P |execute a
                server B |
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
            > Q discard all
                server Q discard all
              client C DISCARD ALL
              client Z I
            wait
            > Q execute a
                server Q /* refused by weir, request s/5 */ !
              client E 26000 <weir.unknown-name>
              client Z I
        "#]],
    );
}

#[test]
fn masks_what_returning_returns() {
    check(
        Who::Alice,
        "
        > Q update customers set note = 'x' where id = 1 returning email
        ",
        expect![[r#"
            > Q update customers set note = 'x' where id = 1 returning email
                server Q update customers set note = 'x' where id = 1 returning email
              client T email
              client D u_lc2fv3hlmqjh7gjub54alcvs56a374mwwfqa@m.invalid
              client D u_gj5taza6nibujxx5se4g4qz5sveommu26n4q@m.invalid
              client D u_smmisibhpgc2tyaf6mdpmbesh4xn6puqtkha@m.invalid
              client C UPDATE 3
              client Z I
        "#]],
    );
}

#[test]
fn refuses_masked_columns_in_any_other_place() {
    check(
        Who::Alice,
        "
        > Q select id from customers where email = 'x'
        > Q select id from customers where upper(email) = 'X'
        > Q select id from customers where email > 'x'
        > Q select max(email) from customers for share
        > Q select customers from customers
        > Q insert into clean select 1, email, 1 from customers
        > Q select 1
        ",
        expect![[r#"
            > Q select id from customers where email = 'x'
            > Q select id from customers where upper(email) = 'X'
            > Q select id from customers where email > 'x'
            > Q select max(email) from customers for share
            > Q select customers from customers
            > Q insert into clean select 1, email, 1 from customers
            > Q select 1
                server Q /* refused by weir, request s/1 */ !
                server Q /* refused by weir, request s/2 */ !
                server Q /* refused by weir, request s/3 */ !
                server Q /* refused by weir, request s/4 */ !
                server Q /* refused by weir, request s/5 */ !
                server Q /* refused by weir, request s/6 */ !
                server Q select 1
              client E 42501 <weir.masked-lookup>
              client Z I
              client E 42501 <weir.masked-use>
              client Z I
              client E 42501 <weir.masked-use>
              client Z I
              client E 42501 <weir.masked-use>
              client Z I
              client E 42501 <weir.masked-use>
              client Z I
              client E 42501 <weir.masked-use>
              client Z I
              client T ?column?
              client D 1
              client C SELECT 1
              client Z I
        "#]],
    );
}

/// Verdicts are shared by texts that differ in constants, where those mean nothing.
#[test]
fn a_constant_that_means_something_is_judged_anew() {
    check(
        Who::Alice,
        "
        > Q select id, email from customers group by 1
        > Q select id, email from customers group by 2
        > Q select id from customers where id = 1
        > Q select id from customers where id = 2
        ",
        expect![[r#"
            > Q select id, email from customers group by 1
            > Q select id, email from customers group by 2
            > Q select id from customers where id = 1
            > Q select id from customers where id = 2
                server Q select id, email from customers group by 1
                server Q select id, email from customers group by 2 ORDER BY pg_catalog.gen_random_uuid()
                server Q select id from customers where id = 1
                server Q select id from customers where id = 2
              client T id email
              client D 1|u_lc2fv3hlmqjh7gjub54alcvs56a374mwwfqa@m.invalid
              client D 2|u_gj5taza6nibujxx5se4g4qz5sveommu26n4q@m.invalid
              client D 3|u_smmisibhpgc2tyaf6mdpmbesh4xn6puqtkha@m.invalid
              client C SELECT 3
              client Z I
              client T id email
              client D 1|u_lc2fv3hlmqjh7gjub54alcvs56a374mwwfqa@m.invalid
              client D 2|u_gj5taza6nibujxx5se4g4qz5sveommu26n4q@m.invalid
              client D 3|u_smmisibhpgc2tyaf6mdpmbesh4xn6puqtkha@m.invalid
              client C SELECT 3
              client Z I
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
fn a_column_of_the_same_name_elsewhere_is_not_masked() {
    check(
        Who::Alice,
        "
        > Q select email from app.customers
        ",
        expect![[r#"
            > Q select email from app.customers
                server Q select email from app.customers
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
fn who_sees_raw_values_gets_them() {
    check(
        Who::Raw,
        "
        > Q select email from customers
        > Q copy customers (email) to stdout
        ",
        expect![[r#"
            > Q select email from customers
            > Q copy customers (email) to stdout
                server Q select email from customers
                server Q copy customers (email) to stdout
              client T email
              client D u1@raw
              client D u2@raw
              client D u3@raw
              client C SELECT 3
              client Z I
              client H
              client d u1@raw\n
              client d u2@raw\n
              client d u3@raw\n
              client c
              client C COPY 3
              client Z I
        "#]],
    );
}

#[test]
fn where_rows_lie_is_not_told() {
    for sql in [
        "select id, ctid from customers",
        "select c.id from customers c where c.ctid = '(0,1)'",
        "select id from customers order by ctid",
        "delete from customers where ctid = '(0,1)'",
        "delete from customers where id = 1 returning ctid",
        "select id from customers tablesample system (10) repeatable (1)",
        "copy (select ctid from customers) to stdout",
    ] {
        for line in [format!("> Q {sql}"), format!("> P |{sql}\n> S")] {
            let told = Lab::new(Who::Alice, Durability::Balanced).play(&line);
            assert!(told.contains("weir.masked-place"), "{told}");
            let told = Lab::new(Who::Raw, Durability::Balanced).play(&line);
            assert!(!told.contains("weir.masked-place"), "{told}");
        }
    }
    for sql in [
        "select ctid, id from clean",
        "select id, xmin, tableoid from customers",
    ] {
        let told = Lab::new(Who::Alice, Durability::Balanced).play(&format!("> Q {sql}"));
        assert!(!told.contains("weir.masked-place"), "{told}");
    }
}

/// Of a text parts become tokens, and some of them one constant: which whole texts are equal is not told.
#[test]
fn texts_and_documents_are_not_compared() {
    let compared = "select count(*) from customers group by email";
    for (word, told) in [("email", true), ("text", false), ("json", false)] {
        let mut lab = Lab::new(Who::Alice, Durability::Balanced);
        let column = statement::ColumnId {
            relation: crate::fixture::CUSTOMERS,
            attribute: 2,
        };
        let labels = [(column, mask::Label::new(word).unwrap())];
        lab.world.labels = Arc::new(Labels::new(HashMap::from(labels), Vec::new()));
        let out = lab.play(&format!("> Q {compared}"));
        assert_eq!(out.contains(&format!("server Q {compared}")), told, "{out}");
    }
}

#[test]
fn a_lookup_lasts_as_long_as_policy_permits_it() {
    const LATER_MS: u64 = 4_102_444_800_000;
    let world = world(Durability::Strict);
    let settings = statement::Settings {
        search_path: vec!["public".into()],
        temp_schema: None,
        known: true,
    };
    let judged = |text: &str, unix_ms| {
        session::explain(&world, &identity(Who::Looking), &settings, text, unix_ms)
    };
    let constant = "select id from customers where email = 'x'";
    let now = judged(constant, 1_000_000);
    assert!(now.refusal.is_none(), "{:?}", now.refusal);
    assert_eq!(now.expires_ms, Some(1_001_000));
    let later = judged(constant, LATER_MS);
    assert_eq!(later.refusal.as_ref().unwrap().rule, "weir.masked-lookup");
    assert!(later.expires_ms.is_some());
    // What was bound while it was permitted does not run later.
    let parameter = "select id from customers where email = $1";
    let (now, later) = (judged(parameter, 1_000_000), judged(parameter, LATER_MS));
    assert!(later.refusal.is_none());
    assert!(now.masks_like(&now) && !later.masks_like(&now));
    assert_eq!(
        judged("select id from customers", LATER_MS).expires_ms,
        None
    );
}
