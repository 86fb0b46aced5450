//! `snowferry discover --profile TABLE`: which columns a sync of a table could follow, and what it would best say.

use std::time::Duration;

use model::{
    Advice, AuditCost, ColumnProfile, Error, Extent, Instead, Profile, ProfileBounds, ProfilePlan, Result,
    Source, StreamName, TimePrecision, percent,
};
use snowflake::Identifier;

use super::DiscoverCommand;
use crate::assemble;
use crate::config::{QualifiedTable, SyncFile};
use crate::output::{Terminal, bytes, count, print_line, text_table};

/// What YAML takes for something else than a text.
const YAML_WORDS: [&str; 10] = ["NULL", "TRUE", "FALSE", "YES", "NO", "ON", "OFF", "Y", "N", "_"];

impl DiscoverCommand {
    pub(super) async fn profile(&self, terminal: &Terminal, file: &SyncFile, table: &str) -> Result<()> {
        if file.push().is_some() {
            let message = format!("--profile looks at tables of Snowflake, and {} is a push", file.name());
            return Err(Error::config("flag_misplaced", message).with_remedy("give the file of a pull"));
        }
        let QualifiedTable(table) = QualifiedTable::try_from(table.to_owned()).map_err(|message| {
            Error::config("name_invalid", message).with_remedy(
                "write DATABASE.SCHEMA.TABLE, and quote what is not a plain word, as in '\"odd name\"'",
            )
        })?;
        let source = assemble::snowflake_source(file)?;
        let stream = StreamName::Table(table);
        let profiled = async {
            let schema = source.describe(&stream).await?;
            let plan = ProfilePlan::of_candidates(&schema, ProfileBounds::default());
            Ok((source.profile(&plan).await?, schema.row_count))
        };
        let profiled = profiled.await;
        source.close().await;
        let (profile, row_count): (Profile, Option<u64>) = profiled?;
        let advice = Advice::of(&profile);
        if self.json {
            let document =
                serde_json::json!({ "profile": profile, "advice": advice, "read": read_block(&advice) });
            return print_line(&format!("{document:#}"));
        }
        print_line(&text(terminal, &profile, &advice, row_count))
    }
}

fn text(terminal: &Terminal, profile: &Profile, advice: &Advice, row_count: Option<u64>) -> String {
    let tracking = match profile.tracks_changes {
        Some(true) => ", change tracking is on",
        Some(false) => ", change tracking is off",
        None => "",
    };
    let size = row_count.map_or_else(String::new, |rows| format!(": {} rows", count(rows)));
    let mut parts = vec![format!("{}{size}{tracking}", terminal.bold(&profile.stream.to_string()))];
    if profile.columns.is_empty() {
        parts.push("no column is a date or time, or named like a key".to_owned());
    } else {
        let header = ["column", "type", "NULL", "values", "largest tie", "ahead", "newest", "age", "to the"];
        parts.push(text_table(&header, profile.columns.iter().map(row)));
    }
    parts.push(format!("{}\n{}", terminal.bold("Advice"), advised(profile, advice)));
    parts.push(format!("{}\n{}", terminal.bold("For the sync file"), read_block(advice)));
    parts.push(cost(profile.extent, &profile.cost));
    parts.join("\n\n")
}

fn row(profile: &ColumnProfile) -> Vec<String> {
    let share = |part: u64| match part {
        0 => "0".to_owned(),
        _ => format!("{} ({})", count(part), percentage(part, profile.row_count)),
    };
    let values = if profile.is_unique() { "unique".to_owned() } else { count(profile.distinct_count) };
    let is_time = profile.column.logical_type.is_time();
    let precision = match profile.precision {
        Some(TimePrecision::Days) => "day",
        Some(TimePrecision::Seconds) => "second",
        Some(TimePrecision::Finer) => "fraction",
        None => "",
    };
    vec![
        profile.column.name.clone(),
        profile.column.source_type.clone(),
        share(profile.null_count),
        values,
        share(profile.largest_tie),
        if is_time { share(profile.future_count) } else { String::new() },
        profile.newest.clone().unwrap_or_default(),
        profile.newest_age_seconds.map(age).unwrap_or_default(),
        precision.to_owned(),
    ]
}

fn percentage(part: u64, whole: u64) -> String {
    match percent(part, whole) {
        share if share < 0.1 => "< 0.1 %".to_owned(),
        share => format!("{share:.1} %"),
    }
}

