//! `weir mask`: what it says, and that it turns nothing back.

use super::*;

/// The fields of `weir mask try --json`.
fn tried(folder: &Path, arguments: &str) -> serde_json::Value {
    let said = weir(
        folder,
        &format!("mask try {arguments} --json --config ~/weir.toml"),
    );
    serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}"))
}

#[test]
fn a_value_is_shown_with_what_it_becomes_and_why() {
    let folder = installed();
    for (arguments, becomes, start, why) in [
        ("email ann@example.org", "token", "u_", ""),
        (
            "email ann@example.org --type varchar(20)",
            "stand-in",
            "u_",
            "varchar(20) is too short for a token of 48 characters",
        ),
        (
            "phone ☎ --type text",
            "stand-in",
            "+999",
            "spelled in a way",
        ),
        ("name Ann", "stand-in", "", "no value under name can"),
        (
            "number 54321 --type integer",
            "stand-in",
            "50000",
            "no value under number can",
        ),
        (
            "email 42 --type integer",
            "null",
            "",
            "no stand-in under email",
        ),
    ] {
        let tried = tried(folder.path(), arguments);
        assert_eq!(tried["becomes"], becomes, "{arguments}");
        assert!(
            tried["masked"]
                .as_str()
                .unwrap_or_default()
                .starts_with(start),
            "{tried}"
        );
        assert!(
            tried["why"].as_str().unwrap_or_default().contains(why),
            "{tried}"
        );
        assert_eq!(tried["fits"], becomes != "null");
    }
    let said = weir(
        folder.path(),
        "mask try email ann@example.org --config ~/weir.toml",
    );
    for line in [
        "\nlabel    email: an address",
        "\nbecomes  a token:",
        "\ntells    equality, length\n",
    ] {
        assert!(said.contains(line), "{said}");
    }
}

#[test]
fn a_token_that_is_tried_is_masked_and_not_turned_back() {
    let folder = installed();
    let token = tried(folder.path(), "email ann@example.org")["masked"]
        .as_str()
        .unwrap()
        .to_owned();
    let said = weir(
        folder.path(),
        &format!("mask try email {token} --config ~/weir.toml"),
    );
    assert!(
        !said.contains("ann@example.org") && !said.starts_with(&token),
        "{said}"
    );
}

#[test]
fn slips_are_told_with_what_was_meant() {
    let folder = installed();
    for (arguments, told) in [
        (
            "emial x",
            "there is no built-in label emial: did you mean email?",
        ),
        ("Email x", "a label is a lower-case word"),
        (
            "email x --type strnig",
            "strnig is no type that Weir knows by name",
        ),
        (
            "email x --target prod-ap",
            "there is no target prod-ap: did you mean prod-app?",
        ),
        (
            "public.customers.email x --target prod-app",
            "public.customers.email has no label in weir.toml",
        ),
    ] {
        let said = weir(
            folder.path(),
            &format!("mask try {arguments} --config ~/weir.toml"),
        );
        assert!(said.starts_with("error: ") && said.contains(told), "{said}");
    }
}

#[test]
fn every_label_is_listed_with_what_it_tells() {
    let folder = tempfile::tempdir().unwrap();
    let said = weir(folder.path(), "mask labels");
    for label in ::mask::labels() {
        let mut lines = said.lines().filter(|line| line.starts_with(label.as_str()));
        assert!(
            lines.any(|line| line.contains(&label.releases().to_string())),
            "{label}: {said}"
        );
    }
    let json: serde_json::Value =
        serde_json::from_str(&weir(folder.path(), "mask labels --json")).unwrap();
    assert_eq!(json.as_array().unwrap().len(), ::mask::labels().count());
    assert_eq!(json[0]["mark"], "u_….invalid");
}
