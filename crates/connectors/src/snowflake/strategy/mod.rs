//! Into how many statements a first read is divided, and why: decided from what the account says of the object.

use model::{LogicalType, PlannedColumn, RangeCount, RangeSpec, ReadPlan, StreamPlan};
use serde::Serialize;

use super::object::{Object, ObjectKind};

/// Rows of one range. At a few thousand rows a second they still arrive within the six hours for which the links to their
/// chunks hold, and well within the day for which the result is kept.
const ROWS_PER_RANGE: u64 = 50_000_000;
/// Stored bytes of one range: some tens of thousands of chunks, whose links fit into a few megabytes.
const BYTES_PER_RANGE: u64 = 32 * 1024 * 1024 * 1024;

/// How a stream is read, from what its account says of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Strategy {
    /// What the stream is at the customer's.
    pub object: ObjectKind,
    /// The statements of this read.
    pub statements: Statements,
    /// Whether the account can be asked if anything has changed, without a virtual warehouse.
    pub has_change_token: bool,
}

/// The statements of one read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Statements {
    /// One, which is one snapshot by itself.
    One { because: String },
    /// One for each range of a column.
    Ranges {
        count: u8,
        /// The column, by its name at the source.
        by: String,
        /// Why the ranges cannot be read as they were at one moment; absent where they are.
        #[serde(skip_serializing_if = "Option::is_none")]
        why_no_snapshot: Option<&'static str>,
    },
}

impl Strategy {
    /// Decides how `plan` reads `object`.
    pub(super) fn of(object: &Object, plan: &StreamPlan) -> Self {
        let statements = match ranges(object, plan) {
            Ok(ranges) => ranges,
            Err(because) => Statements::One { because },
        };
        Self { object: object.kind, statements, has_change_token: object.kind.has_change_token() }
    }

    /// One or two lines for a person.
    pub fn explanation(&self) -> Vec<String> {
        match &self.statements {
            Statements::One { because } => vec![format!("one statement: {because}")],
            Statements::Ranges { count, by, why_no_snapshot: None } => {
                vec![format!("{count} ranges by {by} at one snapshot")]
            }
            Statements::Ranges { count, by, why_no_snapshot: Some(why) } => vec![
                format!("{count} ranges by {by}, each as it is when it is read: {why}"),
                "what changes meanwhile comes with the next run, which goes back to before the first range"
                    .to_owned(),
            ],
        }
    }
}

fn ranges(object: &Object, plan: &StreamPlan) -> Result<Statements, String> {
    if !plan.is_backfill() {
        return Err("only what changed is read".to_owned());
    }
    if plan.read == ReadPlan::Changes {
        return Err("changes are followed from the one moment that it shows".to_owned());
    }
    let count = wanted(object, plan.ranges)?;
    if let Some(why) = why_no_ranges(object.kind) {
        return Err(why.to_owned());
    }
    let why_no_snapshot = why_no_snapshot(object);
    let column = match why_no_snapshot {
        None => column_of_snapshot(object, plan),
        Some(why) => column_without_snapshot(plan, why).map(Some)?,
    };
    let column = column.ok_or("neither its key nor its cursor begins with a column that has an order")?;
    Ok(Statements::Ranges { count: count.get(), by: column.source.clone(), why_no_snapshot })
}

/// As many ranges as the sync asks for, or as the size suggests.
fn wanted(object: &Object, spec: RangeSpec) -> Result<RangeCount, String> {
    match spec {
        RangeSpec::Off => Err("the sync asks for it".to_owned()),
        RangeSpec::Count(count) if count.get() == 1 => Err("the sync asks for it".to_owned()),
        RangeSpec::Count(count) => Ok(count),
        RangeSpec::Auto if object.row_count.is_none() && object.bytes.is_none() => {
            Err("its size is not known".to_owned())
        }
        RangeSpec::Auto => {
            let by_rows = object.row_count.unwrap_or_default() / ROWS_PER_RANGE;
            let by_bytes = object.bytes.unwrap_or_default() / BYTES_PER_RANGE;
            let suggested = by_rows.max(by_bytes).min(RangeCount::MAX.get().into());
            let large = RangeCount::new(suggested).ok().filter(|count| count.get() > 1);
            large.ok_or_else(|| "it is small enough".to_owned())
        }
    }
}

