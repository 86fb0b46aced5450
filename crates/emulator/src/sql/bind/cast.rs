//! Conversions between types by Snowflake's rules.

use std::mem;

use sqlparser::ast::CastFormat;

use super::{Binder, Literal, MadeOf, Typed};
use crate::outcome::{SnowType, SqlError};
use crate::sql::error::{compilation, raised, unsupported};
use crate::sql::names::literal;
use crate::sql::physical::{
    BINARY_LENGTH_MAX, TEXT, TEXT_LENGTH_MAX, duckdb_type, is_nanoseconds, timestamp_type, type_name,
};

/// The code for types between which there is no cast.
const NO_SUCH_CAST: &str = "001007";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// CAST and `::`: a longer text is cut.
    Explicit,
    /// TRY_CAST: what cannot be converted is NULL.
    Try,
    /// Into a column: a longer text is an error.
    Assign,
}

impl Mode {
    fn is_try(self) -> bool {
        self == Mode::Try
    }

    /// The keyword that DuckDB has for it.
    fn keyword(self) -> &'static str {
        if self.is_try() { "TRY_CAST" } else { "CAST" }
    }
}

impl Binder<'_> {
    pub(crate) fn cast(&self, value: Typed, target: &SnowType, mode: Mode) -> Result<Typed, SqlError> {
        if value.is_null_literal() {
            let sql = format!("CAST(NULL AS {})", duckdb_type(target));
            return Ok(Typed { literal: Literal::Null, ..Typed::new(sql, target.clone()) });
        }
        if let Some(typed) = self.cast_made(&value, target, mode)? {
            return Ok(typed);
        }
        let nullable = value.nullable || mode.is_try() || is_semi_structured(&value.ty);
        let is_same = value.ty == *target;
        let origin = value.origin.clone().filter(|_| is_same);
        let kept = value.literal.clone();
        let made_of = value.made_of.clone().filter(|_| is_same);
        let sql = if is_same { value.sql } else { self.cast_sql(&value, target, mode)? };
        let literal = if is_same { kept } else { Literal::No };
        Ok(Typed { sql, ty: target.clone(), nullable, origin, literal, made_of })
    }

    /// A VARIANT made of a typed value is cast from that value, by the rules that hold inside a VARIANT; a timestamp
    /// made of a text is read again, by the scale that it is to have.
    fn cast_made(&self, value: &Typed, target: &SnowType, mode: Mode) -> Result<Option<Typed>, SqlError> {
        use SnowType as T;
        let inner = match value.made_of.as_deref() {
            Some(MadeOf::Value(inner)) => inner,
            Some(MadeOf::Reading { text, format })
                if mem::discriminant(&value.ty) == mem::discriminant(target) =>
            {
                let sql = self.moment_from_text(text, target, Some(format), mode);
                return Ok(Some(Typed::new(sql, target.clone())));
            }
            _ => return Ok(None),
        };
        if is_semi_structured(target) {
            return Ok(None);
        }
        let cast = match (&inner.ty, target) {
            // A number stands for seconds or shorter units by its size, and for an instant.
            (
                T::Fixed { scale: 0, .. },
                T::TimestampNtz { scale } | T::TimestampLtz { scale } | T::TimestampTz { scale },
            ) => {
                let text = self.cast(inner.clone(), &TEXT, mode)?;
                let instant = self.cast(text, &T::TimestampLtz { scale: *scale }, mode)?;
                self.cast(instant, target, mode)
            }
            (T::Fixed { scale: 0, .. }, T::Date) => {
                let text = self.cast(inner.clone(), &TEXT, mode)?;
                self.cast(text, target, mode)
            }
            (T::Date, T::TimestampNtz { .. } | T::TimestampLtz { .. } | T::TimestampTz { .. }) => {
                return Ok(Some(self.impossible(inner, target, mode)?));
            }
            _ => self.cast(inner.clone(), target, mode),
        };
        match cast {
            Ok(typed) => Ok(Some(Typed { nullable: true, origin: None, ..typed })),
            Err(failure) if failure.code == NO_SUCH_CAST => Ok(Some(self.impossible(inner, target, mode)?)),
            Err(failure) => Err(failure),
        }
    }

    /// A cast that no value can take, which is known only when there is a value.
    fn impossible(&self, inner: &Typed, target: &SnowType, mode: Mode) -> Result<Typed, SqlError> {
        let into = duckdb_type(target);
        if mode.is_try() {
            return Ok(Typed::new(format!("CAST(NULL AS {into})"), target.clone()));
        }
        let text = self.text_sql(inner)?;
        let start = literal(&raised("100071", "Failed to cast variant value "));
        let end = literal(&format!(" to {}", crate::sql::physical::family_name(target)));
        let sql = format!("CAST(sf_fail({start} || left({text}, 100) || {end}, {text}) AS {into})");
        Ok(Typed::new(sql, target.clone()))
    }

    pub(super) fn cast_format(&self, format: Option<&CastFormat>) -> Result<(), SqlError> {
        format.map_or(Ok(()), |format| Err(unsupported(format!("CAST with the format {format:?}"))))
    }

    fn cast_sql(&self, value: &Typed, target: &SnowType, mode: Mode) -> Result<String, SqlError> {
        use SnowType as T;
        let sql = value.sql.as_str();
        let into = duckdb_type(target);
        let keyword = mode.keyword();
        let plain = || format!("{keyword}({sql} AS {into})");
        Ok(match (&value.ty, target) {
            (from, T::Text { length }) => self.limit_text(self.text_sql(value)?, from, *length, mode),
            (from, T::Variant) => self.variant_sql(value, from)?,
            (T::Variant, _) => self.variant_to(sql, target, mode)?,
            (T::Text { .. }, _) => self.text_to(value, target, mode)?,
            (T::Fixed { .. } | T::Real, T::Fixed { .. } | T::Real) => plain(),
            (T::Decfloat, T::Fixed { .. } | T::Real) => plain(),
            (T::Fixed { .. } | T::Real, T::Decfloat) => self.text_sql(value)?,
            (T::Fixed { .. } | T::Real, T::Boolean) => format!("({sql} <> 0)"),
            (T::Boolean, T::Fixed { .. }) => format!("CAST(CAST({sql} AS INTEGER) AS {into})"),
            (T::Fixed { scale: 0, .. }, T::TimestampNtz { scale } | T::TimestampLtz { scale }) => {
                format!("CAST(make_timestamp(CAST({sql} * 1000000 AS BIGINT)) AS {})", timestamp_type(*scale))
            }
            (T::Binary { .. }, T::Binary { length }) => limit_binary(sql.to_owned(), *length, mode),
            (T::Object | T::Array | T::Map, T::Object | T::Map) | (T::Array, T::Array) => sql.to_owned(),
            (T::Array, T::Vector { .. }) => plain(),
            (T::Vector { element: a, dimension: b }, T::Vector { element, dimension })
                if (a, b) == (element, dimension) =>
            {
                sql.to_owned()
            }
            (T::Geography, T::Geometry) | (T::Geometry, T::Geography) => sql.to_owned(),
            (T::Time { scale: from }, T::Time { scale }) => time_scale(sql, *from, *scale),
            (from, to) => self.cast_moment(sql, from, to).ok_or_else(|| {
                compilation(
                    NO_SUCH_CAST,
                    "22023",
                    &format!("a value of type {} cannot be cast to {}", type_name(from), type_name(to)),
                )
            })?,
        })
    }

    /// Casts between dates and timestamps of every kind.
    fn cast_moment(&self, sql: &str, from: &SnowType, to: &SnowType) -> Option<String> {
        use SnowType as T;
        let zone = literal(&self.state.time_zone());
        Some(match (from, to) {
            (T::TimestampNtz { scale: a }, T::TimestampNtz { scale: b })
            | (T::TimestampLtz { scale: a }, T::TimestampLtz { scale: b }) => rescale(sql, *a, *b),
            (T::Date, T::TimestampNtz { scale }) => format!("CAST({sql} AS {})", timestamp_type(*scale)),
            (T::TimestampNtz { .. }, T::Date) => format!("CAST({sql} AS DATE)"),
            (T::TimestampNtz { scale: a }, T::Time { scale }) => {
                let nanoseconds =
                    format!("(epoch_ns({sql}) - epoch_ns(CAST(CAST({sql} AS DATE) AS TIMESTAMP)))");
                time_scale(&nanoseconds, *a, *scale)
            }
            (
                T::TimestampNtz { scale: a } | T::TimestampLtz { scale: a },
                T::TimestampLtz { scale: b } | T::TimestampNtz { scale: b },
            ) => {
                let function = if matches!(to, T::TimestampLtz { .. }) { "sf_to_utc" } else { "sf_to_local" };
                rescale(&format!("{function}({sql}, {zone})"), *a, *b)
            }
            (T::TimestampLtz { scale: a }, T::TimestampTz { scale: b }) => {
                let instant = rescale(sql, *a, *b);
                format!("{{'t': {instant}, 'o': CAST(sf_zone_offset({sql}, {zone}) AS SMALLINT)}}")
            }
            (T::TimestampTz { scale: a }, T::TimestampTz { scale: b }) => {
                let instant = rescale(&format!("({sql}).t"), *a, *b);
                format!("CASE WHEN ({sql}) IS NULL THEN NULL ELSE {{'t': {instant}, 'o': ({sql}).o}} END")
            }
            (T::TimestampTz { scale: a }, T::TimestampLtz { scale: b }) => {
                rescale(&format!("({sql}).t"), *a, *b)
            }
            (T::TimestampTz { scale: a }, T::TimestampNtz { scale: b }) => {
                rescale(&format!("sf_add(({sql}).t, 'minute', CAST(({sql}).o AS BIGINT))"), *a, *b)
            }
            (T::Date, T::TimestampLtz { .. } | T::TimestampTz { .. })
            | (T::TimestampNtz { .. }, T::TimestampTz { .. })
            | (T::TimestampLtz { .. } | T::TimestampTz { .. }, T::Date | T::Time { .. }) => {
                let middle = middle_type(from, to);
                let first = self.cast_moment(sql, from, &middle)?;
                self.cast_moment(&first, &middle, to)?
            }
            _ => return None,
        })
    }

    /// A value as text, as TO_VARCHAR without a format gives it.
    pub(super) fn text_sql(&self, value: &Typed) -> Result<String, SqlError> {
        use SnowType as T;
        let sql = value.sql.as_str();
        let format = |name: &str| literal(&self.output_format(name));
        Ok(match &value.ty {
            T::Text { .. } | T::Decfloat | T::Geography | T::Geometry => sql.to_owned(),
            T::Fixed { .. } | T::Boolean => format!("CAST({sql} AS VARCHAR)"),
            T::Real => format!("sf_float_text({sql})"),
            T::Binary { .. } => {
                match self.state.parameters.text("BINARY_OUTPUT_FORMAT").to_uppercase().as_str() {
                    "BASE64" => format!("to_base64({sql})"),
                    _ => format!("hex({sql})"),
                }
            }
            T::Date => format!("sf_format(CAST({sql} AS TIMESTAMP), 0, {})", format("DATE_OUTPUT_FORMAT")),
            T::Time { .. } => format!("sf_format_time({sql}, {})", format("TIME_OUTPUT_FORMAT")),
            T::TimestampNtz { .. } => {
                format!("sf_format({sql}, 0, {})", format("TIMESTAMP_NTZ_OUTPUT_FORMAT"))
            }
            T::TimestampLtz { .. } => {
                let offset = format!("sf_zone_offset({sql}, {})", literal(&self.state.time_zone()));
                format!("sf_format({sql}, {offset}, {})", format("TIMESTAMP_LTZ_OUTPUT_FORMAT"))
            }
            T::TimestampTz { .. } => format!(
                "sf_format(({sql}).t, CAST(({sql}).o AS INTEGER), {})",
                format("TIMESTAMP_TZ_OUTPUT_FORMAT")
            ),
            T::Variant => format!("json_extract_string({sql}, '$')"),
            T::Object | T::Array | T::Map => format!("CAST({sql} AS VARCHAR)"),
            other => return Err(unsupported(format!("{} as text", type_name(other)))),
        })
    }

    /// The session's output format; LTZ and TZ fall back to TIMESTAMP_OUTPUT_FORMAT.
    pub(super) fn output_format(&self, name: &str) -> String {
        let own = self.state.parameters.text(name);
        if own.is_empty() { self.state.parameters.text("TIMESTAMP_OUTPUT_FORMAT") } else { own }
    }

    fn limit_text(&self, sql: String, from: &SnowType, length: u32, mode: Mode) -> String {
        let longest = match from {
            SnowType::Text { length } => *length,
            SnowType::Fixed { .. } => 41,
            SnowType::Boolean => 5,
            SnowType::Date => 13,
            SnowType::Variant | SnowType::Object | SnowType::Array | SnowType::Map => u32::MAX,
            _ => 64,
        };
        if longest <= length || length >= TEXT_LENGTH_MAX {
            return sql;
        }
        match mode {
            Mode::Explicit => format!("left({sql}, {length})"),
            Mode::Try => format!("CASE WHEN length({sql}) <= {length} THEN {sql} END"),
            Mode::Assign => {
                let message = raised("100078", "String '");
                format!(
                    "CASE WHEN length({sql}) > {length} THEN sf_fail({} || left({sql}, 100) || \
                     ''' is too long and would be truncated', {sql}) ELSE {sql} END",
                    literal(&message)
                )
            }
        }
    }

    fn text_to(&self, value: &Typed, target: &SnowType, mode: Mode) -> Result<String, SqlError> {
        use SnowType as T;
        let sql = value.sql.as_str();
        let (keyword, into, is_try) = (mode.keyword(), duckdb_type(target), mode.is_try());
        let try_flag = flag(sql, is_try);
        Ok(match target {
            T::Fixed { .. } => format!("{keyword}(trim({sql}) AS {into})"),
            T::Real => format!("{keyword}(trim({sql}) AS DOUBLE)"),
            T::Decfloat => format!("sf_decfloat({sql}, {try_flag})"),
            T::Boolean => format!("sf_boolean({sql}, {try_flag})"),
            T::Binary { .. } if is_try => format!("TRY(unhex({sql}))"),
            T::Binary { length } => limit_binary(format!("unhex({sql})"), *length, mode),
            T::Date
            | T::Time { .. }
            | T::TimestampNtz { .. }
            | T::TimestampLtz { .. }
            | T::TimestampTz { .. } => self.moment_from_text(sql, target, None, mode),
            T::Geography | T::Geometry => format!("sf_json({sql}, {try_flag})"),
            T::Vector { .. } => format!("{keyword}({sql} AS {into})"),
            T::Object | T::Array | T::Map => {
                return Err(compilation(
                    "001007",
                    "22023",
                    &format!("a text cannot be cast to {}: use PARSE_JSON", type_name(target)),
                ));
            }
            other => return Err(unsupported(format!("a text cast to {}", type_name(other)))),
        })
    }

    /// A text as a date, time or timestamp, by `format` or the session's input format.
    pub(super) fn moment_from_text(
        &self,
        sql: &str,
        target: &SnowType,
        format: Option<&str>,
        mode: Mode,
    ) -> String {
        let session = |name: &str| literal(&self.state.parameters.text(name));
        let format_of = |name: &str| format.map_or_else(|| session(name), str::to_owned);
        let is_try = mode.is_try();
        let try_flag = flag(sql, is_try);
        match target {
            SnowType::Date => format!("sf_parse_date({sql}, {}, {try_flag})", format_of("DATE_INPUT_FORMAT")),
            SnowType::Time { scale } => time_scale(
                &format!("sf_parse_time({sql}, {}, {try_flag})", format_of("TIME_INPUT_FORMAT")),
                9,
                *scale,
            ),
            SnowType::TimestampNtz { scale }
            | SnowType::TimestampLtz { scale }
            | SnowType::TimestampTz { scale } => {
                let format = format_of("TIMESTAMP_INPUT_FORMAT");
                let zone = literal(&self.state.time_zone());
                let kind = if matches!(target, SnowType::TimestampNtz { .. }) { "ntz" } else { "utc" };
                let kind = if is_try { format!("'{kind}?'") } else { format!("'{kind}'") };
                let unit = if is_nanoseconds(*scale) { "ns" } else { "us" };
                let row = if is_constant(sql) { String::new() } else { format!(", {}", flag(sql, false)) };
                let instant = format!("sf_parse_{unit}({sql}, {format}, {zone}, {kind}{row})");
                let instant = if *scale == 9 { instant } else { format!("sf_scale({instant}, {scale})") };
                if matches!(target, SnowType::TimestampTz { .. }) {
                    let offset = format!("sf_parse_offset({sql}, {format}, {zone}, {kind}{row})");
                    return format!(
                        "CASE WHEN {instant} IS NULL THEN NULL ELSE {{'t': {instant}, 'o': {offset}}} END"
                    );
                }
                instant
            }
            _ => sql.to_owned(),
        }
    }

    fn variant_to(&self, sql: &str, target: &SnowType, mode: Mode) -> Result<String, SqlError> {
        let text = Typed::new(format!("json_extract_string({sql}, '$')"), TEXT);
        Ok(match target {
            SnowType::Object | SnowType::Array | SnowType::Map => {
                let wanted = if *target == SnowType::Array { "ARRAY" } else { "OBJECT" };
                let failure = if mode.is_try() {
                    "NULL".to_owned()
                } else {
                    let message = raised("100071", format!("Failed to cast variant value to {wanted}"));
                    format!("CAST(sf_fail({}, CAST({sql} AS VARCHAR)) AS JSON)", literal(&message))
                };
                format!(
                    "CASE json_type({sql}) WHEN '{wanted}' THEN {sql} WHEN 'NULL' THEN NULL ELSE \
                     CASE WHEN {sql} IS NULL THEN NULL ELSE {failure} END END"
                )
            }
            SnowType::Vector { .. } => format!("CAST({sql} AS {})", duckdb_type(target)),
            _ => self.cast_sql(&text, target, mode)?,
        })
    }

    /// A value as JSON.
    pub(super) fn variant_sql(&self, value: &Typed, from: &SnowType) -> Result<String, SqlError> {
        use SnowType as T;
        let sql = value.sql.as_str();
        Ok(match from {
            T::Variant | T::Object | T::Array | T::Map => sql.to_owned(),
            T::Fixed { .. } => format!("CAST(sf_json(CAST({sql} AS VARCHAR), FALSE) AS JSON)"),
            T::Real => format!("CAST(sf_json_float({sql}) AS JSON)"),
            T::Boolean => format!("to_json({sql})"),
            T::Geography | T::Geometry => format!("CAST({sql} AS JSON)"),
            _ => format!("to_json({})", self.text_sql(value)?),
        })
    }
}

