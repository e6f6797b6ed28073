//! The SQL that finds rights the floor's role must not have.
//!
//! To be run with an empty `search_path` and standard strings. Everything is asked of every role that the floor's
//! role may become (`MEMBER`, whether or not it inherits), and nothing is cast to text (see
//! [`statement::catalog`]).

use statement::{ColumnId, Oid};

use super::plan::MARK;

/// `'text'`, as a server with standard strings reads it.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The roles the role may become: oid, name, whether it is the role itself, and its attributes. No row when there is no such role.
pub(super) fn reach(role: &str) -> String {
    format!(
        "SELECT r.oid, pg_catalog.quote_ident(r.rolname), r.oid = f.oid, \
         r.rolsuper, r.rolbypassrls, r.rolcreaterole, r.rolcreatedb, r.rolreplication, f.rolcanlogin \
         FROM pg_catalog.pg_roles f JOIN pg_catalog.pg_roles r ON pg_catalog.pg_has_role(f.oid, r.oid, 'MEMBER') \
         WHERE f.rolname = {} ORDER BY r.oid <> f.oid, r.rolname",
        literal(role)
    )
}

/// The columns among `labelled`, and the generated columns computed from them, as relation and attribute.
pub(super) fn generated(labelled: &[ColumnId]) -> String {
    format!(
        "{} SELECT l.rel, l.att FROM labelled l UNION \
         SELECT d.adrelid, d.adnum FROM pg_catalog.pg_attrdef d \
         JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum AND a.attgenerated <> '' \
         JOIN pg_catalog.pg_depend x ON x.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND x.objid = d.oid \
         AND x.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass \
         JOIN labelled l ON l.rel = x.refobjid AND l.att = x.refobjsubid ORDER BY 1, 2",
        with(labelled, &[])
    )
}

/// `WITH` the labelled columns and the roles within reach; 0 stands for PUBLIC.
fn with(labelled: &[ColumnId], reach: &[Oid]) -> String {
    let columns: Vec<String> = labelled
        .iter()
        .map(|c| {
            format!(
                "({}::pg_catalog.oid, {}::pg_catalog.int2)",
                c.relation, c.attribute
            )
        })
        .collect();
    let columns = match columns.as_slice() {
        [] => "SELECT 0::pg_catalog.oid, 0::pg_catalog.int2 WHERE false".to_owned(),
        some => format!("VALUES {}", some.join(", ")),
    };
    let roles: Vec<String> = reach
        .iter()
        .map(|oid| format!("({oid}::pg_catalog.oid)"))
        .collect();
    let roles = match roles.as_slice() {
        [] => "VALUES (0::pg_catalog.oid)".to_owned(),
        some => format!("VALUES {}", some.join(", ")),
    };
    format!("WITH labelled(rel, att) AS ({columns}), reach(role) AS ({roles})")
}

/// Extensions whose functions read files, pages or other servers.
const EXTENSIONS: &str = "'adminpack', 'dblink', 'file_fdw', 'pageinspect', 'pg_surgery', 'pg_visibility', \
     'pg_walinspect', 'pgstattuple', 'postgres_fdw'";

