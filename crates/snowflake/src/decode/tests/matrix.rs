//! `docs/snowflake-types.md`: every type, encoding and extreme with what the client really gives for it.

use std::fmt::Write as _;
use std::path::Path;

use super::sample::{Physical, Value, read_back, through_arrow, through_json};
use crate::column::{ColumnType, VectorElement};
use crate::decode::{DecodeOptions, Decoded, WideTimestamps};
use crate::error::Result;

const BILLION: i128 = 1_000_000_000;
const YEAR_1: i128 = -62_135_596_800;
const YEAR_9999: i128 = 253_402_300_799;
const DAY: i128 = 86_400;

const INTRODUCTION: &str = "\
# What the client gives for every Snowflake type

Written by a test from real decoding runs (`SNOWFERRY_BLESS=1 cargo test -p snowflake the_table_of_types` rewrites it).
Each line is one value sent in each of the named forms: the Arrow types that the service may choose from, and JSON
text. Forms that give the same are on one line. A value that would be changed is an error, never a silent change.

NULL is NULL in every form; the JSON value `null` inside a VARIANT is the text `null`. `TIMESTAMP_TZ` gives two
columns: the instant in UTC, and `<name>__offset_minutes`. Numbers above a `NUMBER(18,0)` are exact decimals.

| Snowflake type | value | sent as | Arrow type | given |
|---|---|---|---|---|
";

fn number(precision: u8, scale: u8) -> ColumnType {
    ColumnType::Fixed { precision, scale }
}

fn cases() -> Vec<(ColumnType, &'static str, Value)> {
    [numbers(), plain(), times(), timestamps(), nested()].concat()
}

fn numbers() -> Vec<(ColumnType, &'static str, Value)> {
    let largest = |digits: u32| 10_i128.pow(digits) - 1;
    vec![
        (number(1, 0), "9", Value::Int(9)),
        (number(18, 0), "largest", Value::Int(largest(18))),
        (number(18, 0), "smallest", Value::Int(-largest(18))),
        (number(19, 0), "largest", Value::Int(largest(19))),
        (number(38, 0), "0", Value::Int(0)),
        (number(38, 0), "largest", Value::Int(largest(38))),
        (number(38, 0), "smallest", Value::Int(-largest(38))),
        (number(10, 2), "-0.05", Value::Int(-5)),
        (number(38, 37), "largest", Value::Int(largest(38))),
        (number(38, 38), "smallest", Value::Int(-largest(38))),
        (number(4, 2), "123.45, too many digits", Value::Int(12_345)),
        (ColumnType::Float, "1.5", Value::Float(1.5_f64.to_bits())),
        (ColumnType::Float, "NaN", Value::Float(f64::NAN.to_bits())),
        (ColumnType::Float, "infinity", Value::Float(f64::INFINITY.to_bits())),
        (ColumnType::Float, "-infinity", Value::Float(f64::NEG_INFINITY.to_bits())),
        (ColumnType::Float, "-0", Value::Float((-0.0_f64).to_bits())),
        (ColumnType::Float, "largest", Value::Float(f64::MAX.to_bits())),
        (ColumnType::Float, "smallest above 0", Value::Float(5e-324_f64.to_bits())),
        (ColumnType::Decfloat, "0", Value::Decimal(0, 0)),
        (ColumnType::Decfloat, "123.45", Value::Decimal(12_345, -2)),
        (ColumnType::Decfloat, "38 digits", Value::Decimal(largest(38), -10)),
        (ColumnType::Decfloat, "largest exponent", Value::Decimal(1, 16_384)),
        (ColumnType::Decfloat, "smallest exponent", Value::Decimal(-1, -16_383)),
    ]
}

fn plain() -> Vec<(ColumnType, &'static str, Value)> {
    let text = ColumnType::Text { length: None };
    let binary = ColumnType::Binary { length: None };
    vec![
        (ColumnType::Boolean, "true", Value::Bool(true)),
        (ColumnType::Boolean, "false", Value::Bool(false)),
        (text, "empty", Value::Text(String::new())),
        (text, "quote, backslash, tab", Value::Text("\"\\\t".to_owned())),
        (text, "beyond ASCII", Value::Text("Zoë 東京 😀".to_owned())),
        (binary, "empty", Value::Bytes(Vec::new())),
        (binary, "00 FF", Value::Bytes(vec![0x00, 0xff])),
        (ColumnType::Date, "1969-12-31", Value::Days(-1)),
        (ColumnType::Date, "0001-01-01", Value::Days(-719_162)),
        (ColumnType::Date, "9999-12-31", Value::Days(2_932_896)),
    ]
}

