//! A batch of the source as a batch of the landed table.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{
    Array, ArrayRef, BooleanArray, Int64Array, PrimitiveArray, RecordBatch, StringArray, new_null_array,
};
use arrow_schema::{DataType, Field, Schema};
use model::{DELETE_FLAG, Error, Result};

use super::columns::InputColumn;
use super::rejects::{RejectCount, Rejects};
use super::row_hash::{content_hashes, row_ids};
use super::{Mapping, actions, metrics, objects};
use crate::cells::Cells;
use crate::contract::{Dataset, Need, ROW_HASH, ROW_ID};
use crate::expression::Values;
use crate::pack::{PropertyCells, pack, repeated_text};

/// What is noted with every row of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stamps {
    pub sync_id: String,
    pub run_id: i64,
    /// Microseconds since 1970 in UTC.
    pub synced_at_micros: i64,
}

/// A batch of mapped rows: as many as came in, those that were rejected with a reason and without values.
#[derive(Clone, Debug)]
pub struct Mapped {
    pub rows: RecordBatch,
    pub rejects: Vec<RejectCount>,
}

/// The fields' values in a batch, and what was found wrong with them.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    pub(super) row_count: usize,
    pub(super) rejects: Rejects<'a>,
    values: HashMap<&'static str, ArrayRef>,
}

impl Fields<'_> {
    /// The values of a field; nothing where it is not mapped.
    pub(super) fn get(&self, name: &str) -> Option<&ArrayRef> {
        self.values.get(name)
    }

    /// The same of a text field.
    pub(super) fn texts(&self, name: &str) -> Option<&StringArray> {
        self.get(name).map(|values| values.as_string())
    }
}

/// The columns of mapped rows, by name; those that are not there have no value.
pub(super) type Columns = HashMap<&'static str, ArrayRef>;

impl Mapping {
    /// Maps a batch. Its columns are those that the mapping was compiled for, and perhaps a flag of deleted rows behind.
    pub fn map(&self, rows: &RecordBatch, stamps: &Stamps) -> Result<Mapped> {
        let mut fields = self.fields(rows)?;
        let mut columns = match self.dataset {
            Dataset::WebsiteActions | Dataset::CustomActions => actions::map(self, rows, &mut fields)?,
            Dataset::Objects => objects::map(self, rows, &mut fields)?,
            Dataset::Metrics => metrics::map(&mut fields)?,
        };
        let mut rejects = fields.rejects;
        let flag = rows.column_by_name(DELETE_FLAG).filter(|column| *column.data_type() == DataType::Boolean);
        let is_deleted = flag.map(|flag| flag.as_boolean());
        if let Some(is_deleted) = is_deleted {
            rejects.forgive(is_deleted);
        }
        if !rejects.is_empty() {
            for values in columns.values_mut() {
                *values = rejects.without(values)?;
            }
        }
        let [reasons, reject_columns] = rejects.columns();
        columns.insert("_reject_reason", reasons);
        columns.insert("_reject_column", reject_columns);
        self.add_hashes(rows, &rejects, &mut columns)?;
        add_stamps(rows.num_rows(), stamps, &mut columns);
        Ok(Mapped { rows: self.batch(rows, columns, is_deleted)?, rejects: rejects.counts() })
    }

