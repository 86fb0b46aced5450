//! Finds out what the report says: from the vendor database, and with a count and a maximum from the source.

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use arrow_cast::display::array_value_to_string;
use connectors::duckdb::{TenantFile, query, query_json};
use datasets::{Dataset, MatchReport};
use jiff::civil::DateTime;
use jiff::{Timestamp, Unit};
use model::{Error, ErrorKind, ReadSpec, Result, StreamName, TableName};
use serde_json::Value;

use super::{Compared, Completeness, Correctness, Day, Freshness, RejectedFor, TrustReport};
use crate::asked::{ask, quoted, quoted_table};
use crate::assemble;
use crate::config::SyncFile;

/// Days that are shown: two months fill the width of a page.
const DAYS_MAX: u32 = 60;

/// Gathers the report. The source is asked one statement, unless it is to be left alone.
pub(crate) async fn gather(file: &SyncFile, asks_source: bool) -> Result<TrustReport> {
    let here = Here::of(file)?;
    let source = if asks_source { ask_source(file).await? } else { Answer::default() };
    let newest_here = here.newest()?;
    let delay_seconds = delay(source.newest.as_deref(), newest_here.as_deref());
    let made_at = Timestamp::now().round(Unit::Second).unwrap_or_else(|_| Timestamp::now());
    Ok(TrustReport {
        sync: file.name(),
        tenant: file.tenant().to_owned(),
        stream: file.spec().stream.to_string(),
        target: format!("{}.{}", file.spec().target.schema, file.spec().target.table),
        dataset: file.dataset().map_or("table", |config| config.dataset.name()).to_owned(),
        made_at: made_at.to_string(),
        correctness: Correctness {
            source_rows: source.rows,
            rows: here.row_count()?,
            compared: here.compared()?,
        },
        completeness: here.completeness()?,
        freshness: Freshness {
            published_at: here.published_at()?,
            newest_at_source: source.newest,
            newest_here,
            delay_seconds,
        },
        matches: here.matches()?,
        days: here.days()?,
    })
}

/// The landed table of a sync.
struct Here<'a> {
    file: &'a SyncFile,
    tenant_file: TenantFile,
    columns: Vec<(String, String)>,
}

impl<'a> Here<'a> {
    fn of(file: &'a SyncFile) -> Result<Self> {
        let tenant_file = file.tenant_file()?;
        let TableName { schema, table, .. } = &file.spec().target;
        let sql = format!(
            "SELECT column_name, data_type FROM duckdb_columns()\n\
             WHERE database_name = 'vendor' AND schema_name = {} AND table_name = {} ORDER BY column_index",
            literal(schema),
            literal(table)
        );
        let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let columns: Vec<(String, String)> = rows(&tenant_file, &sql)?
            .iter()
            .map(|row| (text(row, "column_name"), text(row, "data_type")))
            .collect();
        if columns.is_empty() {
            let message = format!("{} has not landed any rows yet", file.name());
            return Err(Error::new(ErrorKind::NotFound, "report_before_run", message)
                .with_remedy("run it first: `snowferry run` with this file"));
        }
        Ok(Self { file, tenant_file, columns })
    }

    fn has(&self, name: &str) -> bool {
        self.columns.iter().any(|(column, _)| column == name)
    }

    /// The rows that are not marked as deleted.
    fn from(&self) -> String {
        let TableName { schema, table, .. } = &self.file.spec().target;
        let is_there = if self.has("_deleted_at") { " WHERE _deleted_at IS NULL" } else { "" };
        format!("(SELECT * FROM {}.{}{is_there}) AS landed", quoted(schema), quoted(table))
    }

    fn rows(&self, sql: &str) -> Result<Vec<Value>> {
        rows(&self.tenant_file, sql)
    }

    fn row_count(&self) -> Result<u64> {
        Ok(number(&self.rows(&format!("SELECT count(*) AS n FROM {}", self.from()))?, "n"))
    }

    fn completeness(&self) -> Result<Completeness> {
        if !self.has("_reject_reason") {
            return Ok(Completeness { taken: self.row_count()?, rejected: 0, reasons: Vec::new() });
        }
        let sql = format!(
            "SELECT _reject_reason AS reason, _reject_column AS field, count(*) AS n FROM {} GROUP BY ALL ORDER BY n DESC, reason, field",
            self.from()
        );
        let mut completeness = Completeness { taken: 0, rejected: 0, reasons: Vec::new() };
        for row in self.rows(&sql)? {
            let rows = row["n"].as_u64().unwrap_or_default();
            match row["reason"].as_str() {
                None => completeness.taken += rows,
                Some(reason) => {
                    completeness.rejected += rows;
                    let field = row["field"].as_str().unwrap_or_default().to_owned();
                    completeness.reasons.push(RejectedFor { reason: reason.to_owned(), field, rows });
                }
            }
        }
        Ok(completeness)
    }

    fn compared(&self) -> Result<Option<Compared>> {
        let sql = format!(
            "SELECT compared_at::VARCHAR AS at, missing_rows, extra_rows, different_rows, is_equal_now FROM _snowferry.comparisons\n\
             WHERE {} AND compared = 'rows' ORDER BY compared_at DESC LIMIT 1",
            self.is_target()
        );
        Ok(self.rows(&sql)?.first().map(|row| Compared {
            at: row["at"].as_str().unwrap_or_default().to_owned(),
            is_equal: row["is_equal_now"].as_bool().unwrap_or_default(),
            missing: row["missing_rows"].as_u64().unwrap_or_default(),
            extra: row["extra_rows"].as_u64().unwrap_or_default(),
            different: row["different_rows"].as_u64().unwrap_or_default(),
        }))
    }

