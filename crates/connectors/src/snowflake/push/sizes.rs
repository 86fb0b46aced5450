//! How large files become and what may be in memory at once: pure decisions.

use model::{Error, Result};

/// One COPY takes no more files than this by name.
const FILES_MAX: usize = 1000;
/// The first files: large enough to load fast, small enough that a short push uses every loader of the virtual
/// warehouse.
const FIRST_FILE_BYTES: u64 = 16 * 1024 * 1024;
/// Files double in size after so many of them, so that the most a COPY takes is far away.
const FILES_PER_SIZE: usize = 100;
/// More encoders than this are no faster than the line that takes their files away.
const ENCODERS_MAX: usize = 8;
/// Smaller files than this cost more to load than to send.
const FILE_BYTES_MIN: u64 = 256 * 1024;

/// The shares of a memory budget; what they leave is for the database that the rows are read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sizes {
    /// Files that grow side by side.
    pub(super) encoders: usize,
    /// Rows that wait to be encoded.
    pub(super) waiting_bytes: u64,
    /// Files that are growing.
    pub(super) open_bytes: u64,
    /// Full files on their way. They are encrypted where they are.
    pub(super) full_bytes: u64,
    /// Encrypted parts of files that are too large for one request.
    pub(super) encrypted_bytes: u64,
    first_file_bytes: u64,
}

impl Sizes {
    pub(super) fn of(memory_bytes: u64, processors: usize) -> Self {
        let encoders = processors.clamp(1, ENCODERS_MAX);
        let open_bytes = memory_bytes / 4;
        let each = open_bytes / encoders as u64;
        Self {
            encoders,
            waiting_bytes: memory_bytes / 16,
            open_bytes,
            full_bytes: memory_bytes / 8,
            encrypted_bytes: memory_bytes / 8,
            first_file_bytes: each.clamp(FILE_BYTES_MIN, FIRST_FILE_BYTES),
        }
    }

    /// How large the file with this number, counted from 0, becomes.
    pub(super) fn file_bytes(&self, number: usize) -> Result<u64> {
        if number >= FILES_MAX {
            let message =
                format!("the rows of this run fill more than {FILES_MAX} files, which is all one COPY takes");
            return Err(Error::config("too_many_files", message)
                .with_remedy("raise the memory budget, since files may be as large as a quarter of it"));
        }
        let doubled = self.first_file_bytes << (number / FILES_PER_SIZE);
        Ok(doubled.min(self.open_bytes).max(FILE_BYTES_MIN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;

    #[test]
    fn all_shares_stay_within_the_budget() {
        for memory in [8 * MIB, 64 * MIB, 256 * MIB, 4096 * MIB] {
            for processors in [1, 2, 64] {
                let sizes = Sizes::of(memory, processors);
                let shares =
                    sizes.waiting_bytes + sizes.open_bytes + sizes.full_bytes + sizes.encrypted_bytes;
                assert!(shares <= memory);
                assert!(sizes.file_bytes(0).unwrap() * sizes.encoders as u64 <= sizes.open_bytes);
                assert!(sizes.file_bytes(999).unwrap() <= sizes.open_bytes);
            }
        }
    }

    #[test]
    fn files_grow_with_their_number_until_a_copy_takes_no_more() {
        let sizes = Sizes::of(1024 * MIB, 2);
        assert_eq!(sizes.file_bytes(99).unwrap(), 16 * MIB);
        assert_eq!(sizes.file_bytes(100).unwrap(), 32 * MIB);
        assert_eq!(sizes.file_bytes(999).unwrap(), 256 * MIB);
        assert_eq!(sizes.file_bytes(1000).unwrap_err().code(), "too_many_files");
    }
}