/// Rights on what is not a role: kind, object, and what the kind needs besides.
///
/// `tainted` are views that read labelled columns with their owner's rights.
pub(super) fn rights(labelled: &[ColumnId], reach: &[Oid], tainted: &[Oid]) -> String {
    let views: Vec<String> = tainted.iter().map(ToString::to_string).collect();
    let views = match views.as_slice() {
        [] => "0".to_owned(),
        some => some.join(", "),
    };
    // Who granted a table's rights does not matter: those to PUBLIC are taken back from it and given to the logins.
    let public = |acl: &str, default: &str| {
        format!(
            "(SELECT pg_catalog.string_agg(DISTINCT x.privilege_type, ', ') FROM pg_catalog.aclexplode(\
             COALESCE({acl}, {default})) x WHERE x.grantee = 0)"
        )
    };
    let table_public = "(SELECT pg_catalog.string_agg(DISTINCT g.granted, ', ') FROM (\
         SELECT x.privilege_type FROM pg_catalog.aclexplode(COALESCE(c.relacl, pg_catalog.acldefault('r', c.relowner))) x \
         WHERE x.grantee = 0 UNION ALL \
         SELECT pg_catalog.format('%s (%I)', x.privilege_type, b.attname) FROM pg_catalog.pg_attribute b \
         CROSS JOIN LATERAL pg_catalog.aclexplode(b.attacl) x WHERE b.attrelid = c.oid AND x.grantee = 0) g(granted))";
    let function_public = public("p.proacl", "pg_catalog.acldefault('f', p.proowner)");
    let schema_public = public("n.nspacl", "pg_catalog.acldefault('n', n.nspowner)");
    let relation = "pg_catalog.format('%I.%I', n.nspname, c.relname)";
    let function = "pg_catalog.format('%I.%I(%s)', n.nspname, p.proname, \
         pg_catalog.pg_get_function_identity_arguments(p.oid))";
    let executes = "EXISTS (SELECT 1 FROM reach r WHERE pg_catalog.has_function_privilege(r.role, p.oid, 'EXECUTE'))";
    let writes = "EXISTS (SELECT 1 FROM reach r WHERE \
         pg_catalog.has_table_privilege(r.role, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') \
         OR pg_catalog.has_any_column_privilege(r.role, c.oid, 'INSERT, UPDATE'))";
    // A role that sees what masked sessions must not.
    let sees = |owner: &str| {
        format!(
            "(EXISTS (SELECT 1 FROM pg_catalog.pg_roles o WHERE o.oid = {owner} AND o.rolsuper) \
             OR EXISTS (SELECT 1 FROM labelled l WHERE pg_catalog.has_column_privilege({owner}, l.rel, l.att, 'SELECT')) \
             OR EXISTS (SELECT 1 FROM pg_catalog.pg_roles m WHERE m.oid < 16384 AND m.rolname IN \
             ('pg_read_server_files', 'pg_execute_server_program', 'pg_read_all_data', 'pg_monitor', 'pg_read_all_stats') \
             AND pg_catalog.pg_has_role({owner}, m.oid, 'MEMBER')))"
        )
    };
    let (sees_function, sees_relation) = (sees("p.proowner"), sees("c.relowner"));
    let class =
        "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace";
    let proc = "FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace";
    let procedure = "CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END";
    format!(
        "{with} \
SELECT 'column', pg_catalog.format('%I.%I.%I', n.nspname, c.relname, a.attname), {relation}, \
  (SELECT pg_catalog.string_agg(p.privilege, ', ') FROM (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('REFERENCES')) \
  p(privilege) WHERE EXISTS (SELECT 1 FROM reach r \
  WHERE pg_catalog.has_column_privilege(r.role, l.rel, l.att, p.privilege))), {table_public} \
  FROM labelled l JOIN pg_catalog.pg_class c ON c.oid = l.rel JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
  JOIN pg_catalog.pg_attribute a ON a.attrelid = l.rel AND a.attnum = l.att WHERE EXISTS (SELECT 1 FROM reach r \
  WHERE pg_catalog.has_column_privilege(r.role, l.rel, l.att, 'SELECT, INSERT, UPDATE, REFERENCES')) \
UNION ALL SELECT 'trigger', {relation}, {relation}, 'TRIGGER', {table_public} {class} \
  WHERE c.oid IN (SELECT rel FROM labelled) AND c.relkind <> 'm' AND EXISTS (SELECT 1 FROM reach r \
  WHERE pg_catalog.has_table_privilege(r.role, c.oid, 'TRIGGER')) \
UNION ALL SELECT 'view', {relation}, {relation}, 'SELECT', {table_public} {class} \
  WHERE c.oid IN ({views}) AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_options_to_table(c.reloptions) o \
  WHERE o.option_name = 'security_invoker' AND pg_catalog.lower(o.option_value) IN ('true', 'on', 'yes', '1')) \
  AND EXISTS (SELECT 1 FROM reach r WHERE pg_catalog.has_any_column_privilege(r.role, c.oid, 'SELECT, INSERT, UPDATE') \
  OR pg_catalog.has_table_privilege(r.role, c.oid, 'DELETE')) \
UNION ALL SELECT 'foreign-table', {relation}, {relation}, 'SELECT', {table_public} {class} \
  WHERE c.relkind = 'f' AND EXISTS (SELECT 1 FROM reach r \
  WHERE pg_catalog.has_any_column_privilege(r.role, c.oid, 'SELECT')) \
UNION ALL SELECT 'catalog', {relation}, {relation}, 'SELECT', {table_public} {class} \
  WHERE n.nspname = 'pg_catalog' AND c.relname IN ('pg_statistic', 'pg_statistic_ext_data', 'pg_largeobject', \
  'pg_authid', 'pg_user_mapping') AND EXISTS (SELECT 1 FROM reach r \
  WHERE pg_catalog.has_any_column_privilege(r.role, c.oid, 'SELECT')) \
UNION ALL SELECT 'rule', {relation}, {relation}, 'SELECT', {table_public} {class} \
  WHERE c.relkind IN ('r', 'p', 'v', 'f') AND EXISTS (SELECT 1 FROM pg_catalog.pg_rewrite w WHERE w.ev_class = c.oid \
  AND w.rulename <> '_RETURN' AND w.ev_enabled <> 'D') AND {writes} AND {sees_relation} AND c.oid >= 16384 \
UNION ALL SELECT 'definer-trigger', {relation}, {relation}, {function_of_trigger}, {table_public} {class} \
  JOIN pg_catalog.pg_trigger t ON t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled <> 'D' \
  JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid AND p.prosecdef JOIN pg_catalog.pg_namespace q ON q.oid = p.pronamespace \
  WHERE {writes} AND {sees_function} \
UNION ALL SELECT 'definer', {function}, {procedure}, 'EXECUTE', {function_public} {proc} \
  WHERE p.prosecdef AND {executes} AND {sees_function} \
UNION ALL SELECT 'extension', {function}, {procedure}, 'EXECUTE', {function_public} {proc} \
  WHERE NOT p.prosecdef AND {executes} AND EXISTS (SELECT 1 FROM pg_catalog.pg_depend d \
  JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid \
  WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.deptype = 'e' \
  AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND e.extname IN ({EXTENSIONS})) \
UNION ALL SELECT 'untrusted-language', {function}, {procedure}, 'EXECUTE', {function_public} {proc} \
  JOIN pg_catalog.pg_language g ON g.oid = p.prolang WHERE NOT g.lanpltrusted AND g.lanname NOT IN ('c', 'internal') \
  AND NOT p.prosecdef AND {executes} \
UNION ALL SELECT 'server-function', {function}, {procedure}, 'EXECUTE', {function_public} {proc} \
  JOIN pg_catalog.pg_init_privs i ON i.objoid = p.oid \
  AND i.classoid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND i.objsubid = 0 \
  WHERE p.oid < 16384 AND {executes} \
  AND NOT EXISTS (SELECT 1 FROM pg_catalog.aclexplode(i.initprivs) x WHERE x.grantee = 0) \
UNION ALL SELECT 'create', pg_catalog.format('SCHEMA %I', n.nspname), '', 'CREATE', {schema_public} \
  FROM pg_catalog.pg_namespace n WHERE n.nspname !~ '^pg_(toast_)?temp_' AND EXISTS (SELECT 1 FROM reach r \
  WHERE pg_catalog.has_schema_privilege(r.role, n.oid, 'CREATE')) \
UNION ALL SELECT 'create', pg_catalog.format('DATABASE %I', d.datname), '', 'CREATE', \
  (SELECT pg_catalog.string_agg(DISTINCT x.privilege_type, ', ') FROM pg_catalog.aclexplode(COALESCE(d.datacl, \
  pg_catalog.acldefault('d', d.datdba))) x WHERE x.grantee = 0) FROM pg_catalog.pg_database d \
  WHERE d.datname = pg_catalog.current_database() AND EXISTS (SELECT 1 FROM reach r \
  WHERE pg_catalog.has_database_privilege(r.role, d.oid, 'CREATE')) \
UNION ALL SELECT 'owner', pg_catalog.format('DATABASE %I', d.datname), '', '', NULL FROM pg_catalog.pg_database d \
  WHERE d.datname = pg_catalog.current_database() AND d.datdba IN (SELECT role FROM reach) \
UNION ALL SELECT 'owner', pg_catalog.format('SCHEMA %I', n.nspname), '', '', NULL FROM pg_catalog.pg_namespace n \
  WHERE n.nspowner IN (SELECT role FROM reach) AND n.nspname !~ '^pg_(toast_)?temp_' \
UNION ALL SELECT 'owner', pg_catalog.format('%s %I.%I', CASE c.relkind WHEN 'v' THEN 'VIEW' \
  WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END, n.nspname, c.relname), '', '', NULL {class} \
  WHERE c.relowner IN (SELECT role FROM reach) AND c.oid IN (SELECT rel FROM labelled) \
UNION ALL SELECT 'user-mapping', pg_catalog.format('SERVER %I', m.srvname), '', '', NULL \
  FROM pg_catalog.pg_user_mappings m WHERE (m.umuser = 0 OR m.umuser IN (SELECT role FROM reach)) \
UNION ALL SELECT 'default-privilege', pg_catalog.format('ROLE %I', o.rolname), \
  COALESCE(pg_catalog.quote_ident(n.nspname), ''), pg_catalog.string_agg(DISTINCT x.privilege_type, ', '), \
  pg_catalog.string_agg(DISTINCT CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(t.rolname) END, ', ') \
  FROM pg_catalog.pg_default_acl d JOIN pg_catalog.pg_roles o ON o.oid = d.defaclrole \
  LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace \
  CROSS JOIN LATERAL pg_catalog.aclexplode(d.defaclacl) x LEFT JOIN pg_catalog.pg_roles t ON t.oid = x.grantee \
  WHERE d.defaclobjtype = 'r' AND (x.grantee = 0 OR x.grantee IN (SELECT role FROM reach)) \
  AND x.grantee <> d.defaclrole GROUP BY o.rolname, n.nspname \
ORDER BY 1, 2, 3, 4",
        with = with(labelled, reach),
        function_of_trigger = "pg_catalog.format('%I.%I', q.nspname, p.proname)",
    )
}

