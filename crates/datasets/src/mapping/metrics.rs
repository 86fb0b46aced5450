//! Rows as metrics: days of campaigns.

use std::sync::Arc;

use arrow_array::Array;
use model::Result;

use super::Reason;
use super::actions::checked;
use super::rows::{Columns, Fields};
use crate::contract::{Dataset, FieldType, MEASURES};
use crate::currency::currency;

pub(super) fn map(fields: &mut Fields<'_>) -> Result<Columns> {
    let mut columns = Columns::new();
    for field in Dataset::Metrics.fields() {
        let values = match field.field_type {
            FieldType::Currency => checked(fields, field.name, currency),
            _ => fields.get(field.name).map(Arc::clone),
        };
        if let Some(values) = values {
            columns.insert(field.name, values);
        }
    }
    for row in 0..fields.row_count {
        let has_measure =
            MEASURES.iter().any(|name| columns.get(name).is_some_and(|values| values.is_valid(row)));
        if !has_measure {
            fields.rejects.add(row, Reason::MeasureMissing, "spend");
        }
    }
    Ok(columns)
}
