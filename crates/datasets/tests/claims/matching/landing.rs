//! The tables that imports of deals and actions land in, as the vendor database has them. Used by the benchmark too.

use datasets::{Dataset, LandedTable, model_views};
use model::LogicalType;

/// A table of deals called `deals`, and one of actions called `activity`.
pub(crate) fn tables() -> [LandedTable; 2] {
    [landed("deals", Dataset::Objects), landed("activity", Dataset::CustomActions)]
}

/// Statements that make the tables, what is noted of imports, and the model's views.
pub(crate) fn create_sql() -> String {
    let mut sql = "CREATE SCHEMA _snowferry; CREATE SCHEMA imports;
        CREATE TABLE _snowferry.imports (target_schema VARCHAR, target_table VARCHAR, sync_id VARCHAR, dataset VARCHAR);
        CREATE TABLE _snowferry.import_properties (target_schema VARCHAR, target_table VARCHAR, property_group VARCHAR,
            property VARCHAR, property_type VARCHAR);\n"
        .to_owned();
    for table in tables() {
        let columns: Vec<String> =
            table.columns.iter().map(|(name, data_type)| format!("\"{name}\" {data_type}")).collect();
        sql.push_str(&format!("CREATE TABLE imports.{} ({});\n", table.table, columns.join(", ")));
    }
    sql + &model_views(&tables(), None)
}

fn landed(table: &str, dataset: Dataset) -> LandedTable {
    let columns = dataset.landed_columns();
    let columns = columns.iter().map(|column| (column.name.to_owned(), data_type(&column.logical_type)));
    LandedTable {
        schema: "imports".to_owned(),
        table: table.to_owned(),
        dataset,
        has_key: true,
        columns: columns.collect(),
    }
}

fn data_type(logical_type: &LogicalType) -> String {
    match logical_type {
        LogicalType::Int64 => "BIGINT".to_owned(),
        LogicalType::Date => "DATE".to_owned(),
        LogicalType::Timestamp { .. } => "TIMESTAMP".to_owned(),
        LogicalType::Decimal { precision, scale } => format!("DECIMAL({precision},{scale})"),
        _ => "VARCHAR".to_owned(),
    }
}
