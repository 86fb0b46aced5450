//! How far a delivery is, for whoever watches.

use std::collections::BTreeMap;

use serde::Serialize;

/// What a delivery is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStep {
    /// Nothing of it has begun.
    #[default]
    Waiting,
    /// What an earlier run has left is brought to an end.
    Recovering,
    /// The target is looked at.
    Checking,
    /// Rows become files, and files go into the Snowflake stage.
    Uploading,
    /// Files are loaded into a temporary table.
    Copying,
    /// The target changes.
    Publishing,
    /// Files are taken out of the Snowflake stage.
    Removing,
    /// All is done.
    Done,
}

/// How far a delivery is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DeliveryProgress {
    pub step: DeliveryStep,
    /// Rows that are in files.
    pub encoded_rows: u64,
    /// Bytes of files that are in the Snowflake stage.
    pub uploaded_bytes: u64,
    /// Files that are in the Snowflake stage.
    pub files: u64,
    /// Rows that were left out.
    pub rejected_rows: u64,
    /// Values that were changed to fit, by column of the target, where the sync allows that.
    pub changed_values: BTreeMap<String, u64>,
    /// What a dry run would have done, once it knows.
    pub dry_run: Option<DryRun>,
}

/// What a run would do to the target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DryRun {
    /// Rows that were loaded into the temporary table.
    pub sent: u64,
    /// Rows that would be new; absent where it cannot be known.
    pub added: Option<u64>,
    /// Rows that would replace one with the same key.
    pub replaced: Option<u64>,
    /// Rows that would be removed.
    pub removed: Option<u64>,
    /// Why something cannot be known.
    pub unknown_because: Option<String>,
}
