//! How old the last success of a sync may become before people are told.

use std::time::Duration;

use serde::Deserialize;

use super::duration::DurationText;

/// Schedules know minutes, so less than that is no objective but a mistake.
const LATE_AFTER_MIN: Duration = Duration::from_secs(60);

/// A duration such as `26h`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "DurationText")]
pub(super) struct LateAfter(pub(super) Duration);

impl TryFrom<DurationText> for LateAfter {
    type Error = String;

    fn try_from(DurationText(duration): DurationText) -> Result<Self, String> {
        if duration < LATE_AFTER_MIN {
            return Err("`late_after` is a minute or more; write for example `26h`".to_owned());
        }
        Ok(Self(duration))
    }
}
