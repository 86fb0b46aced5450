//! What one run is asked for beside what its sync always does.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use model::{Error, Result};
use serde_json::{Value, json};

/// What a run is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunAsked {
    /// Reads the stream anew from its beginning.
    pub is_fresh_start: bool,
    /// Reads at least what has changed within so long before it was asked for. The same for all its attempts, so that they go
    /// on with each other's rows.
    pub look_back: Option<Duration>,
}

impl RunAsked {
    /// As it is stored with the run.
    pub fn to_options(self) -> Value {
        let look_back_ms =
            self.look_back.map(|look_back| u64::try_from(look_back.as_millis()).unwrap_or(u64::MAX));
        json!({ "is_fresh_start": self.is_fresh_start, "look_back_ms": look_back_ms })
    }

    pub(crate) fn of_options(options: &Value) -> Self {
        Self {
            is_fresh_start: options.get("is_fresh_start").and_then(Value::as_bool).unwrap_or_default(),
            look_back: options.get("look_back_ms").and_then(Value::as_u64).map(Duration::from_millis),
        }
    }
}

/// How far back `from` lies: a day, which begins in UTC, or a moment.
pub fn look_back_to(from: &str, now: Timestamp) -> Result<Duration> {
    let refused = |why: &str| {
        Error::config("from_invalid", format!("`{from}` {why}"))
            .with_remedy("write a day such as 2026-01-31, or a moment such as 2026-01-31T06:00:00Z")
    };
    let day = || from.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok().map(|day| day.timestamp());
    let moment = from.parse::<Timestamp>().ok().or_else(day);
    let moment = moment.ok_or_else(|| refused("is neither a day nor a moment"))?;
    Duration::try_from(now.duration_since(moment)).map_err(|_| refused("has not come yet"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_in_utc_and_what_has_not_come_is_refused() {
        let now: Timestamp = "2026-02-02T00:00:10Z".parse().unwrap();
        assert_eq!(look_back_to("2026-02-01", now).unwrap(), Duration::from_secs(86_410));
        assert_eq!(look_back_to("2026-02-02T02:00:00+02:00", now).unwrap(), Duration::from_secs(10));
        for refused in ["2026-02-03", "2026-02-02T00:00:11Z", "yesterday", "", "2026-13-01"] {
            assert_eq!(look_back_to(refused, now).unwrap_err().code(), "from_invalid", "{refused}");
        }
    }

    #[test]
    fn what_is_asked_for_comes_back_from_the_store() {
        let asked = RunAsked { is_fresh_start: false, look_back: Some(Duration::from_millis(1_500)) };
        assert_eq!(RunAsked::of_options(&asked.to_options()), asked);
        assert_eq!(RunAsked::of_options(&json!({})), RunAsked::default());
        assert_eq!(RunAsked::of_options(&RunAsked::default().to_options()), RunAsked::default());
    }
}
