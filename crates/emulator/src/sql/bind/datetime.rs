//! Functions of dates, times and timestamps.

use std::rc::Rc;

use sqlparser::ast::Expr;

use super::cast::Mode;
use super::functions::Call;
use super::{Binder, Literal, MadeOf, Names, Typed};
use crate::outcome::{SnowType, SqlError};
use crate::sql::error::{compilation, unsupported};
use crate::sql::names::literal;
use crate::sql::physical::{TEXT, fixed};

const NTZ: SnowType = SnowType::TimestampNtz { scale: 9 };
const DAY_NS: i64 = 86_400_000_000_000;

pub(super) fn is_moment(ty: &SnowType) -> bool {
    use SnowType as T;
    matches!(
        ty,
        T::Date | T::Time { .. } | T::TimestampNtz { .. } | T::TimestampLtz { .. } | T::TimestampTz { .. }
    )
}

/// A date or time part by any of its names.
pub(super) fn unit(name: &str) -> Result<String, SqlError> {
    let unit = match name.trim_matches('\'').to_lowercase().as_str() {
        "year" | "y" | "yy" | "yyy" | "yyyy" | "yr" | "years" | "yrs" => "year",
        "quarter" | "q" | "qtr" | "qtrs" | "quarters" => "quarter",
        "month" | "mm" | "mon" | "mons" | "months" => "month",
        "week" | "w" | "wk" | "weekofyear" | "woy" | "wy" | "weeks" => "week",
        "day" | "d" | "dd" | "days" | "dayofmonth" => "day",
        "hour" | "h" | "hh" | "hr" | "hours" | "hrs" => "hour",
        "minute" | "m" | "mi" | "min" | "minutes" | "mins" => "minute",
        "second" | "s" | "sec" | "seconds" | "secs" => "second",
        "millisecond" | "ms" | "msec" | "milliseconds" => "millisecond",
        "microsecond" | "us" | "usec" | "microseconds" => "microsecond",
        "nanosecond" | "ns" | "nsec" | "nanosec" | "nanoseconds" => "nanosecond",
        "dayofweek" | "weekday" | "dow" | "dw" => "dayofweek",
        "dayofweekiso" | "dayofweek_iso" | "weekday_iso" | "dow_iso" | "dw_iso" => "dayofweekiso",
        "dayofyear" | "yearday" | "doy" | "dy" => "dayofyear",
        "weekiso" | "week_iso" | "weekofyeariso" | "weekofyear_iso" => "weekiso",
        "yearofweek" => "yearofweek",
        "yearofweekiso" => "yearofweekiso",
        "epoch_second" | "epoch" | "epoch_seconds" => "epoch_second",
        "epoch_millisecond" | "epoch_milliseconds" => "epoch_millisecond",
        "epoch_microsecond" | "epoch_microseconds" => "epoch_microsecond",
        "epoch_nanosecond" | "epoch_nanoseconds" => "epoch_nanosecond",
        "timezone_hour" | "tzh" => "timezone_hour",
        "timezone_minute" | "tzm" => "timezone_minute",
        other => {
            return Err(compilation(
                "002151",
                "22023",
                &format!("'{other}' is not a valid date/time component"),
            ));
        }
    };
    Ok(unit.to_owned())
}

/// The part that an argument names: a bare word or a text.
fn unit_argument(expr: &Expr) -> Result<String, SqlError> {
    match expr {
        Expr::Identifier(ident) => unit(&ident.value),
        Expr::Value(value) => unit(&value.value.clone().into_string().unwrap_or_default()),
        other => Err(unsupported(format!("the date part {other}"))),
    }
}

/// Parts of a day or shorter ones.
fn is_clock_unit(unit: &str) -> bool {
    unit.ends_with("second") || unit == "minute" || unit == "hour"
}

