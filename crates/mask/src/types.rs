//! PostgreSQL's types, as far as a value of them can be masked. A type that is not listed has no
//! stand-in.

mod name;

/// How a value is written (PostgreSQL docs, 55.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Format code 0.
    Text,
    /// Format code 1.
    Binary,
}

/// The sort of a type that is not built in, from `pg_type.typcategory`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Category {
    /// `S`: string-like, such as `citext`; read and written as text in both formats.
    String,
    /// Anything else, or not known.
    Other,
}

impl Category {
    /// From the letter in `pg_type.typcategory`.
    pub fn from_letter(letter: u8) -> Self {
        if letter == b'S' {
            Self::String
        } else {
            Self::Other
        }
    }
}

/// A column's type as `RowDescription` reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ColumnType {
    /// `pg_type.oid`. A domain is reported as its base type.
    pub oid: u32,
    /// `atttypmod`: -1 for none; a character type's length plus 4. For arrays, the elements'.
    pub modifier: i32,
    /// Decides for types whose oid is not built in.
    pub category: Category,
}

impl ColumnType {
    /// A built-in type.
    pub fn built_in(oid: u32, modifier: i32) -> Self {
        Self {
            oid,
            modifier,
            category: Category::Other,
        }
    }

    /// What masking has to know.
    pub(crate) fn shape(&self) -> Shape {
        if let Some(scalar) = self.scalar(self.oid) {
            return Shape::Scalar(scalar);
        }
        let element = match self.oid {
            1009 => 25,
            1015 => 1043,
            1014 => 1042,
            1003 => 19,
            199 => 114,
            3807 => 3802,
            2951 => 2950,
            1041 => 869,
            651 => 650,
            1005 => 21,
            1007 => 23,
            1016 => 20,
            1021 => 700,
            1022 => 701,
            1231 => 1700,
            1182 => 1082,
            1115 => 1114,
            1185 => 1184,
            1040 => 829,
            1017 => 600,
            _ if self.oid >= FIRST_NORMAL_OID && self.category == Category::String => {
                return Shape::Scalar(Scalar::Text(usize::MAX));
            }
            _ => return Shape::Opaque,
        };
        self.scalar(element)
            .map_or(Shape::Opaque, |scalar| Shape::Array(scalar, element))
    }

    /// Characters of a text in it, or in its elements; 0 where it holds no text.
    pub(crate) fn chars(&self) -> usize {
        match self.shape() {
            Shape::Scalar(scalar) | Shape::Array(scalar, _) => match scalar {
                Scalar::Text(chars) | Scalar::Padded(chars) => chars,
                Scalar::Json | Scalar::Jsonb => usize::MAX,
                Scalar::Uuid
                | Scalar::Inet
                | Scalar::Cidr
                | Scalar::Mac
                | Scalar::Number(_)
                | Scalar::Moment(_)
                | Scalar::Point => 0,
            },
            Shape::Opaque => 0,
        }
    }

    /// Does it, or do its elements, hold network addresses?
    pub(crate) fn is_address(&self) -> bool {
        matches!(
            self.shape(),
            Shape::Scalar(Scalar::Inet | Scalar::Cidr)
                | Shape::Array(Scalar::Inet | Scalar::Cidr, _)
        )
    }

    fn scalar(&self, oid: u32) -> Option<Scalar> {
        Some(match oid {
            25 | 705 => Scalar::Text(usize::MAX),
            1043 => Scalar::Text(self.length()),
            1042 => Scalar::Padded(self.length()),
            19 => Scalar::Text(NAME_BYTES),
            114 => Scalar::Json,
            3802 => Scalar::Jsonb,
            2950 => Scalar::Uuid,
            869 => Scalar::Inet,
            650 => Scalar::Cidr,
            829 => Scalar::Mac,
            21 => Scalar::Number(Number::Int2),
            23 => Scalar::Number(Number::Int4),
            20 => Scalar::Number(Number::Int8),
            700 => Scalar::Number(Number::Float4),
            701 => Scalar::Number(Number::Float8),
            1700 => Scalar::Number(Number::Numeric(self.modifier)),
            1082 => Scalar::Moment(Moment::Date),
            1114 => Scalar::Moment(Moment::Timestamp),
            1184 => Scalar::Moment(Moment::TimestampTz),
            600 => Scalar::Point,
            _ => return None,
        })
    }

    /// The declared length in characters; a modifier that makes no sense leaves no room at all.
    fn length(&self) -> usize {
        match usize::try_from(self.modifier) {
            Ok(modifier) => modifier.saturating_sub(4),
            Err(_) => usize::MAX,
        }
    }
}

/// `NAMEDATALEN - 1`.
const NAME_BYTES: usize = 63;
/// Oids below are PostgreSQL's own.
const FIRST_NORMAL_OID: u32 = 16_384;

/// How values of a type are taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Scalar(Scalar),
    /// Element type and its oid.
    Array(Scalar, u32),
    /// Not at all.
    Opaque,
}

/// Types with stand-ins. Lengths are in characters, `usize::MAX` where there is no bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    Text(usize),
    /// `character(n)`: trailing blanks mean nothing, and fill up.
    Padded(usize),
    Json,
    Jsonb,
    Uuid,
    Inet,
    Cidr,
    Mac,
    Number(Number),
    Moment(Moment),
    Point,
}

/// Types of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Number {
    Int2,
    Int4,
    Int8,
    Float4,
    Float8,
    /// With its modifier.
    Numeric(i32),
}

impl Number {
    /// Digits that any whole number of the type may have; 0 where whole numbers are not exact.
    pub(crate) fn digits(self) -> usize {
        const INT8: usize = 18;
        match self {
            Self::Int2 => 4,
            Self::Int4 => 9,
            Self::Int8 => INT8,
            Self::Float4 | Self::Float8 => 0,
            Self::Numeric(modifier) => match declared(modifier) {
                Some((precision, scale)) => precision.saturating_sub(scale).min(INT8),
                None => INT8,
            },
        }
    }

    /// Digits behind the point that every number of the type has.
    pub(crate) fn scale(self) -> usize {
        match self {
            Self::Numeric(modifier) => declared(modifier).map_or(0, |(_, scale)| scale),
            Self::Int2 | Self::Int4 | Self::Int8 | Self::Float4 | Self::Float8 => 0,
        }
    }
}

/// Precision and scale of `numeric(precision, scale)`: in the high half, and in the low eleven bits, where a negative
/// one counts as none.
fn declared(modifier: i32) -> Option<(usize, usize)> {
    const NEGATIVE: i32 = 0x400;
    let packed = modifier.checked_sub(4).filter(|packed| *packed >= 0)?;
    let scale = if packed & NEGATIVE == 0 {
        packed & 0x3ff
    } else {
        0
    };
    Some(((packed >> 16) as usize, scale as usize))
}

/// Types of dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    Date,
    Timestamp,
    TimestampTz,
}
