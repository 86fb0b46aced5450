//! Points in time as one count since 1970, with exact rules for what fits.

use crate::column::Column;
use crate::decode::layout::Resolution;
use crate::error::Error;

pub(crate) const NANOSECONDS_PER_SECOND: i64 = 1_000_000_000;
pub(crate) const SECONDS_PER_DAY: i64 = 86_400;
/// The wire sends an offset in minutes with this added, so that it is never negative.
pub(crate) const OFFSET_BIAS: i64 = 1440;

/// A point in time counted in a column's resolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) value: i64,
    /// Whether digits finer than the resolution were dropped.
    pub(crate) is_inexact: bool,
}

/// Counts nanoseconds since 1970 in `resolution`, rounding towards the past. `None` where the count does not fit.
pub(crate) fn count(nanoseconds: i128, resolution: Resolution) -> Option<Counted> {
    let divisor = match resolution {
        Resolution::Nanoseconds => 1,
        Resolution::Microseconds | Resolution::LossyMicroseconds => 1000,
    };
    let value = i64::try_from(nanoseconds.div_euclid(divisor)).ok()?;
    Some(Counted { value, is_inexact: nanoseconds.rem_euclid(divisor) != 0 })
}

/// Minutes east of UTC from the wire's biased number, or `None` beyond a day.
pub(crate) fn offset_minutes(biased: i64) -> Option<i16> {
    let minutes = biased.checked_sub(OFFSET_BIAS).filter(|minutes| minutes.abs() <= OFFSET_BIAS)?;
    i16::try_from(minutes).ok()
}

/// The error for a timestamp that its column's resolution cannot count.
pub(crate) fn out_of_range(column: &Column, resolution: Resolution) -> Error {
    column.value_error(match resolution {
        Resolution::Nanoseconds => {
            "a value is outside the years 1677 to 2262 that nanoseconds reach; the column can be read as microseconds"
        }
        _ => "a value is outside the range of microseconds",
    })
}
