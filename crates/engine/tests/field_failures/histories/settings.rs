//! What a sync asks for, at random.

use std::time::Duration;

use model::{
    ChosenColumn, DeletePolicy, DeletesSpec, NullCursor, RangeCount, RangeSpec, ReadSpec, StreamName,
    StreamSpec, TableName,
};

use super::cursor_type::{ALL, CursorType};
use super::random::Random;

#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) cursor_type: CursorType,
    pub(super) has_key: bool,
    pub(super) is_incremental: bool,
    pub(super) null_cursor: NullCursor,
    pub(super) lookback_seconds: u64,
    /// Whether the sync names its columns, so that others may come and go.
    pub(super) names_columns: bool,
    /// Whether the account's tracked changes are followed, instead of a cursor.
    pub(super) is_by_changes: bool,
    /// What becomes of deleted rows; without a key they are always removed.
    pub(super) policy: DeletePolicy,
    pub(super) ranges: RangeSpec,
}

impl Settings {
    pub(super) fn random(random: &mut Random) -> Self {
        let cursor_type = *random.pick(&ALL);
        let lookbacks: &[u64] = match cursor_type {
            CursorType::Date => &[0, 0, 86_400, 90_000],
            _ if cursor_type.is_time() => &[0, 0, 0, 1, 600, 7_200],
            _ => &[0],
        };
        let is_by_changes = random.chance(25);
        let has_key = is_by_changes || random.chance(60);
        let policies = [DeletePolicy::Delete, DeletePolicy::Mark, DeletePolicy::Keep];
        Self {
            cursor_type,
            has_key,
            is_incremental: !is_by_changes && random.chance(92),
            null_cursor: if random.chance(60) { NullCursor::Include } else { NullCursor::Exclude },
            lookback_seconds: *random.pick(lookbacks),
            names_columns: random.chance(40),
            is_by_changes,
            policy: if has_key { *random.pick(&policies) } else { DeletePolicy::Delete },
            ranges: match random.chance(30) {
                true => RangeSpec::Count(RangeCount::new(2 + random.below(4)).unwrap()),
                false => RangeSpec::Auto,
            },
        }
    }

    pub(super) fn reads_nulls(&self) -> bool {
        !self.is_incremental || self.null_cursor == NullCursor::Include
    }

    pub(super) fn spec(&self, table: &str) -> StreamSpec {
        let stream = StreamName::Table(TableName::in_snowflake("CRM", "PUBLIC", table));
        let target = TableName::in_vendor_database("crm", "rows");
        let chosen = |name: &str| ChosenColumn { source: name.to_owned(), target: None };
        StreamSpec {
            read: if self.is_incremental {
                ReadSpec::Incremental {
                    cursor_column: "AT".to_owned(),
                    lookback: Duration::from_secs(self.lookback_seconds),
                    null_cursor: self.null_cursor,
                }
            } else if self.is_by_changes {
                ReadSpec::Changes
            } else {
                ReadSpec::FullRefresh
            },
            deletes: DeletesSpec { policy: self.policy, column: None },
            key: if self.has_key { vec!["ID".to_owned()] } else { Vec::new() },
            columns: if self.names_columns { ["ID", "NAME", "AT"].map(chosen).to_vec() } else { Vec::new() },
            max_shrink_percent: 100,
            ranges: self.ranges,
            ..StreamSpec::new(stream, target)
        }
    }
}
