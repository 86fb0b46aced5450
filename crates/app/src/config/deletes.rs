//! How a pull learns of rows that were deleted at the source, and what becomes of them.

use std::time::Duration;

use model::{DeletePolicy, DeletesSpec};
use serde::Deserialize;

use super::duration::DurationText;
use super::name::ColumnName;

/// What a sync file says of deleted rows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeletesConfig {
    #[serde(default)]
    policy: DeletePolicy,
    /// A column that says of a row that it is deleted.
    column: Option<ColumnName>,
    /// A reconciliation that runs make by themselves.
    reconcile: Option<DurationText>,
}

impl DeletesConfig {
    /// The first run that is at least so long after the last reconciliation makes one.
    pub(crate) fn reconcile_every(&self) -> Option<Duration> {
        self.reconcile.map(|every| every.0)
    }

    pub(crate) fn spec(&self) -> DeletesSpec {
        DeletesSpec { policy: self.policy, column: self.column.clone().map(Into::into) }
    }
}