/// In the largest unit that leaves more than one.
fn age(seconds: i64) -> String {
    let units = [(86_400, "days"), (3_600, "hours"), (60, "minutes")];
    let unit = units.iter().find(|(length, _)| seconds >= 2 * length);
    unit.map_or_else(|| format!("{seconds} s"), |(length, name)| format!("{} {name}", seconds / length))
}

fn advised(profile: &Profile, advice: &Advice) -> String {
    let mut lines = Vec::new();
    match &advice.cursor {
        Some(cursor) => {
            lines.push(format!("cursor {}", cursor.column));
            lines.extend(cursor.reasons.iter().map(|reason| format!("  {reason}")));
            if profile.tracks_changes == Some(true) {
                lines.push(
                    "  a cursor does not see deletes; by change tracking, which is on, they are seen too"
                        .to_owned(),
                );
            }
        }
        None => lines.push(format!("no column is safe to follow: {}", instead(profile, advice))),
    }
    match &advice.key {
        Some(key) => lines.push(format!("key {}\n  {}", key.column, key.reason)),
        None => lines.push(
            "no single column is known to tell all rows apart: name several under `key`, or none, for a table that \
             only grows"
                .to_owned(),
        ),
    }
    for verdict in advice.verdicts.iter().filter(|verdict| !verdict.is_safe) {
        lines.push(format!("not {}", verdict.column));
        lines.extend(verdict.reasons.iter().map(|reason| format!("  {reason}")));
    }
    lines.join("\n")
}

fn instead(profile: &Profile, advice: &Advice) -> String {
    match (advice.instead, profile.tracks_changes, &profile.stream) {
        (Some(Instead::Changes), ..) => {
            "read by the changes that the table keeps track of, which sees deletes too".to_owned()
        }
        (_, Some(false), StreamName::Table(table)) => format!(
            "read everything each time, or let the customer run: ALTER TABLE {table} SET CHANGE_TRACKING = TRUE;"
        ),
        _ => "read everything each time".to_owned(),
    }
}

/// What to write into the sync file.
pub(in crate::cli) fn read_block(advice: &Advice) -> String {
    let mut lines = vec!["read:".to_owned()];
    match (&advice.cursor, advice.instead) {
        (Some(cursor), _) => {
            let lookback = lookback(cursor.lookback);
            lines.push(format!("  incremental: {{ cursor: {}{lookback} }}", yaml_name(&cursor.column)));
        }
        (None, Some(Instead::Changes)) => lines.push("  changes: true".to_owned()),
        (None, _) => lines.push("  full_refresh: {}".to_owned()),
    }
    lines.extend(advice.key.as_ref().map(|key| format!("  key: [{}]", yaml_name(&key.column))));
    lines.join("\n")
}

fn lookback(lookback: Duration) -> String {
    if lookback.is_zero() { String::new() } else { format!(", lookback: {}h", lookback.as_secs() / 3_600) }
}

/// A column as a sync file names it: by Snowflake's folding, and with quotes where YAML needs them.
fn yaml_name(name: &str) -> String {
    let is_folded = Identifier::parse(name).is_ok_and(|parsed| parsed.as_str() == name);
    match Identifier::new(name) {
        _ if is_folded && YAML_WORDS.contains(&name) => format!("\"{name}\""),
        Ok(quoted) if !is_folded => format!("'{}'", quoted.to_string().replace('\'', "''")),
        _ => name.to_owned(),
    }
}

/// What the customer pays for.
pub(in crate::cli) fn cost(extent: Extent, cost: &AuditCost) -> String {
    let looked_at = match extent {
        Extent::Whole => "every row".to_owned(),
        Extent::Blocks { percent } => format!("a sample of {percent:.2} % of the blocks"),
        Extent::Rows { percent } => format!("a sample of {percent:.2} % of the rows"),
        Extent::First { row_count_max } => format!("at most the first {} rows", count(row_count_max)),
    };
    let statements = if cost.statements == 1 { "statement" } else { "statements" };
    let mut parts = vec![
        format!("cost: {} {statements} over {looked_at}", cost.statements),
        format!("{} rows back ({})", count(cost.row_count), bytes(cost.bytes)),
    ];
    parts.extend(cost.bytes_scanned.map(|scanned| format!("{} scanned", bytes(scanned))));
    parts.push(match &cost.virtual_warehouse {
        Some(name) => format!("on virtual warehouse {name}"),
        None => "no virtual warehouse used".to_owned(),
    });
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_so_that_the_sync_file_means_the_same_column() {
        let written = ["UPDATED_AT", "NO", "updated at", "it's"].map(yaml_name);
        assert_eq!(written, ["UPDATED_AT", "\"NO\"", "'\"updated at\"'", "'\"it''s\"'"]);
    }
}
