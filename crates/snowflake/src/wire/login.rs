//! Replies of log-in and renewal.

use serde::Deserialize;

use crate::Secret;

/// The data of a log-in reply. Everything may be absent: a reply that asks for a second factor has none of it.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct LoginData {
    pub(crate) token: Option<Secret>,
    pub(crate) master_token: Option<Secret>,
    pub(crate) master_validity_in_seconds: Option<u64>,
    pub(crate) session_id: Option<i64>,
    pub(crate) server_version: Option<String>,
    pub(crate) session_info: Option<SessionInfo>,
    /// An interactive step that has to follow, such as a second factor.
    pub(crate) next_action: Option<String>,
}

/// What is current in a new session; null where nothing is.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct SessionInfo {
    pub(crate) database_name: Option<String>,
    pub(crate) schema_name: Option<String>,
    pub(crate) warehouse_name: Option<String>,
    pub(crate) role_name: Option<String>,
}

/// The data of a renewal reply: both tokens change.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RenewalData {
    pub(crate) session_token: Option<Secret>,
    pub(crate) master_token: Option<Secret>,
    #[serde(rename = "validityInSecondsMT")]
    pub(crate) validity_in_seconds_mt: Option<u64>,
}
