//! How a field's value is made from a row's columns: a small set of expressions that can neither loop nor fail halfway.

mod coerce;
mod compile;
mod evaluate;
mod failures;
mod json_path;
mod values;
mod yaml;

use std::collections::BTreeMap;

use serde::Serialize;

pub(crate) use compile::{Compiler, found_zone};
pub(crate) use evaluate::Node;
pub(crate) use failures::Failures;
pub use json_path::JsonPath;
pub(crate) use values::Values;
pub(crate) use yaml::known_zone;

use crate::moment::{DateFormat, Language};
use crate::number::NumberFormat;

/// An expression as a sync file gives it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Expression {
    /// A column of the stream.
    Column(String),
    /// The same value for every row.
    Value(Constant),
    /// The first that has a value.
    Coalesce(Vec<Expression>),
    /// Text in small letters.
    Lower(Box<Expression>),
    /// Text without white space at both ends.
    Trim(Box<Expression>),
    /// Texts one behind the other, those without a value left out.
    Concat { parts: Vec<Expression>, separator: String },
    /// A moment, read from text or from a number.
    Date { of: Box<Expression>, formats: Vec<DateFormat>, zone: Option<String>, language: Language },
    /// A number, read from text.
    Number { of: Box<Expression>, format: NumberFormat },
    /// A truth, read from text or from a number.
    Bool(Box<Expression>),
    /// The value as text.
    Text(Box<Expression>),
    /// What a path leads to in a JSON document.
    Json { of: Box<Expression>, path: JsonPath },
    /// A value for each of some texts.
    Map { of: Box<Expression>, values: BTreeMap<String, Constant>, otherwise: Option<Constant> },
    /// Something instead of no value.
    Default { of: Box<Expression>, value: Constant },
}

/// A value that a sync file gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Constant {
    Null,
    Bool(bool),
    /// Unscaled, with nine digits behind the point.
    Number(i128),
    Text(String),
}

impl Expression {
    /// The one column whose value this is in another form. It is used up by that, and becomes no property besides.
    pub(crate) fn sole_column(&self) -> Option<&str> {
        match self {
            Expression::Column(name) => Some(name),
            Expression::Lower(of)
            | Expression::Trim(of)
            | Expression::Bool(of)
            | Expression::Text(of)
            | Expression::Date { of, .. }
            | Expression::Number { of, .. }
            | Expression::Default { of, .. } => of.sole_column(),
            Expression::Value(_)
            | Expression::Coalesce(_)
            | Expression::Concat { .. }
            | Expression::Json { .. }
            | Expression::Map { .. } => None,
        }
    }
}
