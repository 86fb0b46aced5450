//! How a sync reads its stream: everything each time, or what changed, by a cursor column or as the account has tracked it.

use std::path::Path;

use model::{Error, NullCursor, ReadSpec, Result};
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::duration::DurationText;
use super::ranges::RangesConfig;
use super::span::located;

/// `C` is a column's name as the source's system writes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, bound = "C: Deserialize<'de>")]
pub(crate) struct ReadConfig<C> {
    pub(crate) full_refresh: Option<Spanned<FullRefreshConfig>>,
    pub(crate) incremental: Option<Spanned<IncrementalConfig<C>>>,
    pub(crate) changes: Option<Spanned<bool>>,
    #[serde(default = "Vec::new")]
    pub(crate) key: Vec<C>,
    pub(crate) ranges: Option<Spanned<RangesConfig>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FullRefreshConfig {
    pub(crate) max_shrink_percent: Option<Percent>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, bound = "C: Deserialize<'de>")]
pub(crate) struct IncrementalConfig<C> {
    cursor: C,
    #[serde(default)]
    lookback: DurationText,
    null_cursor: Option<NullCursorConfig>,
    /// What is to become of a cursor or key that looks unsafe.
    #[serde(rename = "unsafe")]
    unsafe_choice: Option<UnsafeConfig>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum UnsafeConfig {
    Allow,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum NullCursorConfig {
    Include,
    Exclude,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "u8")]
pub(crate) struct Percent(pub(crate) u8);

/// A table that loses more than half of its rows at once is more often a fault than a wish.
impl Default for Percent {
    fn default() -> Self {
        Self(50)
    }
}

impl TryFrom<u8> for Percent {
    type Error = String;

    fn try_from(percent: u8) -> Result<Self, String> {
        if percent <= 100 { Ok(Self(percent)) } else { Err(format!("{percent} is more than 100 per cent")) }
    }
}

impl<C> Default for ReadConfig<C> {
    fn default() -> Self {
        Self { full_refresh: None, incremental: None, changes: None, key: Vec::new(), ranges: None }
    }
}

impl<C: Clone + Into<String>> ReadConfig<C> {
    /// How the file asks to read; `null_cursor` is what holds where it says nothing about rows without a cursor.
    pub(crate) fn spec(&self, path: &Path, null_cursor: NullCursor) -> Result<ReadSpec> {
        let changes = self.changes.as_ref().filter(|changes| changes.value);
        if let Some(changes) = changes {
            let other = [
                self.incremental.as_ref().map(|_| "incremental"),
                self.full_refresh.as_ref().map(|_| "full_refresh"),
            ];
            if let Some(other) = other.into_iter().flatten().next() {
                return Err(located(path, changes, twice("changes", other)));
            }
            return Ok(ReadSpec::Changes);
        }
        let Some(incremental) = &self.incremental else { return Ok(ReadSpec::FullRefresh) };
        if self.full_refresh.is_some() {
            return Err(located(path, incremental, twice("full_refresh", "incremental")));
        }
        let Spanned { value: incremental, .. } = incremental;
        Ok(ReadSpec::Incremental {
            cursor_column: incremental.cursor.clone().into(),
            lookback: incremental.lookback.0,
            null_cursor: match incremental.null_cursor {
                None => null_cursor,
                Some(NullCursorConfig::Include) => NullCursor::Include,
                Some(NullCursorConfig::Exclude) => NullCursor::Exclude,
            },
        })
    }

    /// Whether a cursor or key is taken that looks unsafe.
    pub(crate) fn is_unsafe_allowed(&self) -> bool {
        self.incremental.as_ref().is_some_and(|incremental| incremental.value.unsafe_choice.is_some())
    }

    /// Where the file says how to read, for messages.
    pub(crate) fn refused(&self, path: &Path, error: Error) -> Error {
        match (&self.changes, &self.incremental) {
            (Some(changes), _) => located(path, changes, error),
            (None, Some(incremental)) => located(path, incremental, error),
            (None, None) => error,
        }
    }

    /// The columns that identify a row.
    pub(crate) fn key(&self) -> Vec<String> {
        self.key.iter().cloned().map(Into::into).collect()
    }
}

fn twice(one: &str, other: &str) -> Error {
    Error::config("read_mode_twice", format!("`{one}` and `{other}` exclude each other"))
        .with_remedy("keep one of them")
}