fn times() -> Vec<(ColumnType, &'static str, Value)> {
    vec![
        (ColumnType::Time { scale: 0 }, "midnight", Value::Nanos(0)),
        (ColumnType::Time { scale: 3 }, "last", Value::Nanos((DAY * 1000 - 1) * 1_000_000)),
        (ColumnType::Time { scale: 6 }, "last", Value::Nanos((DAY * 1_000_000 - 1) * 1000)),
        (ColumnType::Time { scale: 9 }, "last", Value::Nanos(DAY * BILLION - 1)),
    ]
}

fn timestamps() -> Vec<(ColumnType, &'static str, Value)> {
    let mut cases = Vec::new();
    for scale in [0, 3, 6, 7, 9] {
        let last = BILLION - 10_i128.pow(9 - u32::from(scale));
        let instants = [
            ("before 1970", -BILLION + last),
            ("first of the year 1", YEAR_1 * BILLION),
            ("last of the year 9999", YEAR_9999 * BILLION + last),
        ];
        for (label, nanos) in instants {
            cases.push((ColumnType::TimestampNtz { scale }, label, Value::Nanos(nanos)));
        }
    }
    let nanos = 1_700_000_000 * BILLION + 123_456_789;
    cases.extend([
        (ColumnType::TimestampNtz { scale: 9 }, "first that fits", Value::Nanos(i64::MIN.into())),
        (ColumnType::TimestampNtz { scale: 9 }, "last that fits", Value::Nanos(i64::MAX.into())),
        (ColumnType::TimestampLtz { scale: 6 }, "before 1970", Value::Nanos(-1000)),
        (ColumnType::TimestampLtz { scale: 9 }, "nanoseconds", Value::Nanos(nanos)),
        (ColumnType::TimestampLtz { scale: 9 }, "last of the year 9999", Value::Nanos(YEAR_9999 * BILLION)),
        (ColumnType::TimestampTz { scale: 3 }, "+05:30", Value::Zoned(1_700_000_000_123 * 1_000_000, 330)),
        (ColumnType::TimestampTz { scale: 3 }, "year 9999, -12:00", Value::Zoned(YEAR_9999 * BILLION, -720)),
        (ColumnType::TimestampTz { scale: 9 }, "+14:00", Value::Zoned(nanos, 840)),
        (ColumnType::TimestampTz { scale: 9 }, "before 1970, -00:01", Value::Zoned(-1, -1)),
        (ColumnType::TimestampTz { scale: 9 }, "first of the year 1", Value::Zoned(YEAR_1 * BILLION, 0)),
    ]);
    cases
}

fn nested() -> Vec<(ColumnType, &'static str, Value)> {
    let text = |text: &str| Value::Text(text.to_owned());
    let point = r#"{"coordinates":[13.4,52.5],"type":"Point"}"#;
    vec![
        (ColumnType::Variant, "JSON null", text("null")),
        (ColumnType::Variant, "a JSON text", text("\"a\"")),
        (ColumnType::Variant, "undefined in an array", text("[1,undefined]")),
        (ColumnType::Object, "with new lines", text("{\n  \"a\": 1\n}")),
        (ColumnType::Array, "empty", text("[]")),
        (ColumnType::Map, "one entry", text("{\"k\":1}")),
        (ColumnType::Geography, "a point", text(point)),
        (ColumnType::Geometry, "a point", text(point)),
        (
            ColumnType::Vector { element: VectorElement::Int, dimension: 3 },
            "extremes",
            Value::Ints(vec![i32::MIN, 0, i32::MAX]),
        ),
        (
            ColumnType::Vector { element: VectorElement::Float, dimension: 2 },
            "extremes",
            Value::Floats(vec![f32::MIN_POSITIVE, f32::MAX]),
        ),
        (ColumnType::IntervalYearMonth, "-9999 years 11 months", Value::Int(-(9999 * 12 + 11))),
        (ColumnType::IntervalDayTime, "1 ns", Value::Int(1)),
        (ColumnType::IntervalDayTime, "longest that fits", Value::Int(i64::MAX.into())),
        (ColumnType::IntervalDayTime, "longer", Value::Int(i128::from(i64::MAX) + 1)),
    ]
}

fn table() -> String {
    let mut page = INTRODUCTION.to_owned();
    let options = DecodeOptions::default();
    cases().iter().for_each(|(ty, label, value)| write_case(&mut page, *ty, label, value, &options));
    page.push_str(
        "\n## With `wide_timestamps`\n\n\
         Columns of more than six digits can be read as microseconds, over the whole range of years. The digits that are\n\
         lost are counted in the stream's summary.\n\n\
         | Snowflake type | value | sent as | Arrow type | given |\n|---|---|---|---|---|\n",
    );
    let wide = DecodeOptions { wide_timestamps: WideTimestamps::Microseconds };
    for (ty, label, value) in timestamps() {
        if !matches!(
            ty,
            ColumnType::TimestampNtz { scale: ..=6 }
                | ColumnType::TimestampLtz { scale: ..=6 }
                | ColumnType::TimestampTz { scale: ..=6 }
        ) {
            write_case(&mut page, ty, label, &value, &wide);
        }
    }
    page
}