/// Why reading this kind of object in several statements would cost more than it gains.
fn why_no_ranges(kind: ObjectKind) -> Option<&'static str> {
    match kind {
        ObjectKind::Table
        | ObjectKind::TransientTable
        | ObjectKind::DynamicTable
        | ObjectKind::EventTable
        | ObjectKind::HybridTable
        | ObjectKind::IcebergTable
        | ObjectKind::SharedTable => None,
        ObjectKind::TemporaryTable => Some("a temporary table lives and dies with its session"),
        ObjectKind::ExternalTable => Some("every range of an external table would read all of its files"),
        ObjectKind::View | ObjectKind::SecureView => Some("every range of a view would run its whole query"),
        ObjectKind::MaterializedView => {
            Some("the past of a materialized view cannot be read, nor its size be seen")
        }
        ObjectKind::Query => Some("every range of a query would run all of it"),
        ObjectKind::Unlisted => Some("the account does not list what it is"),
    }
}

/// Why several statements cannot see the object as it was at one moment.
fn why_no_snapshot(object: &Object) -> Option<&'static str> {
    match object.kind {
        ObjectKind::SharedTable => Some("the past of a table from a share cannot be read"),
        ObjectKind::IcebergTable => {
            Some("whether the past of an Iceberg table can be read depends on its catalog")
        }
        _ if object.retention_days.unwrap_or_default() == 0 => {
            Some("the table keeps nothing of its past (DATA_RETENTION_TIME_IN_DAYS is 0)")
        }
        _ => None,
    }
}

/// The column whose ranges leave out most of the table: the one that it is clustered by, then a time, in the order of
/// which rows usually come, then numbers. The values of a key of text are mostly spread over the whole table, so that
/// every range would scan all of it: such a column is taken where the sync asks for ranges, and not by itself.
fn column_of_snapshot<'a>(object: &Object, plan: &'a StreamPlan) -> Option<&'a PlannedColumn> {
    let is_wanted = matches!(plan.ranges, RangeSpec::Count(_));
    let candidates = [cursor(plan), leading_key(plan)].into_iter().flatten();
    let rank = |column: &PlannedColumn| match &column.logical_type {
        _ if clusters(object, column) => Some(0),
        logical_type if logical_type.is_time() => Some(1),
        LogicalType::Int64 | LogicalType::Decimal { .. } => Some(2),
        _ => is_wanted.then_some(3),
    };
    candidates
        .filter_map(|column| Some((rank(column)?, column)))
        .min_by_key(|(rank, _)| *rank)
        .map(|best| best.1)
}

/// Without a snapshot a row must be in the same range whenever it is looked for, which only its key promises; and what
/// changes between two statements must come with the next run, for which the cursor has to tell the time.
fn column_without_snapshot<'a>(plan: &'a StreamPlan, why: &str) -> Result<&'a PlannedColumn, String> {
    let follows_time = matches!(&plan.read, ReadPlan::ByCursor { cursor_type, .. } if cursor_type.is_time());
    leading_key(plan)
        .filter(|_| follows_time)
        .ok_or_else(|| format!("{why}, and without a key and a cursor of time ranges would not fit together"))
}

fn cursor(plan: &StreamPlan) -> Option<&PlannedColumn> {
    let ReadPlan::ByCursor { cursor_column, .. } = &plan.read else { return None };
    plan.column(cursor_column)
}

fn leading_key(plan: &StreamPlan) -> Option<&PlannedColumn> {
    let name = plan.key().first()?;
    let column = plan.columns.iter().find(|column| &column.target == name)?;
    column.logical_type.why_no_cursor().is_none().then_some(column)
}

/// Whether the table is clustered by the column itself before anything else: `LINEAR(ID, AT)` or `(ID)`.
fn clusters(object: &Object, column: &PlannedColumn) -> bool {
    let list = object.clustered_by.split_once('(').map_or("", |(_, list)| list);
    let first = list.split([',', ')']).next().unwrap_or_default().trim();
    match first.strip_prefix('"') {
        Some(quoted) => quoted.strip_suffix('"') == Some(&column.source),
        None => first.to_uppercase() == column.source,
    }
}

#[cfg(test)]
mod tests;
