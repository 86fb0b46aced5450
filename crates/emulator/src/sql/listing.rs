//! Small tables that the emulator makes itself: what SHOW and DESCRIBE answer, and INFORMATION_SCHEMA.

use std::sync::Arc;

use arrow_array::builder::{Decimal128Builder, Int32Builder, Int64Builder, StringBuilder, StructBuilder};
use arrow_array::{ArrayRef, BooleanArray, RecordBatch};
use arrow_schema::{DataType, Field};

use super::bind::OutputColumn;
use super::error::internal;
use super::names::literal;
use super::physical::{TEXT, duckdb_type, fixed};
use crate::outcome::{Column, Rows, SnowType, SqlError};

const SECOND_NS: i64 = 1_000_000_000;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    Null,
    Text(String),
    Number(i64),
    Truth(bool),
    /// Nanoseconds since 1970.
    Moment(i64),
    /// As many times `factor` as the DuckDB table has rows: only where DuckDB reads the listing.
    Rows {
        table: String,
        factor: u64,
    },
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Cell::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Cell::Text(text)
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Cell::Number(number)
    }
}

impl From<u64> for Cell {
    fn from(number: u64) -> Self {
        Cell::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<Option<&str>> for Cell {
    fn from(text: Option<&str>) -> Self {
        text.map_or(Cell::Null, Cell::from)
    }
}

/// `Y` or `N`, as most of SHOW writes it.
pub(crate) fn yes_no(flag: bool) -> Cell {
    Cell::from(if flag { "Y" } else { "N" })
}

pub(crate) fn true_false(flag: bool) -> Cell {
    Cell::from(if flag { "true" } else { "false" })
}

/// `ON` or `OFF`.
pub(crate) fn on_off(flag: bool) -> Cell {
    Cell::from(if flag { "ON" } else { "OFF" })
}

#[derive(Clone, Debug)]
pub(crate) struct Listing {
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<Cell>>,
}

/// How a listing's columns are typed, by a letter in front of their name.
fn column(specification: &str) -> Column {
    match specification.split_once(':') {
        Some(("moment", name)) => Column::new(name, SnowType::TimestampLtz { scale: 3 }),
        Some(("boolean", name)) => Column::new(name, SnowType::Boolean),
        Some(("number", name)) => Column::new(name, fixed(38, 0)),
        _ => Column::new(specification, TEXT),
    }
}

impl Listing {
    /// An empty listing; `moment:` and `number:` in front of a name give its type, text is the default.
    pub(crate) fn new(columns: &[&str]) -> Self {
        Self { columns: columns.iter().map(|name| column(name)).collect(), rows: Vec::new() }
    }

    pub(crate) fn push(&mut self, row: Vec<Cell>) {
        debug_assert_eq!(row.len(), self.columns.len());
        self.rows.push(row);
    }

    /// One row with one text: what most statements that change something answer.
    pub(crate) fn status(text: impl Into<String>) -> Self {
        let mut listing = Listing::new(&["status"]);
        listing.push(vec![Cell::Text(text.into())]);
        listing
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    pub(crate) fn text(&self, row: usize, name: &str) -> &str {
        match self.place(name).and_then(|place| self.rows.get(row)?.get(place)) {
            Some(Cell::Text(text)) => text,
            _ => "",
        }
    }

    /// Keeps only some columns, in the given order.
    pub(crate) fn select(mut self, names: &[&str]) -> Self {
        let places: Vec<usize> = names.iter().filter_map(|name| self.place(name)).collect();
        let pick = |row: Vec<Cell>| places.iter().map(|place| row[*place].clone()).collect();
        self.columns = places.iter().map(|place| self.columns[*place].clone()).collect();
        self.rows = self.rows.into_iter().map(pick).collect();
        self
    }

    pub(crate) fn into_rows(self) -> Result<Rows, SqlError> {
        let mut arrays = Vec::new();
        for (place, column) in self.columns.iter().enumerate() {
            arrays.push(array(&column.ty, self.rows.iter().map(|row| &row[place]))?);
        }
        let batch = RecordBatch::try_new(Rows::schema(&self.columns), arrays).map_err(internal)?;
        Ok(Rows { columns: self.columns, batches: Box::new(std::iter::once(Ok(batch))) })
    }

    /// The listing as a DuckDB query whose columns are called `c1`, `c2`, …
    pub(crate) fn into_relation(self) -> (Vec<OutputColumn>, String) {
        let names: Vec<String> = (1..=self.columns.len()).map(|place| format!("c{place}")).collect();
        let types: Vec<String> = self.columns.iter().map(|column| duckdb_type(&column.ty)).collect();
        let row = |cells: &Vec<Cell>| {
            let cells: Vec<String> = cells
                .iter()
                .zip(&types)
                .map(|(cell, ty)| format!("CAST({} AS {ty})", constant(cell)))
                .collect();
            format!("({})", cells.join(", "))
        };
        let sql = if self.rows.is_empty() {
            let nulls: Vec<String> =
                types.iter().zip(&names).map(|(ty, name)| format!("CAST(NULL AS {ty}) AS {name}")).collect();
            format!("SELECT {} WHERE FALSE", nulls.join(", "))
        } else {
            let rows: Vec<String> = self.rows.iter().map(row).collect();
            format!("SELECT * FROM (VALUES {}) AS listed({})", rows.join(", "), names.join(", "))
        };
        let columns = self.columns.into_iter().map(|column| OutputColumn {
            name: column.name,
            ty: column.ty,
            nullable: true,
            origin: None,
        });
        (columns.collect(), sql)
    }
}

fn constant(cell: &Cell) -> String {
    match cell {
        Cell::Null => "NULL".to_owned(),
        Cell::Text(text) => literal(text),
        Cell::Number(number) => number.to_string(),
        Cell::Truth(flag) => flag.to_string(),
        Cell::Rows { table, factor } => format!("(SELECT count(*) * {factor} FROM {table})"),
        Cell::Moment(nanoseconds) => format!("make_timestamp({})", nanoseconds.div_euclid(1_000)),
    }
}

fn array<'c>(ty: &SnowType, cells: impl Iterator<Item = &'c Cell>) -> Result<ArrayRef, SqlError> {
    Ok(match ty {
        SnowType::Fixed { .. } => {
            let mut builder = Decimal128Builder::new();
            for cell in cells {
                match cell {
                    Cell::Number(number) => builder.append_value(i128::from(*number)),
                    _ => builder.append_null(),
                }
            }
            Arc::new(builder.finish().with_data_type(ty.canonical()))
        }
        SnowType::Boolean => {
            let truth = |cell: &Cell| match cell {
                Cell::Truth(flag) => Some(*flag),
                _ => None,
            };
            Arc::new(cells.map(truth).collect::<BooleanArray>())
        }
        SnowType::TimestampLtz { .. } => moments(ty, cells),
        SnowType::Text { .. } => {
            let mut builder = StringBuilder::new();
            for cell in cells {
                match cell {
                    Cell::Text(text) => builder.append_value(text),
                    _ => builder.append_null(),
                }
            }
            Arc::new(builder.finish())
        }
        other => return Err(internal(format!("a listing with a column of type {other:?}"))),
    })
}

fn moments<'c>(ty: &SnowType, cells: impl Iterator<Item = &'c Cell>) -> ArrayRef {
    let fields = match ty.canonical() {
        DataType::Struct(fields) => fields,
        other => vec![Field::new("epoch", other, false)].into(),
    };
    let mut builder =
        StructBuilder::new(fields, vec![Box::new(Int64Builder::new()), Box::new(Int32Builder::new())]);
    for cell in cells {
        let (seconds, nanoseconds, is_there) = match cell {
            // SHOW gives milliseconds.
            Cell::Moment(at) => {
                (at.div_euclid(SECOND_NS), at.rem_euclid(SECOND_NS) / 1_000_000 * 1_000_000, true)
            }
            _ => (0, 0, false),
        };
        if let Some(epoch) = builder.field_builder::<Int64Builder>(0) {
            epoch.append_value(seconds);
        }
        if let Some(fraction) = builder.field_builder::<Int32Builder>(1) {
            fraction.append_value(i32::try_from(nanoseconds).unwrap_or(0));
        }
        builder.append(is_there);
    }
    Arc::new(builder.finish())
}
