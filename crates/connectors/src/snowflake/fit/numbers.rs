//! Numbers into columns of numbers.

use snowflake::ColumnType;

use super::Verdict;
use super::decision::Decision;
use super::form::Form;
use super::route::Load;
use super::scan::{DecimalScan, Scan};

/// Digits that every 64-bit whole number fits into.
const INT64_DIGITS: u8 = 19;
/// The most digits behind the point that a `NUMBER` can have by Snowflake's manual.
const SCALE_MAX: i8 = 37;

/// Whole numbers of 64 bits.
pub(super) fn whole(column_type: ColumnType) -> Decision {
    let text = "a whole number";
    match column_type {
        ColumnType::Fixed { precision, scale } => {
            let digits = precision.saturating_sub(scale);
            let load = Load::cast(column_type);
            if digits >= INT64_DIGITS {
                return Decision::always(Verdict::Widening, Form::AsIs, load);
            }
            Decision::checked(Scan::Whole { max: power_of_ten_i64(digits) - 1 }, Form::AsIs, load)
        }
        ColumnType::Float => Decision::checked(Scan::WholeAsFloat, Form::WholeAsFloat, Load::cast("FLOAT")),
        ColumnType::Decfloat => {
            Decision::always(Verdict::Widening, Form::AsIs, Load::around("TO_DECFLOAT(", "::NUMBER(38,0))"))
        }
        ColumnType::Variant => {
            Decision::always(Verdict::Widening, Form::AsIs, Load::around("TO_VARIANT(", "::NUMBER(38,0))"))
        }
        ColumnType::IntervalYearMonth | ColumnType::IntervalDayTime => Decision::refused(
            "Snowflake takes intervals as text, and their precision is not shown, so load a number into a NUMBER column",
        ),
        _ => Decision::different(text, column_type),
    }
}

/// Decimals of a fixed scale.
pub(super) fn decimal(precision: u8, scale: i8, column_type: ColumnType, is_lossy: bool) -> Decision {
    let name = format!("decimal({precision},{scale})");
    let Some(unsigned_scale) = u8::try_from(scale).ok().filter(|scale| *scale <= precision) else {
        return Decision::refused(format!("{name} has no counterpart in Snowflake, so cast it in the query"));
    };
    let number = format!("NUMBER({precision},{scale})");
    match column_type {
        ColumnType::Fixed { precision: target_precision, scale: target_scale } => decimal_into_number(
            (precision, unsigned_scale),
            (target_precision, target_scale),
            column_type,
            is_lossy,
        ),
        ColumnType::Float => Decision::checked_or_lossy(
            Scan::DecimalAsFloat,
            Form::DecimalAsFloat { scale: unsigned_scale },
            Load::cast("FLOAT"),
            is_lossy,
        ),
        ColumnType::Decfloat if scale <= SCALE_MAX => Decision::always(
            Verdict::Widening,
            Form::AsIs,
            Load::around("TO_DECFLOAT(", format!("::{number})")),
        ),
        ColumnType::Variant if scale <= SCALE_MAX => Decision::always(
            Verdict::Widening,
            Form::AsIs,
            Load::around("TO_VARIANT(", format!("::{number})")),
        ),
        ColumnType::Decfloat | ColumnType::Variant => Decision::refused(format!(
            "{name} has more than 37 digits behind the point, so cast it in the query"
        )),
        _ => Decision::different(&name, column_type),
    }
}

fn decimal_into_number(
    source: (u8, u8),
    target: (u8, u8),
    column_type: ColumnType,
    is_lossy: bool,
) -> Decision {
    let load = Load::cast(column_type);
    let (whole_digits, target_whole_digits) = (source.0 - source.1, target.0.saturating_sub(target.1));
    if target == source {
        return Decision::always(Verdict::Exact, Form::AsIs, load);
    }
    if target.1 >= source.1 && target_whole_digits >= whole_digits {
        return Decision::always(Verdict::Widening, Form::AsIs, load);
    }
    let scan = DecimalScan { source_scale: source.1, precision: target.0, scale: target.1 };
    if target.1 >= source.1 {
        return Decision::checked(Scan::Decimal(scan), Form::AsIs, load);
    }
    Decision::checked_or_lossy(Scan::Decimal(scan), Form::DecimalRescaled(scan), load, is_lossy)
}

/// Binary floating point numbers.
pub(super) fn float(column_type: ColumnType, is_lossy: bool) -> Decision {
    match column_type {
        ColumnType::Float => Decision::always(Verdict::Exact, Form::AsIs, Load::cast("FLOAT")),
        ColumnType::Fixed { precision, scale } => Decision::checked_or_lossy(
            Scan::FloatAsNumber { precision, scale },
            Form::FloatAsNumber { precision, scale },
            Load::cast(column_type),
            is_lossy,
        ),
        ColumnType::Variant => Decision::refused(
            "Snowflake prints a FLOAT inside a VARIANT with 16 digits, so send it to a FLOAT column or as JSON",
        ),
        _ => Decision::different("float64", column_type),
    }
}

/// Ten to the power of at most 18.
fn power_of_ten_i64(exponent: u8) -> i64 {
    10_i64.pow(u32::from(exponent))
}
