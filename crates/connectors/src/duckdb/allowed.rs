//! What an instance of DuckDB may take of the machine: little where a file is small, and more once it is needed.

use std::sync::LazyLock;

use super::bulk::Instance;

/// What one instance may take. Each change of it gives the statements that make it so, or nothing where it is so already.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowed {
    memory_bytes: u64,
    has_all_cores: bool,
}

impl Allowed {
    /// Starts an instance that may take little: enough to look at a file, and to put some thousand rows into it.
    pub(super) fn start() -> Result<(Instance, Self), String> {
        let little = Self { memory_bytes: MEMORY_BYTES_LIGHT, has_all_cores: false };
        let memory = bytes(little.memory_bytes);
        let settings = [SETTINGS.as_slice(), &[(MEMORY, &memory), ("threads", "1")]].concat();
        let instance = Instance::start(&settings)?;
        // Among the settings of the start, DuckDB forgets the one for compression.
        instance.connect_bulk()?.execute(ONE_CORE)?;
        Ok((instance, little))
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
        if self.memory_bytes <= 2 * MEMORY_BYTES_LIGHT {
            return None;
        }
        self.memory_bytes = MEMORY_BYTES_LIGHT;
        Some(self.set_memory())
    }

    /// All cores, and the compression that takes them.
    ///
    /// For a few rows one is better: with more, whoever asks a statement goes in circles until another thread has run it,
    /// and synchronised it to the disk. And a fifth of a small pull went into tables of symbols for texts, which save some
    /// hundred kilobytes.
    pub(super) fn all_cores(&mut self) -> Option<String> {
        if self.has_all_cores {
            return None;
        }
        self.has_all_cores = true;
        Some(format!("SET GLOBAL threads = {}; RESET GLOBAL disabled_compression_methods;", cores()))
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

/// The memory of all of DuckDB's threads, where each takes this much.
pub(super) fn on_each_thread(bytes: u64) -> u64 {
    bytes * cores() as u64
}

/// The threads that DuckDB uses.
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
/// Enough for staging beside what its columns take, and for comparing keys, whatever the number of rows; what is more is
/// spilled to disk. With few columns the bound stays at the one for looking, below which it never is.
pub(super) const MEMORY_BYTES_STAGING: u64 = 32 * 1024 * 1024;
/// Enough for the journal and for looking at what there is. DuckDB keeps the blocks that it has read for as long as it
/// may, so a file that is only read through would else stay in memory up to the bound.
pub(super) const MEMORY_BYTES_LIGHT: u64 = 64 * 1024 * 1024;

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
        let (instance, mut allowed) = Allowed::start().unwrap();
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
        let mut allowed = Allowed { memory_bytes: MEMORY_BYTES_LIGHT, has_all_cores: false };
        assert!(allowed.more_memory(MEMORY_BYTES_LIGHT + 1).is_some());
        assert_eq!(allowed.little_memory(), None);
    }
}
