//! Under which name this program appears at the service.

/// The client family, on which the service decides what it sends: with an unknown one, results come as JSON.
const CLIENT_ID: &str = "Go";
/// The version of that family whose behaviour this crate has. Dotted digits, because the service compares them.
const CLIENT_VERSION: &str = "2.1.0";
/// Our own name, which the account's administrators see.
const APPLICATION: &str = "Snowferry";

/// The client's name and version, as the service and the account's log-in history show them.
///
/// Snowflake decides by `id` which result format and which types a client gets, so the default is a family it knows;
/// `application` says who is really there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientIdentity {
    /// `CLIENT_APP_ID`.
    pub id: String,
    /// `CLIENT_APP_VERSION`: dotted digits only.
    pub version: String,
    /// The application's own name.
    pub application: String,
}

impl Default for ClientIdentity {
    fn default() -> Self {
        Self {
            id: CLIENT_ID.to_owned(),
            version: CLIENT_VERSION.to_owned(),
            application: APPLICATION.to_owned(),
        }
    }
}

impl ClientIdentity {
    pub(crate) fn user_agent(&self) -> String {
        let own = env!("CARGO_PKG_VERSION");
        format!(
            "{}/{} ({}/{}) {}/{own}",
            self.id,
            self.version,
            std::env::consts::OS,
            std::env::consts::ARCH,
            self.application
        )
    }

    /// The parameter by which this client family asks for Arrow.
    pub(crate) fn result_format_parameter(&self) -> &'static str {
        match self.id.as_str() {
            "Go" => "GO_QUERY_RESULT_FORMAT",
            "JDBC" => "JDBC_QUERY_RESULT_FORMAT",
            "ODBC" => "ODBC_QUERY_RESULT_FORMAT",
            ".NET" => "DOTNET_QUERY_RESULT_FORMAT",
            _ => "PYTHON_CONNECTOR_QUERY_RESULT_FORMAT",
        }
    }
}
