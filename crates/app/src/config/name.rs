//! Names in a sync file. Those of Snowflake follow its folding: bare names are upper case, quoted ones stay as they
//! are. Those of the vendor database stay as they are written.

use model::TableName;
use serde::Deserialize;
use snowflake::{Identifier, ObjectName};

/// A column of a Snowflake table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
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

impl From<ColumnName> for String {
    fn from(ColumnName(name): ColumnName) -> Self {
        name
    }
}

/// A column of the vendor database.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(transparent)]
pub(crate) struct VendorColumn(pub(crate) String);

impl From<VendorColumn> for String {
    fn from(VendorColumn(name): VendorColumn) -> Self {
        name
    }
}

/// A Snowflake table or view, with database and schema.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct QualifiedTable(pub(crate) TableName);

impl TryFrom<String> for QualifiedTable {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let name = ObjectName::parse(&text).map_err(|error| error.message().to_owned())?;
        let (Some(database), Some(schema)) = (name.database(), name.schema()) else {
            return Err(format!("`{text}` needs three parts: DATABASE.SCHEMA.TABLE"));
        };
        Ok(Self(TableName::in_snowflake(database.as_str(), schema.as_str(), name.object().as_str())))
    }
}

impl From<QualifiedTable> for TableName {
    fn from(QualifiedTable(table): QualifiedTable) -> Self {
        table
    }
}

/// A table or view of the vendor database that a push reads; parts with dots are quoted.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct VendorTable(pub(crate) TableName);

impl TryFrom<String> for VendorTable {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let refused = || format!("`{text}` needs two parts: schema.table");
        let (schema, rest) = vendor_part(&text).ok_or_else(refused)?;
        let (table, rest) = rest.strip_prefix('.').and_then(vendor_part).ok_or_else(refused)?;
        if rest.is_empty() { Ok(Self(TableName::in_vendor_database(schema, table))) } else { Err(refused()) }
    }
}

impl From<VendorTable> for TableName {
    fn from(VendorTable(table): VendorTable) -> Self {
        table
    }
}

/// The first part of a dotted name, and what follows it.
fn vendor_part(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (part, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
        return (!part.is_empty() && !part.contains('"')).then(|| (part.to_owned(), rest));
    };
    // A quote inside quotes is written twice.
    let mut end = 0;
    loop {
        end += quoted.get(end..)?.find('"')?;
        if !quoted[end + 1..].starts_with('"') {
            break;
        }
        end += 2;
    }
    let part = quoted[..end].replace("\"\"", "\"");
    (!part.is_empty()).then(|| (part, &quoted[end + 1..]))
}

/// A table of the vendor database that a pull makes.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn vendor_table(text: &str) -> Result<(String, String), String> {
        VendorTable::try_from(text.to_owned()).map(|VendorTable(name)| (name.schema, name.table))
    }

    #[test]
    fn a_table_of_the_vendor_database_keeps_its_letters_and_may_be_quoted() {
        for (text, schema, table) in [
            ("sales.Deals", "sales", "Deals"),
            (r#""my.schema".deals"#, "my.schema", "deals"),
            (r#"sales."say ""hi"", ok""#, "sales", r#"say "hi", ok"#),
        ] {
            assert_eq!(vendor_table(text), Ok((schema.to_owned(), table.to_owned())), "{text}");
        }
    }

    #[test]
    fn a_table_of_the_vendor_database_has_two_parts() {
        for text in ["deals", "a.b.c", "", ".", "a.", ".b", r#"a."b"#, r#""a"b.c"#, r#"a."""#, r#"a."b"c"#] {
            assert!(vendor_table(text).is_err(), "{text}");
        }
    }
}
