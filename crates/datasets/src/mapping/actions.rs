//! Rows as actions.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray};
use model::{LogicalType, Result};

use super::identities::{Demand, identify};
use super::rows::{Columns, Fields};
use super::{Mapping, Reason, urls};
use crate::contract::Dataset;
use crate::currency::{currency, period};
use crate::number::NUMBER;
use crate::pack::{Property, PropertyCells, pack, repeated_text};

pub(super) fn map<'a>(mapping: &'a Mapping, rows: &RecordBatch, fields: &mut Fields<'a>) -> Result<Columns> {
    let row_count = fields.row_count;
    let mut columns = Columns::new();
    let mut rejects = std::mem::replace(&mut fields.rejects, super::rejects::Rejects::new(0));
    let (identities, domains) = (fields.texts("identity"), fields.texts("company_domain"));
    let who = identify(identities, domains, Demand::Identity, row_count, &mut rejects);
    fields.rejects = rejects;
    columns.insert("identity", who.identity);
    columns.insert("identity_kind", who.kind);
    columns.insert("email", who.email);
    columns.insert("company_id", who.company);
    for (column, field) in [
        ("user_id", "user_id"),
        ("action_name", "action_name"),
        ("action_date", "date"),
        ("referrer", "referrer"),
        ("page_url", "page_url"),
        ("added_at", "added_at"),
    ] {
        if let Some(values) = fields.get(field) {
            columns.insert(column, Arc::clone(values));
        }
    }
    let action_type = if mapping.dataset == Dataset::WebsiteActions { "enter-page" } else { "custom" };
    columns.insert("action_type", repeated_text(action_type, row_count));
    if let Some(pages) = fields.texts("page_url") {
        columns.extend(urls::columns(pages)?);
    }
    let amount = fields.get("revenue").cloned();
    let currencies = checked(fields, "currency", currency);
    let periods = checked(fields, "period", period);
    let reserved = [
        (fields.get("deal_id").cloned(), LogicalType::Text, "deal_id"),
        (amount, NUMBER, "revenue"),
        (currencies, LogicalType::Text, "currency"),
        (periods, LogicalType::Text, "period"),
    ];
    let mut properties = Vec::new();
    for (values, logical_type, name) in reserved {
        if let Some(values) = values {
            properties.push(PropertyCells::of_values(name, &values, &logical_type));
            columns.insert(name, values);
        }
    }
    add(&mut properties, &mapping.properties, rows, fields)?;
    columns.insert("action_properties", pack(&properties, row_count)?);
    let mut of_company = Vec::new();
    if who.odd_domain.null_count() < row_count {
        of_company.push(PropertyCells::of_values("company_domain", &who.odd_domain, &LogicalType::Text));
    }
    add(&mut of_company, &mapping.company_properties, rows, fields)?;
    columns.insert("company_properties", pack(&of_company, row_count)?);
    Ok(columns)
}

/// Adds the values of properties, and rejects the rows in which one cannot be read.
pub(super) fn add<'a>(
    cells: &mut Vec<PropertyCells>,
    properties: &'a [Property],
    rows: &RecordBatch,
    fields: &mut Fields<'a>,
) -> Result<()> {
    for property in properties {
        let values = property.cells(rows)?;
        if !values.failures().is_none() {
            fields.rejects.add_failures(values.failures(), &property.name);
        }
        cells.push(values);
    }
    Ok(())
}

/// The values of a text field in their one form; rows with others are rejected.
pub(super) fn checked(
    fields: &mut Fields<'_>,
    name: &'static str,
    check: fn(&str) -> Result<Option<String>, Reason>,
) -> Option<ArrayRef> {
    let values = Arc::clone(fields.get(name)?);
    let texts = values.as_string::<i32>();
    let checked: StringArray = (0..texts.len())
        .map(|row| {
            let text = texts.is_valid(row).then(|| texts.value(row))?;
            check(text).unwrap_or_else(|reason| {
                fields.rejects.add(row, reason, name);
                None
            })
        })
        .collect();
    Some(Arc::new(checked))
}
