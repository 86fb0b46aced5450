//! Which driver a client is: Snowflake serves families of clients differently.

use crate::stage::StageAccess;

/// From here on the Python connector takes the address of a store from the reply, over plain HTTP too.
const PYTHON_MAJOR_WITH_ADDRESS: u32 = 5;

/// How our own client names itself beside the driver whose behaviour it has.
const OWN_APPLICATION: &str = "Snowferry";

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

/// How a driver gets at Snowflake stages: those that would look for a store of one of the clouds, whatever address the
/// reply gives, copy files on this machine, but for Go's, which can only send a stream to a link, and the others use the
/// address. Our own client goes by Go's name, as Snowflake sends it Arrow for that, but tells its own as the application.
pub(crate) fn stage_access(id: &str, version: &str, application: &str) -> StageAccess {
    if application == OWN_APPLICATION {
        return StageAccess::S3;
    }
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    match id.to_ascii_lowercase().as_str() {
        "go" => StageAccess::Links,
        "jdbc" | "odbc" | ".net" | "javascript" => StageAccess::LocalFolder,
        id if id.starts_with("python") && major.is_none_or(|major| major < PYTHON_MAJOR_WITH_ADDRESS) => {
            StageAccess::LocalFolder
        }
        _ => StageAccess::S3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_driver_that_takes_an_address_gets_the_store() {
        assert_eq!(stage_access("PythonConnector", "4.8.1", ""), StageAccess::LocalFolder);
        assert_eq!(stage_access("PythonConnector", "5.2.0", ""), StageAccess::S3);
        assert_eq!(stage_access("JavaScript", "3.3.0", ""), StageAccess::LocalFolder);
        assert_eq!(stage_access("Snowferry", "0.1.0", ""), StageAccess::S3);
        assert_eq!(stage_access("", "", ""), StageAccess::S3);
        assert_eq!(stage_access("Go", "2.1.0", ""), StageAccess::Links);
        assert_eq!(stage_access("JDBC", "3.16.0", ""), StageAccess::LocalFolder);
        assert_eq!(stage_access("Go", "2.1.0", "Snowferry"), StageAccess::S3);
    }
}
