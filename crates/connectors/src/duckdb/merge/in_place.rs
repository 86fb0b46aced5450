//! Bringing staged rows in by DuckDB's own `MERGE`, which changes rows where they are.

use duckdb::Transaction;
use model::{DELETE_FLAG, DELETED_AT, DeletePolicy, Result, StreamPlan};

use super::{Merged, count, execute};
use crate::duckdb::sql::{NOW, quoted, quoted_target, same_key_sql, staging};
use crate::duckdb::types::stored_columns;

pub(super) fn merge(transaction: &Transaction<'_>, plan: &StreamPlan) -> Result<Merged> {
    let (target, staged) = (quoted_target(&plan.target), quoted_target(&staging(&plan.target)));
    let flag = quoted(DELETE_FLAG);
    let same_key = same_key_sql(plan, "target", "staged");
    let has_flag = plan.carries_delete_flag();
    let mut deleted = 0;
    if has_flag && plan.deletes.policy == DeletePolicy::Delete {
        deleted = execute(
            transaction,
            &format!(
                "DELETE FROM {target} AS target USING {staged} AS staged WHERE staged.{flag} AND {same_key}"
            ),
        )?;
    }
    let before = count(transaction, &target)?;
    let changed = execute(transaction, &merge_sql(plan))?;
    let inserted = count(transaction, &target)? - before;
    let mut marked = 0;
    if has_flag && plan.marks_deleted() {
        let mark = quoted(DELETED_AT);
        marked = count(
            transaction,
            &format!(
                "{staged} AS staged LEFT JOIN {target} AS target ON {same_key} WHERE staged.{flag} AND target.{mark} IS NULL"
            ),
        )?;
        execute(transaction, &merge_deleted_sql(plan))?;
    }
    Ok(Merged { inserted, updated: changed - inserted, deleted, marked })
}

/// Brings staged rows into the target by key. Rows that are the same on both sides are left alone, so that reading a
/// row again neither writes nor counts it. Rows that are deleted at the source are left out, and others lose their mark.
fn merge_sql(plan: &StreamPlan) -> String {
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
fn merge_deleted_sql(plan: &StreamPlan) -> String {
    let using =
        format!("(SELECT * FROM {} WHERE {})", quoted_target(&staging(&plan.target)), quoted(DELETE_FLAG));
    let value = format!("coalesce(target.{}, {NOW})", quoted(DELETED_AT));
    merge_rows_sql(plan, &using, Some(Mark { is_wrong: "IS NULL", value }))
}

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
}
