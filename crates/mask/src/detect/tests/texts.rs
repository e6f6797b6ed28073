//! Spans in prose, logs and what else is no column.

use super::*;

/// Text with marks where something is to be found.
const FOUND: &[&str] = &[
    "write to <[email:ann.lee+x@mail.example.org]>, not to a@b or @home.",
    "call me on [phone:+49 30 901820] tomorrow",
    "my card is [card:4111 1111 1111 1111], thanks",
    "transfer to [iban:DE89 3704 0044 0532 0130 00] please",
    "ssn [ssn:219-09-9999] on file",
    "login from [ip:93.184.216.34] failed",
    "Hello, my name is [name:Ingrid Sørensen] and I need help.",
    "Regards,\n[name:Wolfgang Becker]",
    "password=[secret:hunter2!x] in the log",
    "{\"api_key\": \"[secret:Zx81kQ0pLm3]\"}",
    "Authorization: Bearer [secret:abcDEF123456ghiJKL789]",
    "key [api-key:AKIAIOSFODNN7EXAMPLE] leaked",
    "[secret:postgres://app:s3cret@db.internal:5432/app] is down",
    "she was born on [date-of-birth:1984-05-12] in spring",
    "Please deliver it to [address:12 Elm Street, Springfield] before noon",
    "[name:佐藤健太]様 ご注文ありがとうございます。",
    "Mail to [email:Ann.Smith@example.com] or [email:ANN.SMITH@EXAMPLE.COM], or [email:Ann-Lee@Example.org].",
    "Your Ref-[iban:DE89370400440532013000] and Pay-[card:4111111111111111]",
    "open https://shop.example/pay?card=[card:4111111111111111]&ssn=[ssn:219-09-9999] now",
    "GET /pay?to=[email:ann@example.org]&card=[card:4111111111111111]&pwd=[secret:hunter2!x]&n=1",
    "https://shop.example/by-card/[card:4111111111111111]/of/[email:ann@example.org]",
    "[address:12 Elm Street, Springfield] [ssn:219-09-9999]",
    "Здравствуйте, меня зовут [name:Ольга Смирнова].",
];

#[test]
fn finds_single_values_in_texts() {
    for text in FOUND {
        let mut plain = String::new();
        let mut rest = *text;
        while let Some((before, after)) = rest.split_once('[') {
            let (mark, tail) = after.split_once(']').unwrap();
            plain.push_str(before);
            plain.push_str(mark.split_once(':').unwrap().1);
            rest = tail;
        }
        plain.push_str(rest);
        assert_eq!(marked(&plain), *text);
    }
}

/// Text in which there is nothing.
const NOTHING: &[&str] = &[
    "Order 4556737586899855 shipped in version 2.14.3.",
    "trace 6fa459ea-ee8a-3ca4-894e-db77e160355e took 4.2 s",
    "commit 9e107d9d372bb6826bd81d3542a419d6e4d909c2 fixes it",
    "connect to 10.0.4.17 or 192.168.0.1 on port 5432",
    "2026-03-14T09:26:53.589Z INFO request finished status=200 duration_ms=12",
    "The Oslo lamp is back in stock at 49.90.",
    "Meeting moved to 2025-03-14 at 10:00, room 4.",
    "In March the committee met in Paris and agreed on the budget.",
    "gpt-4o-mini answered in 320 ms with 512 tokens.",
    "ERROR: duplicate key value violates unique constraint \"orders_pkey\"",
    "Der Ausschuss hat am Nachmittag den Vorschlag gelesen.",
    "password: changed",
    "SELECT count(*) FROM orders WHERE id = 1718880000",
    "",
];

#[test]
fn leaves_ordinary_texts_alone() {
    for text in NOTHING {
        assert_eq!(marked(text), *text);
    }
}