impl Binder<'_> {
    /// Functions whose first or second argument is a date part.
    pub(super) fn unit_function(
        &self,
        name: &str,
        arguments: &[Expr],
        names: &Names<'_>,
    ) -> Result<Option<Typed>, SqlError> {
        let bind = |index: usize| match arguments.get(index) {
            Some(expr) => self.expression(expr, names),
            None => {
                Err(compilation("000938", "22023", &format!("not enough arguments for function [{name}]")))
            }
        };
        let first_unit = || arguments.first().map_or_else(|| unit(""), unit_argument);
        Ok(Some(match name {
            "DATEADD" | "TIMEADD" | "TIMESTAMPADD" => self.date_add(&first_unit()?, &bind(1)?, bind(2)?)?,
            "DATEDIFF" | "TIMEDIFF" | "TIMESTAMPDIFF" => {
                self.date_diff(&first_unit()?, bind(1)?, bind(2)?)?
            }
            "DATE_TRUNC" => self.date_trunc(&first_unit()?, bind(1)?)?,
            "TRUNC" | "LAST_DAY" if arguments.len() == 2 && is_moment(&bind(0)?.ty) => {
                let unit = unit_argument(&arguments[1])?;
                if name == "TRUNC" {
                    self.date_trunc(&unit, bind(0)?)?
                } else {
                    self.last_day(bind(0)?, &unit)?
                }
            }
            "DATE_PART" => self.date_part(&first_unit()?, bind(1)?)?,
            _ => return Ok(None),
        }))
    }

    /// A moment in local time without zone; texts are read as timestamps.
    fn local(&self, value: Typed) -> Result<Typed, SqlError> {
        match value.ty {
            SnowType::Date => self.cast(value, &SnowType::TimestampNtz { scale: 6 }, Mode::Explicit),
            SnowType::TimestampNtz { .. } => Ok(value),
            SnowType::TimestampLtz { scale } | SnowType::TimestampTz { scale } => {
                self.cast(value, &SnowType::TimestampNtz { scale }, Mode::Explicit)
            }
            SnowType::Time { .. } => {
                Ok(Typed { sql: format!("make_timestamp_ns({})", value.sql), ty: NTZ, ..value })
            }
            _ => self.cast(value, &NTZ, Mode::Explicit),
        }
    }

    pub(super) fn date_add(&self, unit: &str, amount: &Typed, value: Typed) -> Result<Typed, SqlError> {
        let number = self.numeric(amount.clone())?;
        let amount = format!("CAST({} AS BIGINT)", number.sql);
        let nullable = value.nullable || number.nullable;
        let zone = literal(&self.state.time_zone());
        let add = |sql: &str| format!("sf_add({sql}, '{unit}', {amount})");
        let sql = value.sql.as_str();
        let (sql, ty) = match &value.ty {
            SnowType::Date if is_clock_unit(unit) => (add(&format!("CAST({sql} AS TIMESTAMP_NS)")), NTZ),
            SnowType::Date => {
                (format!("CAST({} AS DATE)", add(&format!("CAST({sql} AS TIMESTAMP)"))), SnowType::Date)
            }
            SnowType::TimestampNtz { .. } => (add(sql), value.ty.clone()),
            SnowType::TimestampLtz { .. } if is_clock_unit(unit) => (add(sql), value.ty.clone()),
            SnowType::TimestampLtz { .. } => {
                let local = add(&format!("sf_to_local({sql}, {zone})"));
                (format!("sf_to_utc({local}, {zone})"), value.ty.clone())
            }
            SnowType::TimestampTz { .. } => {
                let minutes = format!("CAST(({sql}).o AS BIGINT)");
                let local = add(&format!("sf_add(({sql}).t, 'minute', {minutes})"));
                let instant = format!("sf_add({local}, 'minute', - {minutes})");
                let whole = format!("{{'t': {instant}, 'o': ({sql}).o}}");
                (format!("CASE WHEN ({sql}) IS NULL THEN NULL ELSE {whole} END"), value.ty.clone())
            }
            SnowType::Time { .. } => {
                let moved = format!("epoch_ns({})", add(&format!("make_timestamp_ns({sql})")));
                (format!("((({moved}) % {DAY_NS} + {DAY_NS}) % {DAY_NS})"), value.ty.clone())
            }
            _ => {
                let value = self.cast(value, &NTZ, Mode::Explicit)?;
                (add(&value.sql), NTZ)
            }
        };
        Ok(Typed::new(sql, ty).with_nullable(nullable))
    }

    fn date_diff(&self, unit: &str, from: Typed, to: Typed) -> Result<Typed, SqlError> {
        let nullable = from.nullable || to.nullable;
        let (from, to) = (self.local(from)?, self.local(to)?);
        let sql = format!("CAST(sf_diff('{unit}', {}, {}) AS DECIMAL(18,0))", from.sql, to.sql);
        Ok(Typed::new(sql, fixed(18, 0)).with_nullable(nullable))
    }

    fn date_trunc(&self, unit: &str, value: Typed) -> Result<Typed, SqlError> {
        let nullable = value.nullable;
        let ty = if is_moment(&value.ty) { value.ty.clone() } else { NTZ };
        let local = self.local(value)?;
        let cut = Typed::new(format!("sf_trunc({}, '{unit}')", local.sql), local.ty);
        let result = match &ty {
            SnowType::Time { .. } => Typed::new(format!("epoch_ns({})", cut.sql), ty),
            SnowType::TimestampTz { .. } => return Err(unsupported("DATE_TRUNC of a TIMESTAMP_TZ")),
            _ => self.cast(cut, &ty, Mode::Explicit)?,
        };
        Ok(result.with_nullable(nullable))
    }

    pub(super) fn date_part(&self, part: &str, value: Typed) -> Result<Typed, SqlError> {
        let part = unit(part)?;
        let nullable = value.nullable;
        let moment = match (part.as_str(), &value.ty) {
            ("timezone_hour" | "timezone_minute", SnowType::TimestampTz { .. }) => {
                let operator = if part == "timezone_hour" { "//" } else { "%" };
                let sql = format!("CAST((({}).o {operator} 60) AS DECIMAL(4,0))", value.sql);
                return Ok(Typed::new(sql, fixed(4, 0)).with_nullable(nullable));
            }
            // An epoch counts from the instant, every other part is of local time.
            (epoch, SnowType::TimestampLtz { .. } | SnowType::TimestampTz { .. })
                if epoch.starts_with("epoch") =>
            {
                self.instant(value)
            }
            _ => self.local(value)?,
        };
        let sql = format!("CAST(sf_part({}, '{part}') AS DECIMAL(19,0))", moment.sql);
        Ok(Typed::new(sql, fixed(19, 0)).with_nullable(nullable))
    }

    fn last_day(&self, value: Typed, unit: &str) -> Result<Typed, SqlError> {
        let nullable = value.nullable;
        let local = self.local(value)?;
        let start = format!("sf_add(sf_trunc({}, '{unit}'), '{unit}', CAST(1 AS BIGINT))", local.sql);
        Ok(Typed::new(format!("CAST(sf_add({start}, 'day', CAST(-1 AS BIGINT)) AS DATE)"), SnowType::Date)
            .with_nullable(nullable))
    }
}

