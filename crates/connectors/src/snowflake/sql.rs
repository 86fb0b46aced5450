//! The statements sent to a customer's account, as pure functions from a plan to text.

use model::{
    AuditPlan, DELETE_FLAG, DeleteColumn, Error, ErrorKind, LogicalType, Moment, NullCursor, ReadPlan,
    Result, SNAPSHOT_UNAVAILABLE, StreamName, StreamPlan, TableName,
};
use snowflake::{Identifier, ObjectName, string_literal};

use super::canonical::SnowflakeDialect;
use super::changes::{UNTIL_SHOWN, changes_sql, moment_sql};
use super::error::from_client;
use super::position::Position;
use crate::audit::{bucket_condition, marks_sql, summary_sql};
use crate::watermark::lower_bound;

/// Reads the plan's rows: all of them, or those from the position's watermark on, less the lookback. One statement is
/// one snapshot.
pub(super) fn read_sql(plan: &StreamPlan, committed: &Position) -> Result<String> {
    if plan.read == ReadPlan::Changes {
        return changes_sql(plan, committed.changes_until.as_deref(), UNTIL_SHOWN);
    }
    let columns = selected_sql(plan, "FALSE")?;
    let select = format!("SELECT {columns} FROM {}", from_sql(plan, committed)?);
    let added: Vec<&str> = plan.added().collect();
    match where_sql(plan, committed, &added)? {
        Some(condition) => Ok(format!("{select} WHERE {condition}")),
        None => Ok(select),
    }
}

/// What a statement selects of each row: the planned columns, and the flag of deleted rows where the read carries it.
/// `is_gone` says of a row that it is one that the source does not have any more.
pub(super) fn selected_sql(plan: &StreamPlan, is_gone: &str) -> Result<String> {
    let mut columns: Vec<String> =
        plan.columns.iter().map(|column| quoted(&column.source)).collect::<Result<_>>()?;
    if plan.carries_delete_flag() {
        let flag = match &plan.deletes.column {
            Some(column) if is_gone == "FALSE" => deleted_sql(column)?,
            Some(column) => format!("{is_gone} OR {}", deleted_sql(column)?),
            None => is_gone.to_owned(),
        };
        columns.push(format!("{flag} AS {}", quoted(DELETE_FLAG)?));
    }
    Ok(columns.join(", "))
}

/// That a row counts as deleted though it is there.
fn deleted_sql(column: &DeleteColumn) -> Result<String> {
    let name = quoted(&column.source)?;
    Ok(if column.is_boolean { format!("COALESCE({name}, FALSE)") } else { format!("({name} IS NOT NULL)") })
}

fn not_deleted_sql(column: &DeleteColumn) -> Result<String> {
    Ok(format!("NOT {}", deleted_sql(column)?))
}

/// Reads the plan's rows that meet `condition`, as they were at a moment where there is one.
pub(super) fn range_sql(plan: &StreamPlan, at: Option<&str>, condition: &str) -> Result<String> {
    let past = at.map(past_sql).unwrap_or_default();
    let required = match plan.read.required_column() {
        Some(column) => format!("{} IS NOT NULL AND ", quoted(column)?),
        None => String::new(),
    };
    let (columns, stream) = (selected_sql(plan, "FALSE")?, stream_sql(&plan.stream)?);
    Ok(format!("SELECT {columns} FROM {stream}{past} WHERE {required}{condition}"))
}

/// As of a moment, behind a table's name.
fn past_sql(at: &str) -> String {
    format!(" AT(TIMESTAMP => {})", zoned_bound_sql("TO_TIMESTAMP_LTZ", at))
}

/// Counts the rows that a read leaves out for want of a cursor value; absent where it leaves none out.
pub(super) fn excluded_count_sql(plan: &StreamPlan) -> Result<Option<String>> {
    let ReadPlan::ByCursor { cursor_column, null_cursor: NullCursor::Exclude, .. } = &plan.read else {
        return Ok(None);
    };
    let from = stream_sql(&plan.stream)?;
    Ok(Some(format!("SELECT COUNT(*) FROM {from} WHERE {} IS NULL", quoted(cursor_column)?)))
}

/// Names every column of a stream and reads nothing.
pub(super) fn every_column_sql(stream: &StreamName) -> Result<String> {
    Ok(format!("SELECT * FROM {}", stream_sql(stream)?))
}

