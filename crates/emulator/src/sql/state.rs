//! What a session knows while a statement runs: where it is, who it is, and what it may see.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::catalog::{ADMIN_ROLE, Catalog, FormatEntry, Grantee, StageEntry, TableEntry, ViewEntry};
use super::error::{error, insufficient_privileges, missing, unsupported_feature};
use super::names::{display, display_path};
use super::parameters::Parameters;
use crate::outcome::SqlError;

#[derive(Clone, Debug)]
pub(crate) struct SessionState {
    pub catalog: Arc<Catalog>,
    pub session_id: i64,
    pub user: String,
    pub role: String,
    pub uses_secondary_roles: bool,
    pub warehouse: Option<String>,
    pub database: Option<String>,
    pub schema: Option<String>,
    pub parameters: Parameters,
    /// Tables that only this session sees.
    pub temporary: BTreeMap<[String; 3], TableEntry>,
    /// Named Snowflake stages that only this session sees.
    pub temporary_stages: BTreeMap<[String; 3], StageEntry>,
    /// Session variables (`SET x = …`), as SQL literals.
    pub variables: BTreeMap<String, String>,
    /// When the running statement began, in nanoseconds: what CURRENT_TIMESTAMP gives.
    pub now: i64,
    /// The open transaction, once it has written.
    pub own_transaction: Option<OwnTransaction>,
    /// Query ids of this session, oldest first, the running one last.
    pub query_ids: Vec<String>,
    pub in_transaction: bool,
    /// Results kept for RESULT_SCAN: query id to the DuckDB table and its columns.
    pub kept_results: BTreeMap<String, (String, Vec<crate::outcome::Column>)>,
    pub history: super::history::History,
    /// Named file formats that only this session sees.
    pub temporary_formats: BTreeMap<[String; 3], FormatEntry>,
    /// The account itself, for what queries read from its stages.
    pub account: super::database::Database,
}

/// A transaction that has written something and is not committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OwnTransaction {
    pub number: i64,
    /// The instant that it sees the others' rows as of.
    pub begun_at: i64,
}

/// What a name in FROM stands for.
#[derive(Clone, Debug)]
pub(crate) enum Object {
    Table { path: [String; 3], entry: TableEntry },
    View { path: [String; 3], entry: ViewEntry },
    Information { database: String, name: String },
}

/// The three parts of a name, the missing ones taken from the session. An empty schema means PUBLIC.
pub(crate) fn qualify(
    parts: &[String],
    database: Option<&str>,
    schema: Option<&str>,
) -> Result<[String; 3], SqlError> {
    let current_database = || database.map(str::to_owned).ok_or_else(no_database);
    let current_schema = || schema.map(str::to_owned).ok_or_else(no_schema);
    match parts {
        [table] => Ok([current_database()?, current_schema()?, table.clone()]),
        [schema, table] => Ok([current_database()?, schema.clone(), table.clone()]),
        [database, schema, table] if schema.is_empty() => {
            Ok([database.clone(), "PUBLIC".to_owned(), table.clone()])
        }
        [database, schema, table] => Ok([database.clone(), schema.clone(), table.clone()]),
        _ => Err(missing("Object", &display_path(parts))),
    }
}

pub(crate) fn no_database() -> SqlError {
    error(
        "090105",
        "22000",
        "Cannot perform operation. This session does not have a current database. Call 'USE DATABASE', or use a \
         qualified name.",
    )
}

pub(crate) fn no_schema() -> SqlError {
    error(
        "090106",
        "22000",
        "Cannot perform operation. This session does not have a current schema. Call 'USE SCHEMA', or use a \
         qualified name.",
    )
}

impl SessionState {
    /// The current database and the parts of a schema's name.
    pub(crate) fn qualify_schema(&self, parts: &[String]) -> Result<[String; 2], SqlError> {
        match parts {
            [schema] => Ok([self.database.clone().ok_or_else(no_database)?, schema.clone()]),
            [database, schema] => Ok([database.clone(), schema.clone()]),
            _ => Err(missing("Schema", &display_path(parts))),
        }
    }

