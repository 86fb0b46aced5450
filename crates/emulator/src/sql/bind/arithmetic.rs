//! `+ - * / %` with the precision and scale that Snowflake gives their results, and dates plus days.

use sqlparser::ast::{Expr, Interval};

use super::cast::Mode;
use super::{Binder, Literal, Names, Typed, datetime};
use crate::outcome::{SnowType, SqlError};
use crate::sql::error::{invalid_arguments, unsupported};
use crate::sql::physical::{fixed, type_name};

/// Digits that Snowflake adds behind the point when it divides, and the scale it does not go beyond by itself.
const DIVISION_DIGITS: i8 = 6;
const DERIVED_SCALE_MAX: i8 = 12;

impl Binder<'_> {
    pub(super) fn arithmetic(&self, left: Typed, operator: char, right: Typed) -> Result<Typed, SqlError> {
        if let Some(result) = self.day_arithmetic(&left, operator, &right)? {
            return Ok(result);
        }
        let left = self.numeric(left)?;
        let right = self.numeric(right)?;
        let nullable = left.nullable || right.nullable;
        let result = match (&left.ty, &right.ty) {
            (SnowType::Fixed { precision, scale }, SnowType::Fixed { precision: p2, scale: s2 }) => {
                exact(&left.sql, (*precision, *scale), operator, &right.sql, (*p2, *s2))
            }
            _ => self.inexact(left, operator, right)?,
        };
        Ok(result.with_nullable(nullable))
    }

    fn inexact(&self, left: Typed, operator: char, right: Typed) -> Result<Typed, SqlError> {
        let left = self.cast(left, &SnowType::Real, Mode::Explicit)?.sql;
        let right = self.cast(right, &SnowType::Real, Mode::Explicit)?.sql;
        let sql = match operator {
            '/' | '%' => format!("({left} {operator} {})", guarded_divisor(&right)),
            _ => format!("({left} {operator} {right})"),
        };
        Ok(Typed::new(sql, SnowType::Real))
    }

    /// A value as a number: texts and variants are converted, anything else is refused.
    pub(super) fn numeric(&self, value: Typed) -> Result<Typed, SqlError> {
        match &value.ty {
            _ if value.is_null_literal() => self.cast(value, &fixed(38, 0), Mode::Explicit),
            SnowType::Fixed { .. } | SnowType::Real => Ok(value),
            SnowType::Text { .. } => match &value.literal {
                Literal::Text(text) if text.contains('.') => self.cast(value, &fixed(38, 9), Mode::Explicit),
                Literal::Text(_) => self.cast(value, &fixed(38, 0), Mode::Explicit),
                _ => self.cast(value, &fixed(38, 5), Mode::Explicit),
            },
            SnowType::Variant => self.cast(value, &SnowType::Real, Mode::Explicit),
            SnowType::Boolean => self.cast(value, &fixed(1, 0), Mode::Explicit),
            other => Err(invalid_arguments("arithmetic", &type_name(other))),
        }
    }

    /// DATE ± days, DATE − DATE.
    fn day_arithmetic(&self, left: &Typed, operator: char, right: &Typed) -> Result<Option<Typed>, SqlError> {
        let nullable = left.nullable || right.nullable;
        let result = match (&left.ty, operator, &right.ty) {
            (SnowType::Date, '-', SnowType::Date) => {
                Typed::new(format!("CAST(({} - {}) AS DECIMAL(9,0))", left.sql, right.sql), fixed(9, 0))
            }
            (SnowType::Date, '+' | '-', SnowType::Fixed { .. }) => {
                let days = format!("CAST({} AS INTEGER)", right.sql);
                Typed::new(format!("({} {operator} {days})", left.sql), SnowType::Date)
            }
            (SnowType::Fixed { .. }, '+', SnowType::Date) => {
                let days = format!("CAST({} AS INTEGER)", left.sql);
                Typed::new(format!("({} + {days})", right.sql), SnowType::Date)
            }
            _ => return Ok(None),
        };
        Ok(Some(result.with_nullable(nullable)))
    }

    /// `moment ± INTERVAL '…'`.
    pub(super) fn interval_arithmetic(
        &self,
        left: &Expr,
        is_minus: bool,
        interval: &Interval,
        names: &Names<'_>,
    ) -> Result<Typed, SqlError> {
        let mut value = self.expression(left, names)?;
        for (amount, unit) in interval_parts(interval)? {
            let amount = if is_minus { -amount } else { amount };
            value = self.date_add(&unit, &super::literal::integer(amount), value)?;
        }
        Ok(value)
    }

    /// `left / right` as an exact number.
    pub(super) fn divide(&self, left: Typed, right: Typed) -> Result<Typed, SqlError> {
        self.arithmetic(left, '/', right)
    }
}

