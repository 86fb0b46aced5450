//! How often a pull is compared with its source.

use std::time::Duration;

use serde::Deserialize;

use super::duration::DurationText;

/// A comparison that runs make by themselves.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VerifyConfig {
    every: DurationText,
    #[serde(default)]
    pub(crate) heal: bool,
}

impl VerifyConfig {
    /// The first run that is at least so long after the last comparison makes one.
    pub(crate) fn every(&self) -> Duration {
        self.every.0
    }
}
