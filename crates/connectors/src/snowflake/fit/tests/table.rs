//! `docs/type-fit.md`: every one of our types beside every Snowflake type, as the code decides.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use arrow_schema::DataType;
use model::LogicalType;
use snowflake::{ColumnType, VectorElement};

use super::values::every_type;
use crate::snowflake::fit::decision::Decision;
use crate::snowflake::fit::mapping::rules_note;
use crate::snowflake::fit::{Rule, Verdict};

const INTRODUCTION: &str = "\
# What fits into which Snowflake column

Written by a test from the decisions of the code (`SNOWFERRY_BLESS=1 cargo test -p connectors the_table_of_fits`
rewrites it). Before a push changes anything, each column of the stream is laid beside the live table's column, and each
value that might not fit is looked at. Whatever is accepted loads and reads back equal; nothing is narrowed silently.

| sign | verdict | meaning |
|---|---|---|
| `=` | exact | the same type: every value fits, none is looked at |
| `<` | widening | a wider type: every value fits, none is looked at |
| `?` | checked | each value is looked at; one that breaks a rule is a misfit (`on_misfit`: `reject_run`, `reject_rows` or `quarantine`) |
| `~` | lossy | only where the sync names the column under `lossy`; each changed value is counted |
| `?~` | checked, or lossy | checked; where the column is under `lossy`, what would break a rule of loss is changed and counted |
| ` ` | refused | the run stops before anything is sent, and says what to do |

A column of the table that is `NOT NULL` is checked for NULL (`not_null`) whatever its type.

";

const NOTES: &str = "\
## How columns are matched

* A planned column fills the column of the same name, else the only one whose name differs in case alone. Two such
  columns, or two planned columns for one, are refused.
* A planned column that the table does not have is refused, except an upsert's delete flag.
* A column of the table that the stream does not have is left to Snowflake: its default, its numbering or NULL. `NOT NULL`
  without a default is refused.
* Snowflake numbers `IDENTITY` and `AUTOINCREMENT` columns itself: a stream that has one is refused.

## What is behind the decisions

* **Text is never converted**: a vendor database stores JSON, GeoJSON and decimal floats as text, so text becomes a
  `VARIANT`, `OBJECT`, `ARRAY`, `GEOGRAPHY`, `GEOMETRY` or `DECFLOAT` where the column is one. Text for a `VARIANT` is a
  JSON document, as a pull lands it, and each is checked: a plain word is a misfit and needs quotes (`to_json(word)`).
  Every other conversion is for the query to say.
* **SQL NULL and JSON `null` stay distinct**: NULL arrives as NULL, the text `null` as a JSON `null`. For an `OBJECT` or
  `ARRAY` column the latter is a misfit, since Snowflake would make it NULL; so is an empty text, of which `PARSE_JSON`
  makes NULL.
* **JSON numbers**: by Snowflake's manual a number without an exponent is kept with 38 digits, and every other becomes a
  double, of which 15 digits come back. The order of keys and white space are not kept.
* **Zones**: an instant goes to `TIMESTAMP_LTZ` as it is and to `TIMESTAMP_TZ` with the offset `+00:00`. A time without a
  zone is no instant, and a wall clock is not UTC: those pairs need `lossy`, which reads and writes UTC. That holds for
  what a pull made of a `TIMESTAMP_LTZ` of scale 7 to 9, too: its nanoseconds are stored without a zone, in UTC.
  `TIMESTAMP_LTZ` and `TIMESTAMP_NTZ` forget the offset of a timestamp with one; what stays is its UTC time.
* **Digits behind the second** are cut towards the past and **decimals rounded half away from zero** where `lossy` allows it.
  The timestamps of a lossy column travel as microseconds.
* **Doubles for a `NUMBER`** become whole numbers to the last digit, and with a fraction the shortest decimal that comes
  back as the same double. **Decimals for a `FLOAT`** fit up to 15 digits, which come back from every double.
* **Shapes**: Snowflake keeps 14 digits of a coordinate, repairs polygons for `GEOGRAPHY` and refuses invalid ones for
  `GEOMETRY`. Points and lines are checked; polygons and collections need `lossy`, and may still be refused by Snowflake.
