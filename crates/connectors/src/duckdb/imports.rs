//! Which tables of a tenant hold imported rows, the views that show them together, and the rows that could not be taken.

use duckdb::{Connection, Transaction, params};
use model::{Error, Rejected, Result, TableName};

use super::database::TenantFile;
use super::error::failed;
use super::sql::quoted_target;
use super::table_columns::table_columns;

pub(super) const CREATE_IMPORTS: &str = "
CREATE TABLE IF NOT EXISTS vendor._snowferry.imports (
    target_schema VARCHAR NOT NULL,
    target_table VARCHAR NOT NULL,
    sync_id VARCHAR NOT NULL,
    dataset VARCHAR NOT NULL,
    has_key BOOLEAN NOT NULL
);
CREATE TABLE IF NOT EXISTS vendor._snowferry.import_properties (
    target_schema VARCHAR NOT NULL,
    target_table VARCHAR NOT NULL,
    property_group VARCHAR NOT NULL,
    property VARCHAR NOT NULL,
    property_type VARCHAR NOT NULL
);
CREATE TABLE IF NOT EXISTS vendor._snowferry.model (version UINTEGER NOT NULL);
";

/// What one sync imports.
#[derive(Clone, Debug)]
pub struct Import {
    pub target: TableName,
    pub sync_id: String,
    /// The dataset's name.
    pub dataset: &'static str,
    /// Whether the rows are told apart by a key.
    pub has_key: bool,
    /// Properties that rows carry, each with its group and its type.
    pub properties: Vec<(&'static str, String, String)>,
}

/// A table of imported rows that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedTable {
    pub target: TableName,
    pub dataset: String,
    pub has_key: bool,
    /// Its columns and their types.
    pub columns: Vec<(String, String)>,
}

/// What the model's views are made over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelTables {
    pub imported: Vec<ImportedTable>,
    /// The columns of the vendor's own table that was asked for, and their types; none where there is no such table.
    pub own: Vec<(String, String)>,
}

/// Rows of a column and reason whose keys are told.
const SAMPLE_KEYS_MAX: u32 = 5;

/// How the model is made.
#[derive(Debug)]
pub struct ModelViews<F> {
    /// The version of the views and of the tables beside them.
    pub version: u32,
    /// The schema and the table of the vendor's own rows.
    pub own: (&'static str, &'static str),
    /// The statements that make them over what there is.
    pub sql: F,
}

/// Notes the import and makes the views anew, in one transaction.
pub(super) fn publish<F>(
    connection: &mut Connection,
    import: &Import,
    views: ModelViews<F>,
) -> Result<ModelTables>
where
    F: FnOnce(&ModelTables) -> Result<String>,
{
    let transaction = connection.transaction().map_err(|e| failed("begin a transaction", e))?;
    refuse_newer(noted_version(&transaction)?, views.version)?;
    note(&transaction, import).map_err(|e| failed("note the import", e))?;
    make(transaction, views)
}

/// Makes the views anew where an earlier version of this program has made them. Nothing where there are none.
pub(super) fn bring_forward<F>(connection: &mut Connection, views: ModelViews<F>) -> Result<()>
where
    F: FnOnce(&ModelTables) -> Result<String>,
{
    let transaction = connection.transaction().map_err(|e| failed("begin a transaction", e))?;
    let noted = noted_version(&transaction)?;
    refuse_newer(noted, views.version)?;
    let has_imports = !tables(&transaction).map_err(|e| failed("look for imported tables", e))?.is_empty();
    if noted < views.version && has_imports { make(transaction, views).map(drop) } else { Ok(()) }
}

/// Whether the views were made by an earlier version of this program, which the next run of an import or of a push of the
/// model makes anew. Refuses those of a later one. Nothing is written.
pub fn is_model_outdated(file: &TenantFile, version: u32) -> Result<bool> {
    let connection = file.open_read_only()?;
    let system = |table: &str| TableName::in_vendor_database("_snowferry", table);
    if table_columns(&connection, &system("imports"))?.is_empty() {
        return Ok(false);
    }
    let is_noted = !table_columns(&connection, &system("model"))?.is_empty();
    let noted = if is_noted { noted_version(&connection)? } else { 0 };
    refuse_newer(noted, version)?;
    let has_imports = !tables(&connection).map_err(|e| failed("look for imported tables", e))?.is_empty();
    Ok(noted < version && has_imports)
}

/// The version of the model that there is; none before the first one was noted.
fn noted_version(connection: &Connection) -> Result<u32> {
    connection
        .query_row("SELECT coalesce(max(version), 0) FROM vendor._snowferry.model", [], |row| row.get(0))
        .map_err(|e| failed("look for the model's version", e))
}

fn refuse_newer(noted: u32, own: u32) -> Result<()> {
    if noted <= own {
        return Ok(());
    }
    Err(Error::config("model_newer", "the vendor's model was made by a newer version of this program")
        .with_remedy("use that version for this tenant"))
}

