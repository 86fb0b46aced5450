//! What each dataset asks of a customer's columns: its fields, their types, and which of them a row cannot do without.

mod actions;
mod landing;
mod metrics;
mod objects;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use landing::{BOOKKEEPING, LandedColumn, ROW_ID};
pub(crate) use landing::{ROW_HASH, TIMESTAMP};
pub(crate) use metrics::MEASURES;

/// What a customer's rows are to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dataset {
    /// One row is one page view.
    WebsiteActions,
    /// One row is anything that a person or a company did outside the website.
    CustomActions,
    /// One row is one record of one type, such as a company, a user or a deal, in its latest state.
    Objects,
    /// One row is one day of one combination of campaign, ad and UTM parameters.
    Metrics,
}

/// One field of a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Field {
    pub name: &'static str,
    #[serde(rename = "type")]
    pub field_type: FieldType,
    pub need: Need,
    /// Other names that a customer's column may have, in `snake_case`, to be taken for this field without a mapping.
    pub aliases: &'static [&'static str],
    /// What stands in where neither a column nor the mapping gives a value, in words.
    pub default: Option<&'static str>,
    pub meaning: &'static str,
}

/// What values of a field look like once they are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldType {
    Text,
    /// An e-mail address, a domain, or another id of a person or company.
    Identity,
    /// A company's domain.
    Domain,
    Url,
    Timestamp,
    Date,
    /// A number of up to 38 digits, nine of them behind the point.
    Number,
    /// A whole number of 64 bits.
    Whole,
    /// An ISO 4217 code in use.
    Currency,
    /// `one-time`, `month` or `year`.
    Period,
    /// A JSON document.
    Json,
}

/// What becomes of a row or a mapping without a value for a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// A mapping without it is refused; a row without a value is a reject.
    Required,
    /// A mapping without it is refused; single rows may lack a value.
    RequiredColumn,
    /// A mapping without it works, and is said to miss it.
    Recommended,
    Optional,
}

impl Dataset {
    pub const ALL: [Dataset; 4] =
        [Dataset::WebsiteActions, Dataset::CustomActions, Dataset::Objects, Dataset::Metrics];

    /// The word that a sync file says.
    pub fn name(self) -> &'static str {
        match self {
            Dataset::WebsiteActions => "website_actions",
            Dataset::CustomActions => "custom_actions",
            Dataset::Objects => "objects",
            Dataset::Metrics => "metrics",
        }
    }

    /// The fields that columns are mapped to.
    pub fn fields(self) -> &'static [Field] {
        match self {
            Dataset::WebsiteActions => actions::WEBSITE_FIELDS,
            Dataset::CustomActions => actions::CUSTOM_FIELDS,
            Dataset::Objects => objects::FIELDS,
            Dataset::Metrics => metrics::FIELDS,
        }
    }

    /// The field called `name`.
    pub fn field(self, name: &str) -> Option<&'static Field> {
        self.fields().iter().find(|field| field.name == name)
    }

    /// What rows that are mapped have for columns, in order, before those that every landed row carries.
    pub(crate) fn mapped_columns(self) -> Vec<LandedColumn> {
        match self {
            Dataset::WebsiteActions | Dataset::CustomActions => actions::columns(),
            Dataset::Objects => objects::columns(),
            Dataset::Metrics => metrics::columns(),
        }
    }

    /// Whether columns that no field takes become properties; otherwise they are left out, and named.
    pub fn keeps_extras(self) -> bool {
        self != Dataset::Metrics
    }
}

impl fmt::Display for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Need {
    /// The words that documentation says.
    pub fn words(self) -> &'static str {
        match self {
            Need::Required => "required",
            Need::RequiredColumn => "required, may be empty",
            Need::Recommended => "recommended",
            Need::Optional => "optional",
        }
    }
}

impl FieldType {
    /// The word that documentation and errors say.
    pub fn name(self) -> &'static str {
        match self {
            FieldType::Text => "text",
            FieldType::Identity => "identity",
            FieldType::Domain => "domain",
            FieldType::Url => "url",
            FieldType::Timestamp => "timestamp",
            FieldType::Date => "date",
            FieldType::Number => "number",
            FieldType::Whole => "whole number",
            FieldType::Currency => "currency",
            FieldType::Period => "period",
            FieldType::Json => "json",
        }
    }
}

const fn field(
    name: &'static str,
    field_type: FieldType,
    need: Need,
    aliases: &'static [&'static str],
    meaning: &'static str,
) -> Field {
    Field { name, field_type, need, aliases, default: None, meaning }
}
