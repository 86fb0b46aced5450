//! Functions of numbers and the conversions to them.

use super::cast::Mode;
use super::functions::Call;
use super::{Literal, Typed};
use crate::outcome::{SnowType, SqlError};
use crate::sql::error::unsupported;
use crate::sql::physical::fixed;

pub(super) fn call(call: &Call<'_, '_>) -> Result<Option<Typed>, SqlError> {
    match call.name {
        "ABS" => same(call, |sql| format!("abs({sql})")),
        "ROUND" => rounded(call, "round"),
        "TRUNC" | "TRUNCATE" if !is_moment(call) => rounded(call, "trunc"),
        "CEIL" => rounded(call, "ceil"),
        "FLOOR" => rounded(call, "floor"),
        "SIGN" => call.strict(format!("CAST(sign({}) AS DECIMAL(1,0))", call.number(0)?.sql), fixed(1, 0)),
        "MOD" => {
            call.arity(2..=2)?;
            Ok(Some(call.binder.arithmetic(call.get(0)?, '%', call.get(1)?)?))
        }
        "DIV0" | "DIV0NULL" => {
            call.arity(2..=2)?;
            let divisor = call.number(1)?;
            let safe = Typed { sql: format!("NULLIF({}, 0)", divisor.sql), ..divisor.clone() };
            let quotient = call.binder.divide(call.get(0)?, safe)?;
            let zero = if call.name == "DIV0" { "= 0" } else { "IS NOT DISTINCT FROM 0" };
            let sql = format!("CASE WHEN {} {zero} THEN 0 ELSE {} END", divisor.sql, quotient.sql);
            Ok(Some(Typed::new(sql, quotient.ty)))
        }
        "SQRT" | "EXP" | "LN" | "SIN" | "COS" | "TAN" | "ASIN" | "ACOS" | "ATAN" | "RADIANS" | "DEGREES"
        | "CBRT" => {
            call.arity(1..=1)?;
            call.strict(format!("{}({})", call.name.to_lowercase(), call.float(0)?), SnowType::Real)
        }
        "POWER" | "POW" => {
            call.strict(format!("pow({}, {})", call.float(0)?, call.float(1)?), SnowType::Real)
        }
        "ATAN2" => call.strict(format!("atan2({}, {})", call.float(0)?, call.float(1)?), SnowType::Real),
        "LOG" => {
            call.arity(2..=2)?;
            call.strict(format!("(ln({}) / ln({}))", call.float(1)?, call.float(0)?), SnowType::Real)
        }
        "PI" => Ok(Some(Typed::new("pi()", SnowType::Real).with_nullable(false))),
        "BITAND" | "BITOR" | "BITXOR" => {
            call.arity(2..=2)?;
            let (left, right) = (wide(call, 0)?, wide(call, 1)?);
            let sql = match call.name {
                "BITAND" => format!("({left} & {right})"),
                "BITOR" => format!("({left} | {right})"),
                _ => format!("xor({left}, {right})"),
            };
            call.strict(exact(&sql), fixed(38, 0))
        }
        "WIDTH_BUCKET" => width_bucket(call),
        _ => conversions(call),
    }
}

/// A whole number as DuckDB's widest, since hashes of 64 bits do not fit its usual one.
fn wide(call: &Call<'_, '_>, index: usize) -> Result<String, SqlError> {
    let number = call.binder.cast(call.get(index)?, &fixed(38, 0), Mode::Explicit)?;
    Ok(format!("CAST({} AS HUGEINT)", number.sql))
}

/// Which of `count` equal parts of a range a number falls into; whole numbers are told exactly.
fn width_bucket(call: &Call<'_, '_>) -> Result<Option<Typed>, SqlError> {
    call.arity(4..=4)?;
    let is_whole = (0..3).all(|index| matches!(call.arguments[index].ty, SnowType::Fixed { scale: 0, .. }));
    let number = |index| if is_whole { wide(call, index) } else { call.float(index) };
    let (value, low, high, count) = (number(0)?, number(1)?, number(2)?, call.integer(3)?);
    let place = if is_whole {
        format!("(({value} - {low}) * {count}) // ({high} - {low})")
    } else {
        format!("floor(({value} - {low}) * {count} / ({high} - {low}))")
    };
    let sql = format!(
        "CASE WHEN {value} < {low} THEN 0 WHEN {value} >= {high} THEN {count} + 1 ELSE {place} + 1 END"
    );
    call.strict(exact(&sql), fixed(38, 0))
}

