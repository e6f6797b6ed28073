//! What writes do.

use expect_test::expect;

use crate::show::check;

#[test]
fn insert_values() {
    check(
        "insert into customers (id, email) values (1, 'a') returning id, email",
        expect![[r#"
            INSERT Write
              access: insert public.customers, read public.customers
              Written customers.id
              Written customers.email
              Projected customers.id
              Projected customers.email
              -> id: customers.id as customers.id
              -> email: customers.email as customers.email
        "#]],
    );
}

#[test]
fn insert_all_columns() {
    check(
        "insert into clean select id, email, 9 from customers",
        expect![[r#"
            INSERT Write
              access: insert public.clean, read public.customers
              WrittenFrom customers.id
              WrittenFrom customers.email
              Written clean.id
              Written clean.label
              Written clean.n
        "#]],
    );
}

#[test]
fn insert_default_values() {
    check(
        "insert into clean default values",
        expect![[r#"
        INSERT Write
          access: insert public.clean
    "#]],
    );
}

#[test]
fn upsert() {
    check(
        "insert into customers (id, email) values (1, 'a') on conflict (email) do update set note = excluded.email where customers.ssn = 'x'",
        expect![[r#"
            INSERT Write
              access: insert public.customers, update public.customers, read public.customers
              Written customers.id
              Written customers.email
              Predicate customers.email
              WrittenFrom customers.email
              Written customers.note
              Predicate customers.ssn
        "#]],
    );
}

#[test]
fn update_from() {
    check(
        "update clean set label = c.email, n = clean.n + 1 from customers c where c.id = clean.id",
        expect![[r#"
            UPDATE Write
              access: update public.clean, read public.customers, read public.clean
              Predicate customers.id
              Predicate clean.id
              WrittenFrom customers.email
              Written clean.label
              WrittenFrom clean.n
              Written clean.n
        "#]],
    );
}

#[test]
fn update_of_several_columns() {
    check(
        "update clean set (label, n) = (select email, salary from customers limit 1) where id = 1",
        expect![[r#"
            UPDATE Write
              access: update public.clean, read public.customers, read public.clean
              Predicate clean.id
              WrittenFrom customers.email
              WrittenFrom customers.salary
              Written clean.label
              Written clean.n
        "#]],
    );
}

#[test]
fn update_without_where() {
    check(
        "update clean set n = 1",
        expect![[r#"
        UPDATE Write, no where
          access: update public.clean
          Written clean.n
    "#]],
    );
}

#[test]
fn update_where_true() {
    check(
        "update clean set n = 1 where 1 = 1 or id = 2",
        expect![[r#"
            UPDATE Write, no where
              access: update public.clean, read public.clean
              Predicate clean.id
              Written clean.n
        "#]],
    );
}

#[test]
fn delete_using() {
    check(
        "delete from clean using customers c where c.email = clean.label",
        expect![[r#"
            DELETE Write
              access: delete public.clean, read public.customers, read public.clean
              Predicate customers.email
              Predicate clean.label
        "#]],
    );
}

#[test]
fn merge() {
    check(
        "merge into clean using customers c on c.id = clean.id when matched and c.salary > 1 then update set label = c.email when matched then delete when not matched then insert (id, label) values (c.id, c.note)",
        expect![[r#"
            MERGE Write
              access: read public.customers, update public.clean, delete public.clean, insert public.clean, read public.clean
              Join customers.id
              Join clean.id
              Predicate customers.salary
              WrittenFrom customers.email
              Written clean.label
              Written clean.id
              WrittenFrom customers.id
              WrittenFrom customers.note
        "#]],
    );
}

#[test]
fn returning_old_and_new() {
    check(
        "update customers set note = 'x' where id = 1 returning old.note, new.email",
        expect![[r#"
            UPDATE Write
              access: update public.customers, read public.customers
              Predicate customers.id
              Written customers.note
              Projected customers.note
              Projected customers.email
              -> note: customers.note as customers.note
              -> email: customers.email as customers.email
        "#]],
    );
}

#[test]
fn write_through_a_view() {
    check(
        "update v1 set email = 'x' where id = 1",
        expect![[r#"
        UPDATE Write
          access: update public.v1, read public.customers (indirect), update public.customers (indirect), read public.v1
          Predicate customers.id
          Predicate v1.id
          Written customers.email
          Written v1.email
    "#]],
    );
}

#[test]
fn select_into() {
    check(
        "select email into copied from customers",
        expect![[r#"
        SELECT INTO Definition
          access: read public.customers, create public.copied?
          WrittenFrom customers.email
    "#]],
    );
}

#[test]
fn create_table_as() {
    check(
        "create temp table copied as select email, id from customers",
        expect![[r#"
            CREATE TABLE AS Definition
              access: read public.customers, create pg_temp.copied?
              WrittenFrom customers.email
              WrittenFrom customers.id
        "#]],
    );
}

#[test]
fn partitions_and_parents() {
    check(
        "delete from part where id = 1",
        expect![[r#"
        DELETE Write
          access: delete public.part, read public.part
          Predicate part.id
    "#]],
    );
}

#[test]
fn triggers_of_other_commands_do_not_run() {
    check(
        "insert into app.orders default values",
        expect![[r#"
        INSERT Unknown
          access: insert app.orders
          calls: app.tf
    "#]],
    );
    check(
        "update app.orders set id = 1",
        expect![[r#"
        UPDATE Write, no where
          access: update app.orders
          Written orders.id
    "#]],
    );
}
