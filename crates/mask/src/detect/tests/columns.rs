//! Columns by name, by values, by both.

use super::*;

#[test]
fn a_name_in_many_languages_is_enough() {
    for (name, label) in [
        ("customerEmail", "email"),
        ("KUNDE_TELEFONNUMMER", "phone"),
        ("fechaNacimiento", "date-of-birth"),
        ("生年月日", "date-of-birth"),
        ("номер_телефона", "phone"),
        ("numero_securite_sociale", "national-id"),
        ("user_password_hash", "password"),
        ("prijmeni", "last-name"),
        ("gehaltBrutto", "salary"),
    ] {
        assert_eq!(verdict(name, &[]), label, "{name}");
    }
}

#[test]
fn the_name_of_a_thing_is_no_name_of_a_person() {
    for name in [
        "product_name",
        "file_name",
        "hostname",
        "table_name",
        "order_status",
        "model",
        "created_at",
        "email_count",
        "phone_verified",
        "sku",
        "commit_sha",
        "version",
        "amount",
    ] {
        assert_eq!(verdict(name, &[]), "(none)", "{name}");
    }
}

/// Ten values of each, in a column whose name says nothing.
const OPAQUE: &[(&str, &[&str])] = &[
    (
        "email",
        &[
            "ann@example.org",
            "bob.lee@mail.example.com",
            "c+d@example.net",
            "ä.ö@example.de",
        ],
    ),
    (
        "phone",
        &[
            "+49 30 901820",
            "+1 (202) 555-0143",
            "+33 1 70 18 99 00",
            "+81 3-5253-1111",
            "+44 20 7946 0958",
        ],
    ),
    (
        "phone",
        &[
            "(202) 555-0143",
            "(312) 555-0187",
            "(415) 555-0110",
            "(646) 555-0122",
            "(713) 555-0199",
        ],
    ),
    (
        "card",
        &[
            "4111 1111 1111 1111",
            "5555 5555 5555 4444",
            "3782 822463 10005",
            "6011 1111 1111 1117",
            "3530 1113 3330 0000",
        ],
    ),
    (
        "iban",
        &[
            "DE89 3704 0044 0532 0130 00",
            "GB82 WEST 1234 5698 7654 32",
            "FR1420041010050500013M02606",
            "NL91ABNA0417164300",
        ],
    ),
    (
        "ssn",
        &[
            "219-09-9999",
            "457-55-5462",
            "123-45-6789",
            "078-05-1120",
            "536-90-4399",
            "412-73-8821",
            "601-22-9034",
            "145-62-0098",
        ],
    ),
    (
        "national-id",
        &[
            "529.982.247-25",
            "111.444.777-35",
            "123.456.789-09",
            "987.654.321-00",
            "390.533.447-05",
        ],
    ),
    (
        "ip",
        &[
            "93.184.216.34",
            "151.101.1.69",
            "2606:2800:220:1:248:1893:25c8:1946",
            "140.82.112.3",
        ],
    ),
    (
        "api-key",
        &[
            "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
            "ghp_0dD9a7B1c2E3f4A5b6C7d8E9f0A1b2C3d4E5",
            "ghp_zZ91kLmN0pQrStUvWxYz1234567890AbCdEf",
        ],
    ),
    (
        "name",
        &[
            "Ingrid Sørensen",
            "Wolfgang Becker",
            "María José Fernández",
            "O'Connor, Siobhán",
            "Dr. Helena Novotná",
            "Jean-Luc Moreau",
            "Yuki Tanaka",
            "Priya Sharma",
        ],
    ),
    (
        "name",
        &[
            "佐藤 健太",
            "鈴木 美咲",
            "高橋 大輔",
            "田中 陽子",
            "渡辺 翔太",
            "山本 愛",
        ],
    ),
    (
        "name",
        &[
            "Мария Иванова",
            "Сергей Кузнецов",
            "Ольга Смирнова",
            "Дмитрий Волков",
            "Анна Попова",
            "Павел Морозов",
        ],
    ),
    (
        "address",
        &[
            "12 Elm Street, Springfield, IL 62704",
            "Hauptstraße 5, 10115 Berlin",
            "8 rue de la Paix, 75002 Paris",
            "Calle Mayor 22, 28013 Madrid",
            "221B Baker Street, London NW1 6XE",
        ],
    ),
    (
        "date-of-birth",
        &[
            "1954-03-12",
            "1987-11-30",
            "1999-01-05",
            "1968-07-21",
            "1975-05-05",
            "2001-12-24",
            "1942-09-09",
            "1990-02-17",
            "1983-08-08",
            "1961-10-31",
        ],
    ),
    ("gender", &["male", "female", "non-binary"]),
    (
        "health",
        &[
            "Type 2 diabetes",
            "asthma",
            "Hypertension",
            "Bronchitis",
            "rheumatoid arthritis",
        ],
    ),
    (
        "geo",
        &[
            "52.520008, 13.404954",
            "48.856613, 2.352222",
            "40.712776, -74.005974",
        ],
    ),
];

