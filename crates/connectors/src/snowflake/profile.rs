//! What an account says of columns that could be followed: one statement of counts, in which no other value comes back
//! than the highest time.

use model::{
    AuditCost, Column, ColumnProfile, Error, Extent, KeyProfile, LogicalType, Profile, ProfilePlan, Result,
    StreamName, TimePrecision,
};
use snowflake::Session;

use super::audit::{Texts, answer, texts};
use super::error::from_client;
use super::object::Object;
use super::sql::{quoted, stream_sql};

/// SYSDATE is in UTC whatever the session's time zone; times without a zone count as UTC, as everywhere.
const CLOCK: &str = "SYSDATE()";
/// The seed of samples: asked again, a table that nobody has changed gives the same ones.
const SEED: u32 = 1;
/// What a column's branch of the statement gives, in this order, behind its place.
const FIELDS: usize = 11;

/// Looks at what `plan` names.
pub(super) async fn profile(session: &Session, plan: &ProfilePlan) -> Result<Profile> {
    let mut plan = plan.clone();
    let mut cost = AuditCost::default();
    let tracks_changes = match &plan.stream {
        StreamName::Table(table) => {
            Object::of_table(session, table).await?.and_then(|object| object.tracks_changes)
        }
        StreamName::Query { .. } => None,
    };
    let mut answered = ask(session, &plan, &mut cost).await?;
    if let Extent::Blocks { percent } = plan.extent
        && row_count(&answered)? == 0
    {
        // So few blocks that chance has chosen none of them.
        plan.extent = Extent::Rows { percent };
        answered = ask(session, &plan, &mut cost).await?;
    }
    let column = |(place, column): (usize, &Column)| column_profile(column, fields(&answered, place)?);
    let columns = plan.columns.iter().enumerate().map(column).collect::<Result<_>>()?;
    let key = (!plan.key.is_empty()).then(|| key_profile(&plan, &answered)).transpose()?;
    Ok(Profile { stream: plan.stream, extent: plan.extent, columns, key, tracks_changes, cost })
}

async fn ask(session: &Session, plan: &ProfilePlan, cost: &mut AuditCost) -> Result<Texts> {
    if plan.columns.is_empty() {
        return Ok(Texts::new());
    }
    let (result, batches) = answer(session, profile_sql(plan)?).await.map_err(from_client)?;
    let answered = batches.iter().map(texts).collect::<Result<Vec<Texts>>>()?.concat();
    let mut asked = AuditCost {
        statements: 1,
        row_count: result.total_rows(),
        bytes: answered.iter().flatten().flatten().map(|text| text.len() as u64).sum(),
        ..AuditCost::default()
    };
    // What it took is worth knowing and not worth failing for.
    if let Ok(status) = session.query_status(result.query_id()).await {
        asked.bytes_scanned = status.bytes_scanned;
        asked.virtual_warehouse = status.virtual_warehouse;
    }
    cost.add(asked);
    Ok(answered)
}

/// One branch for each column and one for the key, each over the rows looked at.
fn profile_sql(plan: &ProfilePlan) -> Result<String> {
    let mut selected = Vec::new();
    let mut branches = Vec::new();
    for (place, column) in plan.columns.iter().enumerate() {
        selected.push(format!("{} AS c{place}", value_sql(column)?));
        branches.push(column_sql(place, &column.logical_type));
    }
    if !plan.key.is_empty() {
        for (place, column) in plan.key.iter().enumerate() {
            selected.push(format!("{} AS k{place}", value_sql(column)?));
        }
        branches.push(key_sql(plan.columns.len(), plan.key.len()));
    }
    Ok(format!(
        "WITH looked_at AS (SELECT {} FROM {}) {}",
        selected.join(", "),
        extent_sql(plan)?,
        branches.join(" UNION ALL ")
    ))
}

/// Views and queries have no blocks, and nothing tells how many rows they have.
fn extent_sql(plan: &ProfilePlan) -> Result<String> {
    let stream = stream_sql(&plan.stream)?;
    Ok(match plan.extent {
        Extent::Whole => stream,
        Extent::Blocks { percent } => format!("{stream} SAMPLE SYSTEM ({percent:.4}) SEED ({SEED})"),
        Extent::Rows { percent } => format!("{stream} SAMPLE BERNOULLI ({percent:.4}) SEED ({SEED})"),
        Extent::First { row_count_max } => {
            format!("(SELECT * FROM {stream} LIMIT {row_count_max}) AS firsts")
        }
    })
}

