//! What a sync may say about its deliveries: values that do not fit, a target that is absent, guards that are lifted.

use std::fmt;
use std::str::FromStr;

use model::{Error, Result};
use serde::{Deserialize, Serialize};

/// Enough for eight files of 16 MiB on their way, and their encrypted form.
const MEMORY_BYTES: u64 = 256 * 1024 * 1024;

/// What becomes of rows with a value that does not fit the target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MisfitPolicy {
    /// The run fails and the target stays as it is.
    #[default]
    RejectRun,
    /// They are left out and counted.
    RejectRows,
    /// They are left out, counted, and kept in the vendor database with the reason.
    Quarantine,
}

/// A check that stops a delivery before it changes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// A rewrite would leave the target without rows.
    EmptySource,
    /// A rewrite would leave far fewer rows than there are.
    MaxShrink,
    /// Another number of rows is sent than the sync expects.
    ExpectedRows,
    /// The target is not the table that was delivered into last time.
    TargetRecreated,
    /// The target is a view, an external table or another object that is not written to like a table.
    TargetKind,
    /// A column that was filled last time is gone from the stream or from the target.
    MissingColumns,
}

impl Guard {
    /// Every guard.
    pub const ALL: [Self; 6] = [
        Self::EmptySource,
        Self::MaxShrink,
        Self::ExpectedRows,
        Self::TargetRecreated,
        Self::TargetKind,
        Self::MissingColumns,
    ];

    /// The name under which it is overridden, which is also the code of its error.
    pub fn name(self) -> &'static str {
        match self {
            Self::EmptySource => "empty_source",
            Self::MaxShrink => "max_shrink",
            Self::ExpectedRows => "expected_rows",
            Self::TargetRecreated => "target_recreated",
            Self::TargetKind => "target_kind",
            Self::MissingColumns => "missing_columns",
        }
    }
}

impl fmt::Display for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Guard {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|guard| guard.name() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::config("unknown_guard", format!("there is no guard called {name}"))
                .with_remedy(format!("the guards are {names}"))
        })
    }
}

/// How a sync is delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushSettings {
    pub on_misfit: MisfitPolicy,
    /// Makes the target where it is absent, which takes the privilege to create tables.
    pub create_table: bool,
    /// The number of rows that a run must send.
    pub expected_row_count: Option<u64>,
    /// The guards that are lifted for this run.
    pub overrides: Vec<Guard>,
    /// Does everything up to the temporary table and changes nothing.
    pub is_dry_run: bool,
    /// What rows, files and their encrypted form may take in memory on their way.
    pub memory_bytes: u64,
}

impl Default for PushSettings {
    fn default() -> Self {
        Self {
            on_misfit: MisfitPolicy::default(),
            create_table: false,
            expected_row_count: None,
            overrides: Vec::new(),
            is_dry_run: false,
            memory_bytes: MEMORY_BYTES,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_guard_is_found_by_its_name_and_by_the_name_it_is_written_with() {
        for guard in Guard::ALL {
            assert_eq!(guard.name().parse::<Guard>().unwrap(), guard);
            assert_eq!(serde_json::to_value(guard).unwrap(), guard.name());
        }
        assert_eq!("max-shrink".parse::<Guard>().unwrap_err().code(), "unknown_guard");
    }
}
