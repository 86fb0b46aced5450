//! Keeping an idle session alive.

use std::sync::{Arc, Weak};
use std::time::Duration;

use super::core::{Core, Errand};
use crate::Result;
use crate::http::Body;

/// Snowflake's own upper bound.
const INTERVAL_MAX: Duration = Duration::from_secs(3600);
/// The most frequent and the least frequent beat, as parts of the master token's life.
const PARTS_MAX: u32 = 16;
const PARTS_MIN: u32 = 4;

/// How often to beat for a master token of this validity.
pub(super) fn interval(wanted: Option<Duration>, master_validity: Duration) -> Duration {
    let longest = (master_validity / PARTS_MIN).min(INTERVAL_MAX);
    let shortest = (master_validity / PARTS_MAX).min(longest);
    wanted.unwrap_or(longest).clamp(shortest, longest)
}

/// Beats until the last handle of the session is dropped, or the session is closed.
pub(super) fn start(core: &Arc<Core>) {
    let task = tokio::spawn(beat(Arc::downgrade(core)));
    *core.heartbeat.lock().expect("no holder of this lock panics") = Some(task.abort_handle());
}

async fn beat(core: Weak<Core>) {
    loop {
        let Some(pause) = core.upgrade().map(|core| core.heartbeat_interval()) else { return };
        tokio::time::sleep(pause).await;
        let Some(core) = core.upgrade() else { return };
        if let Err(error) = core.heartbeat().await {
            tracing::warn!(error = %error, "the session could not be kept alive");
        }
    }
}

impl Core {
    pub(super) fn heartbeat_interval(&self) -> Duration {
        interval(self.config.heartbeat_every, self.tokens().master_validity)
    }

    async fn heartbeat(self: &Arc<Self>) -> Result<()> {
        let envelope = self.run(Errand::post("/session/heartbeat", Body::Empty)).await?;
        match envelope.is_success() {
            true => Ok(()),
            false => Err(envelope.into_error()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_fits_the_master_tokens_life() {
        let seconds = Duration::from_secs;
        let four_hours = seconds(4 * 3600);
        for (wanted, validity, expected) in [
            (None, four_hours, seconds(3600)),
            (Some(seconds(1)), four_hours, seconds(900)),
            (Some(seconds(1200)), four_hours, seconds(1200)),
            (Some(seconds(9999)), seconds(24 * 3600), seconds(3600)),
            (None, seconds(400), seconds(100)),
        ] {
            assert_eq!(interval(wanted, validity), expected, "{wanted:?} of {validity:?}");
        }
    }
}