    fn published_at(&self) -> Result<Option<String>> {
        let sql =
            format!("SELECT committed_at::VARCHAR AS at FROM _snowferry.streams WHERE {}", self.is_target());
        Ok(self.rows(&sql)?.first().and_then(|row| row["at"].as_str()).map(str::to_owned))
    }

    fn is_target(&self) -> String {
        let TableName { schema, table, .. } = &self.file.spec().target;
        format!("target_schema = {} AND target_table = {}", literal(schema), literal(table))
    }

    /// The column here that holds what the sync follows.
    fn followed(&self) -> Option<&str> {
        let followed = followed(self.file)?;
        let names = if self.file.dataset().is_some() { ["_cursor", followed] } else { [followed, followed] };
        names.into_iter().find(|name| self.has(name))
    }

    fn newest(&self) -> Result<Option<String>> {
        let Some(column) = self.followed() else { return Ok(None) };
        let sql = format!("SELECT max({}) FROM {}", quoted(column), self.from());
        one_value(&query(&self.tenant_file, &sql, 1)?.batches, 0)
    }

    fn days(&self) -> Result<Vec<Day>> {
        let column = match self.file.dataset().map(|config| config.dataset) {
            Some(Dataset::WebsiteActions | Dataset::CustomActions) => Some("action_date"),
            Some(Dataset::Objects) => Some("updated_at"),
            Some(Dataset::Metrics) => Some("date"),
            None => self.followed().filter(|name| {
                self.columns.iter().any(|(column, data_type)| {
                    column == name && (data_type.starts_with("TIMESTAMP") || data_type == "DATE")
                })
            }),
        };
        let Some(column) = column else { return Ok(Vec::new()) };
        let column = quoted(column);
        let sql = format!(
            "SELECT * FROM (SELECT CAST({column} AS DATE)::VARCHAR AS day, count(*) AS n FROM {} WHERE {column} IS NOT NULL\n\
             GROUP BY day ORDER BY day DESC LIMIT {DAYS_MAX}) ORDER BY day",
            self.from()
        );
        let day = |row: &Value| Day {
            day: row["day"].as_str().unwrap_or_default().to_owned(),
            rows: row["n"].as_u64().unwrap_or_default(),
        };
        Ok(self.rows(&sql)?.iter().map(day).collect())
    }

    fn matches(&self) -> Result<Option<MatchReport>> {
        let Some(matching) = self.file.matching() else { return Ok(None) };
        let answer = query(&self.tenant_file, &matching.report_sql(), 1)?;
        let Some(batch) = answer.batches.iter().find(|batch| batch.num_rows() > 0) else { return Ok(None) };
        let text = batch.column(0).as_string::<i32>().value(0);
        let report = serde_json::from_str(text)
            .map_err(|error| Error::internal("the report on matches could not be read").with_source(error))?;
        Ok(Some(report))
    }
}

/// The column that the sync follows, where it follows one.
fn followed(file: &SyncFile) -> Option<&str> {
    match &file.spec().read {
        ReadSpec::Incremental { cursor_column, .. } => Some(cursor_column),
        ReadSpec::FullRefresh | ReadSpec::Changes => None,
    }
}

/// What the source says.
#[derive(Default)]
struct Answer {
    rows: Option<u64>,
    newest: Option<String>,
}

/// Asks the source in one statement how many rows it has, and for the highest value of what the sync follows.
async fn ask_source(file: &SyncFile) -> Result<Answer> {
    let from = match &file.spec().stream {
        StreamName::Table(table) => quoted_table(table),
        StreamName::Query { sql, .. } => format!("(\n{}\n)", sql.trim().trim_end_matches(';')),
    };
    let newest =
        followed(file).map(|column| format!(", MAX({}) AS NEWEST", quoted(column))).unwrap_or_default();
    let sql = format!("SELECT COUNT(*) AS N{newest} FROM {from}");
    let source = assemble::snowflake_source(file)?;
    let asked = ask(&source, "report", sql).await;
    source.close().await;
    let batches = asked?.batches;
    let rows = one_value(&batches, 0)?.and_then(|text| text.parse().ok());
    Ok(Answer { rows, newest: if newest.is_empty() { None } else { one_value(&batches, 1)? } })
}

/// The value in a column of the first row, as text; nothing where it is NULL.
fn one_value(batches: &[RecordBatch], column: usize) -> Result<Option<String>> {
    let Some(batch) = batches.iter().find(|batch| batch.num_rows() > 0) else { return Ok(None) };
    let values = batch.column(column);
    if values.is_null(0) {
        return Ok(None);
    }
    let text = array_value_to_string(values, 0)
        .map_err(|error| Error::internal("a value cannot be shown").with_source(error))?;
    Ok(Some(text))
}

/// How far the newest row here is behind that of the source, where both are times.
fn delay(source: Option<&str>, here: Option<&str>) -> Option<i64> {
    let moment = |text: &str| text.trim_end_matches('Z').parse::<DateTime>().ok();
    let (source, here) = (moment(source?)?, moment(here?)?);
    Some(source.duration_since(here).as_secs())
}

fn rows(file: &TenantFile, sql: &str) -> Result<Vec<Value>> {
    let answer = query_json(file, sql, usize::MAX)?;
    let mut found = Vec::new();
    for batch in &answer.batches {
        for text in batch.column(0).as_string::<i32>().iter().flatten() {
            let row = serde_json::from_str(text)
                .map_err(|error| Error::internal("a row is no JSON").with_source(error))?;
            found.push(row);
        }
    }
    Ok(found)
}

fn number(rows: &[Value], name: &str) -> u64 {
    rows.first().and_then(|row| row[name].as_u64()).unwrap_or_default()
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
