//! Dates, times of day and timestamps: years, digits behind the second, offsets.

use arrow_array::types::{Date32Type, Int16Type, Int64Type};
use arrow_array::{Array, ArrayRef, PrimitiveArray};
use arrow_schema::{DataType, TimeUnit};
use model::Result;

use super::{Findings, rows_where, typed};
use crate::snowflake::fit::Rule;
use crate::snowflake::fit::form::whole_numbers;

/// 0001-01-01 in days since 1970.
const FIRST_DAY: i32 = -719_162;
/// 9999-12-31 in days since 1970.
const LAST_DAY: i32 = 2_932_896;
const SECONDS_PER_DAY: i64 = 86_400;
/// Digits behind the second that a microsecond gives.
const MICROSECOND_DIGITS: u8 = 6;
/// Offsets from here on are a day or more.
const OFFSET_MINUTES_LIMIT: i16 = 1_440;

/// What a moment is a moment of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::snowflake::fit) enum MomentKind {
    TimeOfDay,
    /// A date and time, with or without a zone.
    Instant,
    /// A date and time whose own clock must show a year of four digits too.
    WithOffset,
}

/// What a column of time forgets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::snowflake::fit) enum ZoneLoss {
    None,
    /// The offset of each value that has one.
    OffsetLost,
    /// That a time has no zone, or that it is UTC.
    ZoneChanged,
}

/// Moments counted in a unit into a column of `scale` digits behind the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::snowflake::fit) struct MomentScan {
    pub kind: MomentKind,
    /// Digits behind the second that the unit gives: 6 or 9.
    pub unit_digits: u8,
    pub scale: u8,
    pub zone_loss: ZoneLoss,
}

impl MomentKind {
    /// The type in the file: Parquet's own where it is a matter of microseconds, else plain numbers of nanoseconds.
    pub(in crate::snowflake::fit) fn file_type(self, unit_digits: u8, is_instant: bool) -> DataType {
        match (self, unit_digits) {
            (MomentKind::TimeOfDay, MICROSECOND_DIGITS) => DataType::Time64(TimeUnit::Microsecond),
            (_, MICROSECOND_DIGITS) => {
                DataType::Timestamp(TimeUnit::Microsecond, is_instant.then(|| "UTC".into()))
            }
            _ => DataType::Int64,
        }
    }
}

pub(super) fn date(values: &PrimitiveArray<Date32Type>, findings: &mut Findings) {
    let is_outside = |day: i32| !(FIRST_DAY..=LAST_DAY).contains(&day);
    rows_where(values, is_outside, |row| findings.note(row, Rule::DateOutOfRange));
}

impl MomentScan {
    pub(super) fn run(
        self,
        values: &ArrayRef,
        offsets: Option<&ArrayRef>,
        findings: &mut Findings,
    ) -> Result<()> {
        let values = whole_numbers(values)?;
        let offsets = offsets.map(typed::<PrimitiveArray<Int16Type>>).transpose()?;
        match (self.kind, offsets) {
            (MomentKind::WithOffset, Some(offsets)) => self.with_offsets(&values, offsets, findings),
            (_, offsets) if self.zone_loss != ZoneLoss::None => self.zone_losses(&values, offsets, findings),
            _ => self.each(&values, findings),
        }
        Ok(())
    }

    fn each(self, values: &PrimitiveArray<Int64Type>, findings: &mut Findings) {
        let (first, last) = self.bounds();
        let divisor = self.divisor();
        let found = |row: usize| {
            if let Some(rule) = self.broken(values.value(row)) {
                findings.note(row, rule);
            }
        };
        let is_outside = |value: i64| (value < first) | (value > last);
        // A division for each value costs more than everything else here.
        if divisor == 1 {
            rows_where(values, is_outside, found);
        } else {
            rows_where(values, |value| is_outside(value) | (value % divisor != 0), found);
        }
    }

