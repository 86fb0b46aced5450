//! How a pull learns of rows that were deleted at the source.

use std::time::Duration;

use serde::Deserialize;

use super::duration::DurationText;

/// A reconciliation that runs make by themselves.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeletesConfig {
    reconcile: DurationText,
}

impl DeletesConfig {
    /// The first run that is at least so long after the last reconciliation makes one.
    pub(crate) fn reconcile_every(&self) -> Duration {
        self.reconcile.0
    }
}
