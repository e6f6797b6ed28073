//! What the starter pack answers.

use expect_test::expect;

use super::*;

#[test]
fn destructive_statements_are_refused_in_production() {
    check(
        None,
        "alice @ prod-app: DROP drop public.orders
         alice @ prod-app: TRUNCATE truncate public.orders
         alice @ prod-app: ALTER alter public.orders, drop public.orders
         alice @ prod-app: ALTER alter public.orders
         alice @ prod-app: CREATE create schema public
         alice @ prod-app: DELETE delete public.orders, read public.orders
         alice @ prod-app: DELETE delete public.orders, read public.orders; +where
         alice @ prod-app: UPDATE update public.orders
         alice @ prod-app: DROP drop pg_temp.scratch
         alice @ prod-app: CREATE create fn public.f
         alice @ prod-app: GRANT grant public.orders
         alice @ staging-app: DROP drop public.orders
         alice @ dev-app: DELETE delete public.orders
         alice @ qa-app: DROP drop public.orders
         flyway @ prod-app: DROP drop public.orders
         flyway @ prod-app: DELETE delete public.orders
         flyway @ prod-app: CREATE create fn public.f",
        expect![[r#"
            alice @ prod-app: DROP drop public.orders
              deny by prod-no-destroy: DROP and TRUNCATE are blocked in production (drop on public.orders) | Put the change into a migration, or try it on staging.
            alice @ prod-app: TRUNCATE truncate public.orders
              deny by prod-no-destroy: DROP and TRUNCATE are blocked in production (truncate on public.orders) | Put the change into a migration, or try it on staging.
            alice @ prod-app: ALTER alter public.orders, drop public.orders
              deny by prod-no-destroy: DROP and TRUNCATE are blocked in production (drop on public.orders) | Put the change into a migration, or try it on staging.
            alice @ prod-app: ALTER alter public.orders
              allow by engineers-define
            alice @ prod-app: CREATE create schema public
              allow by engineers-define
            alice @ prod-app: DELETE delete public.orders, read public.orders
              deny by prod-no-whole-table-write: UPDATE or DELETE without WHERE is blocked in production (delete on public.orders) | Add a WHERE that names the rows you mean.
            alice @ prod-app: DELETE delete public.orders, read public.orders; +where
              allow by engineers-read-write
            alice @ prod-app: UPDATE update public.orders
              deny by prod-no-whole-table-write: UPDATE or DELETE without WHERE is blocked in production (update on public.orders) | Add a WHERE that names the rows you mean.
            alice @ prod-app: DROP drop pg_temp.scratch
              allow by engineers-destroy-temporary
            alice @ prod-app: CREATE create fn public.f
              deny by prod-no-function-change: Functions and procedures are defined by migrations in production (create on public.f) | Put the function into a migration, or try it on staging.
            alice @ prod-app: GRANT grant public.orders
              deny by prod-no-grant: GRANT and REVOKE are blocked in production (grant on public.orders) | Put the change of rights into a migration.
            alice @ staging-app: DROP drop public.orders
              allow by engineers-destroy-in-staging
            alice @ dev-app: DELETE delete public.orders
              allow by engineers-read-write
            alice @ qa-app: DROP drop public.orders
              deny by default-deny: no policy permits drop on public.orders | Ask whoever keeps Weir's policies for action "drop" on public.orders.
            flyway @ prod-app: DROP drop public.orders
              allow by migrations-change-schema
            flyway @ prod-app: DELETE delete public.orders
              allow by migrations-change-schema
            flyway @ prod-app: CREATE create fn public.f
              allow by migrations-change-schema
        "#]],
    );
}

#[test]
fn agents_read_with_a_row_cap_and_never_more_than_their_human() {
    check(
        None,
        "bot @ prod-app: SELECT read public.orders
         bot @ prod-app: SELECT read public.customers[email+phone], read public.orders
         bot @ dev-app: INSERT insert public.orders
         promoted-bot @ dev-app: INSERT insert public.orders
         promoted-bot @ dev-app: COPY export public.orders
         bot @ dev-app: SET set setting search_path
         bot @ dev-app: BEGIN
         sues-bot @ prod-app: SELECT read public.customers[email]
         idle-bot @ prod-app: SELECT read public.orders
         orphan @ prod-app: SELECT read public.orders",
        expect![[r#"
            bot @ prod-app: SELECT read public.orders
              allow rows:1000 by agents-read, agents-row-cap, engineers-read-write
            bot @ prod-app: SELECT read public.customers[email+phone], read public.orders
              allow mask:email mask:phone rows:1000 by agents-read, agents-row-cap, engineers-read-write, labels-masked
            bot @ dev-app: INSERT insert public.orders
              deny by agents-read-only: Agents are read-only (insert on public.orders) | Ask the person you act for to run this statement.
            promoted-bot @ dev-app: INSERT insert public.orders
              deny by agents-read-only: Agents are read-only (insert on public.orders) | Ask the person you act for to run this statement.
            promoted-bot @ dev-app: COPY export public.orders
              deny by agents-read-only: Agents are read-only (export on public.orders) | Ask the person you act for to run this statement.
            bot @ dev-app: SET set setting search_path
              allow by anyone-connects
            bot @ dev-app: BEGIN
              allow by anyone-connects
            sues-bot @ prod-app: SELECT read public.customers[email]
              allow mask:email rows:1000 by agents-read, agents-row-cap, labels-masked, support-reads
            idle-bot @ prod-app: SELECT read public.orders
              deny by default-deny: no policy permits read on public.orders for nobody, for whom this agent acts | Ask whoever keeps Weir's policies for action "read" on public.orders.
            orphan @ prod-app: SELECT read public.orders
              deny by unknown-human: the person this agent acts for is not known (read on public.orders) | Ask whoever keeps Weir's configuration to name the person in on_behalf_of as a human.
        "#]],
    );
}

#[test]
fn labelled_columns_are_masked_for_everybody_but_pii_readers() {
    check(
        None,
        "alice @ dev-app: SELECT read public.customers[email]
         sue @ prod-app: SELECT read public.customers[email]
         dora @ prod-app: SELECT read public.customers[email]
         etl @ prod-app: COPY export public.customers[email+ssn]
         flyway @ prod-app: UPDATE update public.customers[email], read public.customers; +where",
        expect![[r#"
            alice @ dev-app: SELECT read public.customers[email]
              allow mask:email by engineers-read-write, labels-masked
            sue @ prod-app: SELECT read public.customers[email]
              allow mask:email by labels-masked, support-reads
            dora @ prod-app: SELECT read public.customers[email]
              allow by support-reads
            etl @ prod-app: COPY export public.customers[email+ssn]
              allow mask:email mask:ssn by labels-masked, pipelines-move-data
            flyway @ prod-app: UPDATE update public.customers[email], read public.customers; +where
              allow mask:email by labels-masked, migrations-change-schema
        "#]],
    );
}

#[test]
fn nobody_holds_opaque_or_dangerous_functions() {
    check(
        None,
        "alice @ dev-app: DO; +opaque
         flyway @ dev-app: DO; +opaque
         root @ dev-app: SELECT read public.orders; +opaque
         alice @ dev-app: SELECT call fn pg_catalog.pg_read_file
         alice @ dev-app: SELECT call fn public.dblink
         alice @ dev-app: SELECT call fn pg_catalog.query_to_xml
         alice @ dev-app: SELECT call fn public.my_function
         alice @ dev-app: SELECT call fn pg_catalog.pg_terminate_backend
         root @ dev-app: SELECT call fn pg_catalog.pg_read_file",
        expect![[r#"
            alice @ dev-app: DO; +opaque
              deny by default-deny: Weir cannot analyse this statement, and no policy permits opaque on dev-app | Write the statement in a simpler form, or send its parts as statements of their own.
            flyway @ dev-app: DO; +opaque
              deny by default-deny: Weir cannot analyse this statement, and no policy permits opaque on dev-app | Write the statement in a simpler form, or send its parts as statements of their own.
            root @ dev-app: SELECT read public.orders; +opaque
              deny by default-deny: Weir cannot analyse this statement, and no policy permits opaque on dev-app and read on public.orders | Write the statement in a simpler form, or send its parts as statements of their own.
            alice @ dev-app: SELECT call fn pg_catalog.pg_read_file
              deny by no-file-functions: Functions that read or write files of the database server are blocked (call on pg_catalog.pg_read_file) | Use COPY … FROM STDIN or TO STDOUT: it moves data over your connection.
            alice @ dev-app: SELECT call fn public.dblink
              deny by no-network-functions: Functions that open connections from the database server are blocked (call on public.dblink) | Connect to the other database through Weir instead.
            alice @ dev-app: SELECT call fn pg_catalog.query_to_xml
              deny by no-dynamic-sql-functions: Functions that run text as SQL are blocked, because their text cannot be judged (call on pg_catalog.query_to_xml) | Send the inner statement itself.
            alice @ dev-app: SELECT call fn public.my_function
              deny by default-deny: no policy permits call on public.my_function | Functions are granted by name: ask whoever keeps Weir's policies for action "call" on public.my_function.
            alice @ dev-app: SELECT call fn pg_catalog.pg_terminate_backend
              deny by default-deny: no policy permits call on pg_catalog.pg_terminate_backend | Functions are granted by name: ask whoever keeps Weir's policies for action "call" on pg_catalog.pg_terminate_backend.
            root @ dev-app: SELECT call fn pg_catalog.pg_read_file
              allow by server-functions-call
        "#]],
    );
}

#[test]
fn support_looks_up_and_pipelines_move_data() {
    check(
        None,
        "sue @ prod-app: SELECT lookup public.customers, read public.customers
         sue @ prod-app: UPDATE update public.customers; +where
         sue @ prod-app: COPY export public.customers
         etl @ prod-app: INSERT insert public.orders, read public.raw
         etl @ prod-app: DELETE delete public.orders; +where
         nobody @ prod-app: SELECT read public.a, read public.b, read public.c, read public.d, insert public.a
         nobody @ prod-app: SELECT read pg_catalog.pg_class
         nobody @ prod-app: BEGIN
         nobody @ prod-app: SET set setting search_path
         sue @ prod-app: LISTEN notify channel jobs
         alice @ prod-app: LISTEN notify channel jobs
         alice @ prod-app: VACUUM maintain database app
         nobody @ prod-app: CREATE create role app",
        expect![[r#"
            sue @ prod-app: SELECT lookup public.customers, read public.customers
              allow by support-reads
            sue @ prod-app: UPDATE update public.customers; +where
              deny by default-deny: no policy permits update on public.customers | Ask whoever keeps Weir's policies for action "update" on public.customers.
            sue @ prod-app: COPY export public.customers
              deny by default-deny: no policy permits export on public.customers | Ask whoever keeps Weir's policies for action "export" on public.customers.
            etl @ prod-app: INSERT insert public.orders, read public.raw
              allow by pipelines-move-data
            etl @ prod-app: DELETE delete public.orders; +where
              deny by default-deny: no policy permits delete on public.orders | Ask whoever keeps Weir's policies for action "delete" on public.orders.
            nobody @ prod-app: SELECT read public.a, read public.b, read public.c, read public.d, insert public.a
              deny by default-deny: no policy permits read on public.a, public.b, public.c and 1 more and insert on public.a | Ask whoever keeps Weir's policies for action "read" on public.a.
            nobody @ prod-app: SELECT read pg_catalog.pg_class
              allow by anyone-reads-catalogs
            nobody @ prod-app: BEGIN
              allow by anyone-connects
            nobody @ prod-app: SET set setting search_path
              allow by anyone-connects
            sue @ prod-app: LISTEN notify channel jobs
              deny by default-deny: no policy permits notify on channel jobs | Ask whoever keeps Weir's policies for action "notify" on channel jobs.
            alice @ prod-app: LISTEN notify channel jobs
              allow by engineers-read-write
            alice @ prod-app: VACUUM maintain database app
              allow by engineers-read-write
            nobody @ prod-app: CREATE create role app
              deny by default-deny: no policy permits create on role app | Ask whoever keeps Weir's policies for action "create" on role app.
        "#]],
    );
}

#[test]
fn connecting_is_for_every_principal_with_an_account() {
    let policies = policies(None);
    let people = people();
    let nobody = people.iter().find(|p| p.id == "nobody").unwrap();
    let subject = Subject {
        principal: nobody,
        human: None,
    };
    assert!(
        policies
            .connect(subject, &target("prod-app"), &context())
            .is_allow()
    );
    assert!(policies.holds(subject, &target("prod-app"), "set", &context()));
    assert!(!policies.holds(subject, &target("prod-app"), "explain", &context()));
    assert!(!policies.holds(subject, &target("prod-app"), "fly", &context()));
}
