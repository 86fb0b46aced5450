//! How a query is getting on.

use jiff::Timestamp;

use crate::error_message::sanitised;
use crate::wire::query::WireStatus;

/// The state of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum QueryState {
    /// Too new, or too old, for the service to know it.
    Unknown,
    /// It runs.
    Running,
    /// It waits for a free place on the virtual warehouse.
    Queued,
    /// It waits for the virtual warehouse to start or to be repaired.
    ResumingWarehouse,
    /// It waits for a lock.
    Blocked,
    /// The service runs it again by itself.
    Restarting,
    /// It is done; the result can be fetched.
    Succeeded,
    /// It failed.
    Failed,
    /// It was cancelled, or is being cancelled.
    Aborted,
    /// Its session went away.
    Disconnected,
}

impl QueryState {
    /// Whether it may still produce a result.
    pub fn is_unfinished(self) -> bool {
        !matches!(self, Self::Succeeded | Self::Failed | Self::Aborted | Self::Disconnected)
    }

    fn of(word: &str) -> Self {
        match word {
            "RUNNING" => Self::Running,
            "QUEUED" => Self::Queued,
            // The service misspells the second one; clients know both spellings.
            "RESUMING_WAREHOUSE" | "QUEUED_REPARING_WAREHOUSE" | "QUEUED_REPAIRING_WAREHOUSE" => {
                Self::ResumingWarehouse
            }
            "BLOCKED" => Self::Blocked,
            "RESTARTED" => Self::Restarting,
            "SUCCESS" => Self::Succeeded,
            "FAILED_WITH_ERROR" | "FAILED_WITH_INCIDENT" => Self::Failed,
            "ABORTING" | "ABORTED" => Self::Aborted,
            "DISCONNECTED" => Self::Disconnected,
            _ => Self::Unknown,
        }
    }
}

/// What the service tells about a query.
#[derive(Clone, Debug, PartialEq)]
pub struct QueryStatus {
    /// The state.
    pub state: QueryState,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Milliseconds from start to end, or until now.
    pub duration_ms: Option<u64>,
    /// Snowflake's code, where it failed.
    pub error_code: Option<String>,
    /// The service's words for it, without values of rows.
    pub error_message: Option<String>,
    /// The virtual warehouse it runs on.
    pub virtual_warehouse: Option<String>,
    /// That one's size.
    pub virtual_warehouse_size: Option<String>,
    /// Rows produced so far.
    pub rows_produced: Option<u64>,
    /// Bytes scanned so far.
    pub bytes_scanned: Option<u64>,
}

impl QueryStatus {
    /// Whether the service knows the query.
    pub(crate) fn is_known(&self) -> bool {
        self.state != QueryState::Unknown
    }

    /// Of a reply that lists the query, or lists nothing.
    pub(super) fn of(wire: Option<WireStatus>) -> Self {
        let wire = wire.unwrap_or_default();
        let error_code = wire.error_code.as_ref().and_then(code);
        let code_text = error_code.as_deref().unwrap_or_default();
        let message = wire.error_message.filter(|message| !message.trim().is_empty());
        let instant =
            |ms: Option<i64>| ms.filter(|ms| *ms > 0).and_then(|ms| Timestamp::from_millisecond(ms).ok());
        let stats = wire.stats.unwrap_or_default();
        Self {
            state: wire.status.as_deref().map_or(QueryState::Unknown, QueryState::of),
            started_at: instant(wire.start_time),
            ended_at: instant(wire.end_time),
            duration_ms: wire.total_duration.and_then(|ms| u64::try_from(ms).ok()),
            error_message: message.map(|message| sanitised(code_text, &message)),
            error_code,
            virtual_warehouse: wire.warehouse_name,
            virtual_warehouse_size: wire.warehouse_external_size,
            rows_produced: stats.produced_rows,
            bytes_scanned: stats.scan_bytes,
        }
    }
}

/// Empty text and zero both mean that there was no error.
fn code(value: &serde_json::Value) -> Option<String> {
    match value {
        serde_json::Value::String(text) if !text.is_empty() => Some(text.clone()),
        serde_json::Value::Number(number) => match number.as_u64() {
            None | Some(0) => None,
            Some(number) => Some(format!("{number:06}")),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_of_the_service_is_known() {
        for (word, state, is_unfinished) in [
            ("RUNNING", QueryState::Running, true),
            ("QUEUED_REPARING_WAREHOUSE", QueryState::ResumingWarehouse, true),
            ("NO_DATA", QueryState::Unknown, true),
            ("SUCCESS", QueryState::Succeeded, false),
            ("ABORTING", QueryState::Aborted, false),
            ("FAILED_WITH_INCIDENT", QueryState::Failed, false),
            ("DISCONNECTED", QueryState::Disconnected, false),
        ] {
            assert_eq!(QueryState::of(word), state, "{word}");
            assert_eq!(state.is_unfinished(), is_unfinished, "{word}");
        }
    }

    #[test]
    fn an_error_code_may_be_text_or_number_or_nothing() {
        for (value, expected) in [
            (serde_json::json!(""), None),
            (serde_json::json!(0), None),
            (serde_json::json!("100038"), Some("100038")),
            (serde_json::json!(604), Some("000604")),
        ] {
            assert_eq!(code(&value).as_deref(), expected);
        }
    }

    #[test]
    fn a_failed_query_does_not_tell_its_values() {
        let wire = WireStatus {
            status: Some("FAILED_WITH_ERROR".into()),
            error_code: Some("100038".into()),
            error_message: Some("Numeric value 'jane' is not recognized".into()),
            ..WireStatus::default()
        };
        let status = QueryStatus::of(Some(wire));
        assert_eq!(status.error_message.as_deref(), Some("Numeric value … is not recognized"));
    }
}
