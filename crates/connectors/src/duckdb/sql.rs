//! The statements the DuckDB connector sends, as pure functions from names to text.

use model::{Checkpoint, DELETE_FLAG, DELETED_AT, StreamPlan, TableName};

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

/// Counts the rows that repeat a key.
pub(crate) fn repeated_keys_sql(plan: &StreamPlan) -> String {
    let key: Vec<String> = plan.key().iter().map(|name| quoted(name)).collect();
    let key = key.join(", ");
    format!(
        "SELECT coalesce(sum(n - 1), 0)::UBIGINT FROM (SELECT count(*) AS n FROM {} GROUP BY {key} HAVING count(*) > 1)",
        quoted_target(&staging(&plan.target))
    )
}

/// Brings staged rows into the target by key. Rows that are the same on both sides are left alone, so that reading a
/// row again neither writes nor counts it. Rows that are deleted at the source are left out, and others lose their mark.
pub(crate) fn merge_sql(plan: &StreamPlan) -> String {
    let staged = quoted_target(&staging(&plan.target));
    let using = match plan.carries_delete_flag() {
        true => format!("(SELECT * FROM {staged} WHERE {} IS NOT TRUE)", quoted(DELETE_FLAG)),
        false => staged,
    };
    let mark = plan.marks_deleted().then_some(Mark { is_wrong: "IS NOT NULL", value: "NULL".to_owned() });
    merge_rows_sql(plan, &using, mark)
}

/// Brings those staged rows into the target that are deleted at the source, each with the time of now or of its earlier
/// mark.
pub(super) fn merge_deleted_sql(plan: &StreamPlan) -> String {
    let using =
        format!("(SELECT * FROM {} WHERE {})", quoted_target(&staging(&plan.target)), quoted(DELETE_FLAG));
    let value = format!("coalesce(target.{}, {NOW})", quoted(DELETED_AT));
    merge_rows_sql(plan, &using, Some(Mark { is_wrong: "IS NULL", value }))
}

/// The time of this transaction, in UTC.
pub(super) const NOW: &str = "make_timestamp(epoch_us(now()))";

/// What is to stand in the column that marks deleted rows.
struct Mark {
    /// What is true of it where it has to be written.
    is_wrong: &'static str,
    value: String,
}

fn merge_rows_sql(plan: &StreamPlan, using: &str, mark: Option<Mark>) -> String {
    let names: Vec<String> =
        plan.columns.iter().flat_map(stored_columns).map(|(name, _)| quoted(&name)).collect();
    let key: Vec<String> = plan.key().iter().map(|name| quoted(name)).collect();
    let other: Vec<&String> = names.iter().filter(|name| !key.contains(name)).collect();
    let stamps: Vec<String> = plan.stamps.iter().map(|name| quoted(name)).collect();
    let compared = other.iter().filter(|name| !stamps.contains(name));
    let mut differing: Vec<String> =
        compared.map(|name| format!("target.{name} IS DISTINCT FROM staged.{name}")).collect();
    let mut assignments: Vec<String> = other.iter().map(|name| format!("{name} = staged.{name}")).collect();
    let mut inserted = names.clone();
    let mut values: Vec<String> = names.iter().map(|name| format!("staged.{name}")).collect();
    if let Some(Mark { is_wrong, value }) = mark {
        let column = quoted(DELETED_AT);
        differing.push(format!("target.{column} {is_wrong}"));
        assignments.push(format!("{column} = {value}"));
        if value != "NULL" {
            inserted.push(column);
            values.push(NOW.to_owned());
        }
    }
    let update = if differing.is_empty() {
        String::new()
    } else {
        format!("\nWHEN MATCHED AND ({}) THEN UPDATE SET {}", differing.join(" OR "), assignments.join(", "))
    };
    format!(
        "MERGE INTO {} AS target USING {using} AS staged ON {}{update}\nWHEN NOT MATCHED THEN INSERT ({}) VALUES ({})",
        quoted_target(&plan.target),
        same_key_sql(plan, "target", "staged"),
        inserted.join(", "),
        values.join(", "),
    )
}

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
    fn a_merge_writes_only_rows_that_differ() {
        insta::assert_snapshot!(merge_sql(&plan()), @r#"
        MERGE INTO vendor."s"."t" AS target USING vendor."s"."_snowferry_staged_t" AS staged ON target."ID" IS NOT DISTINCT FROM staged."ID"
        WHEN MATCHED AND (target."odd ""name""" IS DISTINCT FROM staged."odd ""name""" OR target."AT" IS DISTINCT FROM staged."AT" OR target."AT__offset_minutes" IS DISTINCT FROM staged."AT__offset_minutes") THEN UPDATE SET "odd ""name""" = staged."odd ""name""", "AT" = staged."AT", "AT__offset_minutes" = staged."AT__offset_minutes"
        WHEN NOT MATCHED THEN INSERT ("ID", "odd ""name""", "AT", "AT__offset_minutes") VALUES (staged."ID", staged."odd ""name""", staged."AT", staged."AT__offset_minutes")
        "#);
    }

    #[test]
    fn a_row_that_differs_in_nothing_but_its_stamps_is_left_alone() {
        let plan = StreamPlan { stamps: vec!["AT".to_owned(), "AT__offset_minutes".to_owned()], ..plan() };
        let merge = merge_sql(&plan);
        assert!(
            merge.contains(
                r#"MATCHED AND (target."odd ""name""" IS DISTINCT FROM staged."odd ""name""") THEN"#
            )
        );
        assert!(merge.contains(r#""AT" = staged."AT""#), "{merge}");
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
