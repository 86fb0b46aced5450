//! The columns that a table of the vendor database has by now.

use duckdb::Connection;
use model::{Result, TableName};

use super::error::failed;
use super::sql::quoted_target;

/// The columns of a table, as name and type; none where there is no such table.
///
/// DuckDB's lists of all tables and columns take ten times as long as this, and each run would ask them several times.
pub(super) fn table_columns(connection: &Connection, table: &TableName) -> Result<Vec<(String, String)>> {
    let sql = format!("SELECT column_name, column_type FROM (DESCRIBE {})", quoted_target(table));
    let columns = || -> duckdb::Result<Vec<(String, String)>> {
        let mut statement = connection.prepare(&sql)?;
        let columns = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        columns.collect()
    };
    match columns() {
        Err(error) if is_missing(&error) => Ok(Vec::new()),
        columns => columns.map_err(|error| failed("look at the target", error)),
    }
}

/// The statement names nothing else that could be missing.
fn is_missing(error: &duckdb::Error) -> bool {
    error.to_string().starts_with("Catalog Error")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_table_has_no_columns_and_leaves_the_transaction_as_it_was() {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                r#"ATTACH ':memory:' AS vendor; CREATE SCHEMA vendor."o'dd";
                   CREATE TABLE vendor."o'dd"."T""s" (id BIGINT, "a b" DECIMAL(18,2)); BEGIN;
                   INSERT INTO vendor."o'dd"."T""s" VALUES (1, 2)"#,
            )
            .unwrap();
        let columns = |schema, table| {
            table_columns(&connection, &TableName::in_vendor_database(schema, table)).unwrap()
        };
        let found = [("id", "BIGINT"), ("a b", "DECIMAL(18,2)")];
        assert_eq!(columns("o'dd", "T\"s"), found.map(|(name, kind)| (name.to_owned(), kind.to_owned())));
        assert!(columns("o'dd", "other").is_empty());
        assert!(columns("other", "t").is_empty());
        connection.execute_batch("COMMIT").unwrap();
    }
}