    fn with_offsets(
        self,
        values: &PrimitiveArray<Int64Type>,
        offsets: &PrimitiveArray<Int16Type>,
        findings: &mut Findings,
    ) {
        for row in (0..values.len()).filter(|row| values.is_valid(*row)) {
            if let Some(rule) = self.broken_with_offset(values.value(row), offsets, row) {
                findings.note(row, rule);
            }
        }
    }

    fn broken_with_offset(self, value: i64, offsets: &PrimitiveArray<Int16Type>, row: usize) -> Option<Rule> {
        if offsets.is_null(row) {
            return Some(Rule::OffsetMissing);
        }
        let minutes = offsets.value(row);
        if minutes.unsigned_abs() >= OFFSET_MINUTES_LIMIT.unsigned_abs() {
            return Some(Rule::OffsetOutOfRange);
        }
        let shift = i64::from(minutes) * 60 * self.units_per_second();
        // Nanoseconds may overflow, but only far inside the years.
        let local = value.saturating_add(shift);
        let (first, last) = self.bounds();
        if local < first || local > last {
            return Some(Rule::TimestampOutOfRange);
        }
        self.broken(value)
    }

    /// Each value is one that loses something, unless its offset is UTC's; it must fit all the same.
    fn zone_losses(
        self,
        values: &PrimitiveArray<Int64Type>,
        offsets: Option<&PrimitiveArray<Int16Type>>,
        findings: &mut Findings,
    ) {
        let loss = match self.zone_loss {
            ZoneLoss::OffsetLost => Rule::OffsetLost,
            ZoneLoss::None | ZoneLoss::ZoneChanged => Rule::ZoneChanged,
        };
        for row in (0..values.len()).filter(|row| values.is_valid(*row)) {
            let is_utc = offsets.is_some_and(|offsets| offsets.is_valid(row) && offsets.value(row) == 0);
            match self.broken(values.value(row)) {
                Some(rule) => findings.note(row, rule),
                None if is_utc => {}
                None => findings.note(row, loss),
            }
        }
    }

    fn broken(self, value: i64) -> Option<Rule> {
        let (first, last) = self.bounds();
        if value < first || value > last {
            return Some(match self.kind {
                MomentKind::TimeOfDay => Rule::TimeOutOfRange,
                MomentKind::Instant | MomentKind::WithOffset => Rule::TimestampOutOfRange,
            });
        }
        (value % self.divisor() != 0).then_some(Rule::FractionLost)
    }

    /// The first and the last value of a day, or of the years 0001 to 9999. Nanoseconds end long before, and their last
    /// value on either side is an infinity of DuckDB's.
    fn bounds(self) -> (i64, i64) {
        let per_second = self.units_per_second();
        let seconds = |day: i32| i64::from(day) * SECONDS_PER_DAY;
        match self.kind {
            MomentKind::TimeOfDay => (0, SECONDS_PER_DAY * per_second - 1),
            MomentKind::Instant | MomentKind::WithOffset => (
                seconds(FIRST_DAY).saturating_mul(per_second).max(i64::MIN + 2),
                seconds(LAST_DAY + 1).saturating_mul(per_second).saturating_sub(1),
            ),
        }
    }

    fn units_per_second(self) -> i64 {
        10_i64.pow(u32::from(self.unit_digits))
    }

    /// Units in the smallest step that the column has.
    fn divisor(self) -> i64 {
        10_i64.pow(u32::from(self.unit_digits.saturating_sub(self.scale)))
    }

    pub(super) fn rules(self) -> Vec<Rule> {
        let mut rules = match self.kind {
            MomentKind::TimeOfDay => vec![Rule::TimeOutOfRange],
            MomentKind::WithOffset => {
                vec![Rule::TimestampOutOfRange, Rule::OffsetMissing, Rule::OffsetOutOfRange]
            }
            MomentKind::Instant => vec![Rule::TimestampOutOfRange],
        };
        if self.scale < self.unit_digits {
            rules.push(Rule::FractionLost);
        }
        match self.zone_loss {
            ZoneLoss::None => {}
            ZoneLoss::OffsetLost => rules.push(Rule::OffsetLost),
            ZoneLoss::ZoneChanged => rules.push(Rule::ZoneChanged),
        }
        rules
    }
}
