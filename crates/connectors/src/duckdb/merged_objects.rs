//! JSON objects of which a member stays where a row comes without it, in the transaction that publishes the row.
//!
//! The staged rows are given what the target's rows have besides, before anything else is done with them: whatever follows
//! compares and writes whole objects. DuckDB's own functions would round numbers and merge objects inside objects.

use std::collections::HashMap;
use std::fmt;

use duckdb::{Transaction, params};
use model::{DELETE_FLAG, DELETED_AT, Error, MergedColumn, Result, StreamPlan};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::error::failed;
use super::sql::{quoted, quoted_schema, quoted_target, same_key_sql, staging};
use super::table_columns::table_columns;

/// Rows whose objects are in memory at a time.
const ROWS_MAX: usize = 2_048;

/// Gives the staged rows what the target has of their objects besides.
///
/// A row that comes without any object, as one does that could not be taken, keeps the whole object and what it is of. One
/// that was marked as deleted begins anew when it comes back.
pub(super) fn merge_objects(transaction: &Transaction<'_>, plan: &StreamPlan) -> Result<()> {
    let existing = table_columns(transaction, &plan.target)?;
    let is_there = |name: &String| existing.iter().any(|(existing, _)| existing == name);
    let is_whole = |column: &&MergedColumn| is_there(&column.name) && column.of.iter().all(is_there);
    let columns: Vec<&MergedColumn> = plan.merged.iter().filter(is_whole).collect();
    if columns.is_empty() || plan.key().is_empty() || !plan.key().iter().all(is_there) {
        return Ok(());
    }
    let is_marked = existing.iter().any(|(name, _)| name == DELETED_AT);
    let known = known_sql(plan, is_marked);
    let mut merged_count = 0;
    for (number, column) in columns.iter().enumerate() {
        merged_count += merge_column(transaction, &known, number, column)?;
    }
    let is_absent = columns.iter().map(|column| format!("staged.{} IS NULL", quoted(&column.name)));
    let absent = format!("SELECT count(*) {known} AND ({})", is_absent.collect::<Vec<_>>().join(" OR "));
    let absent_count: u64 = transaction
        .query_row(&absent, [], |row| row.get(0))
        .map_err(|e| failed("look for rows without an object", e))?;
    if merged_count + absent_count == 0 {
        return Ok(());
    }
    transaction
        .execute_batch(&take_over_sql(plan, &known, &columns))
        .map_err(|e| failed("keep what rows come without", e))
}

/// Staged rows beside the target's rows that they go on with.
fn known_sql(plan: &StreamPlan, is_marked: bool) -> String {
    let comes_back = match (is_marked, plan.carries_delete_flag()) {
        (false, _) => String::new(),
        (true, false) => format!(" AND target.{} IS NULL", quoted(DELETED_AT)),
        (true, true) => {
            format!(" AND (target.{} IS NULL OR staged.{})", quoted(DELETED_AT), quoted(DELETE_FLAG))
        }
    };
    format!(
        "FROM {} AS staged JOIN {} AS target ON {}{comes_back} WHERE true",
        quoted_target(&staging(&plan.target)),
        quoted_target(&plan.target),
        same_key_sql(plan, "target", "staged"),
    )
}

/// The table in which a column's merged objects wait, by the place of their row.
fn merged_table(number: usize) -> String {
    format!("_snowferry_merged_{number}")
}

/// Merges the objects of one column, and answers how many there were.
fn merge_column(
    transaction: &Transaction<'_>,
    known: &str,
    number: usize,
    column: &MergedColumn,
) -> Result<u64> {
    let (name, merged) = (quoted(&column.name), merged_table(number));
    let same: Vec<String> = column
        .of
        .iter()
        .map(|of| format!(" AND target.{0} IS NOT DISTINCT FROM staged.{0}", quoted(of)))
        .collect();
    let pairs = "temp.main._snowferry_pairs";
    let statements = format!(
        "CREATE OR REPLACE TEMP TABLE _snowferry_pairs AS SELECT row_number() OVER () - 1 AS number,
         staged.rowid AS place, target.{name} AS kept, staged.{name} AS coming {known} AND staged.{name} <> target.{name}{};
         CREATE OR REPLACE TEMP TABLE {merged} (place BIGINT, object VARCHAR);",
        same.concat()
    );
    let failed = |error| failed("merge objects", error);
    transaction.execute_batch(&statements).map_err(failed)?;
    let mut pairs = transaction
        .prepare(&format!("SELECT place, kept, coming FROM {pairs} WHERE number >= ? AND number < ?"))
        .map_err(failed)?;
    let mut merged_count = 0;
    loop {
        let first = merged_count;
        let mut found = pairs.query(params![first, first + ROWS_MAX as u64]).map_err(failed)?;
        let mut appender = transaction.appender_to_catalog_and_db(&merged, "temp", "main").map_err(failed)?;
        while let Some(row) = found.next().map_err(failed)? {
            let texts = || -> duckdb::Result<(i64, String, String)> {
                Ok((row.get("place")?, row.get("kept")?, row.get("coming")?))
            };
            let (place, kept, coming) = texts().map_err(failed)?;
            appender.append_row(params![place, merged_object(&kept, &coming)?]).map_err(failed)?;
            merged_count += 1;
        }
        appender.flush().map_err(failed)?;
        if merged_count < first + ROWS_MAX as u64 {
            return Ok(merged_count);
        }
    }
}

