//! Which types a field takes as they are, which are read into its own, and which are refused before any row is read.

use jiff::tz::TimeZone;
use model::{LogicalType, Result};

use super::compile::{Compiler, wrong_type};
use super::evaluate::Node;
use crate::contract::FieldType;
use crate::moment::{DateFormat, MomentReader};
use crate::number::{NUMBER, NumberFormat};

impl Compiler<'_> {
    /// The value as one of a field's type.
    pub(super) fn coerced(&self, node: Node, field_type: FieldType, field: &str) -> Result<Node> {
        match field_type {
            FieldType::Text
            | FieldType::Identity
            | FieldType::Domain
            | FieldType::Url
            | FieldType::Currency
            | FieldType::Period => self.as_text(node, field),
            FieldType::Timestamp => self.moment(node, MomentReader::iso(self.zone.clone()), field),
            FieldType::Date => self.day(node, field),
            FieldType::Number => self.number(node, NumberFormat::default(), field),
            FieldType::Whole => {
                Ok(Node::Whole(Box::new(self.number(node, NumberFormat::default(), field)?)))
            }
            FieldType::Json => Ok(node),
        }
    }

    pub(super) fn as_text(&self, node: Node, field: &str) -> Result<Node> {
        match node.logical_type() {
            LogicalType::Text => Ok(node),
            other @ (LogicalType::Binary | LogicalType::Geo | LogicalType::Vector { .. }) => Err(wrong_type(
                field,
                &other,
                "text",
                "choose another column, or write it as text in the query that the sync reads",
            )),
            _ => Ok(Node::Text(Box::new(node))),
        }
    }

    pub(super) fn moment(&self, node: Node, reader: MomentReader, field: &str) -> Result<Node> {
        if let Node::Coalesce(parts) = node {
            let moment = |part| self.moment(part, reader.clone(), field);
            return Ok(Node::Coalesce(parts.into_iter().map(moment).collect::<Result<_>>()?));
        }
        if node.is_null() {
            return Ok(Node::Moment { of: Box::new(node), reader });
        }
        let is_unix =
            |format: &DateFormat| matches!(format, DateFormat::UnixSeconds | DateFormat::UnixMilliseconds);
        match node.logical_type() {
            LogicalType::Timestamp { .. }
            | LogicalType::TimestampUtc { .. }
            | LogicalType::TimestampOffset { .. }
            | LogicalType::Date
            | LogicalType::Text => Ok(Node::Moment { of: Box::new(node), reader }),
            LogicalType::Json => Ok(Node::Moment { of: Box::new(Node::Text(Box::new(node))), reader }),
            LogicalType::Int64 | LogicalType::Decimal { .. } if reader.formats.iter().all(is_unix) => {
                Ok(Node::Moment { of: Box::new(Node::Text(Box::new(node))), reader })
            }
            other => Err(wrong_type(
                field,
                &other,
                "date",
                "name a timestamp, date or text column; of a number say what it counts, such as `{ date: COLUMN, format: unix_seconds }`",
            )),
        }
    }

    /// A day as it is written; days have no zone.
    fn day(&self, node: Node, field: &str) -> Result<Node> {
        let in_utc = match node {
            Node::Coalesce(parts) => {
                let days = parts.into_iter().map(|part| self.day(part, field)).collect::<Result<_>>()?;
                return Ok(Node::Coalesce(days));
            }
            Node::Moment { of, reader } => {
                Node::Moment { of, reader: MomentReader { zone: TimeZone::UTC, ..reader } }
            }
            Node::Column { index, logical_type, .. } => {
                let column = Node::Column { index, logical_type, zone: TimeZone::UTC };
                self.moment(column, MomentReader::iso(TimeZone::UTC), field)?
            }
            other => self.moment(other, MomentReader::iso(TimeZone::UTC), field)?,
        };
        Ok(Node::Day(Box::new(in_utc)))
    }

    pub(super) fn number(&self, node: Node, format: NumberFormat, field: &str) -> Result<Node> {
        match node.logical_type() {
            found if found == NUMBER => Ok(node),
            LogicalType::Int64
            | LogicalType::Decimal { .. }
            | LogicalType::Float64
            | LogicalType::Decfloat
            | LogicalType::Text
            | LogicalType::Json => Ok(Node::Number { of: Box::new(node), format }),
            other => Err(wrong_type(
                field,
                &other,
                "number",
                "name a number column, or a text column that holds numbers",
            )),
        }
    }

    pub(super) fn truth(&self, node: Node, field: &str) -> Result<Node> {
        match node.logical_type() {
            LogicalType::Bool => Ok(node),
            LogicalType::Text | LogicalType::Json | LogicalType::Int64 | LogicalType::Decimal { .. } => {
                Ok(Node::Bool(Box::new(self.as_text(node, field)?)))
            }
            other => Err(wrong_type(field, &other, "boolean", "name a boolean, number or text column")),
        }
    }
}