/// Equal instants are one value, whatever their offsets.
fn value_sql(column: &Column) -> Result<String> {
    let name = quoted(&column.name)?;
    Ok(match column.logical_type {
        LogicalType::TimestampUtc { .. } | LogicalType::TimestampOffset { .. } => {
            format!("CONVERT_TIMEZONE('UTC', {name})::TIMESTAMP_NTZ")
        }
        _ => name,
    })
}

fn column_sql(place: usize, logical_type: &LogicalType) -> String {
    let clock = match logical_type {
        LogicalType::Date => format!("CAST({CLOCK} AS DATE)"),
        _ => CLOCK.to_owned(),
    };
    let is_time = logical_type.is_time();
    let present = if is_time { format!("CASE WHEN v <= {clock} THEN v END") } else { "v".to_owned() };
    let is_finer = |than: &str| {
        format!("COUNT_IF(CAST(v AS TIMESTAMP_NTZ) <> DATE_TRUNC('{than}', CAST(v AS TIMESTAMP_NTZ))) > 0")
    };
    let newest_format =
        if *logical_type == LogicalType::Date { "YYYY-MM-DD" } else { "YYYY-MM-DD HH24:MI:SS.FF9" };
    let [future, newest, age, precision] = match is_time {
        true => [
            format!("COALESCE(SUM(CASE WHEN v > {clock} THEN n END), 0)"),
            format!("TO_CHAR(MAX(newest), '{newest_format}')"),
            format!("DATEDIFF('second', CAST(MAX(newest) AS TIMESTAMP_NTZ), {CLOCK})"),
            format!(
                "CASE WHEN COUNT(v) = 0 THEN NULL WHEN {} THEN 'finer' WHEN {} THEN 'seconds' ELSE 'days' END",
                is_finer("second"),
                is_finer("day")
            ),
        ],
        false => ["0", "NULL", "NULL", "NULL"].map(str::to_owned),
    };
    let [shortest, longest] = match logical_type {
        LogicalType::Text | LogicalType::Binary => ["MIN(LENGTH(v))", "MAX(LENGTH(v))"],
        _ => ["NULL", "NULL"],
    };
    let fields = [
        "COALESCE(SUM(n), 0)",
        "COALESCE(SUM(CASE WHEN v IS NULL THEN n END), 0)",
        "COUNT(v)",
        "COALESCE(MAX(CASE WHEN v IS NOT NULL THEN n END), 0)",
        "COALESCE(MAX(CASE WHEN v = newest THEN n END), 0)",
        &future,
        &newest,
        &age,
        &precision,
        shortest,
        longest,
    ];
    format!(
        "{} FROM (SELECT v, n, MAX({present}) OVER () AS newest FROM \
         (SELECT c{place} AS v, COUNT(*) AS n FROM looked_at GROUP BY c{place}) AS grouped) AS counted",
        select_sql(place, &fields)
    )
}

fn key_sql(place: usize, column_count: usize) -> String {
    let columns: Vec<String> = (0..column_count).map(|column| format!("k{column}")).collect();
    let is_null: Vec<String> = columns.iter().map(|column| format!("{column} IS NULL")).collect();
    let (columns, is_null) = (columns.join(", "), is_null.join(" OR "));
    let null_count = format!("COALESCE(SUM(CASE WHEN {is_null} THEN n END), 0)");
    let mut fields = ["NULL"; FIELDS];
    fields[..3].copy_from_slice(&["COALESCE(SUM(n), 0)", &null_count, "COUNT(*)"]);
    format!(
        "{} FROM (SELECT {columns}, COUNT(*) AS n FROM looked_at GROUP BY {columns}) AS counted",
        select_sql(place, &fields)
    )
}

fn select_sql(place: usize, fields: &[&str; FIELDS]) -> String {
    let fields: String = fields.iter().map(|field| format!(", CAST({field} AS VARCHAR)")).collect();
    format!("SELECT '{place}'{fields}")
}