pub(super) fn call(call: &Call<'_, '_>) -> Result<Option<Typed>, SqlError> {
    let part = |part: &str| -> Result<Option<Typed>, SqlError> {
        call.arity(1..=1)?;
        Ok(Some(call.binder.date_part(part, call.get(0)?)?))
    };
    match call.name {
        "YEAR" | "MONTH" | "DAY" | "DAYOFMONTH" | "HOUR" | "MINUTE" | "SECOND" | "QUARTER" | "WEEK"
        | "DAYOFWEEK" | "DAYOFWEEKISO" | "DAYOFYEAR" | "WEEKISO" | "WEEKOFYEAR" | "YEAROFWEEK"
        | "YEAROFWEEKISO" => part(call.name),
        "MONTHNAME" | "DAYNAME" => {
            let local = call.binder.local(call.get(0)?)?;
            let format = if call.name == "MONTHNAME" { "MON" } else { "DY" };
            call.strict(format!("sf_format({}, 0, '{format}')", local.sql), SnowType::Text { length: 3 })
        }
        "LAST_DAY" => Ok(Some(call.binder.last_day(call.get(0)?, "month")?)),
        "ADD_MONTHS" => {
            call.arity(2..=2)?;
            add_months(call).map(Some)
        }
        "CONVERT_TIMEZONE" => convert_time_zone(call).map(Some),
        "DATE_FROM_PARTS" | "DATEFROMPARTS" => {
            call.arity(3..=3)?;
            let year = call.integer(0)?;
            let start = format!("make_timestamp(CAST({year} AS BIGINT), 1, 1, 0, 0, 0.0)");
            let month = format!("sf_add({start}, 'month', {} - 1)", call.integer(1)?);
            let day = format!("sf_add({month}, 'day', {} - 1)", call.integer(2)?);
            call.strict(format!("CAST({day} AS DATE)"), SnowType::Date)
        }
        "TIME_FROM_PARTS" | "TIMEFROMPARTS" => {
            let nanoseconds = if call.len() > 3 { call.integer(3)? } else { "0".to_owned() };
            let seconds =
                format!("({} * 3600 + {} * 60 + {})", call.integer(0)?, call.integer(1)?, call.integer(2)?);
            call.strict(format!("({seconds} * 1000000000 + {nanoseconds})"), SnowType::Time { scale: 9 })
        }
        "TIMESTAMP_FROM_PARTS" | "TIMESTAMP_NTZ_FROM_PARTS" | "TIMESTAMPNTZFROMPARTS" => {
            call.arity(6..=7)?;
            let nanoseconds = if call.len() > 6 { call.integer(6)? } else { "0".to_owned() };
            let start =
                format!("CAST(make_timestamp({}, 1, 1, 0, 0, 0.0) AS TIMESTAMP_NS)", call.integer(0)?);
            let mut sql = format!("sf_add({start}, 'month', {} - 1)", call.integer(1)?);
            sql = format!("sf_add({sql}, 'day', {} - 1)", call.integer(2)?);
            for (index, unit) in [(3, "hour"), (4, "minute"), (5, "second")] {
                sql = format!("sf_add({sql}, '{unit}', {})", call.integer(index)?);
            }
            call.strict(format!("sf_add({sql}, 'nanosecond', {nanoseconds})"), NTZ)
        }
        _ => conversions(call),
    }
}