    pub(crate) fn qualify_table(&self, parts: &[String]) -> Result<[String; 3], SqlError> {
        qualify(parts, self.database.as_deref(), self.schema.as_deref())
    }

    /// The roles whose privileges count: the current one, what it inherits, and the user's others where secondary
    /// roles are on.
    pub(crate) fn effective_roles(&self) -> BTreeSet<String> {
        let mut pending = vec![self.role.clone(), "PUBLIC".to_owned()];
        if self.uses_secondary_roles {
            pending.extend(self.granted_roles(&Grantee::User(self.user.clone())));
        }
        let mut roles = BTreeSet::new();
        while let Some(role) = pending.pop() {
            if roles.insert(role.clone()) {
                if role == ADMIN_ROLE {
                    pending.extend(self.catalog.roles.keys().cloned());
                }
                pending.extend(self.granted_roles(&Grantee::Role(role)));
            }
        }
        roles
    }

    fn granted_roles(&self, to: &Grantee) -> Vec<String> {
        let grants = self.catalog.grants.iter();
        grants
            .filter(|grant| grant.on.kind == "ROLE" && &grant.to == to && grant.privilege == "USAGE")
            .filter_map(|grant| grant.on.path.first().cloned())
            .collect()
    }

    /// True where the session's user may take on the role. A user that only the log-in side knows may take any.
    pub(crate) fn may_assume(&self, role: &str) -> bool {
        if role == "PUBLIC" || !self.catalog.users.contains_key(&self.user) {
            return true;
        }
        let everything =
            SessionState { role: "PUBLIC".to_owned(), uses_secondary_roles: true, ..self.clone() };
        everything.effective_roles().contains(role)
    }

    /// True where the session has one of `privileges` on the object, owns it, or is the administrator.
    pub(crate) fn may(&self, kind: &str, path: &[String], owner: &str, privileges: &[&str]) -> bool {
        let roles = self.effective_roles();
        if roles.contains(ADMIN_ROLE) || roles.contains(owner) {
            return true;
        }
        self.catalog.grants.iter().any(|grant| {
            let is_on = grant.on.kind == kind && grant.on.path == path && !grant.on.is_future;
            let is_to = matches!(&grant.to, Grantee::Role(role) if roles.contains(role));
            let is_enough = privileges.is_empty()
                || grant.privilege == "OWNERSHIP"
                || privileges.contains(&grant.privilege.as_str());
            is_on && is_to && is_enough
        })
    }

    pub(crate) fn may_account(&self, privilege: &str) -> bool {
        self.may("ACCOUNT", &[], "ACCOUNTADMIN", &[privilege])
            || self.effective_roles().contains(match privilege {
                "CREATE USER" | "CREATE ROLE" => "USERADMIN",
                "MANAGE GRANTS" => "SECURITYADMIN",
                _ => "SYSADMIN",
            })
    }

    pub(crate) fn sees_database(&self, name: &str) -> bool {
        self.catalog
            .databases
            .get(name)
            .is_some_and(|entry| self.may("DATABASE", &[name.to_owned()], &entry.owner, &["USAGE"]))
    }

    pub(crate) fn sees_schema(&self, database: &str, schema: &str) -> bool {
        let path = [database.to_owned(), schema.to_owned()];
        self.sees_database(database)
            && (schema == "INFORMATION_SCHEMA"
                || self
                    .catalog
                    .schema(database, schema)
                    .is_ok_and(|entry| self.may("SCHEMA", &path, &entry.owner, &["USAGE"])))
    }

    pub(crate) fn sees_warehouse(&self, name: &str) -> bool {
        self.catalog.warehouses.get(name).is_some_and(|entry| {
            self.may("WAREHOUSE", &[name.to_owned()], &entry.owner, &["USAGE", "OPERATE"])
        })
    }