/// The database of a table in a customer's account.
pub(super) fn database_of(table: &TableName) -> Result<&str> {
    table.database.as_deref().ok_or_else(|| {
        Error::config("table_unqualified", format!("{table} has no database in front"))
            .with_remedy("write DATABASE.SCHEMA.TABLE")
    })
}

/// A table's name, as SQL that means exactly that table.
pub(super) fn table_sql(table: &TableName) -> Result<String> {
    let parts = [database_of(table)?, &table.schema, &table.table].map(Identifier::new);
    let parts: Vec<Identifier> = parts.into_iter().collect::<snowflake::Result<_>>().map_err(from_client)?;
    Ok(ObjectName::new(parts).map_err(from_client)?.to_string())
}

pub(super) fn quoted(name: &str) -> Result<String> {
    Ok(Identifier::new(name).map_err(from_client)?.to_string())
}

/// A query ends in a line break, since its last line may be a comment.
pub(super) fn stream_sql(stream: &StreamName) -> Result<String> {
    match stream {
        StreamName::Table(table) => table_sql(table),
        StreamName::Query { sql, .. } => Ok(format!("(\n{}\n) AS source", sql.trim().trim_end_matches(';'))),
    }
}

/// The stream, as of the moment that the plan asks for.
fn from_sql(plan: &StreamPlan, committed: &Position) -> Result<String> {
    match &plan.read {
        ReadPlan::Buckets { filter, .. } => at_sql(&plan.stream, filter.moment, committed),
        ReadPlan::Whole | ReadPlan::ByCursor { .. } | ReadPlan::Changes => stream_sql(&plan.stream),
    }
}

/// The stream as of a moment.
fn at_sql(stream: &StreamName, moment: Moment, committed: &Position) -> Result<String> {
    let sql = stream_sql(stream)?;
    if let (Moment::Checkpoint, Some(until)) = (moment, &committed.changes_until) {
        return Ok(format!("{sql} AT(TIMESTAMP => {})", moment_sql(until)));
    }
    match (moment, stream, &committed.snapshot) {
        (Moment::Now, ..) => Ok(sql),
        (Moment::Checkpoint, StreamName::Table(_), Some(snapshot)) => Ok(match &snapshot.query_id {
            Some(query_id) => format!("{sql} AT(STATEMENT => {})", string_literal(query_id)),
            None => format!("{sql}{}", past_sql(&snapshot.at)),
        }),
        (Moment::Checkpoint, StreamName::Table(_), None) => {
            Err(no_snapshot("the last read did not note which snapshot it was of"))
        }
        (Moment::Checkpoint, StreamName::Query { .. }, _) => {
            Err(no_snapshot("a query cannot be asked for an earlier moment"))
        }
    }
}

fn no_snapshot(message: &str) -> Error {
    Error::new(ErrorKind::NotFound, SNAPSHOT_UNAVAILABLE, message)
}

/// The rows that an audit looks at, behind FROM.
fn audited_sql(plan: &AuditPlan, committed: &Position) -> Result<String> {
    let from = at_sql(&plan.stream.stream, plan.moment, committed)?;
    let required = plan.required_column().map(|column| Ok(format!("{} IS NOT NULL", quoted(column)?)));
    let not_deleted = plan.stream.deletes.excluding().map(not_deleted_sql);
    let conditions: Vec<String> = required.into_iter().chain(not_deleted).collect::<Result<_>>()?;
    Ok(if conditions.is_empty() { from } else { format!("{from} WHERE {}", conditions.join(" AND ")) })
}

/// Sums up the buckets of the plan's rows.
pub(super) fn audit_summary_sql(plan: &AuditPlan, committed: &Position) -> Result<String> {
    summary_sql(&SnowflakeDialect, plan, &audited_sql(plan, committed)?)
}

/// Marks the rows of some buckets.
pub(super) fn audit_marks_sql(plan: &AuditPlan, committed: &Position, buckets: &[u32]) -> Result<String> {
    marks_sql(&SnowflakeDialect, plan, buckets, &audited_sql(plan, committed)?)
}

