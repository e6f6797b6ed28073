//! Numbers that are published as examples, and the same with a digit changed.

use super::super::{dates, ids, network, numbers};

fn passes(scheme: &str, value: &str) -> bool {
    ids::look(value)
        .iter()
        .any(|hit| hit.passes && ids::schemes()[hit.scheme].name == scheme)
}

#[test]
fn published_identity_numbers_pass_their_checks() {
    for (scheme, value) in [
        ("UK NINO", "AB 12 34 56 C"),
        ("UK NHS", "943 476 5919"),
        ("DE Steuer-ID", "86095742719"),
        ("DE Versicherungsnummer", "15070649C103"),
        ("FR NIR", "255081416802538"),
        ("ES DNI/NIE", "12345678Z"),
        ("ES DNI/NIE", "X1234567L"),
        ("IT codice fiscale", "RSSMRA85T10A562S"),
        ("NL BSN", "111222333"),
        ("BE national number", "85.07.30-033.28"),
        ("PL PESEL", "44051401359"),
        ("SE personnummer", "811228-9874"),
        ("FI henkilötunnus", "131052-308T"),
        ("CH AHV", "756.9217.0769.85"),
        ("AT Versicherungsnummer", "1237 010180"),
        ("IE PPS", "1234567T"),
        ("RO CNP", "1800101221144"),
        ("TR kimlik", "10000000146"),
        ("RU INN", "500100732259"),
        ("RU SNILS", "112-233-445 95"),
        ("BR CPF", "529.982.247-25"),
        ("BR CNPJ", "11.222.333/0001-81"),
        ("MX CURP", "HEGG560427MVZRRL04"),
        ("AR CUIT", "20-17254359-7"),
        ("CL RUT", "12.345.678-5"),
        ("IN Aadhaar", "2341 2341 2346"),
        ("CN resident identity", "11010519491231002X"),
        ("TW national identity", "A123456789"),
        ("SG NRIC", "S1234567D"),
        ("ZA identity", "8001015009087"),
        ("CA SIN", "130 692 544"),
        ("AU TFN", "123 456 782"),
        ("NZ IRD", "49-091-850"),
        ("HR OIB", "33392005961"),
        ("US SSN", "219-09-9999"),
    ] {
        assert!(passes(scheme, value), "{scheme} {value}");
        // Another last mark: no check holds for both, except where there is none.
        if !matches!(scheme, "US SSN" | "UK NINO") {
            let (head, last) = value.split_at(value.len() - 1);
            let other = match last {
                "9" => "8",
                "Z" => "A",
                digit if digit.parse::<u8>().is_ok() => "9",
                _ => "Z",
            };
            assert!(
                !passes(scheme, &format!("{head}{other}")),
                "{scheme} {head}{other}"
            );
        }
    }
}

#[test]
fn cards_need_an_issuer_a_length_and_a_check_digit() {
    for (digits, good) in [
        ("4111111111111111", true),
        ("378282246310005", true),
        ("2223003122003222", true),
        ("4111111111111112", false),
        ("9999999999999995", false),
        ("411111111111116", false),
    ] {
        assert_eq!(numbers::is_card(digits.as_bytes()), good, "{digits}");
    }
}

#[test]
fn ibans_need_their_country_length_and_check_digits() {
    for (text, good) in [
        ("GB82 WEST 1234 5698 7654 32", true),
        ("NO9386011117947", true),
        ("GB82 WEST 1234 5698 7654 33", false),
        ("XX82WEST12345698765432", false),
    ] {
        assert_eq!(numbers::is_iban(text), good, "{text}");
    }
}

#[test]
fn phones_are_told_from_dates_versions_and_amounts() {
    use numbers::Phone;
    for (text, said) in [
        ("+49 (0)30 901820", Some(Phone::International)),
        ("0049 30 901820", Some(Phone::International)),
        ("(202) 555-0143 x77", Some(Phone::Grouped)),
        ("030 901820-12", Some(Phone::Grouped)),
        ("01 70 18 99 00", Some(Phone::Grouped)),
        ("2024-05-12", None),
        ("12.05.2024", None),
        ("1.234.567", None),
        ("10.0.0.1", None),
        ("+999 12345678", None),
    ] {
        assert_eq!(numbers::phone(text), said, "{text}");
    }
}

#[test]
fn dates_are_read_in_the_forms_people_write() {
    for (text, year, timed) in [
        ("1984-05-12", 1984, false),
        ("12.05.1984", 1984, false),
        ("5/12/1984", 1984, false),
        ("12 May 1984", 1984, false),
        ("1984-05-12 00:00:00", 1984, false),
        ("2024-05-12T10:11:12Z", 2024, true),
    ] {
        assert_eq!(
            dates::date(text),
            Some(dates::Date { year, timed }),
            "{text}"
        );
    }
    for text in [
        "2024-13-01",
        "1984-02-30",
        "99-99-9999",
        "1984-05-12-7",
        "today",
    ] {
        assert_eq!(dates::date(text), None, "{text}");
    }
}

#[test]
fn addresses_of_machines_that_are_nobodys_are_special() {
    use network::Ip;
    for (text, said) in [
        ("93.184.216.34", Some(Ip::Public)),
        ("2606:2800:220:1:248:1893:25c8:1946", Some(Ip::Public)),
        ("10.1.2.3", Some(Ip::Special)),
        ("203.0.113.9", Some(Ip::Special)),
        ("2001:db8::1", Some(Ip::Special)),
        ("8.8.8.8", Some(Ip::Special)),
        ("93.184.216.0/24", Some(Ip::Special)),
        ("1.2.3", None),
        ("::ffff", Some(Ip::Public)),
    ] {
        assert_eq!(network::ip(text), said, "{text}");
    }
}
