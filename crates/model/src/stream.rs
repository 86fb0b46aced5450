//! What is read: the name of a stream, and which streams a discovery should list.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The fully qualified name of a table or view, in a customer's account or in the vendor database.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TableName {
    /// The Snowflake database; absent in the vendor database, where a tenant's own place is the database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    pub schema: String,
    pub table: String,
}

impl TableName {
    /// A table or view of a customer's account.
    pub fn in_snowflake(
        database: impl Into<String>,
        schema: impl Into<String>,
        table: impl Into<String>,
    ) -> Self {
        Self { database: Some(database.into()), schema: schema.into(), table: table.into() }
    }

    /// A table or view of the vendor database.
    pub fn in_vendor_database(schema: impl Into<String>, table: impl Into<String>) -> Self {
        Self { database: None, schema: schema.into(), table: table.into() }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(database) = &self.database else { return write!(f, "{}.{}", self.schema, self.table) };
        write!(
            f,
            "{}.{}.{}",
            plain_or_quoted(database),
            plain_or_quoted(&self.schema),
            plain_or_quoted(&self.table)
        )
    }
}

/// A part as a person would write it: bare where Snowflake's folding leaves it as it is, quoted elsewhere.
fn plain_or_quoted(part: &str) -> String {
    let mut characters = part.chars();
    let starts_well = characters.next().is_some_and(|c| c.is_ascii_uppercase() || c == '_');
    let is_plain = starts_well
        && characters.all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_' || c == '$');
    if is_plain { part.to_owned() } else { format!("\"{}\"", part.replace('"', "\"\"")) }
}

/// One named sequence of rows.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamName {
    /// A table or a view.
    Table(TableName),
    /// A query, under the name the sync gives it.
    Query { name: String, sql: String },
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StreamName::Table(table) => table.fmt(f),
            StreamName::Query { name, .. } => write!(f, "query {name}"),
        }
    }
}

/// Which streams a discovery lists; an absent part means all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamFilter {
    pub database: Option<String>,
    pub schema: Option<String>,
    pub table: Option<String>,
}
