//! Types by name: which one is meant, whether a cast to it changes anything, and what code it runs.

use std::sync::Arc;

use super::{Resolver, Ty};
use crate::ast::TypeName;
use crate::catalog::{FIRST_USER_OID, Type, TypeKind};
use crate::{Catalog, FunctionUse, Oid};

/// The server's own types that columns have (catalog/pg_type.dat): name, identifier, identifier of the array type.
const BUILT_IN: &[(&str, Oid, Oid)] = &[
    ("aclitem", 1033, 1034),
    ("bit", 1560, 1561),
    ("bool", 16, 1000),
    ("box", 603, 1020),
    ("bpchar", 1042, 1014),
    ("bytea", 17, 1001),
    ("char", 18, 1002),
    ("cid", 29, 1012),
    ("cidr", 650, 651),
    ("circle", 718, 719),
    ("cstring", 2275, 1263),
    ("date", 1082, 1182),
    ("datemultirange", 4535, 6155),
    ("daterange", 3912, 3913),
    ("float4", 700, 1021),
    ("float8", 701, 1022),
    ("gtsvector", 3642, 3644),
    ("inet", 869, 1041),
    ("int2", 21, 1005),
    ("int2vector", 22, 1006),
    ("int4", 23, 1007),
    ("int4multirange", 4451, 6150),
    ("int4range", 3904, 3905),
    ("int8", 20, 1016),
    ("int8multirange", 4536, 6157),
    ("int8range", 3926, 3927),
    ("interval", 1186, 1187),
    ("json", 114, 199),
    ("jsonb", 3802, 3807),
    ("jsonpath", 4072, 4073),
    ("line", 628, 629),
    ("lseg", 601, 1018),
    ("macaddr", 829, 1040),
    ("macaddr8", 774, 775),
    ("money", 790, 791),
    ("name", 19, 1003),
    ("numeric", 1700, 1231),
    ("nummultirange", 4532, 6151),
    ("numrange", 3906, 3907),
    ("oid", 26, 1028),
    ("oidvector", 30, 1013),
    ("path", 602, 1019),
    ("pg_lsn", 3220, 3221),
    ("pg_snapshot", 5038, 5039),
    ("point", 600, 1017),
    ("polygon", 604, 1027),
    ("record", 2249, 2287),
    ("refcursor", 1790, 2201),
    ("regclass", 2205, 2210),
    ("regcollation", 4191, 4192),
    ("regconfig", 3734, 3735),
    ("regdictionary", 3769, 3770),
    ("regnamespace", 4089, 4090),
    ("regoper", 2203, 2208),
    ("regoperator", 2204, 2209),
    ("regproc", 24, 1008),
    ("regprocedure", 2202, 2207),
    ("regrole", 4096, 4097),
    ("regtype", 2206, 2211),
    ("text", 25, 1009),
    ("tid", 27, 1010),
    ("time", 1083, 1183),
    ("timestamp", 1114, 1115),
    ("timestamptz", 1184, 1185),
    ("timetz", 1266, 1270),
    ("tsmultirange", 4533, 6152),
    ("tsquery", 3615, 3645),
    ("tsrange", 3908, 3909),
    ("tstzmultirange", 4534, 6153),
    ("tstzrange", 3910, 3911),
    ("tsvector", 3614, 3643),
    ("txid_snapshot", 2970, 2949),
    ("unknown", 705, 0),
    ("uuid", 2950, 2951),
    ("varbit", 1562, 1563),
    ("varchar", 1043, 1015),
    ("void", 2278, 0),
    ("xid", 28, 1011),
    ("xid8", 5069, 271),
    ("xml", 142, 143),
];

fn built_in(name: &str) -> Option<(Oid, Oid)> {
    let place = BUILT_IN.binary_search_by(|entry| entry.0.cmp(name)).ok()?;
    BUILT_IN.get(place).map(|entry| (entry.1, entry.2))
}

/// How a type is written so that it is this one under any search_path; a domain is written as its base, because a
/// domain may refuse NULL. `None` for what no column has, and what the catalog does not know.
pub(crate) fn written(catalog: &Catalog, mut oid: Oid) -> Option<String> {
    // Domains over domains; bounded against a catalog that lies.
    for _ in 0..32 {
        let own = BUILT_IN
            .iter()
            .find(|entry| entry.1 == oid || (entry.2 == oid && oid != 0));
        if let Some((name, base, _)) = own {
            let array = if *base == oid { "" } else { "[]" };
            let is_pseudo = matches!(*name, "cstring" | "record" | "unknown" | "void");
            return (!is_pseudo).then(|| format!("pg_catalog.\"{name}\"{array}"));
        }
        let ty = catalog.type_by_oid(oid)?;
        match ty.kind {
            TypeKind::Domain => oid = ty.base,
            TypeKind::Pseudo | TypeKind::Unknown => return None,
            TypeKind::Base
            | TypeKind::Composite
            | TypeKind::Enum
            | TypeKind::Range
            | TypeKind::Multirange => {
                return Some(format!("{}.{}", quoted(&ty.schema), quoted(&ty.name)));
            }
        }
    }
    None
}