/// The parts of `INTERVAL '1 day, 2 hours'` or `INTERVAL '1' DAY`.
fn interval_parts(interval: &Interval) -> Result<Vec<(i64, String)>, SqlError> {
    let refused = || unsupported(format!("{interval}"));
    let Expr::Value(value) = interval.value.as_ref() else { return Err(refused()) };
    let text = value.value.clone().into_string().ok_or_else(refused)?;
    if let Some(unit) = &interval.leading_field {
        let amount = text.trim().parse().map_err(|_| refused())?;
        return Ok(vec![(amount, datetime::unit(&unit.to_string())?)]);
    }
    text.split(',')
        .map(|part| {
            let mut words = part.split_whitespace();
            let amount = words.next().and_then(|word| word.parse().ok()).ok_or_else(refused)?;
            let unit = datetime::unit(words.next().unwrap_or("second"))?;
            Ok((amount, unit))
        })
        .collect()
}

fn precision_of(whole: i8, scale: i8) -> u8 {
    u8::try_from(i16::from(whole) + i16::from(scale)).unwrap_or(38).clamp(1, 38)
}

fn exact(left: &str, (p1, s1): (u8, i8), operator: char, right: &str, (p2, s2): (u8, i8)) -> Typed {
    let (w1, w2) = (p1.cast_signed() - s1, p2.cast_signed() - s2);
    let cast = |sql: &str, precision: u8, scale: i8| format!("CAST({sql} AS DECIMAL({precision},{scale}))");
    match operator {
        '*' => {
            let scale = (s1 + s2).min(s1.max(s2).max(DERIVED_SCALE_MAX));
            let precision = precision_of(w1.saturating_add(w2), scale);
            let product = format!("({left} * {right})");
            Typed::new(cast(&product, precision, scale), fixed(precision, scale))
        }
        '/' => {
            let scale = s1.max((s1 + DIVISION_DIGITS).min(DERIVED_SCALE_MAX));
            let precision = precision_of(w1.saturating_add(s2), scale);
            Typed::new(cast(&quotient(left, right, scale), precision, scale), fixed(precision, scale))
        }
        '%' => {
            let scale = s1.max(s2);
            let precision = precision_of(w1.min(w2).max(1), scale);
            let sql = format!("({left} % {})", guarded_divisor(right));
            Typed::new(cast(&sql, precision, scale), fixed(precision, scale))
        }
        _ => {
            let scale = s1.max(s2);
            let precision = precision_of(w1.max(w2).saturating_add(1), scale);
            let sides =
                format!("({} {operator} {})", cast(left, precision, scale), cast(right, precision, scale));
            Typed::new(cast(&sides, precision, scale), fixed(precision, scale))
        }
    }
}

/// The quotient of two exact numbers with `scale` digits, rounded half away from zero.
pub(super) fn quotient(left: &str, right: &str, scale: i8) -> String {
    let unscaled = format!("sf_divide({left}, {right}, {scale})");
    if scale == 0 {
        return unscaled;
    }
    let unit = format!("0.{}1", "0".repeat(usize::try_from(scale - 1).unwrap_or(0)));
    format!("({unscaled} * CAST({unit} AS DECIMAL({scale},{scale})))")
}

/// A divisor that raises Snowflake's error where it is zero.
fn guarded_divisor(sql: &str) -> String {
    let message = crate::sql::names::literal(&crate::sql::error::raised("100051", "Division by zero"));
    format!("CASE WHEN {sql} = 0 THEN CAST(error({message}) AS INTEGER) ELSE {sql} END")
}
