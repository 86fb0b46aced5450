//! What a request is, by its path: the names that fault rules and the request log use.

use serde::{Deserialize, Serialize};

/// The kinds of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    Login,
    Oauth,
    Renew,
    Heartbeat,
    Logout,
    Query,
    Abort,
    Result,
    Monitoring,
    Chunk,
    Telemetry,
    /// The emulator's own controls, which faults never touch.
    Control,
    Other,
}

impl Route {
    pub(crate) fn of(path: &str) -> Self {
        match path {
            "/session/v1/login-request" => Self::Login,
            "/oauth/token-request" => Self::Oauth,
            "/session/token-request" => Self::Renew,
            "/session/heartbeat" | "/session/heartbeat/v1" => Self::Heartbeat,
            "/session" | "/session/logout-request" => Self::Logout,
            "/queries/v1/query-request" => Self::Query,
            _ if path.starts_with("/emulator/") => Self::Control,
            _ if path.starts_with("/chunks/") => Self::Chunk,
            _ if path.starts_with("/telemetry/") => Self::Telemetry,
            _ if path.starts_with("/monitoring/queries/") => Self::Monitoring,
            _ if path.starts_with("/queries/") && path.ends_with("/abort-request") => Self::Abort,
            _ if path.starts_with("/queries/") && path.ends_with("/result") => Self::Result,
            _ => Self::Other,
        }
    }

    /// The query id in the path, where the route has one.
    pub(crate) fn query_id(self, path: &str) -> Option<&str> {
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        match self {
            Self::Monitoring => parts.nth(2),
            Self::Chunk | Self::Result | Self::Abort => parts.nth(1),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_id_is_found_with_one_slash_or_two() {
        for path in ["/monitoring/queries/01c", "/monitoring/queries//01c"] {
            assert_eq!(Route::of(path), Route::Monitoring);
            assert_eq!(Route::Monitoring.query_id(path), Some("01c"));
        }
        assert_eq!(Route::of("/chunks/01c/7").query_id("/chunks/01c/7"), Some("01c"));
        assert_eq!(Route::of("/queries/01c/result").query_id("/queries/01c/result"), Some("01c"));
    }
}
