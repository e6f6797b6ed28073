use mask::Label;

use super::*;

fn label(word: &str) -> Option<Label> {
    Some(Label::new(word).unwrap())
}

#[test]
fn equal_values_have_equal_images_and_others_have_others() {
    let mut images = Images::default();
    let one = images.text("zoe@example.com", None).unwrap();
    assert_eq!(images.text("zoe@example.com", None).unwrap(), one);
    let many: HashSet<String> = (0..2_000)
        .map(|n| images.text(&format!("zoe{n}@example.com"), None).unwrap())
        .collect();
    assert_eq!(many.len(), 2_000);
    assert!(!many.contains(&one));
}

#[test]
fn a_value_inside_a_text_has_the_image_it_has_alone() {
    let mut images = Images::default();
    let alone = images.text("zoe@example.com", None).unwrap();
    let said = images.text("call zoe@example.com, now.", None).unwrap();
    assert!(said.contains(&format!("{alone}, ")), "{said}");
    assert!(!said.contains("call") && !said.contains("now"), "{said}");
    assert_eq!(
        images.text("Zoe", None).unwrap().to_lowercase(),
        images.text("zoe", None).unwrap()
    );
}

#[test]
fn order_and_length_change() {
    let mut images = Images::default();
    let raw: Vec<String> = (0..50).map(|n| format!("{:04}@example.com", n)).collect();
    let new: Vec<String> = raw
        .iter()
        .map(|raw| images.text(raw, None).unwrap())
        .collect();
    assert!(new.windows(2).any(|two| two[0] > two[1]));
    assert!(new.iter().map(String::len).collect::<HashSet<_>>().len() > 3);
    let sums: Vec<i64> = (1..50)
        .map(|n| images.number(&n.to_string(), 9).unwrap().parse().unwrap())
        .collect();
    assert!(sums.windows(2).any(|two| two[0] > two[1]));
}

#[test]
fn a_value_stays_what_it_is() {
    let mut images = Images::default();
    for raw in ["4111 1111 1111 1111", "4111111111111111"] {
        let card = images.text(raw, None).unwrap();
        assert!(luhn(&card) && card != raw, "{card}");
    }
    let iban = images.text("DE89370400440532013000", None).unwrap();
    assert!(is_iban(&iban), "{iban}");
    assert!(images.text("912-84-7731", Some(11)).unwrap().len() <= 11);
    let short = images.text("abcdefghij@example.org", Some(22)).unwrap();
    assert!(short.len() <= 22, "{short}");
    let day = images.time("1984-02-29").unwrap();
    assert!(day.len() == 10 && day != "1984-02-29", "{day}");
    let uuid = images
        .text("0b3f9c1e-5a4d-4c7b-9e8f-112233445566", None)
        .unwrap();
    assert!(uuid.len() == 36, "{uuid}");
}

/// Images of values that stand under a label.
fn under(word: &str, raw: &[&str]) -> Vec<String> {
    let mut images = Images::default();
    images.telling(label(word));
    for raw in raw {
        images.text(raw, None).unwrap();
    }
    images.telling(None);
    let given = raw.iter().map(|raw| images.text(raw, None).unwrap());
    given.collect()
}

#[test]
fn what_no_label_declares_is_not_kept() {
    let phones: Vec<String> = (0..40).map(|n| format!("+49151239876{n:02}")).collect();
    let raw: Vec<&str> = phones.iter().map(String::as_str).collect();
    let images = under("phone", &raw);
    assert!(images.iter().any(|image| !image.starts_with("+49")));
    let lengths: HashSet<usize> = images.iter().map(String::len).collect();
    assert!(lengths.len() > 1, "{images:?}");

    let accounts = ["DE89370400440532013000", "DE02120300000000202051"];
    let images = under(
        "iban",
        &[accounts[0], accounts[1], "DE02500105170137075030"],
    );
    assert!(
        images.iter().any(|image| !image.starts_with("DE")),
        "{images:?}"
    );

    let numbers: Vec<String> = (10..40).map(|n| format!("512-84-77{n}")).collect();
    let raw: Vec<&str> = numbers.iter().map(String::as_str).collect();
    let images = under("ssn", &raw);
    assert!(images.iter().any(|image| image.len() != 11), "{images:?}");
    assert!(
        images.iter().any(|image| image.find('-') != Some(3)),
        "{images:?}"
    );
}

fn numbers_under(word: &str, raw: &[&str]) -> Vec<i64> {
    let mut images = Images::default();
    images.telling(label(word));
    for raw in raw {
        images.number(raw, 9).unwrap();
    }
    images.telling(None);
    let given = raw.iter().map(|raw| images.number(raw, 9).unwrap());
    given.map(|image| image.parse().unwrap()).collect()
}

#[test]
fn only_labels_that_a_value_stands_under_bind_it() {
    let raw = ["1", "54000", "73000", "91000", "120000"];
    let redacted = numbers_under("salary", &raw);
    assert!(
        redacted.windows(2).any(|two| two[0] > two[1]),
        "{redacted:?}"
    );
    let bucketed = numbers_under("number", &["54000", "73000", "91000"]);
    let first: Vec<i64> = bucketed.iter().map(|image| image / 10_000).collect();
    assert_eq!(first, [5, 7, 9]);

    let mut images = Images::default();
    let years = |images: &mut Images| -> Vec<String> {
        let born = ["1955-07-30", "1970-06-15", "1991-11-05", "2001-01-01"];
        born.map(|raw| images.time(raw).unwrap()).to_vec()
    };
    images.telling(label("salary"));
    years(&mut images);
    images.telling(None);
    let images = years(&mut images);
    assert!(images.windows(2).any(|two| two[0] > two[1]), "{images:?}");
}

#[test]
fn a_value_without_another_is_told_of() {
    let mut images = Images::default();
    images.telling(label("date-of-birth"));
    let days: Vec<String> = (0..3_000).map(|n| format!("{n:04}-01-01")).collect();
    images.time("3000-01-01").unwrap();
    for day in &days {
        images.time(day).unwrap();
    }
    images.telling(None);
    let said = images.time("3000-01-01").unwrap_err().to_string();
    assert!(said.contains("3000-01-01 under date-of-birth"), "{said}");
    assert!(images.number("NaN", 9).is_err());
    assert!(images.time("infinity").is_err());
}
