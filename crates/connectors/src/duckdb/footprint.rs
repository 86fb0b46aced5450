//! How much memory DuckDB is meant to take while rows are put into a tenant's file.

use super::allowed::cores;

/// What is weighed against memory: time, and a few parts in a hundred of the file's size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Footprint {
    /// All cores at work, each on a row group of DuckDB's usual size.
    #[default]
    Usual,
    /// One core at work, on row groups of a quarter of that.
    Small,
}

/// The rows of a row group of DuckDB's usual size.
const ROW_GROUP_ROWS: u64 = 122_880;

impl Footprint {
    /// The rows of a row group where it is of another size than DuckDB gives it. What is there keeps the size that it has.
    pub(super) fn row_group_rows(self) -> Option<u64> {
        match self {
            Self::Usual => None,
            Self::Small => Some(ROW_GROUP_ROWS / 4),
        }
    }

    /// The threads that DuckDB puts rows in with.
    pub(super) fn threads(self) -> u64 {
        match self {
            Self::Usual => cores() as u64,
            Self::Small => 1,
        }
    }

    /// Enough for the journal, for looking at what there is, and for reading through keys. DuckDB keeps the blocks that it has read for as long as it
    /// may, so a file that is only read through would else stay in memory up to the bound.
    pub(super) fn looking_bytes(self) -> u64 {
        match self {
            Self::Usual => 64 * MEBIBYTE,
            Self::Small => 12 * MEBIBYTE,
        }
    }

    /// How many hashes of keys, of eight bytes each, are in memory at once.
    pub(super) fn hashes_at_once(self) -> usize {
        match self {
            Self::Usual => 4 << 20,
            Self::Small => 1 << 20,
        }
    }

    /// How exactly the bound is followed where rows turn out to be wide: to move it costs time.
    pub(super) fn step_bytes(self) -> u64 {
        self.looking_bytes() / 2
    }

    /// Enough for staging rows of so many columns, whatever their number: each thread fills a row group of its own, column by
    /// column. What is more is spilled to disk.
    pub(super) fn staging_bytes(self, column_count: usize) -> u64 {
        /// A value of one column: two words, and whether there is one.
        const VALUE_BYTES: u64 = 17;
        let besides = match self {
            Self::Usual => 32 * MEBIBYTE,
            Self::Small => 8 * MEBIBYTE,
        };
        let rows = self.row_group_rows().unwrap_or(ROW_GROUP_ROWS);
        besides + self.threads() * rows * VALUE_BYTES * column_count as u64
    }
}

const MEBIBYTE: u64 = 1024 * 1024;
