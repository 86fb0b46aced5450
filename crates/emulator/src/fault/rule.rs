//! One rule of a fault script: which requests, how many of them, what happens.

use serde::{Deserialize, Serialize};

use super::Subject;
use crate::server::route::Route;

/// Says what goes wrong with the requests that it matches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// Any route when absent.
    #[serde(default)]
    pub route: Option<Route>,
    /// A part of the statement's text, in any case. Results and chunks match by the statement that
    /// they are of, requests to the object store by the PUT or GET whose credentials they use.
    #[serde(default)]
    pub statement: Option<String>,
    /// Matching requests that are left alone first.
    #[serde(default)]
    pub skip: u32,
    /// Requests to which the rule then applies: one unless said otherwise, without end when null.
    #[serde(default = "once")]
    pub times: Option<u32>,
    pub actions: Vec<Action>,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// An HTTP status instead of an answer; nothing is executed.
    Status {
        status: u16,
        #[serde(default)]
        retry_after_s: Option<u64>,
    },
    /// Snowflake's error reply instead of an answer; nothing is executed.
    Error {
        code: String,
        #[serde(default)]
        sql_state: Option<String>,
        message: String,
    },
    /// The connection closes before anything is executed.
    DropBefore,
    /// The request is executed, then the connection closes without a byte of reply.
    DropAfter,
    /// The request waits before it is executed.
    Delay { delay_ms: u64 },
    /// The request waits at a gate before it is executed.
    Hold { gate: String },
    /// The request is executed and its reply waits at a gate.
    HoldReply { gate: String },
    /// The statement waits at a gate and counts as running; its request goes on.
    HoldExecution { gate: String },
    /// The session token of the request expires before the request is looked at.
    ExpireSession,
    /// The session token and the master token expire.
    ExpireMaster,
    /// The session is gone.
    EndSession,
    /// The credentials of the request to the object store expire before it is looked at.
    ExpireCredentials,
    /// Every link to the result's chunks expires; a reply from now on carries fresh ones.
    ExpireChunkLinks,
    /// The reply says that the statement still runs, though it has ended.
    StillRunning,
    /// The reply ends after so many bytes and looks complete to HTTP.
    Truncate { bytes: usize },
    /// The connection closes after so many bytes of the reply's body.
    CutBody { bytes: usize },
    /// The chunk is a valid one with only its first rows.
    KeepRows { rows: usize },
    /// The rows inside the reply are only the first ones, and the counts stay as they were.
    KeepInlineRows { rows: usize },
    /// The chunk comes without `Content-Encoding`, compressed as it is.
    OmitContentEncoding,
}

fn once() -> Option<u32> {
    Some(1)
}

impl FaultRule {
    /// One action for the next request of this route.
    pub fn on(route: Route, action: Action) -> Self {
        Self { route: Some(route), statement: None, skip: 0, times: once(), actions: vec![action] }
    }

    /// Only for requests about a statement with this in its text.
    #[must_use]
    pub fn statement(mut self, part: impl Into<String>) -> Self {
        self.statement = Some(part.into());
        self
    }

    #[must_use]
    pub fn skip(mut self, skip: u32) -> Self {
        self.skip = skip;
        self
    }

    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    #[must_use]
    pub fn forever(mut self) -> Self {
        self.times = None;
        self
    }

    /// One more action for the same requests.
    #[must_use]
    pub fn and(mut self, action: Action) -> Self {
        self.actions.push(action);
        self
    }

    pub(super) fn matches(&self, subject: &Subject<'_>) -> bool {
        let is_route = self.route.is_none_or(|route| route == subject.route);
        let is_statement = self.statement.as_ref().is_none_or(|part| {
            let part = part.to_lowercase();
            subject.statement.is_some_and(|statement| statement.to_lowercase().contains(&part))
        });
        is_route && is_statement
    }
}

impl Action {
    /// The name by which JSON rules know the action.
    pub fn name(&self) -> &'static str {
        match self {
            Action::Status { .. } => "status",
            Action::Error { .. } => "error",
            Action::DropBefore => "drop_before",
            Action::DropAfter => "drop_after",
            Action::Delay { .. } => "delay",
            Action::Hold { .. } => "hold",
            Action::HoldReply { .. } => "hold_reply",
            Action::HoldExecution { .. } => "hold_execution",
            Action::ExpireSession => "expire_session",
            Action::ExpireMaster => "expire_master",
            Action::EndSession => "end_session",
            Action::ExpireCredentials => "expire_credentials",
            Action::ExpireChunkLinks => "expire_chunk_links",
            Action::StillRunning => "still_running",
            Action::Truncate { .. } => "truncate",
            Action::CutBody { .. } => "cut_body",
            Action::KeepRows { .. } => "keep_rows",
            Action::KeepInlineRows { .. } => "keep_inline_rows",
            Action::OmitContentEncoding => "omit_content_encoding",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_reads_from_json_and_applies_once_unless_it_says_otherwise() {
        let rule: FaultRule = serde_json::from_str(
            r#"{"route":"query","statement":"orders","actions":[{"kind":"status","status":503}]}"#,
        )
        .unwrap();
        let action = Action::Status { status: 503, retry_after_s: None };
        assert_eq!(rule, FaultRule::on(Route::Query, action.clone()).statement("orders"));
        let forever = r#"{"times":null,"actions":[{"kind":"drop_after"}]}"#;
        assert_eq!(serde_json::from_str::<FaultRule>(forever).unwrap().times, None);
    }

    #[test]
    fn a_misspelt_rule_is_refused() {
        assert!(serde_json::from_str::<FaultRule>(r#"{"rout":"query","actions":[]}"#).is_err());
        assert!(serde_json::from_str::<FaultRule>(r#"{"actions":[{"kind":"explode"}]}"#).is_err());
    }
}
