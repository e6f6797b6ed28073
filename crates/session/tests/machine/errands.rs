//! Weir's own questions: when they are asked, and what becomes of their answers.

use expect_test::{Expect, expect};
use session::Durability;

use crate::fixture::{self, Who};
use crate::lab::Lab;

fn check(who: Who, script: &str, expected: Expect) {
    let told = Lab::new(who, Durability::Balanced).questions().play(script);
    // A whole catalog is many questions of one kind.
    let mut lines: Vec<&str> = told.lines().collect();
    lines.dedup_by(|a, b| a == b && a.contains("catalog"));
    expected.assert_eq(&(lines.join("\n") + "\n"));
}

#[test]
fn settings_are_asked_once_and_a_description_once() {
    check(
        Who::Alice,
        "
        > Q select email from customers
        > Q select email from customers
        > P |select email from customers
        > B |
        > E |
        > S
        ",
        expect![[r#"
            > Q select email from customers
            > Q select email from customers
            > P |select email from customers
            > B |
            > E |
            > S
                server ask settings
                server ask description of select email from customers
                server Q select email from customers
                server Q select email from customers
                server P |select email from customers
                server B |
                server E |0
                server S
              client T email
              client D u_lc2fv3hlmqjh7gjub54alcvs56a374mwwfqa@m.invalid
              client D u_gj5taza6nibujxx5se4g4qz5sveommu26n4q@m.invalid
              client D u_smmisibhpgc2tyaf6mdpmbesh4xn6puqtkha@m.invalid
              client C SELECT 3
              client Z I
              client T email
              client D u_lc2fv3hlmqjh7gjub54alcvs56a374mwwfqa@m.invalid
              client D u_gj5taza6nibujxx5se4g4qz5sveommu26n4q@m.invalid
              client D u_smmisibhpgc2tyaf6mdpmbesh4xn6puqtkha@m.invalid
              client C SELECT 3
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
fn settings_are_asked_again_after_they_changed() {
    check(
        Who::Alice,
        "
        > Q set search_path to app
        > Q select email from customers
        > Q begin
        > Q set search_path to public
        > Q select email from customers
        > Q rollback
        > Q select email from customers
        ",
        expect![[r#"
            > Q set search_path to app
            > Q select email from customers
            > Q begin
            > Q set search_path to public
            > Q select email from customers
            > Q rollback
            > Q select email from customers
                server ask settings
                server Q set search_path to app
                server ask settings
                server Q select email from customers
                server Q begin
                server Q set search_path to public
                server ask settings
                server ask description of select email from customers
                server Q select email from customers
                server Q rollback
                server ask settings
                server Q select email from customers
              client C SET
              client Z I
              client T email
              client D v1
              client D v2
              client D v3
              client C SELECT 3
              client Z I
              client C BEGIN
              client Z T
              client C SET
              client Z T
              client T email
              client D u_lc2fv3hlmqjh7gjub54alcvs56a374mwwfqa@m.invalid
              client D u_gj5taza6nibujxx5se4g4qz5sveommu26n4q@m.invalid
              client D u_smmisibhpgc2tyaf6mdpmbesh4xn6puqtkha@m.invalid
              client C SELECT 3
              client Z T
              client C ROLLBACK
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
fn questions_in_a_pipeline_keep_the_pipeline() {
    check(
        Who::Alice,
        "
        > P s|set search_path to app
        > B |s
        > E |
        > P a|select id, email from public.customers
        > B |a
        > E |
        > S
        ",
        expect![[r#"
            > P s|set search_path to app
            > B |s
            > E |
            > P a|select id, email from public.customers
            > B |a
            > E |
            > S
                server ask settings
                server P s|set search_path to app
                server B |s
                server E |0
                server ask settings
                server ask description of select id, email from public.customers
                server P a|select id, email from public.customers
                server B |a
                server E |0
                server S
              client 1
              client 2
              client C SET
              client 1
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
fn a_definition_in_a_transaction_is_read_over_the_sessions_own_connection() {
    check(
        Who::Alice,
        "
        > Q begin
        > Q create table t (a int)
        > Q select 1
        > Q commit
        > Q select 1
        ",
        expect![[r#"
            > Q begin
            > Q create table t (a int)
            > Q select 1
            > Q commit
            > Q select 1
                server ask settings
                server Q begin
                server Q create table t (a int)
                server ask settings
                server ask path
                server ask catalog
                server ask temporary catalog
                server ask path
                server Q select 1
                server Q commit
                server ask settings
                server Q select 1
              client C BEGIN
              client Z T
              client C CREATE TABLE
              client Z T
              client T ?column?
              client D 1
              client C SELECT 1
              client Z T
              client C COMMIT
              client Z I
              client T ?column?
              client D 1
              client C SELECT 1
              client Z I
        "#]],
    );
}

#[test]
fn a_temporary_table_is_laid_over_the_catalog() {
    check(
        Who::Alice,
        "
        > Q create temp table t (a int)
        > Q select 1
        ",
        expect![[r#"
            > Q create temp table t (a int)
            > Q select 1
                server ask settings
                server Q create temp table t (a int)
                server ask settings
                server ask path
                server ask catalog
                server ask temporary catalog
                server ask path
                server Q select 1
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
fn what_the_server_says_against_a_description_answers_the_clients_message() {
    let script = "
        > Q select id, email from customers
        < E 42703 column gone
        < Z I
        > P |select id, email from customers
        > B |
        > S
        < E 42703 column gone
        < Z I
        > Q select 1
    ";
    let mut lab = Lab::new(Who::Alice, Durability::Balanced).questions();
    lab.play("> Q select 1");
    let mut lab = lab.silent();
    expect![[r#"
        > Q select id, email from customers
            server ask description of select id, email from customers
        < E 42703 column gone
        < Z I
          client E 42703 column gone
          client Z I
        > P |select id, email from customers
        > B |
        > S
            server ask description of select id, email from customers
        < E 42703 column gone
        < Z I
            server S
          client E 42703 column gone
        > Q select 1
            server Q select 1
    "#]]
    .assert_eq(&lab.play(script));
}

#[test]
fn settings_that_cannot_be_read_make_every_statement_opaque() {
    let mut lab = Lab::new(Who::Alice, Durability::Balanced)
        .questions()
        .silent();
    let script = "
        > Q select 1
        < E 42883 no such function
        < Z I
    ";
    expect![[r#"
        > Q select 1
            server ask settings
        < E 42883 no such function
        < Z I
            server Q /* refused by weir, request s/1 */ !
    "#]]
    .assert_eq(&lab.play(script));
}

#[test]
fn settings_weir_cannot_read_texts_under_make_every_statement_opaque() {
    let mut lab = Lab::new(Who::Alice, Durability::Balanced)
        .questions()
        .silent();
    let script = "
        > Q select 1
        < 1
        < 2
        < D public|~|off|UTF8|postgres|~|~|~|~|public
        < C SELECT 1
        < 3
        < 3
        < Z I
    ";
    expect![[r#"
        > Q select 1
            server ask settings
        < 1
        < 2
        < D public|~|off|UTF8|postgres|~|~|~|~|public
        < C SELECT 1
        < 3
        < 3
        < Z I
            server Q /* refused by weir, request s/1 */ !
    "#]]
    .assert_eq(&lab.play(script));
}

/// The principal is `p` here, whatever the client calls itself.
#[test]
fn a_name_without_the_principal_is_set_again_before_the_next_statement() {
    let mut lab = Lab::new(Who::Alice, Durability::Balanced)
        .scripted()
        .questions();
    let told = lab.play(
        "
        > Q set application_name to mine
        < K application_name mine
        < C SET
        < Z I
        > Q select 1
        < C SELECT 1
        < K application_name old [PRINCIPAL]
        < Z I
        > Q select 2
        < C SELECT 1
        < K TimeZone UTC
        < Z I
        "
        .replace("PRINCIPAL", &fixture::identity(Who::Alice).principal.id)
        .as_str(),
    );
    expect![[r#"
        > Q set application_name to mine
            server ask settings
            server Q set application_name to mine
        < K application_name mine
        < C SET
        < Z I
          client K application_name mine
          client C SET
          client Z I
        > Q select 1
            server ask name
            server Q select 1
        < C SELECT 1
        < K application_name old [alice]
        < Z I
          client C SELECT 1
          client K application_name old
          client Z I
        > Q select 2
            server Q select 2
        < C SELECT 1
        < K TimeZone UTC
        < Z I
          client C SELECT 1
          client K TimeZone UTC
          client Z I
    "#]]
    .assert_eq(&told);
}

#[test]
fn a_name_that_cannot_be_set_again_is_not_asked_for_ever() {
    let mut lab = Lab::new(Who::Alice, Durability::Balanced)
        .scripted()
        .questions();
    let told = lab.play(
        "
        > Q begin
        < C BEGIN
        < Z T
        > Q set application_name to mine
        < K application_name mine
        < C SET
        < Z T
        > Q select 1/0
        < E 22012 division by zero
        < Z E
        > Q select 2
        < E 25P02 current transaction is aborted
        < Z E
        > Q rollback
        < K application_name [PRINCIPAL]
        < C ROLLBACK
        < Z I
        > Q select 3
        "
        .replace("PRINCIPAL", &fixture::identity(Who::Alice).principal.id)
        .as_str(),
    );
    expect![[r#"
        > Q begin
            server ask settings
            server Q begin
        < C BEGIN
        < Z T
          client C BEGIN
          client Z T
        > Q set application_name to mine
            server Q set application_name to mine
        < K application_name mine
        < C SET
        < Z T
          client K application_name mine
          client C SET
          client Z T
        > Q select 1/0
            server ask name
            server Q select 1/0
        < E 22012 division by zero
        < Z E
          client E 22012 division by zero (detail with value secret@raw)
          client Z E
        > Q select 2
            server Q select 2
        < E 25P02 current transaction is aborted
        < Z E
          client E 25P02 current transaction is aborted (detail with value secret@raw)
          client Z E
        > Q rollback
            server Q rollback
        < K application_name [alice]
        < C ROLLBACK
        < Z I
          client K application_name 
          client C ROLLBACK
          client Z I
        > Q select 3
            server Q select 3
    "#]]
    .assert_eq(&told);
}