* **`VECTOR`** columns cannot be loaded, by Snowflake's manual: load an `ARRAY` and cast it where it is used. **Intervals**
  travel as numbers of months or nanoseconds. **`MAP`** and structured objects are refused, since their inner types are
  not known.
* **Caution**: some rules are stricter than an account may turn out to be, since Snowflake's manual does not promise that
  such values are kept: `nul_byte`, `json_empty_key`, `json_too_deep`, `json_number_inexact`, `invalid_geojson`,
  `shape_not_verifiable`, `offset_out_of_range`, and years before 0001 or after 9999.
* **Sizes**: a text has at most 134,217,728 bytes and the column's number of characters, JSON 67,108,864 bytes, bytes the
  column's length.
* **Files** are Parquet with Snappy, read with `USE_LOGICAL_TYPE=TRUE BINARY_AS_TEXT=FALSE`. Microseconds are Parquet's own
  timestamps; nanoseconds are whole numbers, of which `TO_TIMESTAMP_*(number, 9)` makes timestamps to the last digit;
  offsets travel as text with the format written out. No parameter of session, user or account changes what a file means.
";

fn columns() -> Vec<(&'static str, Vec<ColumnType>)> {
    let number = |precision, scale| ColumnType::Fixed { precision, scale };
    vec![
        ("NUMBER", vec![number(38, 0), number(9, 0), number(38, 10), number(10, 2)]),
        ("FLOAT", vec![ColumnType::Float]),
        ("DECFLOAT", vec![ColumnType::Decfloat]),
        ("VARCHAR", vec![ColumnType::Text { length: Some(16_777_216) }]),
        ("BINARY", vec![ColumnType::Binary { length: Some(8_388_608) }]),
        ("BOOLEAN", vec![ColumnType::Boolean]),
        ("DATE", vec![ColumnType::Date]),
        ("TIME", vec![ColumnType::Time { scale: 9 }, ColumnType::Time { scale: 3 }]),
        ("TIMESTAMP_NTZ", vec![ColumnType::TimestampNtz { scale: 9 }, ColumnType::TimestampNtz { scale: 3 }]),
        ("TIMESTAMP_LTZ", vec![ColumnType::TimestampLtz { scale: 9 }, ColumnType::TimestampLtz { scale: 3 }]),
        ("TIMESTAMP_TZ", vec![ColumnType::TimestampTz { scale: 9 }, ColumnType::TimestampTz { scale: 3 }]),
        ("VARIANT", vec![ColumnType::Variant]),
        ("OBJECT", vec![ColumnType::Object]),
        ("ARRAY", vec![ColumnType::Array]),
        ("MAP", vec![ColumnType::Map]),
        ("GEOGRAPHY", vec![ColumnType::Geography]),
        ("GEOMETRY", vec![ColumnType::Geometry]),
        ("VECTOR", vec![ColumnType::Vector { element: VectorElement::Float, dimension: 2 }]),
        ("INTERVAL", vec![ColumnType::IntervalYearMonth, ColumnType::IntervalDayTime]),
    ]
}

/// What is said of one pair of types.
struct Cell {
    sign: &'static str,
    verdict: &'static str,
    rules: String,
    file: String,
    copy: String,
    reason: String,
}

fn cell(logical_type: &LogicalType, column_type: ColumnType) -> Cell {
    let strict = Decision::of(logical_type, column_type, false);
    let lossy = Decision::of(logical_type, column_type, true);
    let (sign, verdict) = match (verdict_of(&strict), verdict_of(&lossy)) {
        (Verdict::Checked, Verdict::Lossy) => ("?~", "checked, or lossy"),
        (Verdict::Refused, Verdict::Lossy) => ("~", "lossy"),
        (Verdict::Exact, _) => ("=", "exact"),
        (Verdict::Widening, _) => ("<", "widening"),
        (Verdict::Checked, _) => ("?", "checked"),
        (_, _) => (" ", "refused"),
    };
    let reason = match &strict {
        Decision::Refused { reason } => reason.clone(),
        Decision::Accepted { .. } => String::new(),
    };
    let (rules, file, copy) = match &lossy {
        Decision::Refused { .. } => (String::new(), String::new(), String::new()),
        Decision::Accepted { route, .. } => (
            rules_note(&route.scan.rules(), route.is_lossy),
            file_type(&route.form.file_type(&logical_type.arrow_type())),
            route.load.expression("c"),
        ),
    };
    Cell { sign, verdict, rules, file, copy, reason }
}

