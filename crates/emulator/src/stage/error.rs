//! Why a Snowflake stage refuses a file, or does not give it.

use std::io;

use crate::outcome::SqlError;

#[derive(Debug, thiserror::Error)]
pub(crate) enum StageError {
    /// What a client uploaded is not what Snowflake could read.
    #[error("{0}")]
    Unreadable(String),
    /// A name that S3 would take and a folder on disk does not.
    #[error("the emulator cannot keep a staged file under the name '{0}'")]
    Name(String),
    #[error("Remote file '{0}' was not found")]
    Missing(String),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<StageError> for SqlError {
    fn from(error: StageError) -> Self {
        let (code, sql_state, message) = match &error {
            StageError::Unreadable(reason) => (
                "091003",
                "55000",
                format!(
                    "Failure using stage area. Cause: [Failed to decrypt. Check file key and master key: {reason}.]"
                ),
            ),
            StageError::Name(_) => ("000002", "0A000", error.to_string()),
            StageError::Missing(name) => (
                "091016",
                "22000",
                format!(
                    "Remote file '{name}' was not found. There are several potential causes. The file might not \
                         exist. The required credentials may be missing or invalid."
                ),
            ),
            StageError::Io(source) => ("000603", "XX000", format!("the emulator failed: {source}")),
        };
        SqlError { code, sql_state, message, position: None }
    }
}
