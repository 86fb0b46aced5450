//! The statements of a delivery, as pure functions to text. Names go through the quoting types, values never occur.

use model::{Result, TableName};
use snowflake::{ColumnType, StageLocation, string_literal};

use super::intent::SentFile;
use super::shape::Shape;
use crate::snowflake::fit::TargetColumn;
use crate::snowflake::sql::{database_of, quoted, table_sql};

/// How files are read: logical types as they are annotated, bytes as bytes, and no text taken for NULL.
const FILE_FORMAT: &str =
    "TYPE=PARQUET USE_LOGICAL_TYPE=TRUE BINARY_AS_TEXT=FALSE USE_VECTORIZED_SCANNER=TRUE NULL_IF=()";
/// Enough for every statement of one session of ours.
const HISTORY_ROWS_MAX: u32 = 10_000;
/// The clock of the account, in milliseconds.
pub(super) const CLOCK: &str = "DATE_PART(EPOCH_MILLISECOND, CURRENT_TIMESTAMP())";

/// Makes the target where it is absent.
pub(super) fn create_table(target: &TableName, columns: &[TargetColumn]) -> Result<String> {
    let columns: Vec<String> = columns
        .iter()
        .map(|column| {
            let not_null = if column.is_nullable { "" } else { " NOT NULL" };
            Ok(format!("{} {}{not_null}", quoted(&column.name)?, column.column_type))
        })
        .collect::<Result<_>>()?;
    Ok(format!("CREATE TABLE IF NOT EXISTS {} ({})", table_sql(target)?, columns.join(", ")))
}

/// Makes the temporary table that rows are counted in before the target changes.
pub(super) fn create_temporary(shape: &Shape) -> Result<String> {
    let mut columns: Vec<String> = shape
        .columns
        .iter()
        .map(|column| Ok(format!("{} {}", quoted(&column.name)?, column.column_type)))
        .collect::<Result<_>>()?;
    if let Some(flag) = shape.travelling_flag() {
        columns.push(format!("{} {}", quoted(flag)?, ColumnType::Boolean));
    }
    Ok(format!("CREATE TEMPORARY TABLE {} ({})", table_sql(&shape.temporary)?, columns.join(", ")))
}

pub(super) fn drop_temporary(shape: &Shape) -> Result<String> {
    Ok(format!("DROP TABLE IF EXISTS {}", table_sql(&shape.temporary)?))
}

/// Loads the files into the target itself.
pub(super) fn copy_into_target(shape: &Shape, folder: &StageLocation, files: &[SentFile]) -> Result<String> {
    copy(shape, &shape.target, None, folder, files)
}

/// Loads the files into the temporary table.
pub(super) fn copy_into_temporary(
    shape: &Shape,
    folder: &StageLocation,
    files: &[SentFile],
) -> Result<String> {
    copy(shape, &shape.temporary, shape.travelling_flag(), folder, files)
}

fn copy(
    shape: &Shape,
    into: &TableName,
    flag: Option<&str>,
    folder: &StageLocation,
    files: &[SentFile],
) -> Result<String> {
    let mut names = shape.names()?;
    let mut expressions: Vec<&str> = shape.columns.iter().map(|column| column.expression.as_str()).collect();
    if let Some(flag) = flag {
        names.push(quoted(flag)?);
        expressions.extend(shape.flag_expression.as_deref());
    }
    let files: Vec<String> = files.iter().map(|file| string_literal(&file.name)).collect();
    Ok(format!(
        "COPY INTO {} ({}) FROM (SELECT {} FROM {folder}) FILES=({}) FILE_FORMAT=({FILE_FORMAT}) ON_ERROR=ABORT_STATEMENT",
        table_sql(into)?,
        names.join(", "),
        expressions.join(", "),
        files.join(", "),
    ))
}

/// Counts what the temporary table holds: rows, distinct keys, and the account's clock beside them.
pub(super) fn counts(shape: &Shape) -> Result<String> {
    let temporary = table_sql(&shape.temporary)?;
    let key = shape.key()?;
    let keys = if key.is_empty() {
        "COUNT(*)".to_owned()
    } else {
        format!("(SELECT COUNT(*) FROM (SELECT DISTINCT {} FROM {temporary}) AS keys)", key.join(", "))
    };
    Ok(format!("SELECT COUNT(*) AS SENT, {keys} AS KEYS, {CLOCK} AS CLOCK_MS FROM {temporary}"))
}