fn where_sql(plan: &StreamPlan, committed: &Position, added: &[&str]) -> Result<Option<String>> {
    let (cursor_column, cursor_type, lookback, from, null_cursor) = match &plan.read {
        ReadPlan::Whole | ReadPlan::Changes => return Ok(None),
        ReadPlan::Buckets { filter, required_column } => {
            let buckets = bucket_condition(&SnowflakeDialect, plan, filter)?;
            let required =
                required_column.iter().map(|column| Ok(format!("{} IS NOT NULL", quoted(column)?)));
            let not_deleted = plan.deletes.excluding().map(not_deleted_sql);
            let mut conditions: Vec<String> = required.chain(not_deleted).collect::<Result<_>>()?;
            conditions.push(buckets);
            return Ok(Some(conditions.join(" AND ")));
        }
        ReadPlan::ByCursor { cursor_column, cursor_type, lookback, from, null_cursor } => {
            (cursor_column, cursor_type, lookback, from, null_cursor)
        }
    };
    let column = quoted(cursor_column)?;
    let Some(watermark) = &committed.watermark else {
        let excluded = *null_cursor == NullCursor::Exclude;
        return Ok(excluded.then(|| format!("{column} IS NOT NULL")));
    };
    let bound = bound_sql(cursor_type, &lower_bound(cursor_type, watermark, *lookback, *from)?)?;
    // Older rows are read once more where they have a value in a column that the target has only now.
    let filled = added
        .iter()
        .map(|name| Ok(format!(" OR {} IS NOT NULL", quoted(name)?)))
        .collect::<Result<String>>()?;
    Ok(Some(match null_cursor {
        NullCursor::Include => format!("({column} >= {bound} OR {column} IS NULL{filled})"),
        NullCursor::Exclude if filled.is_empty() => format!("{column} >= {bound}"),
        NullCursor::Exclude => format!("{column} IS NOT NULL AND ({column} >= {bound}{filled})"),
    }))
}

/// The bound in the column's own type. Its format is written out, so that no parameter of session, user or account can
/// give it another meaning, and instants carry their offset.
pub(super) fn bound_sql(cursor_type: &LogicalType, bound: &str) -> Result<String> {
    Ok(match cursor_type {
        LogicalType::Int64 => format!("{bound}::NUMBER(38,0)"),
        LogicalType::Decimal { scale, .. } => format!("{bound}::NUMBER(38,{scale})"),
        LogicalType::Text => string_literal(bound),
        LogicalType::Binary => format!("TO_BINARY({}, 'HEX')", string_literal(bound)),
        LogicalType::Date => format!("TO_DATE({}, 'YYYY-MM-DD')", string_literal(bound)),
        LogicalType::Timestamp { .. } => {
            format!("TO_TIMESTAMP_NTZ({}, 'YYYY-MM-DD HH24:MI:SS.FF9')", string_literal(bound))
        }
        LogicalType::TimestampUtc { .. } => zoned_bound_sql("TO_TIMESTAMP_LTZ", bound),
        LogicalType::TimestampOffset { .. } => zoned_bound_sql("TO_TIMESTAMP_TZ", bound),
        other => return Err(Error::internal(format!("a cursor column cannot be of type {other}"))),
    })
}