/// Goes to the same day of another month; the last day of a month stays the last.
fn add_months(call: &Call<'_, '_>) -> Result<Typed, SqlError> {
    let value = call.get(0)?;
    let moved = call.binder.date_add("month", &call.get(1)?, value.clone())?;
    if value.ty != SnowType::Date {
        return Ok(moved);
    }
    let sql = format!("CASE WHEN last_day({0}) = {0} THEN last_day({1}) ELSE {1} END", value.sql, moved.sql);
    Ok(Typed { sql, ..moved })
}

fn convert_time_zone(call: &Call<'_, '_>) -> Result<Typed, SqlError> {
    call.arity(2..=3)?;
    if call.len() == 3 {
        let local = call.binder.local(call.get(2)?)?;
        let sql = format!("sf_to_local(sf_to_utc({}, {}), {})", local.sql, call.text(0)?, call.text(1)?);
        return Ok(Typed::new(sql, local.ty));
    }
    let zone = call.text(0)?;
    let value = call.get(1)?;
    let scale = match value.ty {
        SnowType::TimestampNtz { scale }
        | SnowType::TimestampLtz { scale }
        | SnowType::TimestampTz { scale } => scale,
        _ => 9,
    };
    let instant = call.binder.cast(value, &SnowType::TimestampLtz { scale }, Mode::Explicit)?.sql;
    let sql = format!(
        "CASE WHEN {instant} IS NULL THEN NULL ELSE {{'t': {instant}, 'o': CAST(sf_zone_offset({instant}, {zone}) AS \
         SMALLINT)}} END"
    );
    Ok(Typed::new(sql, SnowType::TimestampTz { scale }))
}