/// Puts the rows of the temporary table in place of all that the target holds.
pub(super) fn overwrite(shape: &Shape, deadline_ms: i64) -> Result<String> {
    let names = shape.names()?.join(", ");
    Ok(format!(
        "INSERT OVERWRITE INTO {} ({names}) SELECT {names} FROM {} WHERE {}",
        table_sql(&shape.target)?,
        table_sql(&shape.temporary)?,
        fence(deadline_ms)
    ))
}

/// Merges the rows of the temporary table into the target by key, NULLs being equal.
pub(super) fn merge(shape: &Shape, deadline_ms: i64) -> Result<String> {
    let names = shape.names()?;
    let from_source: Vec<String> = names.iter().map(|name| format!("source.{name}")).collect();
    let mut sql = format!(
        "MERGE INTO {} AS target USING (SELECT * FROM {} WHERE {}) AS source ON {}",
        table_sql(&shape.target)?,
        table_sql(&shape.temporary)?,
        fence(deadline_ms),
        same_key(shape)?
    );
    let flag = shape.flag()?;
    if let Some(flag) = &flag {
        sql.push_str(&format!(" WHEN MATCHED AND source.{flag} THEN DELETE"));
    }
    let values = shape.values()?;
    if !values.is_empty() {
        let assignments: Vec<String> = values.iter().map(|name| format!("{name} = source.{name}")).collect();
        let condition = differs(shape)?.map(|differs| format!(" AND ({differs})")).unwrap_or_default();
        sql.push_str(&format!(" WHEN MATCHED{condition} THEN UPDATE SET {}", assignments.join(", ")));
    }
    let kept = flag.map(|flag| format!(" AND NOT COALESCE(source.{flag}, FALSE)")).unwrap_or_default();
    sql.push_str(&format!(
        " WHEN NOT MATCHED{kept} THEN INSERT ({}) VALUES ({})",
        names.join(", "),
        from_source.join(", ")
    ));
    Ok(sql)
}

/// Counts what a merge would do, without doing it.
pub(super) fn merge_counts(shape: &Shape) -> Result<String> {
    let flag =
        shape.flag()?.map_or_else(|| "FALSE".to_owned(), |flag| format!("COALESCE(source.{flag}, FALSE)"));
    let differs = match differs(shape)? {
        _ if shape.values()?.is_empty() => "FALSE".to_owned(),
        Some(differs) => format!("({differs})"),
        None => "TRUE".to_owned(),
    };
    Ok(format!(
        "SELECT COUNT_IF(target.FOUND IS NULL AND NOT {flag}) AS ADDED, \
         COUNT_IF(target.FOUND AND NOT {flag} AND {differs}) AS REPLACED, \
         COUNT_IF(target.FOUND AND {flag}) AS REMOVED \
         FROM {} AS source LEFT JOIN (SELECT {}, TRUE AS FOUND FROM {}) AS target ON {}",
        table_sql(&shape.temporary)?,
        shape.names()?.join(", "),
        table_sql(&shape.target)?,
        same_key(shape)?
    ))
}

/// What query history knows of the statements with this tag in that session.
pub(super) fn history(target: &TableName, session_id: i64, tag: &str) -> Result<String> {
    Ok(format!(
        "SELECT QUERY_ID, EXECUTION_STATUS FROM TABLE({}.INFORMATION_SCHEMA.QUERY_HISTORY_BY_SESSION(\
         SESSION_ID => {session_id}, RESULT_LIMIT => {HISTORY_ROWS_MAX})) WHERE QUERY_TAG = {}",
        quoted(database_of(target)?)?,
        string_literal(tag)
    ))
}

/// Asks for the account's clock.
pub(super) fn clock() -> String {
    format!("SELECT {CLOCK} AS CLOCK_MS")
}

/// True before the deadline and an error from then on: a statement of a process that was paused cannot begin after
/// another one has concluded that it never will.
fn fence(deadline_ms: i64) -> String {
    format!("1 / IFF({CLOCK} < {deadline_ms}, 1, 0) = 1")
}

fn same_key(shape: &Shape) -> Result<String> {
    let pairs: Vec<String> =
        shape.key()?.iter().map(|name| format!("EQUAL_NULL(target.{name}, source.{name})")).collect();
    Ok(pairs.join(" AND "))
}

/// Whether any value differs; absent where one of them cannot be compared.
fn differs(shape: &Shape) -> Result<Option<String>> {
    let mut pairs = Vec::new();
    for column in shape.columns.iter().filter(|column| !column.is_key) {
        let name = quoted(&column.name)?;
        let value = |of: &str| comparable(&format!("{of}.{name}"), column.column_type);
        let (Some(old), Some(new)) = (value("target"), value("source")) else { return Ok(None) };
        pairs.push(format!("NOT EQUAL_NULL({old}, {new})"));
    }
    Ok((!pairs.is_empty()).then(|| pairs.join(" OR ")))
}