#[test]
fn a_private_key_is_one_span_up_to_its_end() {
    let key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7bq\n-----END RSA PRIVATE KEY-----";
    assert_eq!(
        marked(&format!("here:\n{key}\nthanks")),
        format!("here:\n[secret:{key}]\nthanks")
    );
}

#[test]
fn twenty_shapes_of_secrets_are_found() {
    let body = "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xYzAbCdEfGhIjKlMnOpQrStUvWxYz0123456789aBcDeFgHiJkLmNoPqRsTuVwXyZ";
    let hex = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0";
    for secret in [
        "ASIAIOSFODNN7EXAMPLE".to_owned(),
        format!("AIza{}", &body[..35]),
        format!("ghp_{}", &body[..36]),
        format!("github_pat_{}_{}", &body[..22], &body[..59]),
        format!("glpat-{}", &body[..20]),
        format!("xoxb-123456789012-123456789012-{}", &body[..24]),
        format!("sk_live_{}", &body[..24]),
        format!("sk-ant-api03-{}", &body[..93]),
        format!("sk-proj-{}", &body[..48]),
        format!("npm_{}", &body[..36]),
        format!("pypi-AgEIcHlwaS5vcmc{}", &body[..60]),
        format!("SG.{}.{}", &body[..22], &body[..43]),
        format!("SK{}", &hex[..32]),
        format!("123456789:AA{}", &body[..33]),
        format!("hf_{}", &body[..34]),
        format!("dop_v1_{hex}"),
        format!("shpat_{}", &hex[..32]),
        format!("{}-us7", &hex[..32]),
        format!("hvs.{}", &body[..90]),
        format!("$2b$12${}", &body[..53]),
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U".to_owned(),
        format!("https://hooks.slack.com/services/T00000000/B00000000/{}", &body[..24]),
        "amqp://svc:Pa55word@mq.internal/".to_owned(),
    ] {
        let text = format!("use {secret} now");
        let spans = scan(&text);
        assert_eq!(spans.len(), 1, "{secret}: {spans:?}");
        assert_eq!(&text[spans[0].range.clone()], secret);
    }
}

#[test]
fn nothing_hides_behind_what_is_long_or_many() {
    for before in [
        "@".repeat(80),
        "a@b ".repeat(80),
        "a@b/".repeat(80),
        "q=abcdefgh&".repeat(40),
        "ab-cd.ef/".repeat(40),
    ] {
        for (part, label) in [
            ("&mail=ann@example.org", "email"),
            ("&card=4111111111111111", "card"),
        ] {
            let text = format!("{before}{part}");
            let value = &part[part.find('=').unwrap() + 1..];
            let hit = scan(&text)
                .into_iter()
                .find(|span| span.label.as_str() == label)
                .unwrap_or_else(|| panic!("{label} after {before}"));
            assert_eq!(&text[hit.range], value);
        }
    }
}

fn check(texts: &[&str]) {
    for text in texts {
        let plain = text.replace(['[', ']'], "");
        let marks = ["name:", "national-id:", "phone:"];
        let plain = marks
            .iter()
            .fold(plain, |plain, mark| plain.replace(mark, ""));
        assert_eq!(marked(&plain), *text);
    }
}

#[test]
fn names_in_no_list_need_a_cue_or_a_form() {
    check(&[
        "the parcel for Quorin is here",
        "then Quorin Blast left",
        "Hi [name:Quorin],",
        "Dr [name:Quorin] called",
    ]);
}

#[test]
fn macs_and_private_addresses_stay() {
    check(&["device 3c:22:fb:12:34:56 at 10.0.4.17"]);
    assert_eq!(
        verdict("c1", &["3c:22:fb:12:34:56", "3c:22:fb:99:01:a0"]),
        "(mac)"
    );
}

#[test]
fn bare_numbers_need_words_before_them() {
    check(&[
        "86095742719",
        "tax id [national-id:86095742719]",
        "030901820",
        "call [phone:030901820]",
    ]);
}
