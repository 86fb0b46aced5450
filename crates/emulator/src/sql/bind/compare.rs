//! Comparisons, and the common type that several values are brought to.

use super::cast::Mode;
use super::{Binder, Typed};
use crate::outcome::{SnowType, SqlError};
use crate::sql::error::{compilation, unsupported};
use crate::sql::physical::type_name;

impl Binder<'_> {
    /// `left operator right`, both brought to the type that Snowflake compares them in.
    pub(super) fn comparison(&self, left: Typed, operator: &str, right: Typed) -> Result<Typed, SqlError> {
        let nullable = left.nullable || right.nullable;
        let mut sides = self.comparable(vec![left, right])?;
        let (right, left) = (sides.pop(), sides.pop());
        let (left, right) = (left.unwrap_or_else(Typed::null), right.unwrap_or_else(Typed::null));
        let sql = format!("({} {operator} {})", left.sql, right.sql);
        Ok(Typed::new(sql, SnowType::Boolean).with_nullable(nullable))
    }

    /// Brings values to one type and to what compares rightly in DuckDB: a timestamp with an offset is its instant.
    pub(super) fn comparable(&self, values: Vec<Typed>) -> Result<Vec<Typed>, SqlError> {
        let ty = comparison_type(&values)?;
        values
            .into_iter()
            .map(|value| {
                let value = match &ty {
                    // A lossless comparison needs no common width.
                    SnowType::Fixed { .. } if matches!(value.ty, SnowType::Fixed { .. }) => value,
                    SnowType::Text { .. } if matches!(value.ty, SnowType::Text { .. }) => value,
                    ty => self.cast(value, ty, Mode::Explicit)?,
                };
                Ok(self.instant(value))
            })
            .collect()
    }

    /// A timestamp with an offset as its instant; anything else unchanged.
    pub(super) fn instant(&self, value: Typed) -> Typed {
        match value.ty {
            SnowType::TimestampTz { scale } => {
                Typed { sql: format!("({}).t", value.sql), ty: SnowType::TimestampLtz { scale }, ..value }
            }
            _ => value,
        }
    }

    /// Brings the results of CASE, COALESCE, VALUES, UNION and the like to one type.
    pub(super) fn unify(&self, values: Vec<Typed>) -> Result<(Vec<Typed>, SnowType), SqlError> {
        let ty = common_type(values.iter())?;
        let cast = values
            .into_iter()
            .map(|value| self.cast(value, &ty, Mode::Explicit))
            .collect::<Result<_, _>>()?;
        Ok((cast, ty))
    }
}

fn comparison_type(values: &[Typed]) -> Result<SnowType, SqlError> {
    let is_other = |value: &&Typed| !value.is_null_literal() && value.ty != SnowType::Variant;
    // A VARIANT is compared as what it is compared with.
    if values.iter().any(|value| value.ty == SnowType::Variant)
        && let Some(first) = values.iter().find(is_other)
    {
        let others = values.iter().filter(is_other);
        return match common_type(others)? {
            SnowType::Fixed { .. } => Ok(SnowType::Fixed { precision: 38, scale: 9 }),
            SnowType::Object | SnowType::Array | SnowType::Map => Err(refused(&first.ty, &SnowType::Variant)),
            ty => Ok(ty),
        };
    }
    common_type(values.iter())
}

/// The type that holds all of the values; NULL fits every type.
pub(crate) fn common_type<'t>(values: impl Iterator<Item = &'t Typed>) -> Result<SnowType, SqlError> {
    let mut common: Option<SnowType> = None;
    for value in values.filter(|value| !value.is_null_literal()) {
        common = Some(match common {
            None => value.ty.clone(),
            Some(ty) => common_of(&ty, &value.ty)?,
        });
    }
    Ok(common.unwrap_or(crate::sql::physical::TEXT))
}

pub(crate) fn common_of(left: &SnowType, right: &SnowType) -> Result<SnowType, SqlError> {
    use SnowType as T;
    if left == right {
        return Ok(left.clone());
    }
    Ok(match (left, right) {
        (T::Fixed { precision: p1, scale: s1 }, T::Fixed { precision: p2, scale: s2 }) => {
            let scale = (*s1).max(*s2);
            let whole = (p1.cast_signed() - s1).max(p2.cast_signed() - s2);
            let precision = u8::try_from((whole + scale).min(38)).unwrap_or(38);
            T::Fixed { precision, scale }
        }
        (T::Fixed { .. } | T::Real, T::Fixed { .. } | T::Real) => T::Real,
        (T::Text { length: a }, T::Text { length: b }) => T::Text { length: (*a).max(*b) },
        (T::Binary { length: a }, T::Binary { length: b }) => T::Binary { length: (*a).max(*b) },
        (T::Time { scale: a }, T::Time { scale: b }) => T::Time { scale: (*a).max(*b) },
        (T::Variant, T::Object | T::Array | T::Map) | (T::Object | T::Array | T::Map, T::Variant) => {
            T::Variant
        }
        (T::Variant, other) | (other, T::Variant) if !matches!(other, T::Geography | T::Geometry) => {
            T::Variant
        }
        (T::Text { .. }, T::Object | T::Array | T::Map) | (T::Object | T::Array | T::Map, T::Text { .. }) => {
            return Err(refused(left, right));
        }
        (T::Text { .. }, other) | (other, T::Text { .. }) => other.clone(),
        (T::Boolean, T::Fixed { .. }) | (T::Fixed { .. }, T::Boolean) => T::Boolean,
        _ => common_moment(left, right).ok_or_else(|| refused(left, right))?,
    })
}

fn common_moment(left: &SnowType, right: &SnowType) -> Option<SnowType> {
    let rank = |ty: &SnowType| match ty {
        SnowType::Date => Some((0, 0)),
        SnowType::TimestampNtz { scale } => Some((1, *scale)),
        SnowType::TimestampLtz { scale } => Some((2, *scale)),
        SnowType::TimestampTz { scale } => Some((3, *scale)),
        _ => None,
    };
    let ((kind_a, scale_a), (kind_b, scale_b)) = (rank(left)?, rank(right)?);
    let scale = scale_a.max(scale_b);
    Some(match kind_a.max(kind_b) {
        0 => SnowType::Date,
        1 => SnowType::TimestampNtz { scale },
        2 => SnowType::TimestampLtz { scale },
        _ => SnowType::TimestampTz { scale },
    })
}

fn refused(left: &SnowType, right: &SnowType) -> SqlError {
    compilation(
        "001007",
        "22023",
        &format!("values of the types {} and {} do not go together", type_name(left), type_name(right)),
    )
}

/// Refuses what DuckDB would group by more than the instant.
pub(super) fn check_groupable(ty: &SnowType) -> Result<(), SqlError> {
    match ty {
        SnowType::TimestampTz { .. } => Err(unsupported("grouping or DISTINCT by a TIMESTAMP_TZ")),
        _ => Ok(()),
    }
}
