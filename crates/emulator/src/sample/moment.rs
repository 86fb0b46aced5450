//! Points in time of the sample, counted from the moment at which it pretends to have been exported.

/// 2026-11-01 00:00:00 UTC, in seconds. Rows are older; the few that pretend to come from the future are much younger.
const EXPORTED_AT: i64 = 1_793_491_200;
const DAY_SECONDS: i64 = 86_400;
const NANOSECONDS: i64 = 1_000_000_000;

/// A moment, in seconds and nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment {
    seconds: i64,
    nanosecond: i64,
}

impl Moment {
    /// So many seconds before the export (after it, when negative).
    pub(super) fn before_export(seconds: i64) -> Self {
        Self { seconds: EXPORTED_AT - seconds, nanosecond: 0 }
    }

    pub(super) fn days_before_export(days: i64) -> Self {
        Self::before_export(days * DAY_SECONDS)
    }

    #[must_use]
    pub(super) fn plus_seconds(self, seconds: i64) -> Self {
        Self { seconds: self.seconds + seconds, ..self }
    }

    /// With a fraction drawn from any number.
    #[must_use]
    pub(super) fn with_nanosecond(self, number: u64) -> Self {
        let nanosecond = i64::try_from(number % NANOSECONDS.unsigned_abs()).unwrap_or(0);
        Self { nanosecond, ..self }
    }

    /// `2026-10-31`
    pub(super) fn date(self) -> String {
        let (year, month, day) = civil(self.seconds.div_euclid(DAY_SECONDS));
        format!("{year:04}-{month:02}-{day:02}")
    }

    /// `2026-10-31 23:59:59.123456789`
    pub(super) fn plain(self) -> String {
        let second = self.seconds.rem_euclid(DAY_SECONDS);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        format!("{} {hour:02}:{minute:02}:{second:02}.{:09}", self.date(), self.nanosecond)
    }

    /// The same moment as read off a clock that is `minutes` ahead of UTC: `2026-11-01 00:59:59.123456789 +01:00`
    pub(super) fn with_offset(self, minutes: i64) -> String {
        let local = self.plus_seconds(minutes * 60).plain();
        let sign = if minutes < 0 { '-' } else { '+' };
        format!("{local} {sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
    }
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar.
fn civil(days: i64) -> (i64, i64, i64) {
    // Counted in eras of 400 years that begin on the first of March, so the leap day is the last of its year.
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_snowflake_reads_them() {
        let moment = Moment::before_export(1).with_nanosecond(123_456_789);
        assert_eq!(moment.plain(), "2026-10-31 23:59:59.123456789");
        assert_eq!(moment.with_offset(330), "2026-11-01 05:29:59.123456789 +05:30");
        assert_eq!(moment.with_offset(-480), "2026-10-31 15:59:59.123456789 -08:00");
    }

    #[test]
    fn leap_days_exist() {
        assert_eq!(civil(19_782), (2024, 2, 29));
        assert_eq!(civil(19_783), (2024, 3, 1));
        assert_eq!(civil(-1), (1969, 12, 31));
    }
}
