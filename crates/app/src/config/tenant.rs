//! What a tenant's own file says: how much of it may go on at the same time.

use std::path::Path;

use model::Result;
use serde::Deserialize;

use super::span::mistake;

/// The name of that file; every other one in a folder is a sync.
pub(super) const TENANT_FILE: &str = "tenant.yaml";

/// How much of a tenant may go on at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) runs_max: u32,
    pub(crate) connection_runs_max: u32,
}

/// An extra small virtual warehouse runs eight statements at once, and others use it, too.
impl Default for Limits {
    fn default() -> Self {
        Self { runs_max: 4, connection_runs_max: 4 }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TenantDocument {
    tenant: String,
    runs_max: Option<u32>,
    /// Of each Snowflake account and user.
    connection_runs_max: Option<u32>,
}

/// The tenant that a file is about, and its limits.
pub(super) fn read_tenant(path: &Path, text: &str) -> Result<(String, Limits)> {
    let document: TenantDocument = serde_saphyr::from_str(text).map_err(|error| mistake(path, &error))?;
    let default = Limits::default();
    let limits = Limits {
        runs_max: document.runs_max.unwrap_or(default.runs_max),
        connection_runs_max: document.connection_runs_max.unwrap_or(default.connection_runs_max),
    };
    Ok((document.tenant, limits))
}
