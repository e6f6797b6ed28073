//! Sorts of types, and which kinds a column of a sort may hold.

use super::kind::Kind;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    Text,
    Whole,
    Decimal,
    Date,
    Moment,
    Bool,
    Json,
    Array,
    Network,
    Mac,
    Uuid,
    Point,
    Bytes,
    Enum,
    Other,
}

/// From a type's name as `format_type` writes it, and its category.
pub(crate) fn sort(type_name: &str, category: char) -> Sort {
    let name = type_name.trim().to_ascii_lowercase();
    if name.ends_with("[]") || category == 'A' {
        return Sort::Array;
    }
    let base = name.split('(').next().unwrap_or_default().trim();
    match base {
        "text" | "character varying" | "varchar" | "character" | "char" | "bpchar" | "citext"
        | "name" | "\"char\"" => Sort::Text,
        "smallint" | "integer" | "bigint" | "int2" | "int4" | "int8" | "int" | "oid" | "serial"
        | "bigserial" => Sort::Whole,
        "numeric" | "decimal" | "real" | "double precision" | "float4" | "float8" | "money" => {
            Sort::Decimal
        }
        "date" => Sort::Date,
        "boolean" | "bool" => Sort::Bool,
        "json" | "jsonb" => Sort::Json,
        "inet" | "cidr" => Sort::Network,
        "macaddr" | "macaddr8" => Sort::Mac,
        "uuid" => Sort::Uuid,
        "point" | "geometry" | "geography" => Sort::Point,
        "bytea" => Sort::Bytes,
        _ if base.starts_with("timestamp") => Sort::Moment,
        _ => match category {
            'S' => Sort::Text,
            'N' => Sort::Decimal,
            'D' => Sort::Moment,
            'B' => Sort::Bool,
            'E' => Sort::Enum,
            'I' => Sort::Network,
            _ => Sort::Other,
        },
    }
}

/// Whether a column of that sort may hold the kind at all.
pub(crate) fn may_hold(sort: Sort, kind: Kind) -> bool {
    match sort {
        Sort::Text | Sort::Json | Sort::Array | Sort::Other => true,
        Sort::Whole | Sort::Decimal => match kind {
            Kind::Phone
            | Kind::Ssn
            | Kind::NationalId
            | Kind::TaxId
            | Kind::Passport
            | Kind::Card
            | Kind::BankAccount
            | Kind::PostalCode
            | Kind::Age
            | Kind::Salary
            | Kind::DriverLicense => true,
            Kind::BirthDate | Kind::Gender => sort == Sort::Whole,
            Kind::Geo => sort == Sort::Decimal,
            Kind::Email
            | Kind::Iban
            | Kind::Name
            | Kind::FirstName
            | Kind::LastName
            | Kind::Address
            | Kind::City
            | Kind::Username
            | Kind::Ip
            | Kind::Plate
            | Kind::Demographic
            | Kind::Health
            | Kind::Secret
            | Kind::Password
            | Kind::ApiKey
            | Kind::FreeText
            | Kind::Mac
            | Kind::Uuid
            | Kind::Url
            | Kind::None => false,
        },
        Sort::Date | Sort::Moment => kind == Kind::BirthDate,
        Sort::Bool => false,
        Sort::Network => kind == Kind::Ip,
        Sort::Mac => kind == Kind::Mac,
        Sort::Uuid => matches!(kind, Kind::Uuid | Kind::Secret | Kind::ApiKey),
        Sort::Point => kind == Kind::Geo,
        Sort::Bytes => matches!(
            kind,
            Kind::Secret | Kind::Password | Kind::ApiKey | Kind::FreeText
        ),
        Sort::Enum => matches!(kind, Kind::Gender | Kind::Demographic | Kind::Health),
    }
}
