//! Rows as objects: each one record, or in the long form one property of a record.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use model::{LogicalType, Result};

use super::actions::add;
use super::identities::{Demand, identify};
use super::rows::{Columns, Fields};
use super::{Mapping, rejects::Rejects};
use crate::pack::{JsonColumn, PropertyCells, pack, prefix};

pub(super) fn map<'a>(mapping: &'a Mapping, rows: &RecordBatch, fields: &mut Fields<'a>) -> Result<Columns> {
    let row_count = fields.row_count;
    let mut columns = Columns::new();
    let mut rejects = std::mem::replace(&mut fields.rejects, Rejects::new(0));
    let (identities, domains) = (fields.texts("identity"), fields.texts("company_domain"));
    let who = identify(identities, domains, Demand::IdentityOrCompany, row_count, &mut rejects);
    if let Some(names) = fields.get("property_name") {
        rejects.add_missing(names, "property_name");
    }
    fields.rejects = rejects;
    columns.insert("identity", who.identity);
    columns.insert("identity_kind", who.kind);
    columns.insert("email", who.email);
    columns.insert("company_domain", who.company);
    for name in ["object_type", "object_id", "property_name", "updated_at"] {
        if let Some(values) = fields.get(name) {
            columns.insert(name, Arc::clone(values));
        }
    }
    let property_value = mapping.fields.iter().find(|(field, _)| field.name == "property_value");
    let Some((_, node)) = property_value else {
        let mut properties =
            vec![PropertyCells::of_values("company_domain", &who.odd_domain, &LogicalType::Text)];
        add(&mut properties, &mapping.properties, rows, fields)?;
        columns.insert("properties", pack(&properties, row_count)?);
        return Ok(columns);
    };
    const NAME: &str = "value";
    let values = fields.get("property_value").map(Arc::clone).unwrap_or_else(|| Arc::clone(&who.odd_domain));
    let packed = pack(&[PropertyCells::of_values(NAME, &values, &node.logical_type())], row_count)?;
    columns.insert("properties", unwrapped(&packed, prefix(NAME).len())?);
    Ok(columns)
}

/// The values alone of objects that have one property or none; `null` where there is none.
fn unwrapped(objects: &arrow_array::ArrayRef, prefix_bytes: usize) -> Result<arrow_array::ArrayRef> {
    let objects = objects.as_string::<i32>();
    let mut values = JsonColumn::with_capacity(objects.len(), objects.value_data().len());
    for object in objects.iter().flatten() {
        let value = object.get(prefix_bytes + 1..object.len() - 1).unwrap_or("null");
        values.bytes.extend_from_slice(value.as_bytes());
        values.end_value()?;
    }
    values.finish()
}