fn make<F>(transaction: Transaction<'_>, views: ModelViews<F>) -> Result<ModelTables>
where
    F: FnOnce(&ModelTables) -> Result<String>,
{
    let ModelViews { version, own, sql } = views;
    let imported = tables(&transaction).map_err(|e| failed("look for imported tables", e))?;
    let own = columns(&transaction, own).map_err(|e| failed("look for own tables", e))?;
    let tables = ModelTables { imported, own };
    let note = format!(
        "\nDELETE FROM vendor._snowferry.model; INSERT INTO vendor._snowferry.model VALUES ({version});"
    );
    let views = sql(&tables)? + &note;
    transaction.execute_batch(&views).map_err(|e| failed("make the views of imported rows", e))?;
    transaction.commit().map_err(|e| failed("make the views of imported rows", e))?;
    Ok(tables)
}

/// Whether an import has landed rows in `target`.
pub(super) fn is_there(connection: &Connection, target: &TableName) -> Result<bool> {
    connection
        .query_row(
            "SELECT count(*) > 0 FROM vendor._snowferry.imports WHERE target_schema = ? AND target_table = ?",
            params![target.schema, target.table],
            |row| row.get(0),
        )
        .map_err(|e| failed("look for imported tables", e))
}

fn note(connection: &Connection, import: &Import) -> duckdb::Result<()> {
    let Import { target, sync_id, dataset, has_key, properties } = import;
    for table in ["imports", "import_properties"] {
        connection.execute(
            &format!("DELETE FROM vendor._snowferry.{table} WHERE target_schema = ? AND target_table = ?"),
            params![target.schema, target.table],
        )?;
    }
    connection.execute(
        "INSERT INTO vendor._snowferry.imports VALUES (?, ?, ?, ?, ?)",
        params![target.schema, target.table, sync_id, dataset, has_key],
    )?;
    let mut insert =
        connection.prepare("INSERT INTO vendor._snowferry.import_properties VALUES (?, ?, ?, ?, ?)")?;
    for (group, name, property_type) in properties {
        insert.execute(params![target.schema, target.table, group, name, property_type])?;
    }
    Ok(())
}

/// The imported tables that are there, with their columns.
fn tables(connection: &Connection) -> duckdb::Result<Vec<ImportedTable>> {
    let mut statement = connection.prepare(
        "SELECT i.target_schema, i.target_table, i.dataset, i.has_key, c.column_name, c.data_type
         FROM vendor._snowferry.imports AS i
         JOIN duckdb_columns() AS c
           ON c.database_name = 'vendor' AND c.schema_name = i.target_schema AND c.table_name = i.target_table
         ORDER BY i.target_schema, i.target_table, c.column_index",
    )?;
    let rows = statement.query_map([], |row| {
        let target = TableName::in_vendor_database(row.get::<_, String>(0)?, row.get::<_, String>(1)?);
        let table = ImportedTable { target, dataset: row.get(2)?, has_key: row.get(3)?, columns: Vec::new() };
        Ok((table, row.get::<_, String>(4)?, row.get::<_, String>(5)?))
    })?;
    let mut tables: Vec<ImportedTable> = Vec::new();
    for row in rows {
        let (table, column, data_type) = row?;
        if tables.last().is_none_or(|last| last.target != table.target) {
            tables.push(table);
        }
        if let Some(last) = tables.last_mut() {
            last.columns.push((column, data_type));
        }
    }
    Ok(tables)
}

/// The columns of a table or view, none where it is not there.
fn columns(connection: &Connection, (schema, table): (&str, &str)) -> duckdb::Result<Vec<(String, String)>> {
    let mut statement = connection.prepare(
        "SELECT column_name, data_type FROM duckdb_columns()
         WHERE database_name = 'vendor' AND schema_name = ? AND table_name = ? ORDER BY column_index",
    )?;
    let rows = statement.query_map(params![schema, table], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

/// How many rows of the table could not be taken, by reason, with some of their keys.
pub(super) fn rejected(connection: &Connection, target: &TableName) -> Result<Vec<Rejected>> {
    let sql = format!(
        "SELECT _reject_column, _reject_reason, count(*)::UBIGINT,
                coalesce(list_aggregate(min(coalesce(_source_key, _row_id), {SAMPLE_KEYS_MAX}), 'string_agg', chr(10)), '')
         FROM {} WHERE _reject_reason IS NOT NULL GROUP BY ALL ORDER BY 3 DESC, 1, 2",
        quoted_target(target)
    );
    let look = || -> duckdb::Result<Vec<Rejected>> {
        let mut statement = connection.prepare(&sql)?;
        let rows = statement.query_map([], |row| {
            let keys: String = row.get(3)?;
            Ok(Rejected {
                column: row.get(0)?,
                rule: row.get(1)?,
                row_count: row.get(2)?,
                sample_keys: keys.lines().map(str::to_owned).collect(),
            })
        })?;
        rows.collect()
    };
    look().map_err(|e| failed("count the rejected rows", e))
}
