//! What a request is, by its path: the names that fault rules and the request log use.

use axum::http::{Method, Uri};
use serde::{Deserialize, Serialize};

use crate::s3::BUCKET;

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
    /// A whole object put into a Snowflake stage.
    StageUpload,
    StageBegin,
    StagePart,
    StageComplete,
    StageAbort,
    StageDownload,
    StageHead,
    StageDelete,
    StageList,
    Telemetry,
    /// The emulator's own controls, which faults never touch.
    Control,
    Other,
}

impl Route {
    pub(crate) fn of(method: &Method, uri: &Uri) -> Self {
        let path = uri.path();
        if let Some(key) = path.strip_prefix('/').and_then(|path| path.strip_prefix(BUCKET))
            && (key.is_empty() || key.starts_with('/'))
        {
            return Self::of_store(method, key, uri.query().unwrap_or_default());
        }
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

    fn of_store(method: &Method, key: &str, query: &str) -> Self {
        let has = |name: &str| {
            let mut parts = query.split('&').filter_map(|part| part.split('=').next());
            parts.any(|part| part == name)
        };
        match *method {
            Method::GET if key.len() <= 1 => Self::StageList,
            Method::GET => Self::StageDownload,
            Method::HEAD => Self::StageHead,
            Method::PUT if has("partNumber") => Self::StagePart,
            Method::PUT => Self::StageUpload,
            Method::POST if has("uploads") => Self::StageBegin,
            Method::POST if has("uploadId") => Self::StageComplete,
            Method::DELETE if has("uploadId") => Self::StageAbort,
            Method::DELETE => Self::StageDelete,
            _ => Self::Other,
        }
    }

    /// True for requests to the object store of Snowflake stages, whose bodies are bytes.
    pub(crate) fn is_store(self) -> bool {
        matches!(
            self,
            Self::StageUpload
                | Self::StageBegin
                | Self::StagePart
                | Self::StageComplete
                | Self::StageAbort
                | Self::StageDownload
                | Self::StageHead
                | Self::StageDelete
                | Self::StageList
        )
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

    fn of(method: Method, path: &str) -> Route {
        Route::of(&method, &path.parse().unwrap())
    }

    #[test]
    fn the_query_id_is_found_with_one_slash_or_two() {
        for path in ["/monitoring/queries/01c", "/monitoring/queries//01c"] {
            assert_eq!(of(Method::GET, path), Route::Monitoring);
            assert_eq!(Route::Monitoring.query_id(path), Some("01c"));
        }
        for path in ["/chunks/01c/7", "/queries/01c/result"] {
            assert_eq!(of(Method::GET, path).query_id(path), Some("01c"));
        }
    }

    #[test]
    fn every_step_of_a_transfer_is_a_route_of_its_own() {
        for (method, path, route) in [
            (Method::PUT, "/sfc-emulator/user-U/a?x-id=PutObject", Route::StageUpload),
            (Method::POST, "/sfc-emulator/user-U/a?uploads", Route::StageBegin),
            (Method::PUT, "/sfc-emulator/user-U/a?partNumber=1&uploadId=x", Route::StagePart),
            (Method::POST, "/sfc-emulator/user-U/a?uploadId=x", Route::StageComplete),
            (Method::DELETE, "/sfc-emulator/user-U/a?uploadId=x", Route::StageAbort),
            (Method::DELETE, "/sfc-emulator/user-U/a", Route::StageDelete),
            (Method::GET, "/sfc-emulator/user-U/a", Route::StageDownload),
            (Method::HEAD, "/sfc-emulator/user-U/a", Route::StageHead),
            (Method::GET, "/sfc-emulator?list-type=2", Route::StageList),
            (Method::GET, "/sfc-emulators/user-U/a", Route::Other),
        ] {
            assert_eq!(of(method, path), route, "{path}");
        }
    }
}