fn verdict_of(decision: &Decision) -> Verdict {
    match decision {
        Decision::Accepted { verdict, .. } => *verdict,
        Decision::Refused { .. } => Verdict::Refused,
    }
}

/// A column of the file as Parquet calls it.
fn file_type(data_type: &DataType) -> String {
    match data_type {
        DataType::Boolean => "BOOLEAN".to_owned(),
        DataType::Int64 => "INT64".to_owned(),
        DataType::Float64 => "DOUBLE".to_owned(),
        DataType::Decimal128(precision, scale) => format!("DECIMAL({precision},{scale})"),
        DataType::Utf8 => "STRING".to_owned(),
        DataType::Binary => "BYTE_ARRAY".to_owned(),
        DataType::Date32 => "DATE".to_owned(),
        DataType::Time64(_) => "TIME(MICROS)".to_owned(),
        DataType::Timestamp(_, None) => "TIMESTAMP(MICROS)".to_owned(),
        DataType::Timestamp(_, Some(_)) => "TIMESTAMP(MICROS, UTC)".to_owned(),
        other => unreachable!("{other} is in no file"),
    }
}

fn overview(page: &mut String) {
    let columns = columns();
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    writeln!(page, "## At a glance\n\n| ours | {} |", names.join(" | ")).unwrap();
    writeln!(page, "|---|{}", "---|".repeat(names.len())).unwrap();
    for (_, logical_type) in every_type() {
        let signs: Vec<String> = columns
            .iter()
            .map(|(_, types)| {
                let mut signs: Vec<&str> = types.iter().map(|ty| cell(&logical_type, *ty).sign).collect();
                signs.sort_unstable();
                signs.dedup();
                signs
                    .iter()
                    .map(|sign| if *sign == " " { " ".to_owned() } else { format!("`{sign}`") })
                    .collect::<Vec<_>>()
                    .join(" ")
            })
            .collect();
        writeln!(page, "| {logical_type} | {} |", signs.join(" | ")).unwrap();
    }
    page.push_str("\nWhere a cell has several signs, it depends on the column's digits: see below.\n\n");
}

fn details(page: &mut String) {
    page.push_str("## Type by type\n\nThe rules are explained at the end. After `changed:` stand those that are no misfits where the column is under `lossy`.\n");
    for (_, logical_type) in every_type() {
        writeln!(page, "\n### {logical_type}\n").unwrap();
        page.push_str(
            "| Snowflake column | verdict | rules | in the file | in the `COPY` |\n|---|---|---|---|---|\n",
        );
        let mut refused: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (name, types) in columns() {
            for column_type in types {
                let cell = cell(&logical_type, column_type);
                if cell.verdict == "refused" {
                    let reason = cell.reason.replace(&column_type.to_string(), "one of these");
                    let names = refused.entry(reason).or_default();
                    if !names.contains(&name) {
                        names.push(name);
                    }
                    continue;
                }
                writeln!(
                    page,
                    "| {column_type} | {} | {} | {} | `{}` |",
                    cell.verdict, cell.rules, cell.file, cell.copy
                )
                .unwrap();
            }
        }
        page.push('\n');
        for (reason, names) in refused {
            writeln!(page, "* Refused: {}: {reason}.", names.join(", ")).unwrap();
        }
    }
    page.push('\n');
}

fn rules(page: &mut String) {
    page.push_str("## The rules\n\n| rule | broken by |\n|---|---|\n");
    for rule in Rule::ALL {
        writeln!(page, "| `{}` | {} |", rule.as_str(), rule.explanation()).unwrap();
    }
    page.push('\n');
}

#[test]
fn the_table_of_fits_is_what_the_code_decides() {
    let mut page = INTRODUCTION.to_owned();
    overview(&mut page);
    page.push_str(NOTES);
    page.push('\n');
    rules(&mut page);
    details(&mut page);
    let page = page.trim_end().to_owned() + "\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/type-fit.md");
    if std::env::var_os("SNOWFERRY_BLESS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == page, "docs/type-fit.md is out of date: SNOWFERRY_BLESS=1 rewrites it");
}
