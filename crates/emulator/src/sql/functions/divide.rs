//! Exact division: DuckDB divides decimals as floats, which loses digits.

use std::error::Error;

use arrow_buffer::i256;
use duckdb::Connection;
use duckdb::core::{DataChunkHandle, FlatVector, LogicalTypeHandle, LogicalTypeId};
use duckdb::vscalar::{ScalarFunctionSignature, VScalar};
use duckdb::vtab::arrow::WritableVector;

use crate::sql::error::raised;

/// `sf_divide(a, b, scale)`: the unscaled quotient with `scale` digits, rounded half away from zero.
struct Divide;

pub(super) fn register(connection: &Connection) -> duckdb::Result<()> {
    connection.register_scalar_function::<Divide>("sf_divide")
}

impl VScalar for Divide {
    type State = ();

    fn invoke(
        (): &Self::State,
        input: &mut DataChunkHandle,
        output: &mut dyn WritableVector,
    ) -> Result<(), Box<dyn Error>> {
        let rows = input.len();
        let (left, right) = (Exact::new(input.flat_vector(0))?, Exact::new(input.flat_vector(1))?);
        let scale = input.flat_vector(2);
        let mut result = output.flat_vector();
        for row in 0..rows {
            let at = row as u64;
            if left.vector.row_is_null(at) || right.vector.row_is_null(at) || scale.row_is_null(at) {
                result.set_null(row);
                continue;
            }
            // SAFETY: the third parameter is declared INTEGER, and holds `rows` values.
            let digits = unsafe { scale.as_slice_with_len::<i32>(rows) }[row];
            let quotient =
                divide(left.value(row, rows), left.scale, right.value(row, rows), right.scale, digits)?;
            // SAFETY: DECIMAL(38,0) is held as one i128 per row.
            unsafe { result.as_mut_slice_with_len::<i128>(rows)[row] = quotient }
        }
        Ok(())
    }

    fn signatures() -> Vec<ScalarFunctionSignature> {
        let any = || LogicalTypeHandle::from(LogicalTypeId::Any);
        let arguments = vec![any(), any(), LogicalTypeHandle::from(LogicalTypeId::Integer)];
        vec![ScalarFunctionSignature::exact(arguments, LogicalTypeHandle::decimal(38, 0))]
    }
}

fn divide(left: i128, left_scale: i32, right: i128, right_scale: i32, scale: i32) -> Result<i128, String> {
    if right == 0 {
        return Err(raised("100051", "Division by zero"));
    }
    let shift = scale - left_scale + right_scale;
    let ten = |power: i32| i256::from_i128(10).wrapping_pow(power.unsigned_abs());
    let (mut numerator, mut denominator) = (i256::from_i128(left), i256::from_i128(right));
    let scaled =
        if shift >= 0 { numerator.checked_mul(ten(shift)) } else { denominator.checked_mul(ten(shift)) };
    let out_of_range = || raised("100039", "Numeric value is out of range");
    if shift >= 0 {
        numerator = scaled.ok_or_else(out_of_range)?;
    } else {
        denominator = scaled.ok_or_else(out_of_range)?;
    }
    let quotient = numerator.wrapping_div(denominator);
    let rest = numerator.wrapping_sub(quotient.wrapping_mul(denominator));
    let is_half = rest.wrapping_abs() >= denominator.wrapping_abs().wrapping_sub(rest.wrapping_abs());
    let is_negative = (numerator < i256::ZERO) != (denominator < i256::ZERO);
    let step = match (is_half, is_negative) {
        (false, _) => i256::ZERO,
        (true, false) => i256::ONE,
        (true, true) => i256::MINUS_ONE,
    };
    quotient.wrapping_add(step).to_i128().ok_or_else(out_of_range)
}

/// A column of whole or exact numbers, whatever width DuckDB chose for them.
struct Exact<'v> {
    vector: FlatVector<'v>,
    scale: i32,
    bytes: usize,
}

impl<'v> Exact<'v> {
    fn new(vector: FlatVector<'v>) -> Result<Self, Box<dyn Error>> {
        let ty = vector.logical_type();
        let (scale, bytes) = match ty.id() {
            LogicalTypeId::Tinyint => (0, 1),
            LogicalTypeId::Smallint => (0, 2),
            LogicalTypeId::Integer => (0, 4),
            LogicalTypeId::Bigint => (0, 8),
            LogicalTypeId::Hugeint => (0, 16),
            LogicalTypeId::Decimal => {
                let bytes = match ty.decimal_width() {
                    0..=4 => 2,
                    5..=9 => 4,
                    10..=18 => 8,
                    _ => 16,
                };
                (i32::from(ty.decimal_scale()), bytes)
            }
            other => return Err(format!("a division of {other:?}").into()),
        };
        Ok(Self { vector, scale, bytes })
    }

    fn value(&self, row: usize, rows: usize) -> i128 {
        // SAFETY: `bytes` is the width of the type that the vector says it holds, and it holds `rows` values.
        unsafe {
            match self.bytes {
                1 => i128::from(self.vector.as_slice_with_len::<i8>(rows)[row]),
                2 => i128::from(self.vector.as_slice_with_len::<i16>(rows)[row]),
                4 => i128::from(self.vector.as_slice_with_len::<i32>(rows)[row]),
                8 => i128::from(self.vector.as_slice_with_len::<i64>(rows)[row]),
                _ => self.vector.as_slice_with_len::<i128>(rows)[row],
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::divide;

    #[test]
    fn quotients_are_rounded_half_away_from_zero() {
        assert_eq!(divide(1, 0, 3, 0, 6), Ok(333_333));
        assert_eq!(divide(2, 0, 3, 0, 6), Ok(666_667));
        assert_eq!(divide(-1, 0, 2, 0, 0), Ok(-1));
        assert_eq!(divide(1, 0, 8, 0, 2), Ok(13));
    }

    #[test]
    fn scales_on_both_sides_count() {
        // 1.50 / 0.4 = 3.75
        assert_eq!(divide(150, 2, 4, 1, 2), Ok(375));
    }

    #[test]
    fn dividing_by_zero_raises_snowflakes_code() {
        assert!(divide(1, 0, 0, 0, 0).unwrap_err().contains("SNOW:100051"));
    }
}
