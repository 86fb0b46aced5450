//! From JSON rows to the logical types of the result, without a value in between.

mod builder;
mod instants;
mod reader;
mod vector;

use std::io::Read;
use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};

use self::builder::ColumnBuilder;
use self::reader::CellReader;
use crate::decode::layout::Layout;
use crate::decode::{BATCH_BYTES_MAX, BATCH_ROWS_MAX};
use crate::error::{Error, ErrorKind, Result};

/// The rows of one JSON chunk as batches.
#[derive(Debug)]
pub(crate) struct CellStream<R> {
    layout: Arc<Layout>,
    cells: CellReader<R>,
    builders: Vec<ColumnBuilder>,
}

impl<R: Read> CellStream<R> {
    pub(crate) fn new(layout: &Arc<Layout>, body: R) -> Self {
        let builders = layout.columns.iter().map(ColumnBuilder::new).collect();
        Self { layout: Arc::clone(layout), cells: CellReader::new(body), builders }
    }

    /// The next rows, as many as a batch may have.
    pub(crate) fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        let Self { cells, builders, layout } = self;
        let (mut rows, mut bytes) = (0, 0);
        while rows < BATCH_ROWS_MAX && bytes < BATCH_BYTES_MAX {
            let is_row = cells.next_row(builders.len(), |index, cell| {
                bytes += cell.map_or(0, str::len);
                builders[index].push(cell)
            })?;
            if !is_row {
                break;
            }
            rows += 1;
        }
        if rows == 0 {
            return Ok(None);
        }
        let mut arrays = Vec::with_capacity(layout.schema.fields().len());
        builders.iter_mut().for_each(|builder| builder.finish(&mut arrays));
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::clone(&layout.schema), arrays, &options).map(Some).map_err(
            |error| Error::new(ErrorKind::Internal, "decoded columns do not fit together").with_source(error),
        )
    }

    /// Values per column that lost digits with the caller's leave.
    pub(crate) fn lost(&self) -> Vec<u64> {
        self.builders.iter().map(|builder| builder.lost).collect()
    }
}
