//! Columns that no field takes, packed into one JSON object a row, in which each value keeps its type.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use jiff::tz::TimeZone;
use model::{Error, LogicalType, Result};

use crate::cells::{Cells, write_json_text};
use crate::expression::{Failures, Node};

/// One property, and where its values come from.
#[derive(Clone, Debug)]
pub(crate) struct Property {
    pub(crate) name: String,
    /// `,"name":`
    prefix: Vec<u8>,
    from: From,
}

#[derive(Clone, Debug)]
enum From {
    Column { index: usize, logical_type: LogicalType, zone: TimeZone },
    Expression(Node),
}

/// The values of one property.
#[derive(Debug)]
pub(crate) struct PropertyCells {
    prefix: Prefix,
    cells: Cells,
    has_nulls: bool,
    failures: Failures,
}

impl Property {
    /// A property that is a column as it is.
    pub(crate) fn of_column(name: String, index: usize, logical_type: LogicalType, zone: TimeZone) -> Self {
        Self { prefix: next_prefix(&name), name, from: From::Column { index, logical_type, zone } }
    }

    /// A property that a mapping makes.
    pub(crate) fn of_expression(name: String, node: Node) -> Self {
        Self { prefix: next_prefix(&name), name, from: From::Expression(node) }
    }

    /// The type of its values.
    pub(crate) fn logical_type(&self) -> LogicalType {
        match &self.from {
            From::Column { logical_type, .. } => logical_type.clone(),
            From::Expression(node) => node.logical_type(),
        }
    }

    pub(crate) fn cells(&self, rows: &RecordBatch) -> Result<PropertyCells> {
        let (cells, failures) = match &self.from {
            From::Column { index, logical_type, zone } => {
                (Cells::of(rows, *index, logical_type, zone), Failures::default())
            }
            From::Expression(Node::Column { index, logical_type, zone }) => {
                (Cells::of(rows, *index, logical_type, zone), Failures::default())
            }
            From::Expression(node) => {
                let values = node.evaluate(rows)?;
                (Cells::of_values(&values.array, &node.logical_type()), values.failures)
            }
        };
        let prefix = Prefix::new(self.prefix.clone());
        Ok(PropertyCells { prefix, has_nulls: cells.has_nulls(), cells, failures })
    }
}

impl PropertyCells {
    /// Values that are at hand already.
    pub(crate) fn of_values(name: &str, values: &ArrayRef, logical_type: &LogicalType) -> Self {
        let cells = Cells::of_values(values, logical_type);
        let prefix = Prefix::new(next_prefix(name));
        Self { prefix, has_nulls: cells.has_nulls(), cells, failures: Failures::default() }
    }

    pub(crate) fn failures(&self) -> &Failures {
        &self.failures
    }
}

/// `,"name":`, which is written once for each value.
#[derive(Debug)]
struct Prefix {
    bytes: Vec<u8>,
    /// The same with something behind it, where it is short: so many bytes are copied by two instructions, and a number of
    /// them that is known only here by a call.
    padded: Option<[u8; PREFIX_BYTES]>,
}

/// Most names are shorter.
const PREFIX_BYTES: usize = 32;

impl Prefix {
    fn new(bytes: Vec<u8>) -> Self {
        let mut padded = [0; PREFIX_BYTES];
        let padded =
            padded.get_mut(..bytes.len()).map(|start| start.copy_from_slice(&bytes)).map(|()| padded);
        Self { bytes, padded }
    }

    fn write(&self, out: &mut Vec<u8>) {
        match &self.padded {
            Some(padded) => {
                let end = out.len() + self.bytes.len();
                out.extend_from_slice(padded);
                out.truncate(end);
            }
            None => out.extend_from_slice(&self.bytes),
        }
    }
}

/// `"name":`
pub(crate) fn prefix(name: &str) -> Vec<u8> {
    let mut prefix = Vec::with_capacity(name.len() + 3);
    write_json_text(name, &mut prefix);
    prefix.push(b':');
    prefix
}

/// The same behind another property.
fn next_prefix(name: &str) -> Vec<u8> {
    [b",", &*prefix(name)].concat()
}

/// One object for each row, of the properties that have a value in it.
pub(crate) fn pack(properties: &[PropertyCells], row_count: usize) -> Result<ArrayRef> {
    /// What a property takes, on average: most are short words and numbers.
    const PROPERTY_BYTES: usize = 32;
    let mut objects = JsonColumn::with_capacity(row_count, row_count * properties.len() * PROPERTY_BYTES);
    for row in 0..row_count {
        let out = &mut objects.bytes;
        let start = out.len();
        for property in properties {
            if property.has_nulls && property.cells.is_null(row) {
                continue;
            }
            property.prefix.write(out);
            property.cells.write_json(row, out);
        }
        // The first property begins the object instead of going on with it.
        match out.get_mut(start) {
            Some(first) => *first = b'{',
            None => out.push(b'{'),
        }
        out.push(b'}');
        objects.end_value()?;
    }
    objects.finish()
}

/// The same text in every row. Rows of one batch are few, and so are the bytes of a text that is the same in all of them.
pub(crate) fn repeated_text(text: &str, row_count: usize) -> ArrayRef {
    let offsets = OffsetBuffer::from_lengths(std::iter::repeat_n(text.len(), row_count));
    Arc::new(StringArray::new(offsets, Buffer::from_vec(text.repeat(row_count).into_bytes()), None))
}

/// A text column that is written byte by byte.
#[derive(Debug)]
pub(crate) struct JsonColumn {
    pub(crate) bytes: Vec<u8>,
    offsets: Vec<i32>,
}

impl JsonColumn {
    pub(crate) fn with_capacity(row_count: usize, byte_count: usize) -> Self {
        let mut offsets = Vec::with_capacity(row_count + 1);
        offsets.push(0);
        Self { bytes: Vec::with_capacity(byte_count), offsets }
    }

    /// Ends the value of one row.
    pub(crate) fn end_value(&mut self) -> Result<()> {
        let end = i32::try_from(self.bytes.len())
            .map_err(|_| Error::internal("the properties of one batch take more than 2 GiB"))?;
        self.offsets.push(end);
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<ArrayRef> {
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.offsets));
        let texts = StringArray::try_new(offsets, Buffer::from_vec(self.bytes), None).map_err(|error| {
            Error::internal("properties were written that are no text").with_source(error)
        })?;
        Ok(Arc::new(texts))
    }
}