fn column_profile(column: &Column, fields: &[Option<String>]) -> Result<ColumnProfile> {
    let precision = fields[8].as_deref().map(|precision| match precision {
        "days" => TimePrecision::Days,
        "seconds" => TimePrecision::Seconds,
        _ => TimePrecision::Finer,
    });
    let (shortest, longest) = (optional(fields, 9)?, optional(fields, 10)?);
    Ok(ColumnProfile {
        column: column.clone(),
        row_count: count(fields, 0)?,
        null_count: count(fields, 1)?,
        distinct_count: count(fields, 2)?,
        largest_tie: count(fields, 3)?,
        newest_tie: count(fields, 4)?,
        future_count: count(fields, 5)?,
        newest: fields[6].clone(),
        newest_age_seconds: optional(fields, 7)?,
        precision,
        lengths: shortest.zip(longest),
    })
}

fn key_profile(plan: &ProfilePlan, answered: &Texts) -> Result<KeyProfile> {
    let fields = fields(answered, plan.columns.len())?;
    Ok(KeyProfile {
        columns: plan.key.iter().map(|column| column.name.clone()).collect(),
        row_count: count(fields, 0)?,
        null_count: count(fields, 1)?,
        distinct_count: count(fields, 2)?,
    })
}

/// How many rows were looked at.
fn row_count(answered: &Texts) -> Result<u64> {
    if answered.is_empty() { Ok(0) } else { count(fields(answered, 0)?, 0) }
}

/// What the branch with this number gave.
fn fields(answered: &Texts, place: usize) -> Result<&[Option<String>]> {
    let place = place.to_string();
    let row = answered.iter().find(|row| row.first().is_some_and(|first| first.as_ref() == Some(&place)));
    let fields = row.map(|row| &row[1..]).filter(|fields| fields.len() == FIELDS);
    fields.ok_or_else(|| Error::internal("an answer about a column is missing"))
}

fn count(fields: &[Option<String>], place: usize) -> Result<u64> {
    optional(fields, place)?.ok_or_else(|| Error::internal("a count came without a number"))
}

fn optional<T: std::str::FromStr>(fields: &[Option<String>], place: usize) -> Result<Option<T>> {
    let parsed = fields[place].as_ref().map(|text| text.parse()).transpose();
    parsed.map_err(|_| Error::internal("a count came as something else than a number"))
}

#[cfg(test)]
mod tests {
    use model::TableName;

    use super::*;

    fn column(name: &str, logical_type: LogicalType) -> Column {
        Column {
            name: name.to_owned(),
            source_type: logical_type.to_string(),
            logical_type,
            is_nullable: true,
        }
    }

    #[test]
    fn one_statement_asks_for_every_column_and_the_key() {
        let plan = ProfilePlan {
            stream: StreamName::Table(TableName::in_snowflake("CRM", "SALES", "DEALS")),
            columns: vec![column("day", LogicalType::Date), column("A", LogicalType::Int64)],
            key: vec![column("A", LogicalType::Int64), column("B", LogicalType::Text)],
            extent: Extent::Blocks { percent: 2.5 },
        };
        let sql = profile_sql(&plan).unwrap();
        assert!(sql.starts_with(
            r#"WITH looked_at AS (SELECT "day" AS c0, "A" AS c1, "A" AS k0, "B" AS k1 FROM "CRM"."SALES"."DEALS" SAMPLE SYSTEM (2.5000) SEED (1)) SELECT '0', "#
        ));
        assert_eq!(sql.matches(" UNION ALL SELECT ").count(), 2);
    }

    #[test]
    fn only_a_table_is_sampled_by_its_blocks() {
        let table = StreamName::Table(TableName::in_snowflake("D", "S", "T"));
        let query = StreamName::Query { name: "q".to_owned(), sql: "SELECT 1 AS A".to_owned() };
        let sql = |stream: &StreamName, extent| {
            extent_sql(&ProfilePlan { stream: stream.clone(), columns: vec![], key: vec![], extent }).unwrap()
        };
        assert_eq!(sql(&table, Extent::Whole), r#""D"."S"."T""#);
        assert_eq!(
            sql(&table, Extent::Rows { percent: 0.01 }),
            r#""D"."S"."T" SAMPLE BERNOULLI (0.0100) SEED (1)"#
        );
        assert_eq!(
            sql(&query, Extent::First { row_count_max: 7 }),
            "(SELECT * FROM (\nSELECT 1 AS A\n) AS source LIMIT 7) AS firsts"
        );
    }
}
