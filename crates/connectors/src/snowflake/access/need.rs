//! A privilege that a sync takes: what it is on, whether a role holds it, and the statement that grants it.

use model::{Result, TableName};

use super::Held;
use crate::snowflake::sql::{database_of, quoted, table_sql};

/// One privilege.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Need {
    pub(super) privilege: &'static str,
    pub(super) on: On,
}

/// What a privilege is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum On {
    VirtualWarehouse(String),
    Database(String),
    Schema([String; 2]),
    Object { path: [String; 3], is_view: bool },
}

impl Need {
    /// What is needed to get at anything in the schema of `table`.
    pub(super) fn around(table: &TableName) -> Result<[Need; 2]> {
        let database = database_of(table)?.to_owned();
        let schema = On::Schema([database.clone(), table.schema.clone()]);
        Ok([Need { privilege: "USAGE", on: On::Database(database) }, Need { privilege: "USAGE", on: schema }])
    }

    pub(super) fn on_object(privilege: &'static str, table: &TableName, is_view: bool) -> Result<Need> {
        let path = [database_of(table)?.to_owned(), table.schema.clone(), table.table.clone()];
        Ok(Need { privilege, on: On::Object { path, is_view } })
    }

    pub(super) fn is_held(&self, held: &Held) -> bool {
        match &self.on {
            On::VirtualWarehouse(name) => held.has(self.privilege, "WAREHOUSE", std::slice::from_ref(name)),
            On::Database(name) => held.has(self.privilege, "DATABASE", std::slice::from_ref(name)),
            On::Schema(path) => held.has(self.privilege, "SCHEMA", path),
            On::Object { path, .. } => held.has_on_object(self.privilege, path),
        }
    }

    /// The privilege and what it is on, as SQL writes it.
    pub(super) fn sql(&self) -> Result<String> {
        let Need { privilege, on } = self;
        Ok(match on {
            On::VirtualWarehouse(name) => format!("{privilege} ON WAREHOUSE {}", quoted(name)?),
            On::Database(name) => format!("{privilege} ON DATABASE {}", quoted(name)?),
            On::Schema([database, schema]) => {
                format!("{privilege} ON SCHEMA {}.{}", quoted(database)?, quoted(schema)?)
            }
            On::Object { path: [database, schema, table], is_view } => {
                let kind = if *is_view { "VIEW" } else { "TABLE" };
                let table = TableName::in_snowflake(database, schema, table);
                format!("{privilege} ON {kind} {}", table_sql(&table)?)
            }
        })
    }

    pub(super) fn grant(&self, role: &str) -> Result<String> {
        Ok(format!("GRANT {} TO ROLE {};", self.sql()?, quoted(role)?))
    }
}
