//! The columns of a customer's table, and what can be said of a planned column beside one of them.

use std::fmt;

use snowflake::ColumnType;

/// A column of the live table, as `DESCRIBE TABLE` reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetColumn {
    /// The exact name.
    pub name: String,
    pub column_type: ColumnType,
    pub is_nullable: bool,
    pub has_default: bool,
    /// Whether Snowflake numbers the rows itself (`IDENTITY`, `AUTOINCREMENT`).
    pub is_identity: bool,
}

/// How the values of a planned column fit into a column of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The same type: every value fits.
    Exact,
    /// A wider type: every value fits.
    Widening,
    /// Values may not fit, so each is looked at.
    Checked,
    /// Values may be changed to fit, because the sync allows that for this column; each changed value is counted.
    Lossy,
    /// Nothing is sent before this is mended.
    Refused,
}

impl Verdict {
    /// The word used in plans and documentation.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Exact => "exact",
            Verdict::Widening => "widening",
            Verdict::Checked => "checked",
            Verdict::Lossy => "lossy",
            Verdict::Refused => "refused",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
