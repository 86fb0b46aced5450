//! The scan for values that do not fit. A column whose values all fit is passed in one sweep over its buffer, without
//! looking at single values.

mod decfloat;
mod geojson;
mod json;
mod json_number;
mod moment;
mod number;
mod plain_json;
mod text;

use arrow_array::types::ArrowPrimitiveType;
use arrow_array::{Array, ArrayRef, PrimitiveArray};
use model::{Error, Result};

use super::Rule;

pub(super) use json::JsonKind;
pub(super) use moment::{MomentKind, MomentScan, ZoneLoss};
pub(super) use number::{DecimalScan, decimal_to_float, float_to_decimal, rescaled};

/// What is looked at in the values of one column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scan {
    /// Every value fits.
    Nothing,
    /// 64-bit whole numbers up to `max`, either sign.
    Whole {
        max: i64,
    },
    /// 64-bit whole numbers that a double holds exactly.
    WholeAsFloat,
    Decimal(DecimalScan),
    /// Decimals that come back the same from a double.
    DecimalAsFloat,
    /// Doubles that come back the same from a decimal.
    FloatAsNumber {
        precision: u8,
        scale: u8,
    },
    Text {
        characters_max: u64,
    },
    Json(JsonKind),
    Geo {
        is_globe: bool,
    },
    Decfloat,
    Binary {
        bytes_max: u64,
    },
    Date,
    Moment(MomentScan),
    /// Vectors without NaN and infinities.
    FloatVector,
}

/// What a scan found in one column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Findings {
    pub misfits: Vec<(usize, Rule)>,
    /// Values that will be changed to fit.
    pub changed_count: u64,
    is_lossy: bool,
}

impl Findings {
    /// Notes that the value of a row breaks a rule: a change where those are allowed, else a misfit.
    fn note(&mut self, row: usize, rule: Rule) {
        if self.is_lossy && rule.is_loss() {
            self.changed_count += 1;
        } else {
            self.misfits.push((row, rule));
        }
    }
}

impl Scan {
    /// Scans a column's values, and the offsets beside them where there are any.
    pub(super) fn run(self, arrays: &[ArrayRef], is_lossy: bool) -> Result<Findings> {
        let mut findings = Findings { is_lossy, ..Findings::default() };
        let Some(values) = arrays.first() else { return Err(unexpected("nothing")) };
        match self {
            Scan::Nothing => {}
            Scan::Whole { max } => number::whole(typed(values)?, max, &mut findings),
            Scan::WholeAsFloat => number::whole_as_float(typed(values)?, &mut findings),
            Scan::Decimal(scan) => scan.run(typed(values)?, &mut findings),
            Scan::DecimalAsFloat => number::decimal_as_float(typed(values)?, &mut findings),
            Scan::FloatAsNumber { precision, scale } => {
                number::float_as_number(typed(values)?, precision, scale, &mut findings);
            }
            Scan::Text { characters_max } => text::text(typed(values)?, characters_max, &mut findings),
            Scan::Json(kind) => text::each(typed(values)?, &mut findings, |value| json::check(value, kind)),
            Scan::Geo { is_globe } => {
                text::each(typed(values)?, &mut findings, |value| geojson::check(value, is_globe));
            }
            Scan::Decfloat => text::each(typed(values)?, &mut findings, decfloat::check),
            Scan::Binary { bytes_max } => text::binary(typed(values)?, bytes_max, &mut findings),
            Scan::Date => moment::date(typed(values)?, &mut findings),
            Scan::Moment(scan) => scan.run(values, arrays.get(1), &mut findings)?,
            Scan::FloatVector => number::float_vector(typed(values)?, &mut findings)?,
        }
        Ok(findings)
    }

    /// The rules that values may break here.
    pub(super) fn rules(self) -> Vec<Rule> {
        match self {
            Scan::Nothing => vec![],
            Scan::Whole { .. } => vec![Rule::NumberOutOfRange],
            Scan::WholeAsFloat => vec![Rule::DigitsLost],
            Scan::Decimal(scan) => scan.rules(),
            Scan::DecimalAsFloat => vec![Rule::DigitsLost],
            Scan::FloatAsNumber { .. } => vec![Rule::NumberOutOfRange, Rule::DigitsLost, Rule::NotANumber],
            Scan::Text { .. } => vec![Rule::TextTooLong, Rule::TextTooManyBytes, Rule::NulByte],
            Scan::Json(kind) => kind.rules(),
            Scan::Geo { .. } => vec![Rule::InvalidGeojson, Rule::ShapeNotVerifiable],
            Scan::Decfloat => vec![Rule::NumberOutOfRange, Rule::DigitsLost, Rule::NotANumber],
            Scan::Binary { .. } => vec![Rule::BinaryTooLong],
            Scan::Date => vec![Rule::DateOutOfRange],
            Scan::Moment(scan) => scan.rules(),
            Scan::FloatVector => vec![Rule::NotANumber],
        }
    }
}

/// Calls `found` for each row whose value is bad. Where none is, that shows in one sweep without branches; values
/// under a NULL may be anything, so they are told apart only after it.
fn rows_where<T: ArrowPrimitiveType>(
    values: &PrimitiveArray<T>,
    is_bad: impl Fn(T::Native) -> bool,
    mut found: impl FnMut(usize),
) {
    if !values.values().iter().fold(false, |any, value| any | is_bad(*value)) {
        return;
    }
    for (row, value) in values.values().iter().enumerate() {
        if is_bad(*value) && values.is_valid(row) {
            found(row);
        }
    }
}

/// The array as the type that the plan says.
pub(super) fn typed<A: Array + 'static>(array: &ArrayRef) -> Result<&A> {
    array.as_any().downcast_ref().ok_or_else(|| unexpected(&array.data_type().to_string()))
}

pub(super) fn unexpected(found: &str) -> Error {
    Error::internal(format!("rows do not have the plan's types: {found} was not expected"))
}