    /// The table or view at `path`, where the session sees it and has `privilege` on it; any will do when it is empty.
    /// `shown` is the name as the statement wrote it.
    pub(crate) fn object(&self, path: [String; 3], shown: &str, privilege: &str) -> Result<Object, SqlError> {
        if let Some(entry) = self.temporary.get(&path) {
            return Ok(Object::Table { path, entry: entry.clone() });
        }
        if !self.catalog.databases.contains_key(&path[0]) || !self.sees_database(&path[0]) {
            return Err(missing("Database", &display(&path[0])));
        }
        if path[1] == "INFORMATION_SCHEMA" {
            let [database, _, name] = path;
            return Ok(Object::Information { database, name });
        }
        if !self.sees_schema(&path[0], &path[1]) {
            return Err(missing("Schema", &display_path(&path[..2])));
        }
        let schema = self.catalog.schema(&path[0], &path[1])?;
        if let Some(entry) = schema.tables.get(&path[2]) {
            self.check("TABLE", &path, &entry.owner, shown, privilege)?;
            return Ok(Object::Table { path, entry: entry.clone() });
        }
        if let Some(entry) = schema.views.get(&path[2]) {
            self.check("VIEW", &path, &entry.owner, shown, privilege)?;
            return Ok(Object::View { path, entry: entry.clone() });
        }
        Err(missing("Object", shown))
    }

    fn check(
        &self,
        kind: &str,
        path: &[String; 3],
        owner: &str,
        shown: &str,
        privilege: &str,
    ) -> Result<(), SqlError> {
        let privileges: &[&str] = if privilege.is_empty() { &[] } else { &[privilege] };
        if self.may(kind, path, owner, privileges) {
            return Ok(());
        }
        if self.may(kind, path, owner, &[]) {
            return Err(insufficient_privileges(&kind.to_lowercase(), &display(&path[2])));
        }
        Err(missing("Object", shown))
    }

    /// A table that is to be changed; `privilege` is INSERT, UPDATE, DELETE, TRUNCATE or OWNERSHIP.
    pub(crate) fn table(
        &self,
        path: [String; 3],
        shown: &str,
        privilege: &str,
    ) -> Result<([String; 3], TableEntry), SqlError> {
        match self.object(path, shown, privilege)? {
            Object::Table { entry, .. }
                if entry.dynamic().is_some()
                    && matches!(privilege, "INSERT" | "UPDATE" | "DELETE" | "TRUNCATE") =>
            {
                Err(unsupported_feature("DML on a dynamic table"))
            }
            Object::Table { path, entry } => Ok((path, entry)),
            Object::View { .. } | Object::Information { .. } => Err(super::error::compilation(
                "002037",
                "42601",
                &format!("SQL compilation error: Object '{shown}' is not a table"),
            )),
        }
    }

    /// The named file format, where the session has the privilege on it; any will do when it is empty.
    pub(crate) fn file_format(&self, parts: &[String], privilege: &str) -> Result<FormatEntry, SqlError> {
        let path = self.qualify_table(parts)?;
        if let Some(entry) = self.temporary_formats.get(&path) {
            return Ok(entry.clone());
        }
        let hidden = || missing("File format", &display_path(parts));
        if !self.sees_schema(&path[0], &path[1]) {
            return Err(hidden());
        }
        let entry = self.catalog.schema(&path[0], &path[1])?.formats.get(&path[2]).ok_or_else(hidden)?;
        if !self.may("FILE_FORMAT", &path, &entry.owner, &[]) {
            return Err(hidden());
        }
        if !privilege.is_empty() && !self.may("FILE_FORMAT", &path, &entry.owner, &[privilege]) {
            return Err(insufficient_privileges("file format", &display(&path[2])));
        }
        Ok(entry.clone())
    }

    /// A table on which the session has any privilege.
    pub(crate) fn visible_table(
        &self,
        path: [String; 3],
        shown: &str,
    ) -> Result<([String; 3], TableEntry), SqlError> {
        let privileges = ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE"];
        let found = privileges.iter().find_map(|privilege| self.table(path.clone(), shown, privilege).ok());
        found.ok_or_else(|| missing("Table", shown))
    }

    pub(crate) fn time_zone(&self) -> String {
        self.parameters.text("TIMEZONE")
    }
}