/// What says of a value whether it is the same; absent for shapes, maps and vectors, which have no equality that can be
/// relied on.
///
/// Neither have documents, but the account writes equal ones as equal texts: with their keys in order, and numbers as they
/// were parsed. It rounds a double to sixteen digits there, and none with more is sent. A document that the customer has
/// changed to another type of the same text, a date for a text, is left as it is.
fn comparable(value: &str, column_type: ColumnType) -> Option<String> {
    match column_type {
        ColumnType::Variant | ColumnType::Object | ColumnType::Array => Some(format!("TO_JSON({value})")),
        ColumnType::Map | ColumnType::Geography | ColumnType::Geometry | ColumnType::Vector { .. } => None,
        _ => Some(value.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::shape::FilledColumn;
    use super::*;

    fn shape(flag: Option<&str>) -> Shape {
        let column = |name: &str, column_type: ColumnType, expression: &str, is_key: bool| FilledColumn {
            name: name.into(),
            column_type,
            expression: expression.into(),
            is_key,
        };
        Shape {
            target: TableName::in_snowflake("D", "S", "select"),
            temporary: TableName::in_snowflake("D", "S", "SNOWFERRY_1"),
            columns: vec![
                column("ID", ColumnType::Fixed { precision: 38, scale: 0 }, r#"$1:"c0"::NUMBER(38,0)"#, true),
                column("a\"b", ColumnType::Text { length: Some(10) }, r#"$1:"c1"::VARCHAR"#, false),
            ],
            delete_flag: flag.map(Into::into),
            flag_expression: flag.map(|_| r#"$1:"c2"::BOOLEAN"#.into()),
        }
    }

    fn files() -> Vec<SentFile> {
        ["part-0001.parquet", "part-0002.parquet"]
            .map(|name| SentFile { name: name.into(), row_count: 1 })
            .to_vec()
    }

    #[test]
    fn an_append_is_one_copy_of_named_files() {
        let folder = StageLocation::user("snowferry/1/").unwrap();
        insta::assert_snapshot!(copy_into_target(&shape(None), &folder, &files()).unwrap(), @r#"COPY INTO "D"."S"."select" ("ID", "a""b") FROM (SELECT $1:"c0"::NUMBER(38,0), $1:"c1"::VARCHAR FROM '@~/snowferry/1/') FILES=('part-0001.parquet', 'part-0002.parquet') FILE_FORMAT=(TYPE=PARQUET USE_LOGICAL_TYPE=TRUE BINARY_AS_TEXT=FALSE USE_VECTORIZED_SCANNER=TRUE NULL_IF=()) ON_ERROR=ABORT_STATEMENT"#);
    }

    #[test]
    fn a_rewrite_overwrites_from_the_temporary_table_before_its_deadline() {
        insta::assert_snapshot!(create_temporary(&shape(None)).unwrap(), @r#"CREATE TEMPORARY TABLE "D"."S"."SNOWFERRY_1" ("ID" NUMBER(38,0), "a""b" VARCHAR(10))"#);
        insta::assert_snapshot!(counts(&shape(None)).unwrap(), @r#"SELECT COUNT(*) AS SENT, (SELECT COUNT(*) FROM (SELECT DISTINCT "ID" FROM "D"."S"."SNOWFERRY_1") AS keys) AS KEYS, DATE_PART(EPOCH_MILLISECOND, CURRENT_TIMESTAMP()) AS CLOCK_MS FROM "D"."S"."SNOWFERRY_1""#);
        insta::assert_snapshot!(overwrite(&shape(None), 1_763_775_000_000).unwrap(), @r#"INSERT OVERWRITE INTO "D"."S"."select" ("ID", "a""b") SELECT "ID", "a""b" FROM "D"."S"."SNOWFERRY_1" WHERE 1 / IFF(DATE_PART(EPOCH_MILLISECOND, CURRENT_TIMESTAMP()) < 1763775000000, 1, 0) = 1"#);
    }

    #[test]
    fn an_upsert_merges_what_differs() {
        insta::assert_snapshot!(merge(&shape(None), 1_763_775_000_000).unwrap(), @r#"MERGE INTO "D"."S"."select" AS target USING (SELECT * FROM "D"."S"."SNOWFERRY_1" WHERE 1 / IFF(DATE_PART(EPOCH_MILLISECOND, CURRENT_TIMESTAMP()) < 1763775000000, 1, 0) = 1) AS source ON EQUAL_NULL(target."ID", source."ID") WHEN MATCHED AND (NOT EQUAL_NULL(target."a""b", source."a""b")) THEN UPDATE SET "a""b" = source."a""b" WHEN NOT MATCHED THEN INSERT ("ID", "a""b") VALUES (source."ID", source."a""b")"#);
        insta::assert_snapshot!(merge_counts(&shape(None)).unwrap(), @r#"SELECT COUNT_IF(target.FOUND IS NULL AND NOT FALSE) AS ADDED, COUNT_IF(target.FOUND AND NOT FALSE AND (NOT EQUAL_NULL(target."a""b", source."a""b"))) AS REPLACED, COUNT_IF(target.FOUND AND FALSE) AS REMOVED FROM "D"."S"."SNOWFERRY_1" AS source LEFT JOIN (SELECT "ID", "a""b", TRUE AS FOUND FROM "D"."S"."select") AS target ON EQUAL_NULL(target."ID", source."ID")"#);
    }

    #[test]
    fn documents_are_compared_as_texts_and_shapes_not_at_all() {
        let with = |column_type: ColumnType| {
            let shape = shape(None);
            let column = FilledColumn { column_type, ..shape.columns[1].clone() };
            differs(&Shape { columns: vec![shape.columns[0].clone(), column], ..shape }).unwrap()
        };
        let text = r#"NOT EQUAL_NULL(TO_JSON(target."a""b"), TO_JSON(source."a""b"))"#;
        for document in [ColumnType::Variant, ColumnType::Object, ColumnType::Array] {
            assert_eq!(with(document).as_deref(), Some(text), "{document}");
        }
        assert_eq!(with(ColumnType::Geography), None);
    }

    #[test]
    fn a_delete_flag_that_the_target_lacks_travels_in_the_temporary_table() {
        let folder = StageLocation::user("snowferry/1/").unwrap();
        let shape = shape(Some("IS_GONE"));
        insta::assert_snapshot!(create_temporary(&shape).unwrap(), @r#"CREATE TEMPORARY TABLE "D"."S"."SNOWFERRY_1" ("ID" NUMBER(38,0), "a""b" VARCHAR(10), "IS_GONE" BOOLEAN)"#);
        insta::assert_snapshot!(copy_into_temporary(&shape, &folder, &files()).unwrap(), @r#"COPY INTO "D"."S"."SNOWFERRY_1" ("ID", "a""b", "IS_GONE") FROM (SELECT $1:"c0"::NUMBER(38,0), $1:"c1"::VARCHAR, $1:"c2"::BOOLEAN FROM '@~/snowferry/1/') FILES=('part-0001.parquet', 'part-0002.parquet') FILE_FORMAT=(TYPE=PARQUET USE_LOGICAL_TYPE=TRUE BINARY_AS_TEXT=FALSE USE_VECTORIZED_SCANNER=TRUE NULL_IF=()) ON_ERROR=ABORT_STATEMENT"#);
        insta::assert_snapshot!(merge(&shape, 1_763_775_000_000).unwrap(), @r#"MERGE INTO "D"."S"."select" AS target USING (SELECT * FROM "D"."S"."SNOWFERRY_1" WHERE 1 / IFF(DATE_PART(EPOCH_MILLISECOND, CURRENT_TIMESTAMP()) < 1763775000000, 1, 0) = 1) AS source ON EQUAL_NULL(target."ID", source."ID") WHEN MATCHED AND source."IS_GONE" THEN DELETE WHEN MATCHED AND (NOT EQUAL_NULL(target."a""b", source."a""b")) THEN UPDATE SET "a""b" = source."a""b" WHEN NOT MATCHED AND NOT COALESCE(source."IS_GONE", FALSE) THEN INSERT ("ID", "a""b") VALUES (source."ID", source."a""b")"#);
    }

    #[test]
    fn history_is_asked_for_one_session_and_one_tag() {
        let target = TableName::in_snowflake("D", "S", "T");
        insta::assert_snapshot!(history(&target, 42, "it's/1/publish").unwrap(), @r#"SELECT QUERY_ID, EXECUTION_STATUS FROM TABLE("D".INFORMATION_SCHEMA.QUERY_HISTORY_BY_SESSION(SESSION_ID => 42, RESULT_LIMIT => 10000)) WHERE QUERY_TAG = 'it''s/1/publish'"#);
    }
}