/// TO_DATE, TO_TIME, TO_TIMESTAMP… and TO_CHAR, with or without a format.
fn conversions(call: &Call<'_, '_>) -> Result<Option<Typed>, SqlError> {
    let (mode, name) = match call.name.strip_prefix("TRY_") {
        Some(rest) => (Mode::Try, rest),
        None => (Mode::Explicit, call.name),
    };
    let mapping = call.binder.state.parameters.text("TIMESTAMP_TYPE_MAPPING");
    let target = match name {
        "TO_DATE" | "DATE" => SnowType::Date,
        "TO_TIME" | "TIME" => SnowType::Time { scale: 9 },
        "TO_TIMESTAMP" => crate::sql::physical::timestamp_variant(&mapping, 9).unwrap_or(NTZ),
        "TO_TIMESTAMP_NTZ" => NTZ,
        "TO_TIMESTAMP_LTZ" => SnowType::TimestampLtz { scale: 9 },
        "TO_TIMESTAMP_TZ" => SnowType::TimestampTz { scale: 9 },
        "TO_CHAR" | "TO_VARCHAR" => return to_char(call).map(Some),
        _ => return Ok(None),
    };
    call.arity(1..=2)?;
    let value = call.get(0)?;
    if call.len() == 1 {
        return Ok(Some(from_one(call, value, &target, mode)?));
    }
    match (&value.ty, call.get(1)?.literal) {
        (SnowType::Fixed { .. }, Literal::Number(scale)) => {
            let scale: u32 = scale.parse().map_err(|_| call.invalid())?;
            epoch(call, &value, scale, &target).map(Some)
        }
        (SnowType::Text { .. } | SnowType::Variant, Literal::Text(format)) => {
            let text = call.text(0)?;
            let format = literal(&format);
            let sql = call.binder.moment_from_text(&text, &target, Some(&format), mode);
            let made_of = (mode == Mode::Explicit).then(|| Rc::new(MadeOf::Reading { text, format }));
            Ok(Some(Typed { made_of, ..Typed::new(sql, target) }))
        }
        _ => Err(call.invalid()),
    }
}

fn from_one(call: &Call<'_, '_>, value: Typed, target: &SnowType, mode: Mode) -> Result<Typed, SqlError> {
    match value.ty {
        SnowType::Fixed { .. } => epoch(call, &value, 0, target),
        _ => call.binder.cast(value, target, mode),
    }
}

/// A number of seconds since 1970, or of parts of a second by `scale`, as a moment.
fn epoch(call: &Call<'_, '_>, value: &Typed, scale: u32, target: &SnowType) -> Result<Typed, SqlError> {
    if scale > 9 {
        return Err(call.invalid());
    }
    let unit = 10_i64.pow(9 - scale);
    let instant = format!("make_timestamp_ns(CAST({} * {unit} AS BIGINT))", value.sql);
    let instant = Typed::new(instant, SnowType::TimestampLtz { scale: 9 }).with_nullable(value.nullable);
    match target {
        // Without a zone, the instant's UTC reading.
        SnowType::TimestampNtz { .. } | SnowType::Date | SnowType::Time { .. } => {
            call.binder.cast(Typed { ty: NTZ, ..instant }, target, Mode::Explicit)
        }
        SnowType::TimestampTz { .. } => {
            let sql = format!("{{'t': {}, 'o': CAST(0 AS SMALLINT)}}", instant.sql);
            Ok(Typed::new(sql, target.clone()))
        }
        _ => Ok(instant),
    }
}

fn to_char(call: &Call<'_, '_>) -> Result<Typed, SqlError> {
    call.arity(1..=2)?;
    let value = call.get(0)?;
    if call.len() == 1 {
        return call.binder.cast(value, &TEXT, Mode::Explicit);
    }
    let format = call.text(1)?;
    let sql = value.sql.as_str();
    let text = match value.ty {
        SnowType::Date => format!("sf_format(CAST({sql} AS TIMESTAMP), 0, {format})"),
        SnowType::TimestampNtz { .. } => format!("sf_format({sql}, 0, {format})"),
        SnowType::TimestampLtz { .. } => {
            let zone = literal(&call.binder.state.time_zone());
            format!("sf_format({sql}, sf_zone_offset({sql}, {zone}), {format})")
        }
        SnowType::TimestampTz { .. } => format!("sf_format(({sql}).t, CAST(({sql}).o AS INTEGER), {format})"),
        SnowType::Time { .. } => format!("sf_format_time({sql}, {format})"),
        SnowType::Binary { .. } => {
            let word = match call.get(1)?.literal {
                Literal::Text(text) => text.to_uppercase(),
                _ => String::new(),
            };
            match word.as_str() {
                "HEX" => format!("hex({sql})"),
                "BASE64" => format!("to_base64({sql})"),
                "UTF-8" | "UTF8" => format!("decode({sql})"),
                _ => return Err(unsupported("TO_CHAR of a BINARY with this format")),
            }
        }
        _ => return Err(unsupported("TO_CHAR of a number with a format")),
    };
    Ok(Typed::new(text, TEXT).with_nullable(value.nullable))
}
