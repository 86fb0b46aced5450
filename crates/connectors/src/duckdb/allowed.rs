//! What an instance of DuckDB may take of the machine: little where a file is small, and more once it is needed.

use std::sync::LazyLock;

use super::bulk::Instance;
use super::footprint::Footprint;

/// What one instance may take. Each change of it gives the statements that make it so, or nothing where it is so already.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowed {
    footprint: Footprint,
    memory_bytes: u64,
    has_all_cores: bool,
}

impl Allowed {
    /// Starts an instance that may take little: enough to look at a file, and to put some thousand rows into it.
    pub(super) fn start(footprint: Footprint) -> Result<(Instance, Self), String> {
        let little = Self { footprint, memory_bytes: footprint.looking_bytes(), has_all_cores: false };
        let memory = bytes(little.memory_bytes);
        let settings = [SETTINGS.as_slice(), &[(MEMORY, &memory), ("threads", "1")]].concat();
        let instance = Instance::start(&settings)?;
        // Among the settings of the start, DuckDB forgets the one for compression.
        instance.connect_bulk()?.execute(ONE_CORE)?;
        Ok((instance, little))
    }

    pub(super) fn footprint(&self) -> Footprint {
        self.footprint
    }

    /// So much memory, as far as the bound goes.
    pub(super) fn more_memory(&mut self, memory_bytes: u64) -> Option<String> {
        let memory_bytes = memory_bytes.min(MEMORY_BYTES_MAX);
        if memory_bytes <= self.memory_bytes {
            return None;
        }
        self.memory_bytes = memory_bytes;
        Some(self.set_memory())
    }

    /// Little memory. A bound that is about that stays, since each change of it makes DuckDB give the system back what it does
    /// not need at the time, a tenth of what a small pull takes.
    pub(super) fn little_memory(&mut self) -> Option<String> {
        if !self.is_much() {
            return None;
        }
        self.memory_bytes = self.footprint.looking_bytes();
        Some(self.set_memory())
    }

    /// Gives the system back what is free, where that may be much: a change of the bound makes DuckDB do so, even if it is none.
    /// What one thread has given out by then waits for that thread alone, and to write a large table another takes as much
    /// again.
    pub(super) fn flush(&self) -> Option<String> {
        self.is_much().then(|| self.set_memory())
    }

    fn is_much(&self) -> bool {
        self.memory_bytes > 2 * self.footprint.looking_bytes()
    }

    /// All cores that are meant for it, and the compression that takes them.
    ///
    /// For a few rows one is better: with more, whoever asks a statement goes in circles until another thread has run it,
    /// and synchronised it to the disk. And a fifth of a small pull went into tables of symbols for texts, which save some
    /// hundred kilobytes.
    pub(super) fn all_cores(&mut self) -> Option<String> {
        if self.has_all_cores {
            return None;
        }
        self.has_all_cores = true;
        let threads = self.footprint.threads();
        Some(format!("SET GLOBAL threads = {threads}; RESET GLOBAL disabled_compression_methods;"))
    }

    /// One core again.
    pub(super) fn one_core(&mut self) -> Option<String> {
        std::mem::take(&mut self.has_all_cores).then(|| ONE_CORE.to_owned())
    }

    fn set_memory(self) -> String {
        format!("SET GLOBAL {MEMORY} = '{}';", bytes(self.memory_bytes))
    }
}

fn bytes(count: u64) -> String {
    format!("{count}B")
}

/// The cores of the machine.
pub(super) fn cores() -> usize {
    // To ask takes several files of the system's.
    static CORES: LazyLock<usize> =
        LazyLock::new(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get));
    *CORES
}

/// DuckDB never fetches an extension, keeps its memory within a bound, and compresses each row
/// group as soon as it is full, while it is in the cache, instead of every five.
pub(super) const SETTINGS: [(&str, &str); 6] = [
    ("autoload_known_extensions", "false"),
    ("autoinstall_known_extensions", "false"),
    ("allow_community_extensions", "false"),
    ("preserve_insertion_order", "false"),
    ("write_buffer_row_group_count", "1"),
    (MEMORY, MEMORY_MAX),
];

const MEMORY: &str = "max_memory";
const ONE_CORE: &str = "SET GLOBAL threads = 1; SET GLOBAL disabled_compression_methods = 'fsst';";
/// Enough for a merge of a million rows; more is spilled to disk beside the file.
const MEMORY_MAX: &str = "1GiB";
/// The same in bytes.
pub(super) const MEMORY_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// A number for each row of a vector of which any is removed. DuckDB keeps these in memory until the transaction is over.
pub(super) const NOTED_ROW_BYTES: u64 = 9;

#[cfg(test)]
mod tests {
    use duckdb::Connection;

    use super::*;

    fn said(connection: &Connection) -> (i64, String, String) {
        let query = "SELECT current_setting('threads'), current_setting('max_memory'),
            current_setting('disabled_compression_methods')";
        connection.query_row(query, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap()
    }

    #[test]
    fn an_instance_may_take_little_then_more_and_then_little_again() {
        let (instance, mut allowed) = Allowed::start(Footprint::Usual).unwrap();
        let connection = instance.connect().unwrap();
        let little = (1, "64.0 MiB".to_owned(), "FSST".to_owned());
        assert_eq!(said(&connection), little);
        let more = [allowed.more_memory(u64::MAX), allowed.all_cores()];
        for statements in more {
            connection.execute_batch(&statements.expect("it may not take that yet")).unwrap();
        }
        let cores = i64::try_from(cores()).unwrap();
        assert_eq!(said(&connection), (cores, "1.0 GiB".to_owned(), String::new()));
        assert_eq!([allowed.more_memory(u64::MAX), allowed.all_cores()], [None, None]);
        for statements in [allowed.little_memory(), allowed.one_core()] {
            connection.execute_batch(&statements.expect("it may take more")).unwrap();
        }
        assert_eq!(said(&connection), little);
        assert_eq!([allowed.little_memory(), allowed.one_core()], [None, None]);
    }

    #[test]
    fn a_bound_that_is_a_little_above_the_lowest_stays() {
        for footprint in [Footprint::Usual, Footprint::Small] {
            let memory_bytes = footprint.looking_bytes();
            let mut allowed = Allowed { footprint, memory_bytes, has_all_cores: false };
            assert!(allowed.more_memory(memory_bytes + 1).is_some());
            assert_eq!(allowed.little_memory(), None);
            assert_eq!(allowed.flush(), None);
            assert!(allowed.more_memory(3 * memory_bytes).is_some());
            assert!(allowed.flush().is_some());
            assert!(allowed.little_memory().is_some());
        }
    }
}