fn zoned_bound_sql(function: &str, bound: &str) -> String {
    let bound = string_literal(&format!("{bound} +00:00"));
    format!("{function}({bound}, 'YYYY-MM-DD HH24:MI:SS.FF9 TZH:TZM')")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use model::{Column, Progress, ReadSpec, StreamKind, StreamSchema, StreamSpec};

    use super::*;

    fn plan(stream: StreamName, cursor_type: Option<LogicalType>, null_cursor: NullCursor) -> StreamPlan {
        let column = |name: &str, logical_type: LogicalType| Column {
            name: name.to_owned(),
            source_type: logical_type.to_string(),
            logical_type,
            is_nullable: true,
        };
        let lookback = if cursor_type.as_ref().is_some_and(LogicalType::is_time) {
            Duration::from_secs(60)
        } else {
            Duration::ZERO
        };
        let read = match &cursor_type {
            None => ReadSpec::FullRefresh,
            Some(_) => {
                ReadSpec::Incremental { cursor_column: "updated \"at\"".into(), lookback, null_cursor }
            }
        };
        let schema = StreamSchema {
            stream: stream.clone(),
            kind: StreamKind::Table,
            columns: vec![
                column("ID", LogicalType::Int64),
                column("updated \"at\"", cursor_type.unwrap_or(LogicalType::Text)),
            ],
            key: vec![],
            row_count: None,
            bytes: None,
        };
        let spec = StreamSpec {
            read,
            key: vec!["ID".into()],
            ..StreamSpec::new(stream, TableName::in_vendor_database("s", "t"))
        };
        StreamPlan::build(&spec, &schema, &Progress::default()).unwrap()
    }

    fn table() -> StreamName {
        StreamName::Table(TableName::in_snowflake("CRM", "SALES", "my deals"))
    }

    fn after(watermark: &str) -> Position {
        Position { watermark: Some(watermark.into()), ..Position::default() }
    }

    #[test]
    fn a_backfill_reads_every_row() {
        let plan = plan(table(), None, NullCursor::Include);
        insta::assert_snapshot!(read_sql(&plan, &Position::default()).unwrap(),
            @r#"SELECT "ID", "updated ""at""" FROM "CRM"."SALES"."my deals""#);
    }

    #[test]
    fn a_timestamp_bound_is_exact_and_inclusive_and_looks_back() {
        let timestamp = LogicalType::Timestamp { scale: 9, is_wide: false };
        let plan = plan(table(), Some(timestamp), NullCursor::Include);
        insta::assert_snapshot!(read_sql(&plan, &after("2026-01-01 00:00:30.123456789")).unwrap(),
            @r#"SELECT "ID", "updated ""at""" FROM "CRM"."SALES"."my deals" WHERE ("updated ""at""" >= TO_TIMESTAMP_NTZ('2025-12-31 23:59:30.123456789', 'YYYY-MM-DD HH24:MI:SS.FF9') OR "updated ""at""" IS NULL)"#);
    }

    #[test]
    fn an_instant_carries_its_offset() {
        let timestamp = LogicalType::TimestampOffset { scale: 9, is_wide: false };
        let plan = plan(table(), Some(timestamp), NullCursor::Exclude);
        insta::assert_snapshot!(read_sql(&plan, &after("2026-01-01 00:01:00.000000000")).unwrap(),
            @r#"SELECT "ID", "updated ""at""" FROM "CRM"."SALES"."my deals" WHERE "updated ""at""" >= TO_TIMESTAMP_TZ('2026-01-01 00:00:00.000000000 +00:00', 'YYYY-MM-DD HH24:MI:SS.FF9 TZH:TZM')"#);
    }

    #[test]
    fn a_query_may_end_in_a_comment_and_its_text_bound_is_quoted() {
        let stream = StreamName::Query { name: "q".into(), sql: "SELECT * FROM t -- all;".into() };
        let plan = plan(stream, Some(LogicalType::Text), NullCursor::Include);
        insta::assert_snapshot!(read_sql(&plan, &after("it's \\ done")).unwrap(), @r#"
        SELECT "ID", "updated ""at""" FROM (
        SELECT * FROM t -- all
        ) AS source WHERE ("updated ""at""" >= 'it''s \\ done' OR "updated ""at""" IS NULL)
        "#);
    }

    fn by_changes(is_first: bool) -> String {
        let mut plan = plan(table(), None, NullCursor::Include);
        plan.read = ReadPlan::Changes;
        let from = "2026-01-01 00:00:00.000".to_owned();
        let committed = Position { changes_until: (!is_first).then_some(from), ..Position::default() };
        plan.since = (!is_first).then(|| model::Cursor::from_position(&committed).unwrap());
        changes_sql(&plan, committed.changes_until.as_deref(), "2026-01-02 00:00:00.000").unwrap()
    }

    #[test]
    fn a_first_read_by_changes_is_of_one_moment() {
        insta::assert_snapshot!(by_changes(true), @r#"SELECT "ID", "updated ""at""" FROM "CRM"."SALES"."my deals" AT(TIMESTAMP => TO_TIMESTAMP_TZ('2026-01-02 00:00:00.000 +00:00', 'YYYY-MM-DD HH24:MI:SS.FF3 TZH:TZM'))"#);
    }

    #[test]
    fn a_later_read_by_changes_gives_one_row_for_each_key() {
        insta::assert_snapshot!(by_changes(false), @r#"SELECT "ID", "updated ""at""", METADATA$ACTION = 'DELETE' AS "_snowferry_deleted" FROM "CRM"."SALES"."my deals" CHANGES(INFORMATION => DEFAULT) AT(TIMESTAMP => TO_TIMESTAMP_TZ('2026-01-01 00:00:00.000 +00:00', 'YYYY-MM-DD HH24:MI:SS.FF3 TZH:TZM')) END(TIMESTAMP => TO_TIMESTAMP_TZ('2026-01-02 00:00:00.000 +00:00', 'YYYY-MM-DD HH24:MI:SS.FF3 TZH:TZM')) QUALIFY RANK() OVER (PARTITION BY "ID" ORDER BY IFF(METADATA$ACTION = 'INSERT', 0, 1)) = 1"#);
    }
}