/// A truth that DuckDB takes for one of the row's values. It computes a function of one column for every entry of a
/// dictionary, those of other rows too, and an entry that fails there would fail rows that do not have it.
pub(super) fn flag(sql: &str, is_on: bool) -> String {
    match (is_constant(sql), is_on) {
        (true, _) => is_on.to_string(),
        (false, true) => format!("(strlen({sql}) >= 0)"),
        (false, false) => format!("(strlen({sql}) < 0)"),
    }
}

fn is_constant(sql: &str) -> bool {
    sql.starts_with('\'')
}

pub(crate) fn is_semi_structured(ty: &SnowType) -> bool {
    matches!(ty, SnowType::Variant | SnowType::Object | SnowType::Array | SnowType::Map)
}

fn middle_type(from: &SnowType, to: &SnowType) -> SnowType {
    let scale = match (from, to) {
        (
            SnowType::TimestampNtz { scale }
            | SnowType::TimestampLtz { scale }
            | SnowType::TimestampTz { scale },
            _,
        )
        | (_, SnowType::TimestampLtz { scale } | SnowType::TimestampTz { scale }) => *scale,
        _ => 9,
    };
    match (from, to) {
        (SnowType::TimestampNtz { .. }, SnowType::TimestampTz { .. }) => SnowType::TimestampLtz { scale },
        _ => SnowType::TimestampNtz { scale },
    }
}

