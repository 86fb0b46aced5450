//! The column that a watermark is a value of: a value of another column, or of another type, is no place to go on from.

use model::{Error, ErrorKind, LogicalType, ReadPlan, Result, StreamPlan};
use serde::{Deserialize, Serialize};

/// A cursor column as it was when a position was reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Followed {
    column: String,
    #[serde(rename = "type")]
    logical_type: LogicalType,
}

impl Followed {
    /// The column that `plan` follows, if any.
    pub(crate) fn by(plan: &StreamPlan) -> Option<Self> {
        let ReadPlan::ByCursor { cursor_column, cursor_type, .. } = &plan.read else { return None };
        Some(Self { column: cursor_column.clone(), logical_type: cursor_type.clone() })
    }

    /// Refuses to go on by `plan` from a position that was reached by following this column.
    pub(crate) fn refuse_another(&self, plan: &StreamPlan) -> Result<()> {
        let Some(now) = Self::by(plan) else { return Ok(()) };
        let remedy = "run once with --full-refresh to follow the column as it is now";
        if now.column != self.column {
            let message = format!(
                "{} was read by {} so far, and the sync names {} now",
                plan.stream, self.column, now.column
            );
            return Err(Error::config("cursor_changed", message)
                .with_remedy(format!("name {} again, or {remedy}", self.column)));
        }
        if has_same_order(&self.logical_type, &now.logical_type) {
            return Ok(());
        }
        let message = format!(
            "the cursor column {} of {} was {} and is {}",
            self.column, plan.stream, self.logical_type, now.logical_type
        );
        Err(Error::new(ErrorKind::SchemaChanged, "cursor_retyped", message).with_remedy(remedy))
    }
}

/// Whether each value of the earlier type is a value of the later one, in the same order.
fn has_same_order(before: &LogicalType, after: &LogicalType) -> bool {
    use LogicalType::{Decimal, Int64, Timestamp, TimestampOffset, TimestampUtc};
    match (before, after) {
        (Int64, Decimal { scale, .. }) => *scale >= 0,
        (Decimal { scale: before, .. }, Decimal { scale: after, .. }) => before <= after,
        (Decimal { scale, .. }, Int64) => *scale == 0,
        (Timestamp { .. }, Timestamp { .. })
        | (TimestampUtc { .. } | TimestampOffset { .. }, TimestampUtc { .. } | TimestampOffset { .. }) => {
            true
        }
        (before, after) => before == after,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wider_type_is_followed_and_another_meaning_is_not() {
        let utc = |scale| LogicalType::TimestampUtc { scale, is_wide: false };
        let naive = LogicalType::Timestamp { scale: 9, is_wide: false };
        let decimal = |precision, scale| LogicalType::Decimal { precision, scale };
        assert!(has_same_order(&LogicalType::Int64, &decimal(38, 0)));
        assert!(has_same_order(&decimal(10, 2), &decimal(12, 4)));
        assert!(has_same_order(&utc(3), &utc(9)));
        assert!(!has_same_order(&decimal(12, 4), &decimal(12, 2)));
        assert!(!has_same_order(&naive, &utc(9)), "the same digits are another instant");
        assert!(!has_same_order(&LogicalType::Int64, &LogicalType::Text), "10 comes before 9");
        assert!(!has_same_order(&LogicalType::Date, &naive));
    }
}
