//! Cutting a stream of batches into pieces of bounded rows and bytes.

use arrow_array::RecordBatch;

use super::internal;
use crate::outcome::SqlError;

/// Rows that are encoded together.
#[derive(Debug, Default)]
pub(crate) struct Piece {
    pub batches: Vec<RecordBatch>,
    pub rows: usize,
    /// About what the rows take uncompressed.
    pub bytes: usize,
}

pub(super) struct Cutter {
    batches: Box<dyn Iterator<Item = Result<RecordBatch, SqlError>> + Send>,
    rest: Option<RecordBatch>,
}

impl Cutter {
    pub(super) fn new(batches: Box<dyn Iterator<Item = Result<RecordBatch, SqlError>> + Send>) -> Self {
        Self { batches, rest: None }
    }

    /// The next rows, within both bounds but never less than one row while there are any.
    pub(super) fn next_piece(&mut self, rows_max: usize, bytes_max: usize) -> Result<Piece, SqlError> {
        let mut piece = Piece::default();
        while piece.rows < rows_max {
            let Some(batch) = self.next_batch()? else { break };
            let row_bytes = row_bytes(&batch)?;
            let fitting = bytes_max.saturating_sub(piece.bytes) / row_bytes;
            let fitting = if piece.rows == 0 { fitting.max(1) } else { fitting };
            let taken = batch.num_rows().min(rows_max - piece.rows).min(fitting);
            if taken < batch.num_rows() {
                self.rest = Some(batch.slice(taken, batch.num_rows() - taken));
            }
            if taken == 0 {
                break;
            }
            piece.rows += taken;
            piece.bytes += taken * row_bytes;
            piece.batches.push(batch.slice(0, taken));
            if self.rest.is_some() {
                break;
            }
        }
        Ok(piece)
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, SqlError> {
        if let Some(rest) = self.rest.take() {
            return Ok(Some(rest));
        }
        loop {
            match self.batches.next().transpose()? {
                Some(batch) if batch.num_rows() == 0 => {}
                other => return Ok(other),
            }
        }
    }
}

/// The average size of a batch's rows, at least one byte.
fn row_bytes(batch: &RecordBatch) -> Result<usize, SqlError> {
    let mut bytes = 0;
    for column in batch.columns() {
        bytes += column.to_data().get_slice_memory_size().map_err(|error| internal(&error.to_string()))?;
    }
    Ok((bytes / batch.num_rows()).max(1))
}
