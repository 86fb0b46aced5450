//! Whether staged rows repeat a key, found out by hashes: whatever the keys are, and however many.

use std::io;
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use duckdb::{Connection, Transaction};
use model::{Error, Result, StreamPlan};

use super::allowed::MEMORY_BYTES_MAX;
use super::database::TenantDatabase;
use super::error::{failed, refused};
use super::repeated_hashes::RepeatedHashes;
use super::sql::{quoted, quoted_target, staging};
use crate::guard;

/// Refuses staged rows of which two have the same key.
pub(super) fn refuse(
    transaction: &Transaction<'_>,
    plan: &StreamPlan,
    database: &TenantDatabase,
) -> Result<()> {
    let at_once = database.footprint().hashes_at_once();
    let folder = database.file().folder();
    if plan.key().is_empty() || repeated_hashes(transaction, plan, at_once, folder)? == 0 {
        return Ok(());
    }
    database.allow_memory(MEMORY_BYTES_MAX)?;
    match count(transaction, &repeated_keys_sql(plan))? {
        0 => Ok(()),
        repeated => Err(guard::repeated_keys(&plan.stream, plan.key(), repeated)),
    }
}

/// Counts the rows whose key has the hash of an earlier one: all that repeat a key, and by chance another.
///
/// DuckDB's `DISTINCT` over the hashes takes several times as long.
fn repeated_hashes(connection: &Connection, plan: &StreamPlan, at_once: usize, folder: &Path) -> Result<u64> {
    let failed = |error| failed(CHECK, error);
    let on_disk = |error: io::Error| refused(CHECK, &error.to_string());
    let (key, staged) = (key(plan), quoted_target(&staging(&plan.target)));
    let row_count = count(connection, &format!("SELECT count(*)::UBIGINT FROM {staged}"))?;
    let mut repeated = RepeatedHashes::new(row_count, at_once, folder).map_err(on_disk)?;
    let mut statement = connection.prepare(&format!("SELECT hash({key}) FROM {staged}")).map_err(failed)?;
    statement.stream_arrow([]).map(drop).map_err(failed)?;
    while let Some(rows) = statement.step().map_err(failed)? {
        let Some(hashes) = rows.column(0).as_primitive_opt::<UInt64Type>() else {
            return Err(Error::internal("a hash is not a number of 64 bits"));
        };
        repeated.add(hashes.values()).map_err(on_disk)?;
    }
    repeated.count().map_err(on_disk)
}

/// What is said to have failed.
const CHECK: &str = "check the key";

/// Counts the rows that repeat a key.
fn repeated_keys_sql(plan: &StreamPlan) -> String {
    let (key, staged) = (key(plan), quoted_target(&staging(&plan.target)));
    format!(
        "WITH doubtful AS (
             SELECT {key} FROM {staged}
             WHERE hash({key}) IN (SELECT hash({key}) FROM {staged} GROUP BY 1 HAVING count(*) > 1)
         )
         SELECT ((SELECT count(*) FROM doubtful) - (SELECT count(*) FROM (SELECT DISTINCT * FROM doubtful)))::UBIGINT"
    )
}

fn key(plan: &StreamPlan) -> String {
    plan.key().iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ")
}

fn count(connection: &Connection, sql: &str) -> Result<u64> {
    connection.query_row(sql, [], |row| row.get(0)).map_err(|e| failed(CHECK, e))
}

#[cfg(test)]
mod tests {
    use model::{Column, LogicalType, Progress, StreamKind, StreamName, StreamSchema, StreamSpec, TableName};
    use proptest::prelude::*;

    use super::*;
    use crate::duckdb::sql::create_table_sql;

    fn plan() -> StreamPlan {
        let column = |name: &str, logical_type: LogicalType| Column {
            name: name.to_owned(),
            source_type: logical_type.to_string(),
            logical_type,
            is_nullable: true,
        };
        let schema = StreamSchema {
            stream: StreamName::Table(TableName::in_snowflake("D", "S", "T")),
            kind: StreamKind::Table,
            columns: vec![column("odd \"name\"", LogicalType::Text), column("SCORE", LogicalType::Float64)],
            key: vec![],
            row_count: None,
            bytes: None,
        };
        let spec = StreamSpec {
            key: vec!["odd \"name\"".into(), "SCORE".into()],
            ..StreamSpec::new(schema.stream.clone(), TableName::in_vendor_database("s", "t"))
        };
        StreamPlan::build(&spec, &schema, &Progress::default()).unwrap()
    }

    fn rows() -> impl Strategy<Value = Vec<(Option<&'static str>, Option<f64>)>> {
        let name = prop::option::of(prop_oneof![Just(""), Just("a"), Just("b")]);
        let score =
            prop::option::of(prop_oneof![Just(0.0), Just(-0.0), Just(1.5), Just(f64::NAN), Just(-f64::NAN)]);
        prop::collection::vec((name, score), 0..12)
    }

    proptest! {
        #[test]
        fn as_many_rows_repeat_a_key_as_have_one_that_duckdb_takes_for_the_same(
            rows in rows(),
            at_once in 1_usize..15,
        ) {
            let folder = tempfile::tempdir().unwrap();
            let connection = Connection::open_in_memory().unwrap();
            connection.execute_batch("ATTACH ':memory:' AS vendor; CREATE SCHEMA vendor.s").unwrap();
            let plan = plan();
            let staged = staging(&plan.target);
            connection.execute_batch(&create_table_sql(&plan, &staged)).unwrap();
            let staged = quoted_target(&staged);
            for (name, score) in &rows {
                let insert = format!("INSERT INTO {staged} VALUES (?, ?)");
                connection.execute(&insert, duckdb::params![name, score]).unwrap();
            }
            let distinct = count(&connection, &format!("SELECT count(*)::UBIGINT FROM (SELECT DISTINCT * FROM {staged})"));
            let repeated = rows.len() as u64 - distinct.unwrap();
            prop_assert_eq!(count(&connection, &repeated_keys_sql(&plan)).unwrap(), repeated);
            prop_assert_eq!(repeated_hashes(&connection, &plan, at_once, folder.path()).unwrap(), repeated);
        }
    }
}
