//! Instants as text with their offset: `2023-11-14 22:13:20.123456789 +05:30`, by the clock of that offset.

use arrow_array::builder::StringBuilder;
use arrow_array::{Array, Int16Array, Int64Array, StringArray};

/// The length of every text here.
const TEXT_LENGTH: usize = 36;
const SECONDS_PER_DAY: i64 = 86_400;
const NANOSECONDS_PER_SECOND: i64 = 1_000_000_000;

/// Writes instants counted in units of `unit_digits` digits behind the second, cut to `scale` digits. Without offsets they
/// are UTC's.
pub(super) fn offset_texts(
    instants: &Int64Array,
    offsets: Option<&Int16Array>,
    unit_digits: u8,
    scale: u8,
) -> StringArray {
    let mut texts = StringBuilder::with_capacity(instants.len(), instants.len() * TEXT_LENGTH);
    let units_per_second = 10_i64.pow(u32::from(unit_digits));
    let step = 10_i64.pow(9 - u32::from(scale.min(9)));
    for row in 0..instants.len() {
        if instants.is_null(row) {
            texts.append_null();
            continue;
        }
        let instant = instants.value(row);
        let seconds = instant.div_euclid(units_per_second);
        let nanoseconds = instant.rem_euclid(units_per_second) * (NANOSECONDS_PER_SECOND / units_per_second);
        let minutes = offsets.map_or(0, |offsets| offsets.value(row));
        let text = offset_text(seconds, nanoseconds - nanoseconds % step, minutes);
        texts.append_value(std::str::from_utf8(&text).expect("digits and signs are ASCII"));
    }
    texts.finish()
}

fn offset_text(seconds: i64, nanoseconds: i64, offset_minutes: i16) -> [u8; TEXT_LENGTH] {
    let local = seconds + i64::from(offset_minutes) * 60;
    let (year, month, day) = civil(local.div_euclid(SECONDS_PER_DAY));
    let second_of_day = local.rem_euclid(SECONDS_PER_DAY);
    let mut text = *b"0000-00-00 00:00:00.000000000 +00:00";
    digits(&mut text[0..4], year);
    digits(&mut text[5..7], month);
    digits(&mut text[8..10], day);
    digits(&mut text[11..13], second_of_day / 3600);
    digits(&mut text[14..16], second_of_day / 60 % 60);
    digits(&mut text[17..19], second_of_day % 60);
    digits(&mut text[20..29], nanoseconds);
    if offset_minutes < 0 {
        text[30] = b'-';
    }
    let offset = i64::from(offset_minutes).abs();
    digits(&mut text[31..33], offset / 60);
    digits(&mut text[34..36], offset % 60);
    text
}

/// Writes a number with leading zeros.
fn digits(text: &mut [u8], mut number: i64) {
    for digit in text.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// Year, month and day of a day since 1970 in the proleptic Gregorian calendar. Years are counted from March, so that the
/// leap day is a year's last.
fn civil(day: i64) -> (i64, i64, i64) {
    const DAYS_PER_ERA: i64 = 146_097;
    // From 0000-03-01 to 1970-01-01.
    let day = day + 719_468;
    let era = day.div_euclid(DAYS_PER_ERA);
    let day_of_era = day.rem_euclid(DAYS_PER_ERA);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day_of_month)
}