/// A name as an identifier that is taken as it is.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The type modifier of a type written with modifiers (utils/adt/varchar.c, numeric.c, timestamp.c).
fn typmod(oid: Oid, modifiers: &[i32]) -> Option<i32> {
    const HEADER: i32 = 4;
    match (oid, modifiers) {
        (_, []) => Some(-1),
        (1042 | 1043, [length]) => length.checked_add(HEADER),
        (1700, [precision]) => precision.checked_shl(16)?.checked_add(HEADER),
        (1700, [precision, scale]) if *scale >= 0 => {
            (precision.checked_shl(16)? | scale).checked_add(HEADER)
        }
        (1083 | 1114 | 1184 | 1266, [precision]) => Some(*precision),
        (1560 | 1562, [length]) => Some(*length),
        _ => None,
    }
}

/// The type of what some of the server's own functions give, where all of a name give one of them.
pub(super) fn result(call: &crate::ast::Call) -> Ty {
    const TEXT: [&str; 13] = [
        "concat",
        "concat_ws",
        "initcap",
        "lower",
        "md5",
        "regexp_replace",
        "repeat",
        "replace",
        "split_part",
        "to_char",
        "to_hex",
        "translate",
        "upper",
    ];
    let name = call.name.last().map_or("", |name| name);
    if TEXT.contains(&name) {
        // lower and upper of a range are no text; no two names of one argument are.
        let of_range = matches!(name, "lower" | "upper");
        return if of_range {
            Ty::Other
        } else {
            Ty::Known(25, -1)
        };
    }
    match name {
        "count" | "rank" | "dense_rank" | "row_number" => Ty::Known(20, -1),
        _ => Ty::Other,
    }
}

pub(super) fn is_user(oid: Oid) -> bool {
    oid >= FIRST_USER_OID
}

impl<'a> Resolver<'a> {
    /// A cast to a type by name: which type it is. Records the code it runs.
    pub(crate) fn type_named(&mut self, name: &TypeName, from: Ty) -> Ty {
        if name.of_column {
            self.construct("%TYPE");
            return Ty::Other;
        }
        let (schema, base) = match name.path.as_slice() {
            [base] => (None, &**base),
            [schema, base] => (Some(self.search.schema(schema)), &**base),
            [database, schema, base] if **database == *self.catalog.database() => {
                (Some(self.search.schema(schema)), &**base)
            }
            _ => {
                self.facts.missing("type", name.path.join("."));
                return Ty::Other;
            }
        };
        if self.pending.has_definition(base) {
            self.unlisted(schema, base, true);
            return Ty::Other;
        }
        let user: Vec<&'a Type> = self
            .catalog
            .types_named(base)
            .filter(|ty| !ty.system)
            .filter(|ty| match schema {
                Some(schema) => *ty.schema == *schema,
                None => self.search.finds_relations_in(&ty.schema),
            })
            .collect();
        let mut result = Ty::Other;
        for ty in &user {
            self.user_type(ty);
            let oid = if name.array { ty.array } else { ty.oid };
            self.cast(from, oid);
            result = Ty::Known(
                oid,
                if name.modifiers.is_empty() {
                    -1
                } else {
                    i32::MIN
                },
            );
        }
        if !user.is_empty() {
            return result;
        }
        let server_own = schema.is_none_or(|schema| schema == "pg_catalog");
        match built_in(base).filter(|_| server_own) {
            Some((oid, array)) => {
                let oid = if name.array { array } else { oid };
                self.cast(from, oid);
                let base_oid = built_in(base).map_or(0, |found| found.0);
                match typmod(base_oid, &name.modifiers).filter(|_| !name.odd_modifiers) {
                    Some(modifier) if oid != 0 => Ty::Known(oid, modifier),
                    _ => Ty::Other,
                }
            }
            None => {
                let known = self
                    .catalog
                    .types_named(base)
                    .any(|ty| ty.system && schema.is_none_or(|schema| *ty.schema == *schema));
                if !known && schema != Some("pg_catalog") && !is_pseudo(base) {
                    self.facts.missing("type", name.path.join("."));
                }
                Ty::Other
            }
        }
    }

