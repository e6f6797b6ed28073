use super::*;

fn masked(moment: Moment, years: i64, format: Format, raw: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    mask(moment, years, format, raw, &mut out).map(|()| out)
}

/// What a real server sends (`date_send`, `timestamp_send`, `timestamptz_send`) and writes, and the first of the year.
#[test]
fn both_formats_of_a_real_server_give_the_first_of_the_year() {
    let dates = [
        (0xffff_ee0fu32, "1987-06-05", 0xffff_ed74u32, "1987-01-01"),
        (0xffff_ea9a, "1985-01-01", 0xffff_ea9a, "1985-01-01"),
        (0xffff_ffff, "1999-12-31", 0xffff_fe93, "1999-01-01"),
        (0xfff4_dbf9, "0001-01-01", 0xfff4_dbf9, "0001-01-01"),
        (0x002c_95d3, "9999-12-31", 0x002c_9467, "9999-01-01"),
        (0x3b, "2000-02-29", 0, "2000-01-01"),
    ];
    for (wire, text, first_wire, first) in dates {
        assert_eq!(
            masked(Moment::Date, 1, Format::Text, text.as_bytes()),
            Some(first.as_bytes().to_vec())
        );
        let masked = masked(Moment::Date, 1, Format::Binary, &wire.to_be_bytes());
        assert_eq!(masked, Some(first_wire.to_be_bytes().to_vec()), "{text}");
    }
    let stamps = [
        (
            Moment::Timestamp,
            0xfffe_971f_26c4_c608u64,
            "1987-06-05 12:34:56.789",
            0xfffe_8ae6_8977_8000u64,
            "1987-01-01 00:00:00",
        ),
        (
            Moment::Timestamp,
            0xffff_ffff_ffff_ffff,
            "1999-12-31 23:59:59.999999",
            0xffff_e351_73ec_2000,
            "1999-01-01 00:00:00",
        ),
        // One in the morning at +02 is still the year before.
        (
            Moment::TimestampTz,
            0xfffe_8ae5_b2e3_dc00,
            "1987-01-01 01:00:00+02",
            0xfffe_6e37_fd63_a000,
            "1986-01-01 00:00:00+00",
        ),
        (
            Moment::TimestampTz,
            0xfffe_8ae5_b2e3_dc00,
            "1986-12-31 18:30:00-04:30",
            0xfffe_6e37_fd63_a000,
            "1986-01-01 00:00:00+00",
        ),
    ];
    for (moment, wire, text, first_wire, first) in stamps {
        assert_eq!(
            masked(moment, 1, Format::Text, text.as_bytes()),
            Some(first.as_bytes().to_vec()),
            "{text}"
        );
        assert_eq!(
            masked(moment, 1, Format::Binary, &wire.to_be_bytes()),
            Some(first_wire.to_be_bytes().to_vec()),
            "{text}"
        );
    }
}

#[test]
fn births_are_told_by_five_years() {
    for (text, first) in [
        ("1987-06-05", "1985-01-01"),
        ("1985-01-01", "1985-01-01"),
        ("1989-12-31", "1985-01-01"),
        ("0003-01-01", "0001-01-01"),
    ] {
        assert_eq!(
            masked(Moment::Date, 5, Format::Text, text.as_bytes()),
            Some(first.as_bytes().to_vec())
        );
    }
}

#[test]
fn other_dates_are_none() {
    for text in [
        "",
        "infinity",
        "-infinity",
        "1987-06-05 BC",
        "12345-01-01",
        "05/06/1987",
        "1987-13-01",
        "1987-00-01",
        "1987-01-32",
        "1987-06-05x",
        "1987-06-05 1",
        "1987-06-05 12:34:56+",
        "1987-06-05 12:34:56 BC",
        "1987-06-05 12:34:56 CET",
        "1987-06-05 12:34:56.x",
        "+987-06-05",
        "１987-06-05",
        "0000-01-01",
        "1987-06-05 12:34:56:00",
    ] {
        assert_eq!(
            masked(Moment::TimestampTz, 1, Format::Text, text.as_bytes()),
            None,
            "{text}"
        );
    }
    for days in [i32::MAX, i32::MIN, 0x7000_0000, -3_000_000] {
        assert_eq!(
            masked(Moment::Date, 1, Format::Binary, &days.to_be_bytes()),
            None
        );
    }
    for micros in [i64::MAX, i64::MIN] {
        assert_eq!(
            masked(Moment::Timestamp, 1, Format::Binary, &micros.to_be_bytes()),
            None
        );
    }
    assert_eq!(masked(Moment::Date, 1, Format::Binary, &[0; 8]), None);
}
