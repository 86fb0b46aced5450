//! The way of a column's values into the table: what is scanned, what the file holds, what the `COPY` does with it.

use arrow_array::ArrayRef;
use model::Result;

use super::form::Form;
use super::scan::{Findings, Scan};

/// How one planned column gets into one column of the table.
#[derive(Clone, Debug)]
pub(super) struct Route {
    pub scan: Scan,
    pub form: Form,
    pub load: Load,
    /// Whether values may be changed to fit.
    pub is_lossy: bool,
}

/// The expression of a `COPY` transform around one column of the file. It means the same whatever the session's and
/// the account's parameters are: formats are written out, numbers carry their unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Load {
    before: String,
    after: String,
}

impl Load {
    pub(super) fn around(before: impl Into<String>, after: impl Into<String>) -> Self {
        Self { before: before.into(), after: after.into() }
    }

    /// A cast to the column's own type.
    pub(super) fn cast(sql_type: impl std::fmt::Display) -> Self {
        Self::around("", format!("::{sql_type}"))
    }

    /// The expression for the file's column of this name, which is one of ours and needs no quoting.
    pub(super) fn expression(&self, file_column: &str) -> String {
        format!("{}$1:\"{file_column}\"{}", self.before, self.after)
    }
}

impl Route {
    /// Scans a column: its values, and the offsets beside them where the type has any.
    pub(super) fn findings(&self, arrays: &[ArrayRef]) -> Result<Findings> {
        self.scan.run(arrays, self.is_lossy)
    }
}
