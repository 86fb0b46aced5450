//! Values bound to `?`, `:1` and `:name`.

use super::{Binder, Typed, literal};
use crate::outcome::{SnowType, SqlError};
use crate::sql::error::{compilation, error, unsupported};
use crate::sql::names;
use crate::sql::physical::{BINARY_LENGTH_MAX, TEXT};

/// Minutes that the wire adds to an offset to keep it positive.
const OFFSET_BIAS: i64 = 1440;
/// The relation that holds the rows of array binds.
pub(crate) const ARRAY_RELATION: &str = "bound";

impl Binder<'_> {
    pub(super) fn bound_value(&self, placeholder: &str) -> Result<Typed, SqlError> {
        let key = match placeholder.strip_prefix(':') {
            Some(name) => name.to_owned(),
            None => {
                self.next_placeholder.set(self.next_placeholder.get() + 1);
                self.next_placeholder.get().to_string()
            }
        };
        let binding = self
            .bindings
            .get(&key)
            .or_else(|| {
                self.bindings.iter().find(|(name, _)| name.eq_ignore_ascii_case(&key)).map(|(_, value)| value)
            })
            .ok_or_else(|| {
                compilation("002049", "42601", &format!("Bind variable {placeholder} not set."))
            })?;
        if binding.is_array {
            let column = format!("{ARRAY_RELATION}.b{}", self.array_position(&key));
            return Ok(Typed::new(column, bind_type(&binding.ty)?));
        }
        match binding.values.first().and_then(Option::as_deref) {
            None => Ok(Typed::null()),
            Some(value) => constant(&binding.ty, value),
        }
    }

    fn array_position(&self, key: &str) -> usize {
        self.bindings
            .iter()
            .filter(|(_, binding)| binding.is_array)
            .position(|(name, _)| name == key)
            .unwrap_or(0)
    }

    pub(crate) fn has_array_binds(&self) -> bool {
        self.bindings.values().any(|binding| binding.is_array)
    }
}

/// The Snowflake type of a bound value.
pub(crate) fn bind_type(ty: &str) -> Result<SnowType, SqlError> {
    Ok(match ty.to_uppercase().as_str() {
        "FIXED" => TEXT,
        "REAL" => SnowType::Real,
        "TEXT" | "ANY" | "VARIANT" | "OBJECT" | "ARRAY" | "DECFLOAT" => TEXT,
        "BOOLEAN" => SnowType::Boolean,
        "DATE" => SnowType::Date,
        "TIME" => SnowType::Time { scale: 9 },
        "TIMESTAMP_NTZ" | "TIMESTAMP" => SnowType::TimestampNtz { scale: 9 },
        "TIMESTAMP_LTZ" => SnowType::TimestampLtz { scale: 9 },
        "TIMESTAMP_TZ" => SnowType::TimestampTz { scale: 9 },
        "BINARY" => SnowType::Binary { length: BINARY_LENGTH_MAX },
        other => return Err(unsupported(format!("a bound value of the type {other}"))),
    })
}

fn refused(ty: &str) -> SqlError {
    error("002056", "22023", format!("a bound value is not valid for its type {ty}"))
}

fn integer(ty: &str, value: &str) -> Result<i64, SqlError> {
    value.trim().parse().map_err(|_| refused(ty))
}

