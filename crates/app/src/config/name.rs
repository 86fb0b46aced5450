//! Names in a sync file, read with Snowflake's folding: bare names are upper case, quoted ones stay as they are.

use model::TableName;
use serde::Deserialize;
use snowflake::{Identifier, ObjectName};

/// A column of the source.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct ColumnName(pub(crate) String);

impl TryFrom<String> for ColumnName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Identifier::parse(&text)
            .map(|name| Self(name.as_str().to_owned()))
            .map_err(|error| error.message().to_owned())
    }
}

/// A table or view of the source, with database and schema.
#[derive(Clone, Debug)]
pub(crate) struct QualifiedTable(pub(crate) TableName);

impl QualifiedTable {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let name = ObjectName::parse(text).map_err(|error| error.message().to_owned())?;
        let (Some(database), Some(schema)) = (name.database(), name.schema()) else {
            return Err(format!("`{text}` needs three parts: DATABASE.SCHEMA.TABLE"));
        };
        Ok(Self(TableName::in_snowflake(database.as_str(), schema.as_str(), name.object().as_str())))
    }
}

/// A table of the vendor database.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Target(pub(crate) TableName);

impl TryFrom<String> for Target {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let Some((schema, table)) = text.split_once('.') else {
            return Err(format!("`{text}` needs two parts: schema.table"));
        };
        let is_plain = |part: &str| {
            !part.is_empty()
                && part.chars().all(|c| c.is_alphanumeric() || c == '_')
                && !part.starts_with("_snowferry")
        };
        if !is_plain(schema) || !is_plain(table) {
            return Err(format!(
                "`{text}` may hold letters, digits and `_` only, and no part may start with `_snowferry`"
            ));
        }
        Ok(Self(TableName::in_vendor_database(schema, table)))
    }
}

/// Where a table lands when the sync does not say: under its own names, in lower case.
pub(crate) fn default_target(table: &TableName) -> TableName {
    let plain = |name: &str| -> String {
        name.to_lowercase().chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect()
    };
    TableName::in_vendor_database(plain(&table.schema), plain(&table.table))
}