fn write_case(page: &mut String, ty: ColumnType, label: &str, value: &Value, options: &DecodeOptions) {
    let values = [Some(value.clone())];
    let mut outcomes: Vec<(Vec<String>, String)> = Vec::new();
    let arrow = Physical::all(ty).iter().filter_map(|physical| {
        through_arrow(ty, &values, *physical, options).map(|decoded| (form(ty, *physical), decoded))
    });
    let json = std::iter::once(("JSON".to_owned(), through_json(ty, &values, options)));
    for (form, decoded) in arrow.chain(json) {
        let outcome = outcome(ty, decoded);
        match outcomes.iter_mut().find(|(_, known)| *known == outcome) {
            Some((forms, _)) => forms.push(form),
            None => outcomes.push((vec![form], outcome)),
        }
    }
    for (forms, outcome) in outcomes {
        writeln!(page, "| {ty} | {label} | {} | {outcome} |", forms.join(", ")).unwrap();
    }
}

fn form(ty: ColumnType, physical: Physical) -> String {
    match (ty, physical) {
        (ColumnType::TimestampTz { .. }, Physical::Int64) => "Struct of 2".to_owned(),
        (ColumnType::TimestampTz { .. }, Physical::Struct) => "Struct of 3".to_owned(),
        (ColumnType::Decfloat, _) => "Struct".to_owned(),
        (ColumnType::Boolean, _) => "Boolean".to_owned(),
        (ColumnType::Float, _) => "Float64".to_owned(),
        (ColumnType::Date, _) => "Date32".to_owned(),
        (ColumnType::Binary { .. }, _) => "Binary".to_owned(),
        (ColumnType::Vector { .. }, _) => "FixedSizeList".to_owned(),
        (_, Physical::Plain) => "Utf8".to_owned(),
        (_, other) => format!("{other:?}"),
    }
}

/// The last two cells of a line.
fn outcome(ty: ColumnType, decoded: Result<Decoded>) -> String {
    let decoded = match decoded {
        Ok(decoded) => decoded,
        Err(error) => return format!("error | {:?}: {}", error.kind(), error.message().replace('|', "\\|")),
    };
    let value = read_back(&decoded).remove(0).expect("the value is not null");
    let lost = if decoded.lost == [1] { " (counted as truncated)" } else { "" };
    let schema = decoded.batches[0].schema();
    let types: Vec<_> = schema.fields().iter().map(|field| field.data_type().to_string()).collect();
    format!("{} | {}{lost} |", types.join(" + "), rendered(ty, &value)).trim_end_matches(" |").to_owned()
}

fn rendered(ty: ColumnType, value: &Value) -> String {
    let epoch = jiff::civil::date(1970, 1, 1);
    let moment = |nanos: i128| {
        let seconds = i64::try_from(nanos.div_euclid(BILLION)).unwrap();
        let rest = i32::try_from(nanos.rem_euclid(BILLION)).unwrap();
        epoch.to_datetime(jiff::civil::Time::midnight()) + jiff::SignedDuration::new(seconds, rest)
    };
    match value {
        Value::Bool(value) => value.to_string(),
        Value::Text(text) => format!("`{}`", text.escape_debug().to_string().replace("\\\"", "\"")),
        Value::Bytes(bytes) => bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(" "),
        Value::Days(days) => (epoch + jiff::Span::new().days(*days)).to_string(),
        Value::Nanos(nanos) if matches!(ty, ColumnType::Time { .. }) => moment(*nanos).time().to_string(),
        Value::Nanos(nanos) if matches!(ty, ColumnType::TimestampNtz { .. }) => moment(*nanos).to_string(),
        Value::Nanos(nanos) => format!("{}Z", moment(*nanos)),
        Value::Zoned(nanos, minutes) => format!("{}Z and {minutes}", moment(*nanos)),
        Value::Ints(elements) => format!("{elements:?}"),
        Value::Floats(elements) => format!("{elements:?}"),
        Value::Float(bits) => format!("{:?}", f64::from_bits(*bits)),
        other => super::sample::text(ty, other),
    }
}

#[test]
fn the_table_of_types_is_what_the_client_does() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/snowflake-types.md");
    let written = table();
    if std::env::var_os("SNOWFERRY_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &written).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == written, "docs/snowflake-types.md is out of date: SNOWFERRY_BLESS=1 rewrites it");
}