/// The type of each labelled column as SQL writes it, a domain's being its base type's.
pub(super) fn types(labelled: &[ColumnId]) -> String {
    let with = with(labelled, &[]).replacen("WITH ", "WITH RECURSIVE ", 1);
    format!(
        "{with}, base(rel, att, type, modifier, depth) AS (\
         SELECT a.attrelid, a.attnum, a.atttypid, a.atttypmod, 0 FROM labelled l \
         JOIN pg_catalog.pg_attribute a ON a.attrelid = l.rel AND a.attnum = l.att \
         UNION ALL SELECT b.rel, b.att, t.typbasetype, \
         CASE WHEN t.typtypmod >= 0 THEN t.typtypmod ELSE b.modifier END, b.depth + 1 \
         FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.type AND t.typtype = 'd' WHERE b.depth < 32) \
         SELECT DISTINCT ON (rel, att) rel, att, pg_catalog.format_type(type, modifier) \
         FROM base ORDER BY rel, att, depth DESC"
    )
}

/// Every relation of users: oid, schema, name, whether this login reads it, whether it is a view in a schema of ours.
pub(super) fn present() -> String {
    format!(
        "SELECT c.oid, n.nspname, c.relname, \
         pg_catalog.has_table_privilege(c.oid, 'SELECT') AND pg_catalog.has_schema_privilege(n.oid, 'USAGE'), \
         c.relkind = 'v' AND COALESCE(pg_catalog.obj_description(n.oid, 'pg_namespace') = {}, false) \
         FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_(toast|temp_)' \
         ORDER BY n.nspname, c.relname",
        literal(MARK)
    )
}
