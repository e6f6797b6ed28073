//! The SQL that reads a catalog.
//!
//! To be run with an empty `search_path`, in one REPEATABLE READ transaction, [`FINGERPRINT`] first: then a change
//! that the rows miss is one that the fingerprint misses too, and the next poll finds it. Every relation and type is
//! qualified, because a temporary object hides those of `pg_catalog` even then. Nothing is cast to text: an
//! administrator may make such a cast of a type of the server's, which would then be run, and tell what it likes. For
//! PostgreSQL 13 to 18.

/// One query of a load: each of its rows is given to [`super::Builder::row`] under `section`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query {
    /// The section its rows belong to.
    pub section: &'static str,
    /// The query. Its columns are read as the server writes them (format 0), of whatever type they are.
    pub sql: &'static str,
}

/// The queries of a load, for the schemas `n` that the first condition admits; the second admits what stands in no
/// schema.
macro_rules! load {
    ($in_scope:literal, $of_the_database:literal) => {
        &[
            Query {
                section: "server",
                sql: "SELECT pg_catalog.current_setting('server_version_num'), \
                      pg_catalog.current_database()",
            },
            Query {
                section: "schema",
                sql: concat!(
                    "SELECT n.oid, n.nspname FROM pg_catalog.pg_namespace n WHERE ",
                    $in_scope
                ),
            },
            Query {
                section: "relation",
                sql: concat!(
                    "SELECT c.oid, n.nspname, c.relname, ",
                    "c.relkind, c.relpersistence, c.reltype, ",
                    "c.xmin, c.relispartition, c.relrowsecurity, ",
                    "c.relforcerowsecurity, ",
                    "CASE WHEN c.relkind IN ('v', 'm') AND c.oid >= 16384 THEN pg_catalog.pg_get_viewdef(c.oid) END ",
                    "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace ",
                    "WHERE c.relkind NOT IN ('i', 'I', 't') AND ",
                    $in_scope
                ),
            },
            Query {
                section: "column",
                sql: concat!(
                    "SELECT a.attrelid, a.attnum, a.attname, ",
                    "a.atttypid, a.atttypmod, a.attnotnull, ",
                    "a.atthasdef, a.attgenerated, a.attidentity ",
                    "FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid ",
                    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace ",
                    "WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind NOT IN ('i', 'I', 't') AND ",
                    $in_scope
                ),
            },
            Query {
                section: "loose collation",
                sql: concat!(
                    "SELECT a.attrelid, a.attnum FROM pg_catalog.pg_attribute a ",
                    "JOIN pg_catalog.pg_collation k ON k.oid = a.attcollation ",
                    "JOIN pg_catalog.pg_class c ON c.oid = a.attrelid ",
                    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace ",
                    "WHERE a.attnum > 0 AND NOT k.collisdeterministic AND ",
                    $in_scope
                ),
            },
            Query {
                section: "inheritance",
                sql: concat!(
                    "SELECT i.inhrelid, i.inhparent FROM pg_catalog.pg_inherits i ",
                    "JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid ",
                    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace ",
                    "WHERE c.relkind NOT IN ('i', 'I') AND ",
                    $in_scope
                ),
            },
            Query {
                section: "index",
                sql: concat!(
                    "SELECT c.oid, n.nspname, c.relname, ",
                    "c.relkind, c.relpersistence, c.xmin, ",
                    "i.indrelid, i.indisunique, i.indisprimary, ",
                    "i.indkey, (i.indpred IS NOT NULL) ",
                    "FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid ",
                    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid >= 16384 AND ",
                    $in_scope
                ),
            },
            Query {
                section: "type",
                sql: concat!(
                    "SELECT t.oid, n.nspname, t.typname, ",
                    "t.typtype, t.typcategory, t.typelem, ",
                    "t.typarray, t.typbasetype, t.typtypmod, ",
                    "t.typrelid, ",
                    "(16384 <= GREATEST(t.typinput::pg_catalog.oid, t.typoutput::pg_catalog.oid, ",
                    "t.typreceive::pg_catalog.oid, t.typsend::pg_catalog.oid, t.typmodin::pg_catalog.oid, ",
                    "t.typmodout::pg_catalog.oid)) ",
                    "FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace ",
                    "LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem ",
                    "WHERE (t.oid >= 16384 OR t.typtype <> 'c' AND e.typtype IS DISTINCT FROM 'c') AND ",
                    $in_scope
                ),
            },
            Query {
                section: "function",
                sql: concat!(
                    "SELECT p.oid, n.nspname, p.proname, ",
                    "p.prokind, p.provolatile, p.proargtypes, ",
                    "p.pronargdefaults, (p.provariadic <> 0), ",
                    "p.prorettype, p.proretset, ",
                    "p.proallargtypes, p.proargmodes, p.proargnames, ",
                    "l.lanname, p.prosecdef, p.xmin ",
                    "FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace ",
                    "JOIN pg_catalog.pg_language l ON l.oid = p.prolang ",
                    "WHERE (p.oid >= 16384 OR p.prolang NOT IN (12, 13, 14) ",
                    "OR p.proargmodes OPERATOR(pg_catalog.&&) '{o,b,t}'::pg_catalog.\"char\"[]) AND ",
                    $in_scope
                ),
            },
            Query {
                section: "operator",
                sql: concat!(
                    "SELECT o.oid, n.nspname, o.oprname, ",
                    "o.oprleft, o.oprright, o.oprcode::pg_catalog.oid ",
                    "FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace ",
                    "WHERE o.oid >= 16384 AND ",
                    $in_scope
                ),
            },
            Query {
                section: "cast",
                sql: concat!(
                    "SELECT k.oid, k.castsource, k.casttarget, ",
                    "k.castcontext, k.castmethod, ",
                    "p.oid, f.nspname, p.proname ",
                    "FROM pg_catalog.pg_cast k JOIN pg_catalog.pg_type t ON t.oid = k.castsource ",
                    "JOIN pg_catalog.pg_type u ON u.oid = k.casttarget ",
                    // a cast is temporary as soon as one of its types is
                    "JOIN pg_catalog.pg_namespace n ON n.oid = CASE WHEN u.typnamespace = pg_catalog.pg_my_temp_schema() ",
                    "THEN u.typnamespace ELSE t.typnamespace END ",
                    "LEFT JOIN pg_catalog.pg_proc p ON p.oid = k.castfunc ",
                    "LEFT JOIN pg_catalog.pg_namespace f ON f.oid = p.pronamespace WHERE k.oid >= 16384 AND ",
                    $in_scope
                ),
            },
            Query {
                section: "rule",
                sql: concat!(
                    "SELECT r.ev_class, r.rulename, r.ev_type, ",
                    "r.is_instead, (r.ev_enabled <> 'D'), ",
                    "pg_catalog.pg_get_ruledef(r.oid) FROM pg_catalog.pg_rewrite r ",
                    "JOIN pg_catalog.pg_class c ON c.oid = r.ev_class ",
                    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE r.rulename <> '_RETURN' AND ",
                    $in_scope
                ),
            },
            Query {
                section: "trigger",
                sql: concat!(
                    "SELECT g.tgrelid, g.tgname, g.tgtype, ",
                    "(g.tgenabled <> 'D'), ",
                    "p.oid, f.nspname, p.proname ",
                    "FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_class c ON c.oid = g.tgrelid ",
                    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace ",
                    "JOIN pg_catalog.pg_proc p ON p.oid = g.tgfoid ",
                    "JOIN pg_catalog.pg_namespace f ON f.oid = p.pronamespace ",
                    "WHERE (NOT g.tgisinternal OR p.oid >= 16384) AND ",
                    $in_scope
                ),
            },
            Query {
                section: "policy",
                sql: concat!(
                    "SELECT y.polrelid, y.polname, y.polcmd, ",
                    "y.polpermissive, pg_catalog.pg_get_expr(y.polqual, y.polrelid), ",
                    "pg_catalog.pg_get_expr(y.polwithcheck, y.polrelid) FROM pg_catalog.pg_policy y ",
                    "JOIN pg_catalog.pg_class c ON c.oid = y.polrelid ",
                    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE ",
                    $in_scope
                ),
            },
            Query {
                section: "foreign_key",
                sql: concat!(
                    "SELECT k.oid, k.conrelid, k.conkey, ",
                    "k.confrelid, k.confkey, k.confupdtype, ",
                    "k.confdeltype FROM pg_catalog.pg_constraint k ",
                    "JOIN pg_catalog.pg_namespace n ON n.oid = k.connamespace WHERE k.contype = 'f' AND ",
                    $in_scope
                ),
            },
            Query {
                section: "code",
                sql: concat!(
                    // who runs it: every object that belongs to a relation or a type and depends on user code.
                    // The server records no dependency on what came with it.
                    "SELECT owner.relation, owner.type, owner.origin, ",
                    "code.class, code.oid, code.schema, code.name ",
                    "FROM (",
                    "SELECT 'pg_catalog.pg_attrdef'::pg_catalog.regclass::pg_catalog.oid AS class, oid, adrelid AS relation, 0::pg_catalog.oid AS type, 'default' AS origin FROM pg_catalog.pg_attrdef ",
                    "UNION ALL SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass, oid, conrelid, contypid, 'constraint' FROM pg_catalog.pg_constraint ",
                    "UNION ALL SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, indexrelid, indrelid, 0, 'index' FROM pg_catalog.pg_index ",
                    "UNION ALL SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, oid, oid, 0, 'partition' FROM pg_catalog.pg_class WHERE relkind NOT IN ('i', 'I') ",
                    "UNION ALL SELECT 'pg_catalog.pg_policy'::pg_catalog.regclass, oid, polrelid, 0, 'policy' FROM pg_catalog.pg_policy ",
                    "UNION ALL SELECT 'pg_catalog.pg_trigger'::pg_catalog.regclass, oid, tgrelid, 0, 'trigger' FROM pg_catalog.pg_trigger ",
                    "UNION ALL SELECT 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass, oid, stxrelid, 0, 'statistics' FROM pg_catalog.pg_statistic_ext ",
                    "UNION ALL SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, oid, 0, oid, 'type' FROM pg_catalog.pg_type",
                    ") owner JOIN pg_catalog.pg_depend d ON d.classid = owner.class AND d.objid = owner.oid JOIN (",
                    "SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid AS refclass, 'function' AS class, p.oid, s.nspname AS schema, p.proname AS name FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace s ON s.oid = p.pronamespace WHERE p.oid >= 16384 ",
                    "UNION ALL SELECT 'pg_catalog.pg_operator'::pg_catalog.regclass, 'operator', o.oid, s.nspname, o.oprname FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_namespace s ON s.oid = o.oprnamespace WHERE o.oid >= 16384 ",
                    "UNION ALL SELECT 'pg_catalog.pg_opclass'::pg_catalog.regclass, 'operator class', o.oid, s.nspname, o.opcname FROM pg_catalog.pg_opclass o JOIN pg_catalog.pg_namespace s ON s.oid = o.opcnamespace WHERE o.oid >= 16384 ",
                    "UNION ALL SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, 'type', t.oid, s.nspname, t.typname FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace s ON s.oid = t.typnamespace WHERE t.oid >= 16384 AND (t.typtype = 'd' OR t.typinput::pg_catalog.oid >= 16384)",
                    ") code ON code.refclass = d.refclassid AND code.oid = d.refobjid ",
                    "LEFT JOIN pg_catalog.pg_class c ON c.oid = owner.relation ",
                    "LEFT JOIN pg_catalog.pg_type t ON t.oid = owner.type ",
                    "JOIN pg_catalog.pg_namespace n ON n.oid = COALESCE(c.relnamespace, t.typnamespace) ",
                    // that a column or an array has a type is not code
                    "WHERE NOT (owner.origin IN ('partition', 'type') AND code.class = 'type') ",
                    // a trigger's own function stands with the trigger, which says when it runs
                    "AND NOT (owner.origin = 'trigger' AND code.class = 'function' AND code.oid = ",
                    "(SELECT g.tgfoid FROM pg_catalog.pg_trigger g WHERE g.oid = owner.oid)) AND ",
                    $in_scope
                ),
            },
            Query {
                section: "event_trigger",
                sql: concat!(
                    "SELECT v.evtname, v.evtevent, ",
                    "p.oid, f.nspname, p.proname ",
                    "FROM pg_catalog.pg_event_trigger v JOIN pg_catalog.pg_proc p ON p.oid = v.evtfoid ",
                    "JOIN pg_catalog.pg_namespace f ON f.oid = p.pronamespace WHERE v.evtenabled <> 'D' AND ",
                    $of_the_database
                ),
            },
        ]
    };
}