    /// Evaluates the fields, and notes what cannot be read or is missing, in the order of the contract.
    fn fields(&self, rows: &RecordBatch) -> Result<Fields<'_>> {
        let row_count = rows.num_rows();
        let mut rejects = Rejects::new(row_count);
        let mut all = HashMap::new();
        for (field, node) in &self.fields {
            let Values { array, failures } = node.evaluate(rows)?;
            rejects.add_failures(&failures, field.name);
            // What is wrong with an identity is found out with more care.
            if field.need == Need::Required && field.name != "identity" {
                rejects.add_missing(&array, field.name);
            }
            all.insert(field.name, array);
        }
        Ok(Fields { row_count, rejects, values: all })
    }

    fn add_hashes(&self, rows: &RecordBatch, rejects: &Rejects<'_>, columns: &mut Columns) -> Result<()> {
        let row_count = rows.num_rows();
        let key =
            self.key.iter().filter_map(|index| self.columns.iter().find(|column| column.index == *index));
        let ids = match self.key.is_empty() {
            true => row_ids(rows, self.columns.iter(), &self.namespace)?,
            false => row_ids(rows, key, &self.namespace)?,
        };
        columns.insert(ROW_ID, ids);
        columns.insert("_source_key", self.source_keys(rows, rejects)?);
        let landed = self.dataset.landed_columns();
        let content: Vec<(u8, Cells)> = (0_u8..)
            .zip(&landed)
            .filter(|(_, column)| !matches!(column.name, ROW_ID | "_source_key"))
            .filter_map(|(place, column)| Some((place, columns.get(column.name)?, &column.logical_type)))
            .filter(|(_, values, _)| values.null_count() < row_count)
            .map(|(place, values, logical_type)| (place, Cells::of_values(values, logical_type)))
            .collect();
        columns.insert(ROW_HASH, content_hashes(&content, row_count));
        Ok(())
    }

    /// The keys of rejected rows as JSON objects, for somebody to look for them at the source.
    fn source_keys(&self, rows: &RecordBatch, rejects: &Rejects<'_>) -> Result<ArrayRef> {
        let row_count = rows.num_rows();
        if rejects.is_empty() || self.key.is_empty() {
            return Ok(new_null_array(&DataType::Utf8, row_count));
        }
        let key: Vec<_> = self.columns.iter().filter(|column| self.key.contains(&column.index)).collect();
        let values = |column: &&InputColumn| {
            PropertyCells::of_values(&column.name, rows.column(column.index), &column.logical_type)
        };
        let cells: Vec<PropertyCells> = key.iter().map(values).collect();
        let packed = pack(&cells, row_count)?;
        let packed = packed.as_string::<i32>();
        let mut keys = StringBuilder::new();
        for row in 0..row_count {
            keys.append_option(rejects.at(row).map(|_| packed.value(row)));
        }
        Ok(Arc::new(keys.finish()))
    }

    /// The columns in their order, and behind them what travels with the rows: the position's column, and the flag.
    fn batch(
        &self,
        rows: &RecordBatch,
        mut columns: Columns,
        is_deleted: Option<&BooleanArray>,
    ) -> Result<RecordBatch> {
        let mut fields: Vec<Arc<Field>> = self.schema.fields().iter().cloned().collect();
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(fields.len() + 2);
        for field in &fields {
            let absent = || new_null_array(field.data_type(), rows.num_rows());
            arrays.push(columns.remove(field.name().as_str()).unwrap_or_else(absent));
        }
        if let Some(cursor) = self.cursor.and_then(|index| self.columns.iter().find(|c| c.index == index)) {
            for (place, field) in cursor.logical_type.arrow_fields(CURSOR, true).into_iter().enumerate() {
                fields.push(Arc::new(field));
                arrays.push(Arc::clone(rows.column(cursor.index + place)));
            }
        }
        if let Some(is_deleted) = is_deleted {
            fields.push(Arc::new(Field::new(DELETE_FLAG, DataType::Boolean, true)));
            arrays.push(Arc::new(is_deleted.clone()));
        }
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
            .map_err(|error| Error::internal("mapped rows do not fit their table").with_source(error))
    }
}

/// The column in which mapped rows carry the value that the position follows.
pub(crate) const CURSOR: &str = "_cursor";

fn add_stamps(row_count: usize, stamps: &Stamps, columns: &mut Columns) {
    let moments: PrimitiveArray<TimestampMicrosecondType> = vec![stamps.synced_at_micros; row_count].into();
    columns.insert("_sync_id", repeated_text(&stamps.sync_id, row_count));
    columns.insert("_run_id", Arc::new(Int64Array::from(vec![stamps.run_id; row_count])));
    columns.insert("_synced_at", Arc::new(moments));
}