fn exact(sql: &str) -> String {
    format!("CAST({sql} AS DECIMAL(38,0))")
}

fn is_moment(call: &Call<'_, '_>) -> bool {
    call.arguments.first().is_some_and(|argument| super::datetime::is_moment(&argument.ty))
}

fn same(call: &Call<'_, '_>, build: impl FnOnce(&str) -> String) -> Result<Option<Typed>, SqlError> {
    call.arity(1..=1)?;
    let number = call.number(0)?;
    call.strict(build(&number.sql), number.ty)
}

/// ROUND, TRUNC, CEIL and FLOOR to a scale given as a constant.
fn rounded(call: &Call<'_, '_>, function: &str) -> Result<Option<Typed>, SqlError> {
    call.arity(1..=2)?;
    let number = call.number(0)?;
    let digits: i8 = match call.arguments.get(1).map(|argument| argument.literal.clone()) {
        None => 0,
        Some(Literal::Number(text)) => text.parse().map_err(|_| call.invalid())?,
        Some(_) => return Err(unsupported(format!("{} to a computed number of digits", call.name))),
    };
    let SnowType::Fixed { precision, scale } = number.ty else {
        let sql = match (digits, function) {
            (0, _) => format!("{function}({})", number.sql),
            (_, "round" | "trunc") => format!("{function}({}, {digits})", number.sql),
            _ => format!("({function}({} * 1e{digits}) / 1e{digits})", number.sql),
        };
        return call.strict(sql, SnowType::Real);
    };
    if digits >= scale {
        return call.strict(number.sql, number.ty);
    }
    // One more digit before the point, for 9.9 that becomes 10.
    let kept = digits.max(0);
    let whole = (precision.cast_signed() - scale + 1).min(38 - kept);
    let result = fixed(u8::try_from(whole + kept).unwrap_or(38), kept);
    let into = crate::sql::physical::duckdb_type(&result);
    let sql = match (function, digits) {
        ("round", 0..) => format!("CAST({} AS {into})", number.sql),
        ("trunc", 0) => format!("CAST(trunc({}) AS {into})", number.sql),
        ("ceil" | "floor", 0) => format!("CAST({function}({}) AS {into})", number.sql),
        ("round" | "trunc", _) => format!("CAST({function}({}, {digits}) AS {into})", number.sql),
        _ => return Err(unsupported(format!("{} of an exact number to a number of digits", call.name))),
    };
    call.strict(sql, result)
}

/// TO_NUMBER, TO_DOUBLE, TO_BOOLEAN, TO_DECFLOAT and their TRY_ forms.
fn conversions(call: &Call<'_, '_>) -> Result<Option<Typed>, SqlError> {
    let (mode, name) = match call.name.strip_prefix("TRY_") {
        Some(rest) => (Mode::Try, rest),
        None => (Mode::Explicit, call.name),
    };
    let target = match name {
        "TO_NUMBER" | "TO_DECIMAL" | "TO_NUMERIC" => number_target(call)?,
        "TO_DOUBLE" => SnowType::Real,
        "TO_BOOLEAN" => SnowType::Boolean,
        "TO_DECFLOAT" => SnowType::Decfloat,
        _ => return Ok(None),
    };
    Ok(Some(call.binder.cast(call.get(0)?, &target, mode)?))
}

fn number_target(call: &Call<'_, '_>) -> Result<SnowType, SqlError> {
    let mut digits = Vec::new();
    for argument in call.arguments.iter().skip(1) {
        match &argument.literal {
            Literal::Number(text) => digits.push(text.parse::<i8>().map_err(|_| call.invalid())?),
            _ => return Err(unsupported(format!("{} with a format", call.name))),
        }
    }
    let precision = digits.first().copied().unwrap_or(38);
    let scale = digits.get(1).copied().unwrap_or(0);
    Ok(fixed(u8::try_from(precision).unwrap_or(38), scale))
}
