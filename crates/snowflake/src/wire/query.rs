//! Requests and replies around queries, apart from the result itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ParameterValue;
use crate::statement::WireBind;

/// The body of a query request. No `Debug`: it holds the statement and its values.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct QueryRequest<'a> {
    pub(crate) sql_text: &'a str,
    pub(crate) async_exec: bool,
    pub(crate) describe_only: bool,
    pub(crate) sequence_id: u64,
    pub(crate) query_submission_time: i64,
    pub(crate) is_internal: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) bindings: BTreeMap<String, WireBind>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) parameters: BTreeMap<String, ParameterValue>,
}

/// What a reply says about a query that is still running.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Progress {
    pub(crate) query_id: Option<String>,
    pub(crate) get_result_url: Option<String>,
}

/// The data of a status reply.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct StatusData {
    pub(crate) queries: Vec<WireStatus>,
}

/// One query in a status reply.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct WireStatus {
    pub(crate) status: Option<String>,
    pub(crate) start_time: Option<i64>,
    pub(crate) end_time: Option<i64>,
    pub(crate) total_duration: Option<i64>,
    /// Empty, a code, or the number zero.
    pub(crate) error_code: Option<serde_json::Value>,
    pub(crate) error_message: Option<String>,
    pub(crate) warehouse_name: Option<String>,
    pub(crate) warehouse_external_size: Option<String>,
    pub(crate) stats: Option<WireStatusStats>,
}

/// Figures of a query so far.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct WireStatusStats {
    pub(crate) scan_bytes: Option<u64>,
    pub(crate) produced_rows: Option<u64>,
}
