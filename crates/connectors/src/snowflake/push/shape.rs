//! What a delivery fills, and from what: the mapping as the statements need it.

use model::{Publish, Result, StreamPlan, TableName};
use snowflake::ColumnType;

use crate::snowflake::fit::Mapping;
use crate::snowflake::sql::quoted;

/// A column of the target that is filled.
#[derive(Clone, Debug)]
pub(super) struct FilledColumn {
    pub(super) name: String,
    pub(super) column_type: ColumnType,
    /// Reads its value from a file.
    pub(super) expression: String,
    pub(super) is_key: bool,
}

/// The target, the temporary table before it, and the columns of both.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) target: TableName,
    pub(super) temporary: TableName,
    pub(super) columns: Vec<FilledColumn>,
    /// The column of the temporary table in which `true` removes a row.
    pub(super) delete_flag: Option<String>,
    /// Reads the flag from a file, where the target has no column for it.
    pub(super) flag_expression: Option<String>,
}

impl Shape {
    /// The shape of a plan's delivery by the attempt with this id.
    pub(super) fn of(plan: &StreamPlan, mapping: &Mapping, attempt: &str) -> Self {
        let key: Vec<&str> = plan.key().iter().filter_map(|name| mapping.target_name(name)).collect();
        let columns = mapping.target_columns().into_iter().zip(mapping.copy_expressions());
        let columns = columns.map(|(target, expression)| FilledColumn {
            name: target.name.clone(),
            column_type: target.column_type,
            expression,
            is_key: key.contains(&target.name.as_str()),
        });
        let delete_flag = match &plan.publish {
            Publish::Merge { delete_flag: Some(flag), .. } => Some(flag.as_str()),
            _ => None,
        };
        let filled_flag = delete_flag.and_then(|flag| mapping.target_name(flag));
        Self {
            target: plan.target.clone(),
            temporary: TableName { table: temporary_name(attempt), ..plan.target.clone() },
            columns: columns.collect(),
            delete_flag: filled_flag.or(delete_flag).map(str::to_owned),
            flag_expression: mapping.delete_flag_expression(),
        }
    }

    /// Uses another temporary table.
    pub(super) fn rename(&mut self, attempt: &str) {
        self.temporary.table = temporary_name(attempt);
    }

    /// The flag's column, where the temporary table has it and the target has not.
    pub(super) fn travelling_flag(&self) -> Option<&str> {
        self.flag_expression.as_ref().and(self.delete_flag.as_deref())
    }

    /// The filled columns, quoted.
    pub(super) fn names(&self) -> Result<Vec<String>> {
        self.columns.iter().map(|column| quoted(&column.name)).collect()
    }

    /// The key's columns, quoted.
    pub(super) fn key(&self) -> Result<Vec<String>> {
        self.columns.iter().filter(|column| column.is_key).map(|column| quoted(&column.name)).collect()
    }

    /// The columns besides the key, quoted.
    pub(super) fn values(&self) -> Result<Vec<String>> {
        self.columns.iter().filter(|column| !column.is_key).map(|column| quoted(&column.name)).collect()
    }

    pub(super) fn flag(&self) -> Result<Option<String>> {
        self.delete_flag.as_deref().map(quoted).transpose()
    }
}

/// A name of our own, so that it hides no table of the customer's.
fn temporary_name(attempt: &str) -> String {
    format!("SNOWFERRY_{}", attempt.replace('-', "").to_uppercase())
}