#[test]
fn opaque_columns_are_judged_by_their_values() {
    for (label, values) in OPAQUE {
        assert_eq!(verdict("c17", values), *label, "{values:?}");
    }
}

/// What looks like something and is not.
const NEGATIVES: &[(&str, &[&str])] = &[
    (
        "order_no",
        &[
            "4556737586899855",
            "4024007103939509",
            "4916338506082832",
            "4532261615476013",
        ],
    ),
    (
        "c1",
        &[
            "1000000000000008",
            "1000000000000016",
            "1000000000000024",
            "1000000000000032",
            "1000000000000040",
            "1000000000000057",
        ],
    ),
    (
        "request_id",
        &[
            "6fa459ea-ee8a-3ca4-894e-db77e160355e",
            "16fd2706-8baf-433b-82eb-8c7fada847da",
        ],
    ),
    (
        "c2",
        &[
            "9e107d9d372bb6826bd81d3542a419d6",
            "e4d909c290d0fb1ca068ffaddf22cbd0",
            "d41d8cd98f00b204e9800998ecf8427e",
        ],
    ),
    (
        "c3",
        &[
            "gpt-4o-mini",
            "llama-3-70b",
            "resnet50",
            "bert-base-uncased",
            "whisper-large-v3",
        ],
    ),
    (
        "c4",
        &[
            "10.0.0.1",
            "192.168.1.44",
            "172.16.9.1",
            "127.0.0.1",
            "203.0.113.9",
        ],
    ),
    ("c5", &["1.2.3", "v2.10.0", "0.9.14", "3.0.0-rc.1"]),
    (
        "c6",
        &["1718880000", "1720000123", "1699999999", "1700000001"],
    ),
    (
        "c7",
        &[
            "2025-01-03 10:00:00",
            "2025-02-11 12:30:05",
            "2024-12-31 23:59:59",
            "2025-03-03 08:15:00",
        ],
    ),
    ("c8", &["active", "pending", "shipped", "cancelled"]),
    (
        "c9",
        &[
            "db-01.prod.internal",
            "web-07.example.com",
            "cache.svc.local",
        ],
    ),
    (
        "c10",
        &[
            "Oslo Desk Lamp",
            "Paris Sofa XL",
            "Berlin Office Chair",
            "Milano Coffee Mug",
            "Havana Rug",
        ],
    ),
    (
        "c11",
        &[
            "00:1A:2B:3C:4D:5E",
            "00:1b:44:11:3a:b7",
            "02:42:ac:11:00:02",
        ],
    ),
    (
        "c12",
        &["ABC-1234-XY", "QRS-9981-ZK", "LMN-0042-AA", "TUV-7777-QQ"],
    ),
    ("c13", &["12.99", "104.50", "7.00", "3499.95"]),
    (
        "company",
        &[
            "Miller & Sons Ltd",
            "Becker GmbH",
            "Tanaka Holdings",
            "Garcia Group",
            "Novak s.r.o.",
        ],
    ),
    (
        "c14",
        &[
            "https://example.com/a/b?id=7",
            "https://www.example.org/",
            "http://docs.example.net/page",
        ],
    ),
    ("c15", &["text/html", "application/json", "image/png"]),
    (
        "c16",
        &[
            "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
            "sha256:486ea46224d1bb4fb680f34f7c9ad96a8f24ec88be73ea8e5a6c65260e9cb8a7",
        ],
    ),
    (
        "notes",
        &[
            "Works as described, would buy again.",
            "The lid broke after two weeks.",
            "Battery lasts nine hours.",
        ],
    ),
];

