//! Metrics: what advertising cost and brought, by day.

use model::LogicalType;

use super::landing::{LandedColumn, column};
use super::{Field, FieldType, Need, field};
use crate::number::NUMBER;

/// The fields of which a row needs one.
pub(crate) const MEASURES: [&str; 3] = ["spend", "impressions", "clicks"];

const fn text(name: &'static str, need: Need, meaning: &'static str) -> Field {
    field(name, FieldType::Text, need, &[], meaning)
}

pub(super) const FIELDS: &[Field] = &[
    field("date", FieldType::Date, Need::Required, &["day"], "the day, as YYYY-MM-DD"),
    field("campaign_name", FieldType::Text, Need::Required, &["campaign"], "the campaign"),
    field("spend", FieldType::Number, Need::Optional, &["cost"], "money spent; one of the three is needed"),
    field(
        "impressions",
        FieldType::Whole,
        Need::Optional,
        &[],
        "how often it was shown; one of the three is needed",
    ),
    field(
        "clicks",
        FieldType::Whole,
        Need::Optional,
        &[],
        "how often it was clicked; one of the three is needed",
    ),
    field("currency", FieldType::Currency, Need::Recommended, &[], "what `spend` is counted in"),
    text("network", Need::Recommended, "the advertising network"),
    text("utm_campaign", Need::Recommended, "the parameter that its links carry"),
    text("campaign_id", Need::Recommended, "the network's id of the campaign"),
    text("account_id", Need::Optional, "the network's id of the account"),
    text("adgroup_id", Need::Optional, "the network's id of the ad group"),
    text("adgroup_name", Need::Optional, "the ad group"),
    text("ad_id", Need::Optional, "the network's id of the ad"),
    text("ad_name", Need::Optional, "the ad"),
    text("utm_source", Need::Optional, "the parameter that its links carry"),
    text("utm_medium", Need::Optional, "the parameter that its links carry"),
    text("utm_term", Need::Optional, "the parameter that its links carry"),
    text("utm_content", Need::Optional, "the parameter that its links carry"),
];

pub(super) fn columns() -> Vec<LandedColumn> {
    let landed = |field: &Field| {
        let logical_type = match field.field_type {
            FieldType::Date => LogicalType::Date,
            FieldType::Number => NUMBER,
            FieldType::Whole => LogicalType::Int64,
            _ => LogicalType::Text,
        };
        column(field.name, logical_type, field.meaning)
    };
    FIELDS.iter().map(landed).collect()
}