/// Loads everything but temporary objects.
pub const LOAD: &[Query] = load!("n.nspname !~ '^pg_(toast|temp_)'", "true");

/// Loads the temporary objects of the session it runs in; no rows but that of the server when there are none.
pub const LOAD_TEMP: &[Query] = load!("n.oid = pg_catalog.pg_my_temp_schema()", "false");

/// A number for each row version of a system catalog: it differs when the row was written again, also twice in one
/// transaction (`cmin`). `$class` tells the catalogs apart.
macro_rules! versions {
    ($class:literal, $row:literal, $object:literal, $part:literal, $($from:tt)+) => {
        concat!(
            "SELECT pg_catalog.hashtextextended(pg_catalog.concat_ws(':', ",
            $row,
            ".xmin, ",
            $row,
            ".cmin, ",
            $object,
            ", ",
            $part,
            ") COLLATE pg_catalog.\"C\", ",
            $class,
            ") AS version FROM ", $($from)+
        )
    };
}

/// Restricts relations `c` to those that are neither temporary nor TOAST.
macro_rules! of_relation {
    ($catalog:literal, $relation:literal) => {
        concat!(
            "pg_catalog.",
            $catalog,
            " x JOIN pg_catalog.pg_class c ON c.oid = x.",
            $relation,
            " WHERE c.oid >= 16384 AND c.relpersistence <> 't' AND c.relkind <> 't'"
        )
    };
}

