use super::{Class, function, lines, qualified, relation};

#[test]
fn every_line_of_the_function_list_has_a_name_and_a_class() {
    let mut before = ("", "");
    for line in lines(include_str!("../functions.txt")) {
        let words: Vec<_> = line.split_whitespace().collect();
        assert_eq!(words.len(), 2, "{line}");
        assert!(Class::from_word(words[1]).is_some(), "{line}");
        let name = qualified(words[0]);
        assert!(name != before, "twice: {line}");
        before = name;
        assert!(function(name.0, name.1).is_some(), "{line}");
    }
}

#[test]
fn every_line_of_the_relation_list_is_understood() {
    for line in lines(include_str!("../relations.txt")) {
        let mut words = line.split_whitespace();
        let (schema, name) = qualified(words.next().unwrap());
        let listed = relation(schema, name).unwrap();
        for word in words {
            let column = word.strip_prefix('-').unwrap_or_else(|| panic!("{line}"));
            assert!(!listed.allows(column), "{line}");
        }
    }
}

#[test]
fn ordinary_functions_have_their_class() {
    for (name, class) in [
        ("lower", Class::Immutable),
        ("now", Class::Stable),
        ("random", Class::Volatile),
        ("pg_advisory_lock", Class::Session),
        ("pg_sleep", Class::Session),
        ("nextval", Class::Effect),
        ("pg_notify", Class::Effect),
        ("set_config", Class::Settings),
        ("pg_table_is_visible", Class::Stable),
    ] {
        assert_eq!(function("pg_catalog", name), Some(class), "{name}");
    }
    assert!(function("information_schema", "_pg_expandarray").is_some());
}

#[test]
fn functions_that_reach_beyond_their_arguments_are_not_listed() {
    for name in "query_to_xml query_to_xmlschema table_to_xml schema_to_xml database_to_xml cursor_to_xml ts_stat \
        ts_rewrite currtid2 current_query pg_input_is_valid pg_input_error_info pg_read_file pg_read_binary_file \
        pg_ls_dir pg_stat_file lo_get lo_put lo_import lo_export lo_from_bytea loread lowrite \
        pg_logical_slot_get_changes pg_create_logical_replication_slot pg_drop_replication_slot pg_switch_wal \
        pg_stat_get_activity pg_stat_get_backend_activity pg_cancel_backend pg_terminate_backend pg_reload_conf \
        pg_mcv_list_items pg_restore_attribute_stats pg_export_snapshot pg_hba_file_rules dblink domain_in record_in \
        array_in binary_upgrade_set_next_pg_type_oid pg_promote pg_stat_reset pg_logical_emit_message"
        .split_whitespace()
    {
        assert_eq!(function("pg_catalog", name), None, "{name}");
    }
}

#[test]
fn relations_with_values_secrets_or_statements_are_not_listed() {
    for name in "pg_statistic pg_stats pg_stats_ext pg_stats_ext_exprs pg_statistic_ext_data pg_largeobject \
        pg_user_mapping pg_replication_slots pg_hba_file_rules pg_file_settings pg_stat_statements"
        .split_whitespace()
    {
        assert_eq!(relation("pg_catalog", name), None, "{name}");
    }
    assert_eq!(relation("pg_toast", "pg_toast_1"), None);
    for (name, column) in [
        ("pg_stat_activity", "query"),
        ("pg_authid", "rolpassword"),
        ("pg_shadow", "passwd"),
        ("pg_user_mappings", "umoptions"),
        ("pg_subscription", "subconninfo"),
        ("pg_prepared_statements", "statement"),
        ("pg_locks", "objid"),
    ] {
        let listed = relation("pg_catalog", name).unwrap();
        assert!(!listed.allows(column) && !listed.is_whole(), "{name}");
    }
    assert!(relation("pg_catalog", "pg_class").unwrap().is_whole());
    assert!(
        relation("pg_catalog", "pg_stat_activity")
            .unwrap()
            .allows("pid")
    );
}
