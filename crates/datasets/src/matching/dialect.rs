//! What databases write differently, in DuckDB's words. The rest of the statements is SQL that Postgres takes as well.

use model::OFFSET_AT_END;

/// A text as a literal.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A name in quotes.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Makes a table that lasts as long as the connection.
pub(super) fn scratch(name: &str, query: &str) -> String {
    format!("CREATE OR REPLACE TEMP TABLE {name} AS\n{query};")
}

/// Some properties of an object as texts, in a list that is read with [`nth`]: the object is parsed once for all of them.
/// Numbers are written to fifteen significant digits.
pub(super) fn properties(names: &[String]) -> String {
    let paths: Vec<String> =
        names.iter().map(|name| literal(&format!("$.\"{}\"", name.replace('"', "")))).collect();
    format!("json_extract_string(properties, [{}])", paths.join(", "))
}

/// An entry of such a list, the first of which is 0.
pub(super) fn nth(list: &str, index: usize) -> String {
    format!("{list}[{}]", index + 1)
}

/// A text as an amount; NULL where it is none, or has more digits than the text of a JSON number keeps.
pub(super) fn amount(text: &str) -> String {
    format!("TRY_CAST({text} AS DECIMAL(22,9))")
}

/// A text as a moment in UTC; NULL where it is none.
pub(crate) fn moment(text: &str) -> String {
    // Words that the database takes for moments, such as `infinity`, are none of a deal's.
    format!("CASE WHEN {text} LIKE '____-__-__%' THEN {} END", in_utc(text, "TRY_CAST"))
}

/// The same of a text that has to be one: the statement fails where it is not.
pub(crate) fn moment_or_failure(text: &str) -> String {
    in_utc(text, "CAST")
}

/// A cast to a timestamp without a zone leaves out the offset that a text has, so that one is cast to an instant.
fn in_utc(text: &str, cast: &str) -> String {
    format!(
        "CASE WHEN regexp_matches(substr({text}, 11), '{OFFSET_AT_END}')\n\
         THEN make_timestamp(epoch_us({cast}({text} AS TIMESTAMPTZ))) ELSE {cast}({text} AS TIMESTAMP) END"
    )
}

/// A calculation whose result may have too many digits; NULL then.
pub(super) fn within_range(calculation: &str) -> String {
    format!("TRY(CAST({calculation} AS DECIMAL(38,9)))")
}

/// The moment so many seconds before another.
pub(super) fn seconds_before(moment: &str, seconds: u64) -> String {
    format!("{moment} - to_seconds({seconds})")
}

/// The day after a moment.
pub(super) fn a_day_after(moment: &str) -> String {
    format!("{moment} + INTERVAL 1 DAY")
}

/// The microsecond after a moment.
pub(super) fn a_microsecond_after(moment: &str) -> String {
    format!("{moment} + INTERVAL 1 MICROSECOND")
}

/// Microseconds since 1970.
pub(super) fn microseconds(moment: &str) -> String {
    format!("epoch_us({moment})")
}

/// A number that says which rows a group has, in whatever order they come.
pub(crate) fn fingerprint(columns: &str) -> String {
    format!("CAST(sum(hash({columns})) AS DECIMAL(38,0))")
}

/// The time of the transaction, in UTC.
pub(super) const NOW: &str = "make_timestamp(epoch_us(now()))";