#[test]
fn hard_negatives_are_left_alone() {
    for (name, values) in NEGATIVES {
        // As many rows as a table has, so that texts without anything in them count.
        let many: Vec<&str> = values.iter().copied().cycle().take(40).collect();
        let said = verdict(name, &many);
        assert!(said.starts_with('('), "{name} {values:?}: {said}");
    }
}

#[test]
fn luhn_valid_order_numbers_are_no_cards_but_the_same_digits_in_an_unnamed_column_are() {
    let digits = [
        "4556737586899855",
        "4024007103939509",
        "4916338506082832",
        "4532261615476013",
        "5105105105105100",
        "5200828282828210",
    ];
    assert_eq!(verdict("c", &digits), "card");
    assert_eq!(verdict("order_number", &digits), "(none)");
}

#[test]
fn paths_of_json_are_judged_apart() {
    let values = [
        r#"{"id": 17, "who": {"mail": "ann@example.org", "k": "+49 30 901820"}, "tags": ["new", "paid"]}"#,
        r#"{"id": 18, "who": {"mail": "bob@example.org", "k": "+1 202 555 0143"}, "tags": ["old"]}"#,
        r#"{"id": 19, "who": {"mail": "cyd@example.org", "k": "+44 20 7946 0958"}, "tags": []}"#,
    ];
    let sample: Vec<Option<&str>> = values.iter().copied().map(Some).collect();
    let column = Column {
        type_name: "jsonb",
        category: 'U',
        ..column("payload", &sample)
    };
    assert_eq!(
        show(&classify(&column)),
        "$.id=(none) $.tags[*]=(none) $.who.k=phone $.who.mail=email"
    );
}

#[test]
fn elements_of_arrays_are_judged() {
    let sample = [
        Some("{ann@example.org,\"bob@example.org\"}"),
        Some("{}"),
        Some("{NULL,cyd@example.org}"),
    ];
    let column = Column {
        type_name: "text[]",
        category: 'A',
        ..column("x9", &sample)
    };
    assert_eq!(show(&classify(&column)), "[]=email");
}

#[test]
fn a_foreign_key_to_a_labelled_column_is_evidence_enough() {
    let label = Label::new("username").unwrap();
    let column = Column {
        references: Some(&label),
        ..column("c3", &[])
    };
    let found = classify(&column);
    assert_eq!(show(&found), "username");
    assert!(found[0].evidence[0].to_string().contains("foreign key"));
}

#[test]
fn a_date_type_holds_nothing_but_dates_of_birth() {
    for (name, said) in [
        ("birth_date", "date-of-birth"),
        ("email_sent", "(none)"),
        ("c4", "(none)"),
    ] {
        let column = Column {
            type_name: "date",
            category: 'D',
            ..column(name, &[])
        };
        assert_eq!(show(&classify(&column)), said, "{name}");
    }
}

#[test]
fn what_is_unsure_is_sensitive_with_little_confidence() {
    let sample = [
        Some("Please see what is attached here."),
        Some("All done, will close it today."),
        Some("As discussed on the phone yesterday."),
    ];
    let found = classify(&column("message", &sample));
    assert_eq!(show(&found), "free-text");
    assert!(found[0].confidence < 0.5);
}

#[test]
fn evidence_holds_no_value() {
    for (_, values) in OPAQUE {
        let sample: Vec<Option<&str>> = values.iter().copied().map(Some).collect();
        for finding in classify(&column("c", &sample)) {
            let said: String = finding.evidence.iter().map(ToString::to_string).collect();
            for value in *values {
                assert!(!said.contains(value) || value.len() < 7, "{said}");
            }
        }
    }
}
