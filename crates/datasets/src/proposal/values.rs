//! What a column's type and values say about the field that it may be.

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, RecordBatch};
use jiff::tz::TimeZone;
use model::LogicalType;

use super::{Fit, dates, written};
use crate::cells::Cells;
use crate::contract::{Field, FieldType};
use crate::currency::{currency, period};
use crate::mapping::InputColumn;
use crate::normal::text::meaningful;
use crate::normal::{domain, email};
use crate::number::NumberFormat;

/// What values are worth that fit without exception.
const VALUES: u8 = 40;
/// The same where they have to be read in a way of their own.
const READ_VALUES: u8 = 35;
/// A text says little about what it is.
const ANY_TEXT: u8 = 10;
/// What few values that come again and again are worth for a name, and ones that never do for an id.
const FEW_NAMES: u8 = 30;
/// A column of whose values fewer can be read is none for the field, in per cent.
const SHARE_MIN: usize = 50;

/// How well the column's values fit; nothing where it cannot be the field.
pub(super) fn fit(field: &Field, column: &InputColumn, batches: &[RecordBatch]) -> Option<Fit> {
    let texts = texts(column, batches);
    if let LogicalType::Text = column.logical_type {
        if texts.is_empty() {
            return Some(Fit { points: 0, because: "the sample has no value".to_owned(), expression: None });
        }
        return of_texts(field, column, &texts);
    }
    let plain = |points| Some(Fit { points, because: column.logical_type.to_string(), expression: None });
    match field.field_type {
        FieldType::Timestamp | FieldType::Date => match column.logical_type {
            LogicalType::Int64 => of_unix(column, batches),
            ref logical_type if is_date(logical_type) => plain(VALUES),
            _ => None,
        },
        FieldType::Number => matches!(
            column.logical_type,
            LogicalType::Int64 | LogicalType::Decimal { .. } | LogicalType::Float64
        )
        .then(|| plain(VALUES))?,
        FieldType::Whole => is_whole(&column.logical_type).then(|| plain(VALUES))?,
        FieldType::Text => is_whole(&column.logical_type).then(|| of_numbered(field, column, batches)),
        FieldType::Json => plain(ANY_TEXT),
        FieldType::Identity
        | FieldType::Domain
        | FieldType::Url
        | FieldType::Currency
        | FieldType::Period => None,
    }
}

/// Whether its values are whole numbers. Those of a `NUMBER(38,0)`, as most ids are, are decimals here.
fn is_whole(logical_type: &LogicalType) -> bool {
    matches!(logical_type, LogicalType::Int64 | LogicalType::Decimal { scale: 0, .. })
}

/// Whole numbers as a text: the name of nothing, but perhaps an id.
fn of_numbered(field: &Field, column: &InputColumn, batches: &[RecordBatch]) -> Fit {
    let because = column.logical_type.to_string();
    if field.name != "object_id" {
        return Fit { points: ANY_TEXT, because, expression: None };
    }
    let mut numbers = Vec::new();
    for batch in batches {
        let cells = Cells::of(batch, column.index, &column.logical_type, &TimeZone::UTC);
        for row in (0..batch.num_rows()).filter(|row| !cells.is_null(*row)) {
            let mut text = Vec::new();
            cells.write_text(row, &mut text);
            numbers.extend(String::from_utf8(text));
        }
    }
    let fit = of_names(field, &numbers.iter().map(String::as_str).collect::<Vec<_>>());
    Fit { because: if fit.points > ANY_TEXT { fit.because } else { because }, ..fit }
}

fn is_date(logical_type: &LogicalType) -> bool {
    matches!(
        logical_type,
        LogicalType::Date
            | LogicalType::Timestamp { .. }
            | LogicalType::TimestampUtc { .. }
            | LogicalType::TimestampOffset { .. }
    )
}

/// How many values of a column of text say something; of others, how many there are.
pub(super) fn count(column: &InputColumn, batches: &[RecordBatch]) -> usize {
    if let LogicalType::Text = column.logical_type {
        return texts(column, batches).len();
    }
    batches.iter().map(|batch| batch.num_rows() - batch.column(column.index).null_count()).sum()
}

/// Values of a column of text that say something.
fn texts<'a>(column: &InputColumn, batches: &'a [RecordBatch]) -> Vec<&'a str> {
    let columns = batches.iter().filter_map(|batch| batch.column(column.index).as_string_opt::<i32>());
    columns.flat_map(|values| values.iter().flatten()).filter_map(meaningful).collect()
}

