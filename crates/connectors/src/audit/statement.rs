//! The statements that sum up and mark rows, in the words that both systems share.

use model::{AuditPlan, BucketFilter, LogicalType, PlannedColumn, Result, StreamPlan};

use super::dialect::Dialect;

/// Sums up every bucket of `from`, which is a table with whatever limits its rows. Every column of the answer is text,
/// as [`super::summaries`] takes it.
pub(crate) fn summary_sql(dialect: &dyn Dialect, plan: &AuditPlan, from: &str) -> Result<String> {
    let mut values = String::new();
    let mut answers = vec!["bucket".to_owned(), "COUNT(*)".to_owned(), "SUM(row_hash)".to_owned()];
    for (index, column) in plan.summarized_columns().iter().enumerate() {
        let name = format!("v{index}");
        values.push_str(&format!(", {} AS {name}", dialect.value(column)?));
        answers.push(format!("COUNT({name})"));
        answers.extend(explanations(dialect, column, &name));
    }
    let answers: Vec<String> = answers.iter().map(|answer| format!("CAST({answer} AS VARCHAR)")).collect();
    let kept: String = (0..plan.summarized_columns().len()).map(|index| format!(", v{index}")).collect();
    let rows = hashed_sql(dialect, plan, from, &values, &kept)?;
    Ok(format!("SELECT {} FROM {rows} GROUP BY bucket", answers.join(", ")))
}

/// Marks the rows of some buckets of `from`. Every column of the answer is text, as [`super::marks`] takes it.
pub(crate) fn marks_sql(
    dialect: &dyn Dialect,
    plan: &AuditPlan,
    buckets: &[u32],
    from: &str,
) -> Result<String> {
    let rows = hashed_sql(dialect, plan, from, "", ", key_text")?;
    Ok(format!(
        "SELECT CAST(bucket AS VARCHAR), MD5(key_text), CAST(row_hash AS VARCHAR) FROM {rows} WHERE bucket IN ({})",
        numbers(buckets)
    ))
}

/// The condition that a row of the plan's table is in one of these buckets.
pub(crate) fn bucket_condition(
    dialect: &dyn Dialect,
    plan: &StreamPlan,
    filter: &BucketFilter,
) -> Result<String> {
    if filter.buckets.is_empty() {
        return Ok("1 = 0".to_owned());
    }
    let bucket = dialect.first_half(&key_text(dialect, plan)?);
    Ok(format!("MOD({bucket}, {}) IN ({})", filter.bucket_count, numbers(&filter.buckets)))
}

/// Rows with their bucket, their hash and what is `kept` of the inner query's `values`. The texts are made in a query of
/// their own, once for each row and where no name of ours stands beside the stream's.
fn hashed_sql(
    dialect: &dyn Dialect,
    plan: &AuditPlan,
    from: &str,
    values: &str,
    kept: &str,
) -> Result<String> {
    let key = key_text(dialect, &plan.stream)?;
    let (row, row_name) = match plan.is_keys_only {
        true => (String::new(), "key_text"),
        false => (format!(", {} AS row_text", row_text(dialect, &plan.stream)?), "row_text"),
    };
    Ok(format!(
        "(SELECT MOD({}, {}) AS bucket, {} AS row_hash{kept} FROM (SELECT {key} AS key_text{row}{values} FROM {from}) AS \
         texts) AS hashed",
        dialect.first_half("key_text"),
        plan.bucket_count,
        dialect.second_half(row_name),
    ))
}

/// The text of what tells a row from all others.
pub(crate) fn key_text(dialect: &dyn Dialect, plan: &StreamPlan) -> Result<String> {
    let key = plan.bucket_key();
    if key.is_empty() { row_text(dialect, plan) } else { joined(dialect, key.into_iter()) }
}

fn row_text(dialect: &dyn Dialect, plan: &StreamPlan) -> Result<String> {
    joined(dialect, plan.compared_columns())
}

/// No canonical text is empty, so an empty part is a NULL; no part but a text can hold a comma, and a text says how long
/// it is.
fn joined<'a>(dialect: &dyn Dialect, columns: impl Iterator<Item = &'a PlannedColumn>) -> Result<String> {
    let parts: Vec<String> = columns
        .map(|column| {
            let text = dialect.text(&column.logical_type, &dialect.value(column)?);
            Ok(match column.logical_type {
                LogicalType::TimestampOffset { .. } => {
                    let offset = dialect.offset_minutes(column)?;
                    format!("COALESCE({text} || ' ' || CAST({offset} AS VARCHAR), '')")
                }
                _ => format!("COALESCE({text}, '')"),
            })
        })
        .collect::<Result<_>>()?;
    Ok(if parts.is_empty() { "''".to_owned() } else { parts.join(" || ',' || ") })
}

/// What tells a person in which columns a bucket differs: the hashes of the lowest and the highest value, and the sum.
fn explanations(dialect: &dyn Dialect, column: &PlannedColumn, value: &str) -> [String; 3] {
    let logical_type = &column.logical_type;
    let extreme = |function: &str| {
        if !column.is_compared() || !logical_type.has_portable_order() {
            return "NULL".to_owned();
        }
        // Not every system orders truth values; their texts it does.
        let text = match logical_type {
            LogicalType::Bool => format!("{function}({})", dialect.text(logical_type, value)),
            _ => dialect.text(logical_type, &format!("{function}({value})")),
        };
        dialect.second_half(&text)
    };
    let sum = match logical_type {
        _ if column.is_lossy || !logical_type.has_exact_sum() => "NULL".to_owned(),
        LogicalType::Bool => format!("SUM(CASE WHEN {value} THEN 1 ELSE 0 END)"),
        LogicalType::Decimal { scale, .. } => format!("CAST(SUM({value}) AS DECIMAL(38,{scale}))"),
        _ => format!("SUM({value})"),
    };
    [extreme("MIN"), extreme("MAX"), sum]
}

fn numbers(buckets: &[u32]) -> String {
    let numbers: Vec<String> = buckets.iter().map(u32::to_string).collect();
    numbers.join(", ")
}
