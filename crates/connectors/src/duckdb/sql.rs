//! The statements the DuckDB connector sends, as pure functions from names to text.

use model::{Checkpoint, DELETE_FLAG, StreamPlan, TableName};

use super::types::stored_columns;

/// Where Snowferry keeps its own facts, beside the rows they describe.
pub(crate) const CREATE_STATE: &str = r#"
CREATE SCHEMA IF NOT EXISTS vendor._snowferry;
CREATE TABLE IF NOT EXISTS vendor._snowferry.streams (
    target_schema VARCHAR NOT NULL,
    target_table VARCHAR NOT NULL,
    stream VARCHAR NOT NULL,
    epoch UBIGINT NOT NULL,
    committed_cursor VARCHAR,
    committed_rows UBIGINT,
    committed_at TIMESTAMP,
    staged_cursor VARCHAR,
    staged_rows UBIGINT,
    columns VARCHAR
);
ALTER TABLE vendor._snowferry.streams ADD COLUMN IF NOT EXISTS columns VARCHAR;
CREATE TABLE IF NOT EXISTS vendor._snowferry.schema_changes (
    changed_at TIMESTAMP NOT NULL,
    stream VARCHAR NOT NULL,
    target_schema VARCHAR NOT NULL,
    target_table VARCHAR NOT NULL,
    column_name VARCHAR NOT NULL,
    change VARCHAR NOT NULL,
    from_type VARCHAR,
    to_type VARCHAR,
    effect VARCHAR NOT NULL
);
"#;

/// An identifier that means exactly `name`.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// What the tenant's file is attached as. Every name we send has it in front: a file named like a schema would make
/// DuckDB take one for the other.
pub(crate) const CATALOG: &str = "vendor";

pub(crate) fn quoted_schema(schema: &str) -> String {
    format!("{CATALOG}.{}", quoted(schema))
}

pub(crate) fn quoted_target(target: &TableName) -> String {
    format!("{}.{}", quoted_schema(&target.schema), quoted(&target.table))
}

/// The table that staged rows wait in; it becomes the target, or is merged into it.
pub(crate) fn staging(target: &TableName) -> TableName {
    TableName { table: format!("_snowferry_staged_{}", target.table), ..target.clone() }
}

/// Makes the plan's table, as the target or as the table that staged rows wait in.
pub(crate) fn create_table_sql(plan: &StreamPlan, target: &TableName) -> String {
    let flag = plan.carries_delete_flag().then(|| (DELETE_FLAG.to_owned(), "BOOLEAN".to_owned()));
    let columns: Vec<String> = plan
        .columns
        .iter()
        .flat_map(stored_columns)
        .chain(flag)
        .map(|(name, stored_type)| format!("    {} {stored_type}", quoted(&name)))
        .collect();
    format!("CREATE TABLE IF NOT EXISTS {} (\n{}\n)", quoted_target(target), columns.join(",\n"))
}

/// Asks how far a target has got. With parameters DuckDB would plan it twice.
pub(crate) fn progress_sql(target: &TableName) -> String {
    format!(
        "SELECT stream, epoch, committed_cursor, committed_rows, staged_cursor, staged_rows, columns \
         FROM {CATALOG}._snowferry.streams WHERE target_schema = {} AND target_table = {}",
        literal(&target.schema),
        literal(&target.table)
    )
}

/// Records how far staging has got, under the plan's epoch alone. The epoch is written too, as it is: DuckDB looks for
/// conflicting updates column by column, and would not see that another run has raised it since this transaction began.
pub(crate) fn set_staged_sql(plan: &StreamPlan, staged: Option<&Checkpoint>) -> String {
    let cursor = staged.map_or_else(|| "NULL".to_owned(), |staged| literal(staged.cursor.as_str()));
    let rows = staged.map_or_else(|| "NULL".to_owned(), |staged| staged.row_count.to_string());
    format!(
        "UPDATE {CATALOG}._snowferry.streams SET staged_cursor = {cursor}, staged_rows = {rows}, epoch = epoch \
         WHERE target_schema = {} AND target_table = {} AND epoch = {}",
        literal(&plan.target.schema),
        literal(&plan.target.table),
        plan.epoch.0
    )
}

/// A string literal; DuckDB knows no escapes in it but the doubled quote.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The time of this transaction, in UTC.
pub(super) const NOW: &str = "make_timestamp(epoch_us(now()))";

/// That the rows of two tables have the same key.
pub(super) fn same_key_sql(plan: &StreamPlan, left: &str, right: &str) -> String {
    let same = |name: &String| format!("{left}.{0} IS NOT DISTINCT FROM {right}.{0}", quoted(name));
    plan.key().iter().map(same).collect::<Vec<_>>().join(" AND ")
}

#[cfg(test)]
mod tests {
    use model::{Column, LogicalType, Progress, StreamKind, StreamName, StreamSchema, StreamSpec, TableName};

    use super::*;

    fn plan() -> StreamPlan {
        let column = |name: &str, logical_type: LogicalType| Column {
            name: name.to_owned(),
            source_type: logical_type.to_string(),
            logical_type,
            is_nullable: true,
        };
        let table = TableName::in_snowflake("D", "S", "T");
        let schema = StreamSchema {
            stream: StreamName::Table(table),
            kind: StreamKind::Table,
            columns: vec![
                column("ID", LogicalType::Int64),
                column("odd \"name\"", LogicalType::Text),
                column("AT", LogicalType::TimestampOffset { scale: 9, is_wide: false }),
            ],
            key: vec![],
            row_count: None,
            bytes: None,
        };
        let spec = StreamSpec {
            key: vec!["ID".into()],
            ..StreamSpec::new(schema.stream.clone(), TableName::in_vendor_database("s", "t"))
        };
        StreamPlan::build(&spec, &schema, &Progress::default()).unwrap()
    }

    #[test]
    fn a_table_is_made_with_lossless_types() {
        insta::assert_snapshot!(create_table_sql(&plan(), &plan().target), @r#"
        CREATE TABLE IF NOT EXISTS vendor."s"."t" (
            "ID" BIGINT,
            "odd ""name""" VARCHAR,
            "AT" TIMESTAMP_NS,
            "AT__offset_minutes" SMALLINT
        )
        "#);
    }
}