/// Puts staged rows with the merged objects in place of those that there are. DuckDB renames no table whose rows the same
/// transaction has updated, so the rows move to another one.
fn take_over_sql(plan: &StreamPlan, known: &str, columns: &[&MergedColumn]) -> String {
    let staged = staging(&plan.target);
    let (schema, settled) = (quoted_schema(&plan.target.schema), quoted("_snowferry_settled"));
    let mut values: Vec<(String, String)> = Vec::new();
    let mut joins = String::new();
    for (number, column) in columns.iter().enumerate() {
        let name = quoted(&column.name);
        joins += &format!(
            "\nLEFT JOIN temp.main.{0} AS merged_{number} ON merged_{number}.place = staged.rowid",
            merged_table(number)
        );
        values.push((name.clone(), format!("coalesce(merged_{number}.object, staged.{name}, kept.{name})")));
        for of in column.of.iter().map(|of| quoted(of)) {
            let value = format!("CASE WHEN staged.{name} IS NULL THEN kept.{of} ELSE staged.{of} END");
            values.push((of, value));
        }
    }
    let kept: Vec<String> = values.iter().map(|(name, _)| format!("target.{name}")).collect();
    let values: Vec<String> = values.iter().map(|(name, value)| format!("{value} AS {name}")).collect();
    let table = quoted_target(&staged);
    format!(
        "CREATE TABLE {schema}.{settled} AS SELECT staged.* REPLACE ({}) FROM {table} AS staged{joins}
         LEFT JOIN (SELECT staged.rowid AS place, {} {known}) AS kept ON kept.place = staged.rowid;
         DROP TABLE {table};
         ALTER TABLE {schema}.{settled} RENAME TO {};",
        values.join(", "),
        kept.join(", "),
        quoted(&staged.table)
    )
}

/// The object that comes, with what it lacks of the kept one. Members stay where they were, so that merging the same once
/// more changes nothing. What is no object takes the place of whatever there was.
fn merged_object(kept: &str, coming: &str) -> Result<String> {
    let objects = (serde_json::from_str::<Members<'_>>(kept), serde_json::from_str::<Members<'_>>(coming));
    let (Ok(kept), Ok(coming)) = objects else { return Ok(coming.to_owned()) };
    let mut newer: HashMap<&str, &RawValue> =
        coming.0.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    let older = kept.0.iter().map(|(name, value)| (name, newer.remove(name.as_str()).unwrap_or(value)));
    let mut members: Vec<(&String, &RawValue)> = older.collect();
    members.extend(coming.0.iter().filter_map(|(name, _)| Some((name, newer.remove(name.as_str())?))));
    let mut text = String::from("{");
    for (name, value) in members {
        if text.len() > 1 {
            text.push(',');
        }
        text += &serde_json::to_string(name)
            .map_err(|error| Error::internal("a name could not be written").with_source(error))?;
        text.push(':');
        text += value.get();
    }
    text.push('}');
    Ok(text)
}

/// The members of an object in their order, with their values as they are written.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(MembersVisitor)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value};

    use super::*;

    #[test]
    fn a_member_stays_where_the_row_comes_without_it() {
        for (kept, coming, merged) in [
            (r#"{"a":1,"b":2}"#, r#"{"b":3,"c":4}"#, r#"{"a":1,"b":3,"c":4}"#),
            (r#"{"a":{"x":1}}"#, r#"{"a":{"y":2}}"#, r#"{"a":{"y":2}}"#),
            (r#"{"a":1}"#, r#"{"a":null}"#, r#"{"a":null}"#),
            (r#"{"a":1}"#, "{}", r#"{"a":1}"#),
            ("{}", r#"{"a":1}"#, r#"{"a":1}"#),
            (
                r#"{"n":0.1234567890123456789012345}"#,
                r#"{"m":1e400}"#,
                r#"{"n":0.1234567890123456789012345,"m":1e400}"#,
            ),
            (r#"{"q\"ä":"x\\"}"#, r#"{"b":"\u0000"}"#, r#"{"q\"ä":"x\\","b":"\u0000"}"#),
            ("null", r#"{"a":1}"#, r#"{"a":1}"#),
            (r#"{"a":1}"#, "[1]", "[1]"),
        ] {
            assert_eq!(merged_object(kept, coming).unwrap(), merged, "{kept} and {coming}");
        }
    }

    fn object() -> impl Strategy<Value = Map<String, Value>> {
        let value = prop_oneof![any::<i64>().prop_map(Value::from), ".{0,3}".prop_map(Value::from)];
        prop::collection::vec(("[a-d\"\\\\\n]{1,2}", value), 0..5)
            .prop_map(|members| members.into_iter().collect())
    }

    proptest! {
        #[test]
        fn merging_the_same_once_more_changes_nothing(kept in object(), coming in object()) {
            let (kept_text, coming_text) = (Value::from(kept.clone()).to_string(), Value::from(coming.clone()).to_string());
            let once = merged_object(&kept_text, &coming_text).unwrap();
            prop_assert_eq!(&merged_object(&once, &coming_text).unwrap(), &once);
            let mut expected = kept;
            expected.extend(coming);
            prop_assert_eq!(serde_json::from_str::<Map<String, Value>>(&once).unwrap(), expected);
        }
    }
}
