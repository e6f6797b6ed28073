//! Which error messages cannot hold values of rows.

use crate::{Analysis, Effect, Usage};

/// Whether the message of an error with this SQLSTATE consists of the statement's own text, names of the catalog and
/// fixed words only.
///
/// True of an error in answer to Parse, and of any error of a statement for which [`value_free`] holds. Not of others:
/// user-defined code may raise any SQLSTATE with any message, and a cast of a value to `regclass` fails with 42P01
/// and the value in the message.
pub fn message_is_value_free(sqlstate: &str) -> bool {
    matches!(
        sqlstate,
        // syntax and names
        "42601" | "42602" | "42622" | "42703" | "42702" | "42704" | "42701" | "42710" | "42712"
            | "42723" | "42725" | "42P01" | "42P02" | "42P03" | "42P04" | "42P05" | "42P06" | "42P07"
            | "42P08" | "42P09" | "42P10" | "42P18" | "42P20" | "42803" | "42804" | "42809" | "42846"
            | "42883" | "42501" | "0A000"
        // transactions and cursors
            | "25000" | "25001" | "25006" | "25P01" | "25P02" | "25P03" | "25P04" | "26000" | "34000"
            | "3B001" | "3D000" | "3F000" | "24000"
        // concurrency, cancellation, resources
            | "40001" | "40P01" | "55P03" | "57014" | "57P01" | "57P02" | "57P03" | "57P05" | "53000"
            | "53300" | "54001"
        // arithmetic whose message is fixed
            | "22012"
        // the server's own faults at the protocol
            | "08P01"
    )
}

/// Whether running these statements can only raise errors that the server itself words: nothing user-defined or not
/// understood runs, and no column is computed with.
pub fn value_free(analysis: &Analysis) -> bool {
    analysis.statements.iter().all(|statement| {
        statement.opaque.is_empty()
            && statement.effect != Effect::Unknown
            && statement
                .columns
                .iter()
                .all(|column| column.usage == Usage::Projected)
    })
}