    /// What converting to a user's type runs.
    fn user_type(&mut self, ty: &'a Type) {
        self.see_type(ty.oid);
        self.cast_types.insert(ty.oid);
        for code in &ty.user_code {
            self.unlisted(Some(&code.schema), &code.name, true);
        }
        match ty.kind {
            TypeKind::Enum | TypeKind::Composite => {}
            TypeKind::Domain => {
                if let Some(base) = self
                    .catalog
                    .type_by_oid(ty.base)
                    .filter(|base| !base.system)
                {
                    self.deeper((), |this| this.user_type(base));
                }
            }
            TypeKind::Base
            | TypeKind::Pseudo
            | TypeKind::Range
            | TypeKind::Multirange
            | TypeKind::Unknown => self.unlisted(Some(&ty.schema), &ty.name, true),
        }
    }

    /// A cast made by a user that a conversion between these types may run.
    fn cast(&mut self, from: Ty, to: Oid) {
        for cast in self.catalog.casts() {
            let fits = cast.target == to
                && match from {
                    Ty::Known(oid, _) => cast.source == oid || is_user(oid),
                    Ty::Literal => false,
                    Ty::Other | Ty::Exact => {
                        !is_user(cast.source) || self.types.contains(&cast.source)
                    }
                };
            if let Some(function) = cast.function.as_ref().filter(|_| fits) {
                self.facts.function(FunctionUse::Unlisted {
                    schema: Some(Arc::clone(&function.schema)),
                    name: Arc::clone(&function.name),
                    user_defined: true,
                });
            }
        }
    }

    /// Casts that the server adds by itself where a column is computed with or written.
    pub(crate) fn check_implicit_casts(&mut self) {
        if self
            .catalog
            .casts()
            .all(|cast| cast.context == b'e' || cast.function.is_none())
        {
            return;
        }
        let mut used: foldhash::HashSet<Oid> = self
            .facts
            .computed()
            .filter_map(|column| self.catalog.column_type(column))
            .map(|(oid, _)| oid)
            .collect();
        used.extend(self.cast_types.iter());
        let fits = |oid: Oid| !is_user(oid) || used.contains(&oid);
        let found: Vec<FunctionUse> = self
            .catalog
            .casts()
            .filter(|cast| cast.context != b'e')
            .filter(|cast| fits(cast.source) && fits(cast.target))
            .filter_map(|cast| cast.function.as_ref())
            .map(|function| FunctionUse::Unlisted {
                schema: Some(Arc::clone(&function.schema)),
                name: Arc::clone(&function.name),
                user_defined: true,
            })
            .collect();
        for function in found {
            self.facts.function(function);
        }
    }

    /// A value of this type may be in the statement; so may one of what it is made of.
    pub(super) fn see_type(&mut self, oid: Oid) {
        if !is_user(oid) || !self.types.insert(oid) {
            return;
        }
        let Some(ty) = self.catalog.type_by_oid(oid) else {
            return;
        };
        self.deeper((), |this| {
            this.see_type(ty.element);
            this.see_type(ty.base);
            if ty.kind == TypeKind::Composite
                && let Some(relation) = this.catalog.relation_of_row_type(oid)
            {
                for column in &relation.columns {
                    this.see_type(column.type_oid);
                }
            }
        });
    }

    /// Whether a cast from one type to another leaves the value and its reported origin alone
    /// (parser/parse_coerce.c, coerce_type_typmod).
    pub(super) fn is_no_cast(&self, from: Ty, to: Ty) -> bool {
        match (from, to) {
            (Ty::Known(from, from_mod), Ty::Known(to, to_mod)) if from == to => {
                // From version 15 on, dropping a type modifier is shown as a cast.
                from_mod == to_mod
                    || (to_mod == -1 && matches!(self.catalog.server_version(), 1..150_000))
            }
            _ => false,
        }
    }

    /// Whether an argument of this type may be given where `wanted` stands.
    pub(super) fn may_be(&self, given: Ty, wanted: Oid) -> bool {
        if !is_user(wanted) {
            return true;
        }
        match given {
            Ty::Literal => true,
            Ty::Other | Ty::Exact => {
                self.types.contains(&wanted) || self.is_implicit_target(None, wanted)
            }
            Ty::Known(oid, _) => is_user(oid) || self.is_implicit_target(Some(oid), wanted),
        }
    }

    fn is_implicit_target(&self, from: Option<Oid>, wanted: Oid) -> bool {
        self.catalog.casts().any(|cast| {
            cast.context == b'i'
                && cast.target == wanted
                && match from {
                    Some(oid) => cast.source == oid,
                    None => !is_user(cast.source) || self.types.contains(&cast.source),
                }
        })
    }
}

fn is_pseudo(name: &str) -> bool {
    matches!(
        name,
        "trigger"
            | "event_trigger"
            | "any"
            | "anyelement"
            | "anyarray"
            | "anynonarray"
            | "anyenum"
            | "anyrange"
            | "anymultirange"
            | "anycompatible"
            | "anycompatiblearray"
            | "internal"
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn built_in_types_are_sorted() {
        assert!(super::BUILT_IN.is_sorted_by_key(|entry| entry.0));
    }
}
