//! Which driver a client is: Snowflake serves families of clients differently.

/// The drivers whose results differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientFamily {
    Python,
    Go,
    Jdbc,
    Odbc,
    DotNet,
    /// Reads JSON only.
    JavaScript,
    /// Any other id, or none: gets the conservative feature set.
    Unknown,
}

impl ClientFamily {
    /// The family of a `CLIENT_APP_ID`.
    pub(crate) fn of(id: &str) -> Self {
        match id.to_ascii_lowercase().as_str() {
            id if id.starts_with("python") => Self::Python,
            "go" | "snowferry" => Self::Go,
            "jdbc" => Self::Jdbc,
            "odbc" => Self::Odbc,
            ".net" => Self::DotNet,
            "javascript" => Self::JavaScript,
            _ => Self::Unknown,
        }
    }

    /// The session parameter by which this family chooses its result format.
    pub(crate) fn format_parameter(self) -> Option<&'static str> {
        match self {
            Self::Python => Some("PYTHON_CONNECTOR_QUERY_RESULT_FORMAT"),
            Self::Go => Some("GO_QUERY_RESULT_FORMAT"),
            Self::Jdbc => Some("JDBC_QUERY_RESULT_FORMAT"),
            Self::Odbc => Some("ODBC_QUERY_RESULT_FORMAT"),
            Self::DotNet => Some("DOTNET_QUERY_RESULT_FORMAT"),
            Self::JavaScript | Self::Unknown => None,
        }
    }
}