/// Restricts objects of a schema to those that are not temporary.
macro_rules! of_schema {
    ($catalog:literal, $schema:literal) => {
        concat!(
            "pg_catalog.",
            $catalog,
            " x JOIN pg_catalog.pg_namespace n ON n.oid = x.",
            $schema,
            " WHERE x.oid >= 16384 AND n.nspname !~ '^pg_(toast|temp_)'"
        )
    };
}

/// One row, one text column. It changes whenever a committed change reaches what [`LOAD`] reads, and by a few changes
/// that do not matter to it (statistics targets, grants, REINDEX). Temporary objects have no part in it.
pub const FINGERPRINT: &str = concat!(
    "SELECT pg_catalog.concat_ws(':', pg_catalog.current_setting('server_version_num'), ",
    "(SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()), ",
    "pg_catalog.current_database(), pg_catalog.count(*), pg_catalog.sum(version)) FROM (",
    versions!(
        "1",
        "x",
        "x.oid",
        "0",
        "pg_catalog.pg_namespace x WHERE x.nspname !~ '^pg_(toast|temp_)'"
    ),
    " UNION ALL ",
    versions!(
        "2",
        "c",
        "c.oid",
        "0",
        "pg_catalog.pg_class c WHERE c.oid >= 16384 AND c.relpersistence <> 't' AND c.relkind <> 't'"
    ),
    " UNION ALL ",
    versions!(
        "3",
        "x",
        "x.attrelid",
        "x.attnum",
        of_relation!("pg_attribute", "attrelid")
    ),
    " AND x.attnum > 0 AND c.relkind NOT IN ('i', 'I') UNION ALL ",
    versions!(
        "4",
        "x",
        "x.inhrelid",
        "x.inhseqno",
        of_relation!("pg_inherits", "inhrelid")
    ),
    " UNION ALL ",
    versions!(
        "5",
        "x",
        "x.indexrelid",
        "0",
        of_relation!("pg_index", "indexrelid")
    ),
    " UNION ALL ",
    versions!(
        "6",
        "x",
        "x.oid",
        "0",
        of_schema!("pg_type", "typnamespace")
    ),
    " UNION ALL ",
    versions!(
        "7",
        "x",
        "x.oid",
        "0",
        of_schema!("pg_proc", "pronamespace")
    ),
    " UNION ALL ",
    versions!(
        "8",
        "x",
        "x.oid",
        "0",
        of_schema!("pg_operator", "oprnamespace")
    ),
    " UNION ALL ",
    versions!(
        "9",
        "x",
        "x.oid",
        "0",
        of_schema!("pg_opclass", "opcnamespace")
    ),
    " UNION ALL ",
    versions!(
        "10",
        "x",
        "x.oid",
        "0",
        "pg_catalog.pg_cast x WHERE x.oid >= 16384"
    ),
    " UNION ALL ",
    versions!(
        "11",
        "x",
        "x.oid",
        "0",
        of_relation!("pg_rewrite", "ev_class")
    ),
    " UNION ALL ",
    versions!(
        "12",
        "x",
        "x.oid",
        "0",
        of_relation!("pg_trigger", "tgrelid")
    ),
    " UNION ALL ",
    versions!(
        "13",
        "x",
        "x.oid",
        "0",
        of_relation!("pg_policy", "polrelid")
    ),
    " UNION ALL ",
    versions!(
        "14",
        "x",
        "x.oid",
        "0",
        of_relation!("pg_attrdef", "adrelid")
    ),
    " UNION ALL ",
    versions!(
        "15",
        "x",
        "x.oid",
        "0",
        of_schema!("pg_constraint", "connamespace")
    ),
    " UNION ALL ",
    versions!(
        "16",
        "x",
        "x.oid",
        "0",
        of_schema!("pg_statistic_ext", "stxnamespace")
    ),
    " UNION ALL ",
    versions!("17", "x", "x.oid", "0", "pg_catalog.pg_event_trigger x"),
    " UNION ALL ",
    versions!("18", "x", "x.oid", "0", "pg_catalog.pg_language x"),
    ") versions"
);
