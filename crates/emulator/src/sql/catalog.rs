//! What exists in the emulated account: databases, schemas, tables, views, virtual warehouses, roles, users, grants.
//!
//! Names live here only. DuckDB knows a table by a number that never changes, so renaming, swapping, dropping and
//! undropping are changes of this catalog, and names that differ only in case cannot collide.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::error::{compilation, exists, missing};
use super::load::FileFormat;
use super::names::{display, display_path};
use super::physical;
use crate::outcome::{SnowType, SqlError};
use crate::stage::StageId;

pub(crate) const ADMIN_ROLE: &str = "ACCOUNTADMIN";
/// Roles that every account has.
const SYSTEM_ROLES: [&str; 6] =
    ["ACCOUNTADMIN", "ORGADMIN", "PUBLIC", "SECURITYADMIN", "SYSADMIN", "USERADMIN"];

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Catalog {
    pub databases: BTreeMap<String, DatabaseEntry>,
    pub warehouses: BTreeMap<String, WarehouseEntry>,
    pub roles: BTreeMap<String, RoleEntry>,
    pub users: BTreeMap<String, UserEntry>,
    #[serde(default)]
    pub network_policies: BTreeMap<String, NetworkPolicyEntry>,
    pub grants: Vec<Grant>,
    /// Dropped tables, schemas and databases that UNDROP can bring back, oldest first.
    pub dropped: Vec<Dropped>,
    /// The instant of the change under way.
    #[serde(skip)]
    pub now: i64,
    next_id: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DatabaseEntry {
    pub created_on: i64,
    pub owner: String,
    pub comment: String,
    pub is_transient: bool,
    pub retention_days: Option<u32>,
    pub schemas: BTreeMap<String, SchemaEntry>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SchemaEntry {
    pub created_on: i64,
    pub owner: String,
    pub comment: String,
    pub is_transient: bool,
    pub retention_days: Option<u32>,
    pub tables: BTreeMap<String, TableEntry>,
    pub views: BTreeMap<String, ViewEntry>,
    pub sequences: BTreeMap<String, SequenceEntry>,
    #[serde(default)]
    pub stages: BTreeMap<String, StageEntry>,
    #[serde(default)]
    pub formats: BTreeMap<String, FormatEntry>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum TableKind {
    Permanent,
    Transient,
    Temporary,
}

impl TableKind {
    pub(crate) fn show_name(self) -> &'static str {
        match self {
            TableKind::Permanent => "TABLE",
            TableKind::Transient => "TRANSIENT",
            TableKind::Temporary => "TEMPORARY",
        }
    }
}

/// What a table is besides how long it lives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum TableForm {
    #[default]
    Standard,
    Hybrid,
    Dynamic(DynamicForm),
}

/// What a dynamic table is filled from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DynamicForm {
    pub query: String,
    pub target_lag: String,
    pub warehouse: String,
    /// The whole CREATE DYNAMIC TABLE as written.
    pub text: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TableEntry {
    pub id: u64,
    pub kind: TableKind,
    #[serde(default)]
    pub form: TableForm,
    pub columns: Vec<ColumnEntry>,
    pub constraints: Vec<Constraint>,
    pub cluster_by: String,
    pub comment: String,
    pub owner: String,
    /// Since when changes are tracked.
    #[serde(default)]
    pub tracked_since: Option<i64>,
    /// Where it is not what the schema says.
    pub retention_days: Option<u32>,
    /// Versions that ended before this are gone, whatever the retention is now.
    #[serde(default)]
    pub history_from: i64,
    pub created_on: i64,
    /// When rows or definition last changed, in nanoseconds.
    pub last_altered: i64,
    pub last_ddl: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ColumnEntry {
    pub name: String,
    /// The column's name in DuckDB, which never changes.
    pub physical: String,
    #[serde(with = "physical::as_text")]
    pub ty: SnowType,
    pub nullable: bool,
    /// The default's SQL as written.
    pub default: Option<String>,
    pub identity: Option<Identity>,
    pub comment: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub start: i64,
    pub increment: i64,
    pub is_ordered: bool,
    /// The DuckDB sequence that gives its values.
    pub sequence: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Constraint {
    pub name: String,
    pub is_primary: bool,
    pub columns: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ViewEntry {
    pub created_on: i64,
    pub owner: String,
    pub comment: String,
    pub is_secure: bool,
    /// The whole CREATE VIEW as written, for SHOW VIEWS.
    pub text: String,
    pub query: String,
    pub columns: Vec<ColumnEntry>,
    /// Since when changes are tracked, where the tables below track theirs.
    #[serde(default)]
    pub tracked_since: Option<i64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SequenceEntry {
    pub created_on: i64,
    pub owner: String,
    pub comment: String,
    pub start: i64,
    pub increment: i64,
    pub is_ordered: bool,
    pub sequence: String,
}

/// A named file format.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct FormatEntry {
    pub created_on: i64,
    pub owner: String,
    pub comment: String,
    pub format: FileFormat,
}

/// A named Snowflake stage.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct StageEntry {
    pub id: u64,
    pub created_on: i64,
    pub owner: String,
    pub comment: String,
    pub is_temporary: bool,
    /// `ENCRYPTION = (TYPE = 'SNOWFLAKE_FULL')`, the default: clients encrypt what they upload.
    pub is_client_side_encrypted: bool,
    /// What stands between the parentheses of `FILE_FORMAT = (…)`, as SQL.
    pub file_format: Option<String>,
    /// What stands between the parentheses of `COPY_OPTIONS = (…)`, as SQL.
    pub copy_options: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct WarehouseEntry {
    pub created_on: i64,
    pub updated_on: i64,
    pub owner: String,
    pub comment: String,
    pub size: String,
    pub auto_suspend: Option<u64>,
    pub auto_resume: bool,
    pub is_suspended: bool,
    #[serde(default)]
    pub resumed_on: i64,
    pub uuid: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RoleEntry {
    pub created_on: i64,
    pub owner: String,
    pub comment: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct UserEntry {
    pub created_on: i64,
    pub owner: String,
    /// Properties as CREATE USER and ALTER USER give them, by upper-cased name. Never a password.
    pub properties: BTreeMap<String, String>,
    pub has_password: bool,
}

impl UserEntry {
    pub(crate) fn property(&self, key: &str) -> &str {
        self.properties.get(key).map_or("", String::as_str)
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct NetworkPolicyEntry {
    pub created_on: i64,
    pub owner: String,
    pub comment: String,
    /// Addresses and ranges, as they were written.
    pub allowed: Vec<String>,
    pub blocked: Vec<String>,
}

/// What a privilege is granted on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Securable {
    /// `TABLE`, `SCHEMA`, `DATABASE`, `WAREHOUSE`, `ACCOUNT`, `ROLE`, …
    pub kind: String,
    /// Empty for the account. A future grant names the container.
    pub path: Vec<String>,
    pub is_future: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Grantee {
    Role(String),
    User(String),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Grant {
    pub created_on: i64,
    /// `USAGE` and the like; for a role granted to somebody, `USAGE` on a securable of kind `ROLE`.
    pub privilege: String,
    pub on: Securable,
    pub to: Grantee,
    pub with_grant_option: bool,
    pub granted_by: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Dropped {
    pub path: Vec<String>,
    pub dropped_on: i64,
    pub object: DroppedObject,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum DroppedObject {
    Table(TableEntry),
    Schema(SchemaEntry),
    Database(DatabaseEntry),
}

impl TableEntry {
    pub(crate) fn physical(&self) -> String {
        format!("t{}", self.id)
    }

    pub(crate) fn is_hybrid(&self) -> bool {
        self.form == TableForm::Hybrid
    }

    pub(crate) fn dynamic(&self) -> Option<&DynamicForm> {
        match &self.form {
            TableForm::Dynamic(form) => Some(form),
            TableForm::Standard | TableForm::Hybrid => None,
        }
    }

    /// Begins or ends the tracking of changes.
    pub(crate) fn track(&mut self, is_on: bool, now: i64) {
        self.tracked_since = is_on.then(|| self.tracked_since.unwrap_or(now));
    }

    pub(crate) fn column(&self, name: &str) -> Option<&ColumnEntry> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The name for a column that is added: columns that were dropped keep theirs.
    pub(crate) fn next_physical_column(&self) -> String {
        let highest = self.columns.iter().filter_map(|column| column.physical[1..].parse::<u64>().ok()).max();
        format!("c{}", highest.unwrap_or(0) + 1)
    }

    /// Bytes that `rows` rows take, estimated from the columns' types: a steady number to compare by.
    pub(crate) fn bytes(&self, rows: u64) -> u64 {
        let width: u64 = self.columns.iter().map(|column| estimated_width(&column.ty)).sum();
        rows * width
    }
}

fn estimated_width(ty: &SnowType) -> u64 {
    match ty {
        SnowType::Boolean => 1,
        SnowType::Date => 4,
        SnowType::Fixed { precision, .. } if *precision > 18 => 16,
        SnowType::Text { .. } | SnowType::Binary { .. } => 16,
        SnowType::Variant | SnowType::Object | SnowType::Array | SnowType::Map => 64,
        SnowType::Vector { dimension, .. } => u64::from(*dimension) * 4,
        _ => 8,
    }
}

impl SchemaEntry {
    pub(crate) fn new(owner: &str, now: i64) -> Self {
        Self {
            created_on: now,
            owner: owner.to_owned(),
            comment: String::new(),
            is_transient: false,
            retention_days: None,
            tables: BTreeMap::new(),
            views: BTreeMap::new(),
            sequences: BTreeMap::new(),
            stages: BTreeMap::new(),
            formats: BTreeMap::new(),
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.tables.contains_key(name) || self.views.contains_key(name)
    }
}

impl DatabaseEntry {
    pub(crate) fn new(owner: &str, now: i64) -> Self {
        let mut schemas = BTreeMap::new();
        schemas.insert("PUBLIC".to_owned(), SchemaEntry::new(owner, now));
        Self {
            created_on: now,
            owner: owner.to_owned(),
            comment: String::new(),
            is_transient: false,
            retention_days: None,
            schemas,
        }
    }
}

impl Catalog {
    /// A new account: the roles that every account has, and nothing else.
    pub(crate) fn fresh(now: i64) -> Self {
        let mut catalog = Catalog::default();
        for role in SYSTEM_ROLES {
            let entry = RoleEntry { created_on: now, owner: String::new(), comment: String::new() };
            catalog.roles.insert(role.to_owned(), entry);
        }
        for (child, parent) in
            [("SYSADMIN", "ACCOUNTADMIN"), ("SECURITYADMIN", "ACCOUNTADMIN"), ("USERADMIN", "SECURITYADMIN")]
        {
            catalog.grants.push(Grant {
                created_on: now,
                privilege: "USAGE".to_owned(),
                on: Securable { kind: "ROLE".to_owned(), path: vec![child.to_owned()], is_future: false },
                to: Grantee::Role(parent.to_owned()),
                with_grant_option: false,
                granted_by: String::new(),
            });
        }
        catalog
    }

    pub(crate) fn take_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// Keeps `id` from being given again.
    pub(crate) fn skip_id(&mut self, id: u64) {
        self.next_id = self.next_id.max(id);
    }

    pub(crate) fn database(&self, name: &str) -> Result<&DatabaseEntry, SqlError> {
        self.databases.get(name).ok_or_else(|| missing("Database", &display(name)))
    }

    pub(crate) fn database_mut(&mut self, name: &str) -> Result<&mut DatabaseEntry, SqlError> {
        self.databases.get_mut(name).ok_or_else(|| missing("Database", &display(name)))
    }

    pub(crate) fn schema(&self, database: &str, schema: &str) -> Result<&SchemaEntry, SqlError> {
        let path = [database.to_owned(), schema.to_owned()];
        self.database(database)?.schemas.get(schema).ok_or_else(|| missing("Schema", &display_path(&path)))
    }

    pub(crate) fn schema_mut(&mut self, database: &str, schema: &str) -> Result<&mut SchemaEntry, SqlError> {
        let path = [database.to_owned(), schema.to_owned()];
        self.database_mut(database)?
            .schemas
            .get_mut(schema)
            .ok_or_else(|| missing("Schema", &display_path(&path)))
    }

    pub(crate) fn table_mut(&mut self, path: &[String; 3]) -> Result<&mut TableEntry, SqlError> {
        let shown = display_path(path);
        let schema = self.schema_mut(&path[0], &path[1])?;
        schema.tables.get_mut(&path[2]).ok_or_else(|| missing("Table", &shown))
    }

    /// Adds a table under a name that must be free of views, and of tables unless `or_replace`.
    pub(crate) fn put_table(
        &mut self,
        path: &[String; 3],
        entry: TableEntry,
        or_replace: bool,
    ) -> Result<(), SqlError> {
        let schema = self.schema_mut(&path[0], &path[1])?;
        let taken_by_view = schema.views.contains_key(&path[2]);
        if taken_by_view && or_replace {
            return Err(compilation(
                "001998",
                "42710",
                &format!("Object '{}' already exists as VIEW", path[2]),
            ));
        }
        if taken_by_view || (schema.tables.contains_key(&path[2]) && !or_replace) {
            return Err(exists(&display(&path[2])));
        }
        if let Some(replaced) = schema.tables.insert(path[2].clone(), entry) {
            self.keep_dropped(path.to_vec(), DroppedObject::Table(replaced));
            self.forget_grants("TABLE", path);
        }
        Ok(())
    }

    pub(crate) fn keep_dropped(&mut self, path: Vec<String>, object: DroppedObject) {
        self.dropped.push(Dropped { path, dropped_on: self.now, object });
    }

    /// Grants end with the object they are on.
    pub(crate) fn forget_grants(&mut self, kind: &str, path: &[String]) {
        self.grants.retain(|grant| {
            let is_same = !grant.on.is_future && grant.on.kind == kind && grant.on.path == path;
            let is_inside = matches!(kind, "DATABASE" | "SCHEMA") && grant.on.path.starts_with(path);
            !(is_same || is_inside)
        });
    }

    /// Every DuckDB table that some entry still needs.
    pub(crate) fn physical_tables(&self) -> Vec<String> {
        self.table_ids().map(|table| format!("t{table}")).collect()
    }

    /// Every table, those that were dropped too.
    pub(crate) fn tables(&self) -> impl Iterator<Item = &TableEntry> {
        let living = self.schemas().flat_map(|schema| schema.tables.values());
        living.chain(self.dropped_tables())
    }

    pub(crate) fn table_ids(&self) -> impl Iterator<Item = u64> {
        self.tables().map(|table| table.id)
    }

    /// True where the stage's files are still needed, or may be after an UNDROP.
    pub(crate) fn needs_stage(&self, stage: &StageId) -> bool {
        matches!(stage, StageId::User(_)) || self.stage_ids().contains(stage)
    }

    /// The Snowflake stages of all tables and schemas.
    pub(crate) fn stage_ids(&self) -> Vec<StageId> {
        let tables = self.schemas().flat_map(|schema| schema.tables.values()).chain(self.dropped_tables());
        let named = self.schemas().flat_map(|schema| schema.stages.values());
        tables
            .map(|table| StageId::Table(table.id))
            .chain(named.map(|stage| StageId::Named(stage.id)))
            .collect()
    }

    /// Every schema, those that were dropped too.
    fn schemas(&self) -> impl Iterator<Item = &SchemaEntry> {
        let living = self.databases.values().flat_map(|database| database.schemas.values());
        let dropped = self.dropped.iter().flat_map(|dropped| match &dropped.object {
            DroppedObject::Schema(schema) => vec![schema],
            DroppedObject::Database(database) => database.schemas.values().collect(),
            DroppedObject::Table(_) => Vec::new(),
        });
        living.chain(dropped)
    }

    /// Tables that were dropped by themselves.
    fn dropped_tables(&self) -> impl Iterator<Item = &TableEntry> {
        self.dropped.iter().filter_map(|dropped| match &dropped.object {
            DroppedObject::Table(table) => Some(table),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Catalog, DatabaseEntry};

    #[test]
    fn a_catalog_reads_back_from_its_stored_text() {
        let mut catalog = Catalog::fresh(1);
        catalog.databases.insert("D".to_owned(), DatabaseEntry::new("SYSADMIN", 1));
        catalog.take_id();
        let text = serde_json::to_string(&catalog).unwrap();
        let mut back: Catalog = serde_json::from_str(&text).unwrap();
        assert!(back.schema("D", "PUBLIC").is_ok());
        assert_eq!(back.take_id(), 2);
    }

    #[test]
    fn a_missing_schema_is_named_with_its_database() {
        let catalog = Catalog::fresh(1);
        let error = catalog.schema("NOPE", "PUBLIC").unwrap_err();
        assert_eq!((error.code, error.sql_state), ("002003", "42S02"));
    }
}
