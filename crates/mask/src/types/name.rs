//! Types by the names SQL gives them.

use super::{Category, ColumnType};

/// Names of types, lower case, and their oids.
const NAMES: &[(&str, u32)] = &[
    ("text", 25),
    ("character varying", 1043),
    ("varchar", 1043),
    ("character", 1042),
    ("char", 1042),
    ("bpchar", 1042),
    ("name", 19),
    ("json", 114),
    ("jsonb", 3802),
    ("uuid", 2950),
    ("inet", 869),
    ("cidr", 650),
    ("macaddr", 829),
    ("smallint", 21),
    ("int2", 21),
    ("integer", 23),
    ("int", 23),
    ("int4", 23),
    ("bigint", 20),
    ("int8", 20),
    ("numeric", 1700),
    ("decimal", 1700),
    ("real", 700),
    ("float4", 700),
    ("double precision", 701),
    ("float8", 701),
    ("date", 1082),
    ("timestamp", 1114),
    ("timestamp without time zone", 1114),
    ("timestamptz", 1184),
    ("timestamp with time zone", 1184),
    ("point", 600),
    ("bytea", 17),
    ("boolean", 16),
    ("bool", 16),
    ("interval", 1186),
    ("money", 790),
];

/// Arrays of the types that have stand-ins.
const ARRAYS: &[(u32, u32)] = &[
    (25, 1009),
    (1043, 1015),
    (1042, 1014),
    (19, 1003),
    (114, 199),
    (3802, 3807),
    (2950, 2951),
    (869, 1041),
    (650, 651),
    (829, 1040),
    (21, 1005),
    (23, 1007),
    (20, 1016),
    (700, 1021),
    (701, 1022),
    (1700, 1231),
    (1082, 1182),
    (1114, 1115),
    (1184, 1185),
    (600, 1017),
];

impl ColumnType {
    /// The built-in type of an SQL name, as `format_type` writes it or a person would: `text`, `varchar(20)`,
    /// `numeric(10,2)`, `timestamp with time zone`, `text[]`. `None`: it has no such name.
    pub fn named(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase();
        let (name, array) = match name.strip_suffix("[]") {
            Some(element) => (element.trim_end().to_owned(), true),
            None => (name, false),
        };
        // The modifier stands after the first word: `timestamp(3) with time zone`.
        let (base, modifier) = match name.split_once('(') {
            Some((before, rest)) => {
                let (numbers, after) = rest.split_once(')')?;
                (
                    format!("{}{after}", before.trim_end()),
                    Some(numbers.to_owned()),
                )
            }
            None => (name, None),
        };
        let oid = NAMES.iter().find(|(known, _)| *known == base)?.1;
        let modifier = match modifier {
            Some(numbers) => self::modifier(oid, &numbers)?,
            // `character` without a length has one of 1.
            None if matches!(base.as_str(), "character" | "char") => 4 + 1,
            None => -1,
        };
        let oid = match array {
            true => ARRAYS.iter().find(|(element, _)| *element == oid)?.1,
            false => oid,
        };
        Some(Self {
            oid,
            modifier,
            category: Category::Other,
        })
    }
}

/// `atttypmod` of what stands in parentheses.
fn modifier(oid: u32, numbers: &str) -> Option<i32> {
    let mut numbers = numbers
        .split(',')
        .map(|number| number.trim().parse::<i32>());
    let (first, second) = (numbers.next()?.ok()?, numbers.next());
    let rest = numbers.next();
    match (oid, second, rest) {
        (1043 | 1042, None, None) if (1..=10_485_760).contains(&first) => Some(first + 4),
        (1700, scale, None) if (1..=1_000).contains(&first) => {
            let scale = scale
                .unwrap_or(Ok(0))
                .ok()
                .filter(|scale| (-1_000..=1_000).contains(scale))?;
            Some((first << 16 | scale & 0x7ff) + 4)
        }
        (1114 | 1184, None, None) if (0..=6).contains(&first) => Some(first),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_known_by_their_names() {
        for (name, oid, modifier) in [
            ("text", 25, -1),
            ("TEXT[]", 1009, -1),
            ("varchar(20)", 1043, 24),
            ("character varying(20)[]", 1015, 24),
            ("char", 1042, 5),
            ("character(11)", 1042, 15),
            ("numeric(10,2)", 1700, (10 << 16 | 2) + 4),
            ("numeric( 5 )", 1700, (5 << 16) + 4),
            ("timestamp(3) with time zone", 1184, 3),
            ("double precision", 701, -1),
        ] {
            assert_eq!(
                ColumnType::named(name),
                Some(ColumnType::built_in(oid, modifier)),
                "{name}"
            );
        }
        for name in [
            "",
            "texts",
            "text(5)",
            "varchar(0)",
            "varchar(x)",
            "varchar(2",
            "numeric(1,2,3)",
            "bytea[]",
            "int[][]",
        ] {
            assert_eq!(ColumnType::named(name), None, "{name}");
        }
    }
}
