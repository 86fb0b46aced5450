//! Durations as people write them.

use std::time::Duration;

use serde::Deserialize;

/// A duration such as `2h` or `1d 12h`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct DurationText(pub(super) Duration);

impl TryFrom<String> for DurationText {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let refused = || format!("`{text}` is no duration; write for example `2h`, `45m` or `1d 12h`");
        let span: jiff::Span = text.parse().map_err(|_| refused())?;
        let days_as_24_hours = jiff::SpanRelativeTo::days_are_24_hours();
        let duration = span.to_duration(days_as_24_hours).map_err(|_| refused())?;
        Duration::try_from(duration).map(Self).map_err(|_| refused())
    }
}
