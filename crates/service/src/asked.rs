//! What one run is asked for beside what its sync always does.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use model::{Error, Result};
use serde_json::{Value, json};
use store::Sync;

/// What a run is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunAsked {
    /// Reads the stream anew from its beginning.
    pub is_fresh_start: bool,
    /// Reads once more what has changed since this moment. The same for all its attempts, so that they go on with each other's
    /// rows.
    pub from: Option<Timestamp>,
}

impl RunAsked {
    /// As it is stored with the run.
    pub fn to_options(self) -> Value {
        json!({ "is_fresh_start": self.is_fresh_start, "from": self.from })
    }

    pub(crate) fn of_options(options: &Value) -> Self {
        Self {
            is_fresh_start: options.get("is_fresh_start").and_then(Value::as_bool).unwrap_or_default(),
            from: options.get("from").and_then(Value::as_str).and_then(|from| from.parse().ok()),
        }
    }
}

/// Refuses a moment from which on the sync cannot read, at once and not in its run. Whoever knows what a stored sync does gives
/// it.
pub type GoesBack = fn(&Sync, Timestamp) -> Result<()>;

/// What `from` says: a day, which begins in UTC, or a moment.
pub fn moment_asked(from: &str, now: Timestamp) -> Result<Timestamp> {
    let refused = |why: &str| {
        Error::config("from_invalid", format!("`{from}` {why}"))
            .with_remedy("write a day such as 2026-01-31, or a moment such as 2026-01-31T06:00:00Z")
    };
    let day = || from.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok().map(|day| day.timestamp());
    let moment = from.parse::<Timestamp>().ok().or_else(day);
    match moment.ok_or_else(|| refused("is neither a day nor a moment"))? {
        moment if moment > now => Err(refused("has not come yet")),
        moment => Ok(moment),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_in_utc_and_what_has_not_come_is_refused() {
        let now: Timestamp = "2026-02-02T00:00:10Z".parse().unwrap();
        let midnight = |day: &str| format!("{day}T00:00:00Z").parse::<Timestamp>().unwrap();
        assert_eq!(moment_asked("2026-02-01", now).unwrap(), midnight("2026-02-01"));
        assert_eq!(moment_asked("2026-02-02T02:00:00+02:00", now).unwrap(), midnight("2026-02-02"));
        for refused in ["2026-02-03", "2026-02-02T00:00:11Z", "yesterday", "", "2026-13-01"] {
            assert_eq!(moment_asked(refused, now).unwrap_err().code(), "from_invalid", "{refused}");
        }
    }

    #[test]
    fn what_is_asked_for_comes_back_from_the_store() {
        let asked = RunAsked { is_fresh_start: false, from: Some("2026-02-01T06:00:00.5Z".parse().unwrap()) };
        assert_eq!(RunAsked::of_options(&asked.to_options()), asked);
        assert_eq!(RunAsked::of_options(&json!({})), RunAsked::default());
        assert_eq!(RunAsked::of_options(&RunAsked::default().to_options()), RunAsked::default());
    }
}