/// A single bound value as a constant.
fn constant(ty: &str, value: &str) -> Result<Typed, SqlError> {
    let upper = ty.to_uppercase();
    let typed = match upper.as_str() {
        "FIXED" => {
            let (sign, digits) = value.strip_prefix('-').map_or(("", value), |digits| ("-", digits));
            let is_number =
                !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            if !is_number {
                return Err(refused(ty));
            }
            let number = literal::number(digits);
            Typed { sql: if sign.is_empty() { number.sql } else { format!("(- {})", number.sql) }, ..number }
        }
        "REAL" => {
            let known = value.parse::<f64>().map_err(|_| refused(ty))?;
            let text = if known.is_nan() { "nan".to_owned() } else { known.to_string() };
            Typed::new(format!("CAST({} AS DOUBLE)", names::literal(&text)), SnowType::Real)
        }
        "BOOLEAN" => literal::boolean(matches!(value.to_lowercase().as_str(), "true" | "1")),
        "DATE" => {
            let days = integer(ty, value)?.div_euclid(86_400_000);
            Typed::new(format!("(DATE '1970-01-01' + CAST({days} AS INTEGER))"), SnowType::Date)
        }
        "TIME" => Typed::new(format!("CAST({} AS BIGINT)", integer(ty, value)?), SnowType::Time { scale: 9 }),
        "TIMESTAMP_NTZ" | "TIMESTAMP" | "TIMESTAMP_LTZ" => moment(&upper, value)?,
        "TIMESTAMP_TZ" => {
            let (instant, offset) = value.split_once(' ').unwrap_or((value, "1440"));
            let offset = integer(ty, offset)? - OFFSET_BIAS;
            let instant = moment("TIMESTAMP_LTZ", instant)?;
            let SnowType::TimestampLtz { scale } = instant.ty else { return Err(refused(ty)) };
            let sql = format!("{{'t': {}, 'o': CAST({offset} AS SMALLINT)}}", instant.sql);
            Typed::new(sql, SnowType::TimestampTz { scale })
        }
        "BINARY" => Typed::new(
            format!("unhex({})", names::literal(value)),
            SnowType::Binary { length: BINARY_LENGTH_MAX },
        ),
        _ if bind_type(ty)? == TEXT => literal::text(value),
        _ => return Err(refused(ty)),
    };
    Ok(typed.with_nullable(false))
}

/// Nanoseconds since 1970; what they cannot hold comes in microseconds.
fn moment(ty: &str, value: &str) -> Result<Typed, SqlError> {
    let nanoseconds: i128 = value.trim().parse().map_err(|_| refused(ty))?;
    let (sql, scale) = match i64::try_from(nanoseconds) {
        Ok(nanoseconds) => (format!("make_timestamp_ns({nanoseconds})"), 9),
        Err(_) => {
            let microseconds = i64::try_from(nanoseconds.div_euclid(1_000)).map_err(|_| refused(ty))?;
            (format!("make_timestamp({microseconds})"), 6)
        }
    };
    let ty = if ty == "TIMESTAMP_LTZ" {
        SnowType::TimestampLtz { scale }
    } else {
        SnowType::TimestampNtz { scale }
    };
    Ok(Typed::new(sql, ty))
}

/// The table of a connection's own that the bound arrays are put into as texts, column by column.
pub(crate) const ARRAY_TABLE: &str = "temp.main.bound_texts";

impl Binder<'_> {
    /// The rows of the array binds as a DuckDB relation, in their own types.
    pub(crate) fn array_relation(&self) -> Result<String, SqlError> {
        let arrays = self.bindings.values().filter(|binding| binding.is_array);
        let columns = arrays.enumerate().map(|(index, binding)| {
            let text = format!("v{index}");
            Ok(format!("{} AS b{index}", element(&binding.ty)?.replace('?', &text)))
        });
        let columns = columns.collect::<Result<Vec<_>, SqlError>>()?;
        Ok(format!("(SELECT {} FROM {ARRAY_TABLE}) AS {ARRAY_RELATION}", columns.join(", ")))
    }
}

/// The conversion of one bound text to its type, with `?` for the text.
fn element(ty: &str) -> Result<&'static str, SqlError> {
    Ok(match ty.to_uppercase().as_str() {
        "REAL" => "CAST(? AS DOUBLE)",
        "BOOLEAN" => "CAST(? AS BOOLEAN)",
        "DATE" => "CAST(make_timestamp(CAST(? AS BIGINT) * 1000) AS DATE)",
        "TIME" => "CAST(? AS BIGINT)",
        "TIMESTAMP_NTZ" | "TIMESTAMP" | "TIMESTAMP_LTZ" => "make_timestamp_ns(CAST(? AS BIGINT))",
        "TIMESTAMP_TZ" => {
            "CASE WHEN ? IS NULL THEN NULL ELSE {'t': make_timestamp_ns(CAST(split_part(?, ' ', 1) AS BIGINT)), \
             'o': CAST(CAST(split_part(?, ' ', 2) AS INTEGER) - 1440 AS SMALLINT)} END"
        }
        "BINARY" => "unhex(?)",
        _ => "?",
    })
}
