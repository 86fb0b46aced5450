//! From what a sync file says to what is evaluated: columns are found and types checked, once for all rows.

use std::collections::HashMap;

use jiff::tz::TimeZone;
use model::{Error, LogicalType, Result};

use super::evaluate::{MapTo, Node};
use super::{Constant, Expression};
use crate::contract::FieldType;
use crate::mapping::InputColumns;
use crate::moment::MomentReader;
use crate::number::{NUMBER, NumberFormat};

/// Compiles the expressions of one mapping.
#[derive(Debug)]
pub(crate) struct Compiler<'a> {
    pub(crate) columns: &'a InputColumns,
    /// The zone of times that name none.
    pub(crate) zone: &'a TimeZone,
}

impl Compiler<'_> {
    /// The expression as a value of a field.
    pub(crate) fn field(&self, field: &str, field_type: FieldType, expression: &Expression) -> Result<Node> {
        let node = self.node(expression, field)?;
        self.coerced(node, field_type, field)
    }

    /// The expression as it is, for a property that has no type of its own.
    pub(crate) fn property(&self, name: &str, expression: &Expression) -> Result<Node> {
        self.node(expression, name)
    }

    fn node(&self, expression: &Expression, field: &str) -> Result<Node> {
        match expression {
            Expression::Column(name) => self.column(name, field),
            Expression::Value(constant) => Ok(Node::Constant(constant.clone())),
            Expression::Coalesce(parts) => self.coalesce(parts, field),
            Expression::Lower(of) => Ok(Node::Lower(Box::new(self.text(of, field)?))),
            Expression::Trim(of) => Ok(Node::Trim(Box::new(self.text(of, field)?))),
            Expression::Text(of) => self.text(of, field),
            Expression::Concat { parts, separator } => {
                let parts = parts.iter().map(|part| self.text(part, field)).collect::<Result<_>>()?;
                Ok(Node::Concat { parts, separator: separator.clone() })
            }
            Expression::Date { of, formats, zone, language } => {
                let zone = match zone {
                    None => self.zone.clone(),
                    Some(name) => found_zone(name)?,
                };
                let reader = MomentReader { formats: formats.clone(), zone, language: *language };
                self.moment(self.node(of, field)?, reader, field)
            }
            Expression::Number { of, format } => self.number(self.node(of, field)?, format.clone(), field),
            Expression::Bool(of) => self.truth(self.node(of, field)?, field),
            Expression::Json { of, path } => match self.node(of, field)? {
                node if matches!(node.logical_type(), LogicalType::Json | LogicalType::Text) => {
                    Ok(Node::JsonPath { of: Box::new(node), path: path.clone() })
                }
                node => Err(wrong_type(
                    field,
                    &node.logical_type(),
                    "JSON",
                    "name a VARIANT, OBJECT or text column",
                )),
            },
            Expression::Map { of, values, otherwise } => {
                let of = Box::new(self.text(of, field)?);
                Ok(Node::Map { of, to: map_to(values, otherwise.as_ref()) })
            }
            Expression::Default { of, value } => {
                let parts = [(**of).clone(), Expression::Value(value.clone())];
                self.coalesce(&parts, field)
            }
        }
    }

    fn column(&self, name: &str, field: &str) -> Result<Node> {
        let (index, logical_type) = self.columns.find(name, field)?;
        Ok(Node::Column { index, logical_type: logical_type.clone(), zone: self.zone.clone() })
    }

    /// All parts in one type: their own where they agree, else text.
    fn coalesce(&self, parts: &[Expression], field: &str) -> Result<Node> {
        let nodes: Vec<Node> = parts.iter().map(|part| self.node(part, field)).collect::<Result<_>>()?;
        let typed: Vec<LogicalType> =
            nodes.iter().filter(|node| !node.is_null()).map(Node::logical_type).collect();
        let is_number = |t: &LogicalType| matches!(t, LogicalType::Int64 | LogicalType::Decimal { .. });
        let nodes = if typed.windows(2).all(|pair| pair[0] == pair[1]) {
            nodes
        } else if typed.iter().all(is_number) {
            let number = |node| self.number(node, NumberFormat::default(), field);
            nodes.into_iter().map(number).collect::<Result<_>>()?
        } else {
            nodes.into_iter().map(|node| self.as_text(node, field)).collect::<Result<_>>()?
        };
        Ok(Node::Coalesce(nodes))
    }

    fn text(&self, expression: &Expression, field: &str) -> Result<Node> {
        self.as_text(self.node(expression, field)?, field)
    }
}

/// A zone whose name was found to be one when the file was read.
pub(crate) fn found_zone(name: &str) -> Result<TimeZone> {
    TimeZone::get(name).map_err(|error| {
        Error::config("zone_unknown", format!("{name} is no time zone"))
            .with_remedy("write a name such as Europe/Berlin or UTC")
            .with_source(error)
    })
}

pub(super) fn wrong_type(field: &str, found: &LogicalType, wanted: &str, remedy: &str) -> Error {
    Error::config(
        "mapping_type",
        format!("`{field}` is mapped to a value of type {found}, which is no {wanted}"),
    )
    .with_remedy(remedy)
}

/// The values that texts are mapped to, in one type: their own where they agree, else text.
fn map_to(values: &std::collections::BTreeMap<String, Constant>, otherwise: Option<&Constant>) -> MapTo {
    let all: Vec<&Constant> = values.values().chain(otherwise).collect();
    let is_of =
        |matches: fn(&Constant) -> bool| all.iter().all(|value| matches(value) || **value == Constant::Null);
    let logical_type = if is_of(|value| matches!(value, Constant::Number(_))) {
        NUMBER
    } else if is_of(|value| matches!(value, Constant::Bool(_))) {
        LogicalType::Bool
    } else {
        LogicalType::Text
    };
    let typed = |constant: &Constant| match (&logical_type, constant) {
        (LogicalType::Text, Constant::Null) => Constant::Null,
        (LogicalType::Text, other) => other.as_text().map_or(Constant::Null, Constant::Text),
        (_, other) => other.clone(),
    };
    let values: HashMap<String, Constant> =
        values.iter().map(|(text, value)| (text.clone(), typed(value))).collect();
    MapTo { values, otherwise: otherwise.map(typed), logical_type }
}
