//! Rows of a customer's as rows of the vendor's model: compiled once against the columns, evaluated batch by batch.

mod actions;
mod columns;
mod compile;
mod identities;
mod metrics;
mod objects;
mod reason;
mod rejects;
mod row_hash;
mod rows;
mod urls;

use arrow_schema::SchemaRef;
use model::{PlannedColumn, Result};
use serde::Serialize;

pub(crate) use columns::InputColumn;
pub use columns::InputColumns;
pub use reason::Reason;
pub use rejects::RejectCount;
pub(crate) use rows::CURSOR;
pub use rows::{Mapped, Stamps};

use crate::config::DatasetConfig;
use crate::contract::{Dataset, Field};
use crate::expression::Node;
use crate::pack::Property;

/// What a mapping has to know of its sync.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// The table or query that is read, as the default name of an action.
    pub stream_name: String,
    /// What tells the rows of this sync from those of others: the table that they land in.
    pub namespace: String,
    /// The columns that identify a row at the source.
    pub key: Vec<String>,
    /// The column that the position follows.
    pub cursor_column: Option<String>,
}

/// A mapping of the columns of one stream.
#[derive(Debug)]
pub struct Mapping {
    dataset: Dataset,
    columns: InputColumns,
    /// A field and what becomes its value.
    fields: Vec<(&'static Field, Node)>,
    properties: Vec<Property>,
    company_properties: Vec<Property>,
    namespace: String,
    /// The key's columns; empty where the whole row is the key.
    key: Vec<usize>,
    /// The position's column in the batches that come in.
    cursor: Option<usize>,
    /// The columns of mapped rows, before what travels with them.
    schema: SchemaRef,
    report: MappingReport,
}

/// What becomes of each column, for a person to see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MappingReport {
    pub dataset: Dataset,
    pub fields: Vec<FieldSource>,
    /// Properties and their types.
    pub properties: Vec<(String, String)>,
    pub company_properties: Vec<(String, String)>,
    /// Columns that are left out.
    pub skipped: Vec<String>,
}

/// Where a field's values come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldSource {
    pub field: &'static str,
    #[serde(rename = "type")]
    pub field_type: &'static str,
    pub need: &'static str,
    /// A column's name, or what stands in for it; absent where there is nothing.
    pub from: Option<String>,
}

impl Mapping {
    /// Finds the columns, checks the types, and says what is missing.
    pub fn compile(config: &DatasetConfig, columns: &[PlannedColumn], context: &Context) -> Result<Self> {
        compile::compile(config, InputColumns::new(columns), context)
    }

    /// What becomes of each column.
    pub fn report(&self) -> &MappingReport {
        &self.report
    }

    /// What the names of all properties take in a row that has every one.
    pub(crate) fn name_bytes(&self) -> usize {
        /// Quotes, colon and comma.
        const MARKS: usize = 6;
        let properties = self.properties.iter().chain(&self.company_properties);
        properties.map(|property| property.name.len() * 2 + MARKS).sum()
    }

    /// The dataset that rows are mapped to.
    pub fn dataset(&self) -> Dataset {
        self.dataset
    }
}
