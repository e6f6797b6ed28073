//! The client against a real server.

use super::*;
use crate::lab::{Postgres, Settings};

#[test]
fn speaks_every_form_to_a_real_server() {
    let server = Postgres::start_with(&Settings {
        tls: true,
        ..Settings::default()
    })
    .unwrap();
    let mut client = server.client("postgres").unwrap();
    assert_eq!(client.setting("client_encoding"), Some("UTF8"));

    let answer = client
        .query("select 1 as a, null; select 'x' where false; bad")
        .unwrap();
    assert_eq!(answer.code(), "42601");
    assert_eq!(answer.status, b'I');
    let answer = client
        .query("select 1 as a, null; select 'x' where false")
        .unwrap();
    assert_eq!(answer.rows(), [["1", "NULL"]]);
    assert_eq!(answer.sets.len(), 2);
    assert_eq!(answer.sets[0].columns[0].name, "a");
    assert_eq!(answer.sets[1].tag, "SELECT 0");

    let binary = Extended {
        binary: true,
        ..Extended::default()
    };
    assert_eq!(
        client.extended("select 258", &binary).unwrap().sets[0].rows[0][0].as_deref(),
        Some(&[0, 0, 1, 2][..])
    );
    let with = Extended {
        parameters: vec![Some(b"ZZ")],
        describe: false,
        ..Extended::default()
    };
    let answer = client.extended("select $1::text", &with).unwrap();
    assert_eq!(answer.value(), "ZZ");
    assert!(
        answer.sets[0].columns.is_empty(),
        "no Describe, no RowDescription"
    );

    assert_eq!(
        client.prepare("p", "select $1::int + 1").unwrap().code(),
        ""
    );
    let with = Extended {
        parameters: vec![Some(b"41")],
        ..Extended::default()
    };
    assert_eq!(client.execute("p", &with).unwrap().value(), "42");
    let two = Extended {
        max_rows: 2,
        ..Extended::default()
    };
    assert_eq!(
        client
            .extended("select generate_series(1,9)", &two)
            .unwrap()
            .sets[0]
            .tag,
        "SUSPENDED"
    );

    client.run("create table t(a int, b text)").unwrap();
    assert_eq!(
        client
            .copy_in("copy t from stdin", b"1\tone\n2\ttwo\n")
            .unwrap()
            .sets[0]
            .tag,
        "COPY 2"
    );
    assert_eq!(
        client.query("copy t to stdout csv").unwrap().copied,
        b"1,one\n2,two\n"
    );
    assert_eq!(
        client.query("copy t from stdin").unwrap().code(),
        "57014",
        "no data: the copy is failed"
    );

    let oid = client
        .query("select 'pg_catalog.int4pl(int,int)'::regprocedure::oid")
        .unwrap()
        .value()
        .parse()
        .unwrap();
    assert_eq!(
        client
            .function_call(oid, &[Some(b"40"), Some(b"2")])
            .unwrap()
            .function_result
            .as_deref(),
        Some(&b"42"[..])
    );
    let answer = client.query("listen c; notify c, 'hello'").unwrap();
    assert_eq!(answer.notifications, [("c".to_owned(), "hello".to_owned())]);
    assert!(answer.contains("hello"));

    let mut tls = server.connect("postgres");
    tls.authority = server.certificates().map(|made| made.authority.clone());
    tls.channel_binding = true;
    let mut client = Client::connect(&tls).unwrap();
    assert_eq!(
        client
            .query("select ssl from pg_stat_ssl where pid = pg_backend_pid()")
            .unwrap()
            .value(),
        "t"
    );

    let mut wrong = server.connect("postgres");
    wrong.password = "no".to_owned();
    assert_eq!(
        Client::connect(&wrong).unwrap_err().fields.unwrap().code(),
        "28P01"
    );
}