fn of_texts(field: &Field, column: &InputColumn, texts: &[&str]) -> Option<Fit> {
    let share = |what: &str, points: u8, is_one: &dyn Fn(&str) -> bool| {
        let count = texts.iter().filter(|text| is_one(text)).count();
        shared(what, points, count, texts.len())
    };
    match field.field_type {
        FieldType::Identity => share("e-mail addresses", VALUES, &|text| email::normalised(text).is_some())
            .or_else(|| share("domains", READ_VALUES, &is_domain)),
        FieldType::Domain => share("domains", VALUES, &is_domain),
        FieldType::Url => share("addresses of pages", VALUES, &|text| {
            text.starts_with("http://") || text.starts_with("https://")
        }),
        FieldType::Currency => share("currencies", VALUES, &|text| matches!(currency(text), Ok(Some(_)))),
        FieldType::Period => share("periods", VALUES, &|text| matches!(period(text), Ok(Some(_)))),
        FieldType::Timestamp | FieldType::Date => of_dates(column, texts),
        FieldType::Number | FieldType::Whole => of_numbers(column, texts),
        FieldType::Text => Some(of_names(field, texts)),
        FieldType::Json => Some(Fit { points: ANY_TEXT, because: "text".to_owned(), expression: None }),
    }
}

fn is_domain(text: &str) -> bool {
    !text.contains('@') && text.contains('.') && domain::normalised(text).is_some()
}

fn shared(what: &str, points: u8, count: usize, of: usize) -> Option<Fit> {
    (count * 100 >= of * SHARE_MIN).then(|| Fit {
        points: u8::try_from(usize::from(points) * count / of.max(1)).unwrap_or(points),
        because: format!("{what} in {count} of {of}"),
        expression: None,
    })
}

/// A name of something comes again and again, and an id never.
fn of_names(field: &Field, texts: &[&str]) -> Fit {
    /// Fewer values cannot tell.
    const VALUES_MIN: usize = 4;
    let mut names = texts.to_vec();
    names.sort_unstable();
    names.dedup();
    let is_id = field.name == "object_id" && texts.len() >= VALUES_MIN && names.len() == texts.len();
    if is_id {
        return Fit { points: FEW_NAMES, because: "all values differ".to_owned(), expression: None };
    }
    let is_name = field.name == "action_name" && texts.len() >= VALUES_MIN && names.len() * 2 <= texts.len();
    match is_name {
        true => {
            Fit { points: FEW_NAMES, because: format!("{} different values", names.len()), expression: None }
        }
        false => Fit { points: ANY_TEXT, because: "text".to_owned(), expression: None },
    }
}

fn of_dates(column: &InputColumn, texts: &[&str]) -> Option<Fit> {
    let found = dates::best(texts);
    let points = if found.options.is_empty() { VALUES } else { READ_VALUES };
    let mut fit = shared("dates", points, found.read_count, texts.len())?;
    if !found.options.is_empty() {
        fit.expression = Some(format!("{{ date: {}{} }}", written(&column.name), found.options));
    }
    if let Some(or_else) = found.or_else {
        fit.points /= 2;
        fit.because.push_str(&format!("; {or_else} reads them as well: ask which it is"));
    }
    Some(fit)
}

/// Whole numbers that are moments of this century.
fn of_unix(column: &InputColumn, batches: &[RecordBatch]) -> Option<Fit> {
    const SECONDS: std::ops::Range<i64> = 946_684_800..4_102_444_800;
    let numbers: Vec<i64> = batches
        .iter()
        .filter_map(|batch| batch.column(column.index).as_primitive_opt::<Int64Type>())
        .flat_map(|values| values.iter().flatten())
        .collect();
    let (unit, format) = match numbers.first()? {
        number if SECONDS.contains(number) => (1, "unix_seconds"),
        _ => (1_000, "unix_milliseconds"),
    };
    let count = numbers.iter().filter(|number| SECONDS.contains(&(**number / unit))).count();
    let mut fit = shared("moments as numbers", READ_VALUES, count, numbers.len())?;
    fit.expression = Some(format!("{{ date: {}, format: {format} }}", written(&column.name)));
    Some(fit)
}

fn of_numbers(column: &InputColumn, texts: &[&str]) -> Option<Fit> {
    const STRIP: &str = "$€£";
    let format = |decimal: char, thousands: Option<char>, strip: &str| NumberFormat {
        decimal,
        thousands,
        strip: strip.to_owned(),
    };
    let ways = [
        (format('.', None, ""), String::new()),
        (format('.', Some(','), ""), ", thousands: ','".to_owned()),
        (format(',', Some('.'), ""), ", decimal: ',', thousands: '.'".to_owned()),
        (format('.', Some(','), STRIP), format!(", thousands: ',', strip: '{STRIP}'")),
        (format(',', Some('.'), STRIP), format!(", decimal: ',', thousands: '.', strip: '{STRIP}'")),
    ];
    let counted = ways
        .map(|(format, options)| (texts.iter().filter(|text| format.read(text).is_ok()).count(), options));
    // Of several that read as many the plainest.
    let (count, options) = counted.into_iter().rev().max_by_key(|(count, _)| *count)?;
    let mut fit = shared("numbers", READ_VALUES, count, texts.len())?;
    if !options.is_empty() {
        fit.expression = Some(format!("{{ number: {}{options} }}", written(&column.name)));
    }
    Some(fit)
}
