//! Time per masked cell: `cargo run --release -p mask --example cells`. The aim is 1 µs for a short one.

use mask::{ColumnType, Format, Label, Masked, Masker};
use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

const CELLS: u32 = 200_000;
const ROUNDS: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let masker = Masker::new(&[7; 32], "example", 1);
    let cases: &[(&str, u32, &str)] = &[
        ("email", 25, "ann.example@example.org"),
        ("phone", 1043, "+1 202 555 0100"),
        ("ssn", 25, "123-45-6789"),
        ("card", 25, "4111111111111111"),
        ("iban", 25, "DE89370400440532013000"),
        ("name", 25, "Ann Example"),
        ("address", 25, "12 Example Street, Springfield"),
        ("uuid", 2950, "01234567-89ab-cdef-0123-456789abcdef"),
        ("ip", 869, "203.0.113.7"),
        ("secret", 25, "correct horse battery staple"),
        ("salary", 1700, "123456.78"),
        ("note", 25, "called twice, will call back"),
        (
            "json",
            3802,
            r#"{"id": 7, "mail": "ann@example.org", "tags": ["a", "b"]}"#,
        ),
        ("email", 1009, "{ann@example.org,bob@example.org,NULL}"),
    ];
    for (word, oid, raw) in cases {
        let (label, ty) = (Label::new(word)?, ColumnType::built_in(*oid, -1));
        let mut out = Vec::with_capacity(1024);
        let mut nanoseconds: Vec<u128> = Vec::with_capacity(ROUNDS);
        let mut masked = Masked::Null;
        for _ in 0..ROUNDS {
            let start = Instant::now();
            for _ in 0..CELLS {
                out.clear();
                masked = masker.mask(
                    &label,
                    &ty,
                    Format::Text,
                    black_box(raw.as_bytes()),
                    &mut out,
                );
            }
            nanoseconds.push(start.elapsed().as_nanos() / u128::from(CELLS));
        }
        nanoseconds.sort_unstable();
        let median = nanoseconds.get(ROUNDS / 2).copied().unwrap_or_default();
        let shown = match masked {
            Masked::Value => String::from_utf8_lossy(&out).into_owned(),
            Masked::Null => "NULL".to_owned(),
        };
        println!("{median:>6} ns  {word:<9} {raw} -> {shown}");
    }
    Ok(())
}