/// A timestamp of scale `from` as one of scale `to`, cut and not rounded.
fn rescale(sql: &str, from: u8, to: u8) -> String {
    let cut = if to < from { format!("sf_scale({sql}, {to})") } else { sql.to_owned() };
    if timestamp_type(from) == timestamp_type(to) {
        cut
    } else {
        format!("CAST({cut} AS {})", timestamp_type(to))
    }
}

/// Bytes that go into a column, refused where they are more than it takes.
fn limit_binary(sql: String, length: u32, mode: Mode) -> String {
    if mode != Mode::Assign || length >= BINARY_LENGTH_MAX {
        return sql;
    }
    let start = literal(&raised("100078", "Binary value '"));
    let end = literal("' is too long and would be truncated");
    let failure = format!("CAST(sf_fail({start} || left(hex({sql}), 100) || {end}, hex({sql})) AS BLOB)");
    format!("CASE WHEN octet_length({sql}) > {length} THEN {failure} ELSE {sql} END")
}

/// Nanoseconds of a day cut to `to` digits.
fn time_scale(sql: &str, from: u8, to: u8) -> String {
    if to >= from {
        return sql.to_owned();
    }
    let unit = 10_i64.pow(u32::from(9 - to));
    format!("({sql} // {unit} * {unit})")
}
