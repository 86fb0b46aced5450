//! Counts the hashes that were there before. They are sorted, a part of them at a time, and the other parts wait in files: so any
//! number of them takes the memory of some millions, and each is looked at twice.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, Write};
use std::path::Path;

/// Hashes of the same kind as those before: if they are many, in parts.
#[derive(Debug)]
pub(super) struct RepeatedHashes {
    sorted: Sorted,
    /// One for each part; none, where one part is all there is.
    files: Vec<BufWriter<File>>,
}

impl RepeatedHashes {
    /// For about `expected` hashes, of which `at_once` are in memory. The files have no name, and are gone with this.
    pub(super) fn new(expected: u64, at_once: usize, folder: &Path) -> io::Result<Self> {
        /// Of each file, a few kilobytes are in memory.
        const PARTS_MAX: u64 = 256;
        let room = usize::try_from(expected).map_or(at_once, |expected| expected.min(at_once));
        let parts = expected.div_ceil(at_once as u64).min(PARTS_MAX);
        let files = match parts {
            0 | 1 => vec![],
            _ => (0..parts)
                .map(|_| tempfile::tempfile_in(folder).map(BufWriter::new))
                .collect::<io::Result<_>>()?,
        };
        Ok(Self { sorted: Sorted::with_room_for(room), files })
    }

    pub(super) fn add(&mut self, hashes: &[u64]) -> io::Result<()> {
        if self.files.is_empty() {
            self.sorted.add(hashes.iter().copied());
            return Ok(());
        }
        let parts = self.files.len();
        for hash in hashes {
            self.files[*hash as usize % parts].write_all(&hash.to_le_bytes())?;
        }
        Ok(())
    }

    /// How many have been added that were there before.
    pub(super) fn count(mut self) -> io::Result<u64> {
        for file in self.files {
            let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
            self.sorted.add_all_of(file)?;
            self.sorted.next_part();
        }
        self.sorted.next_part();
        Ok(self.sorted.repeated)
    }
}

/// The hashes of one part, and how often one of them has come again.
#[derive(Debug)]
struct Sorted {
    different: Vec<u64>,
    repeated: u64,
}

impl Sorted {
    fn with_room_for(count: usize) -> Self {
        // The parts are not quite equal.
        Self { different: Vec::with_capacity(count + count / 64), repeated: 0 }
    }

    fn add(&mut self, hashes: impl ExactSizeIterator<Item = u64>) {
        // Where very many are the same, they are all in one part.
        if self.different.len() + hashes.len() > self.different.capacity() {
            self.leave_out_repeated();
        }
        self.different.extend(hashes);
    }

    fn add_all_of(&mut self, mut file: File) -> io::Result<()> {
        const READ_BYTES: u64 = 64 * 1024;
        file.rewind()?;
        let mut bytes = Vec::new();
        while (&file).take(READ_BYTES).read_to_end(&mut bytes)? > 0 {
            self.add(bytes.as_chunks().0.iter().map(|hash| u64::from_le_bytes(*hash)));
            bytes.clear();
        }
        Ok(())
    }

    fn leave_out_repeated(&mut self) {
        let added = self.different.len();
        self.different.sort_unstable();
        self.different.dedup();
        self.repeated += (added - self.different.len()) as u64;
    }

    fn next_part(&mut self) {
        self.leave_out_repeated();
        self.different.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn all_but_the_first_of_each_are_counted_however_many_are_in_memory(
            hashes in prop::collection::vec(prop_oneof![Just(u64::MAX), 0..50_u64, any::<u64>()], 0..20_000),
            expected in prop::option::of(0..20_000_u64),
            at_once in 1..20_000_usize,
            added_at_once in 1..3_000_usize,
        ) {
            let folder = tempfile::tempdir().unwrap();
            let expected = expected.unwrap_or(hashes.len() as u64);
            let mut repeated = RepeatedHashes::new(expected, at_once, folder.path()).unwrap();
            for added in hashes.chunks(added_at_once) {
                repeated.add(added).unwrap();
            }
            let different = hashes.iter().collect::<HashSet<_>>().len();
            prop_assert_eq!(repeated.count().unwrap(), (hashes.len() - different) as u64);
            prop_assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        }
    }
}
