//! COPY INTO a table: which files and rows arrive, as what values, and what is refused.

mod files;
mod formats;
mod history;
mod parquet;
mod privileges;
mod texts;

use std::fs;

use emulator::outcome::SqlError;
use emulator::sql::Database;
use tempfile::TempDir;

use super::{Session, on, start};

/// An account whose user ADMIN has staged files.
pub(crate) struct Staged {
    pub folder: TempDir,
    pub database: Database,
    pub session: Session,
}

pub(crate) fn staged() -> Staged {
    let folder = TempDir::new().unwrap();
    let database = Database::open(Some(folder.path())).unwrap();
    let mut session = on(&database, &start("ADMIN", None));
    session.ok("CREATE WAREHOUSE WH");
    session.ok("CREATE DATABASE D");
    Staged { folder, database, session }
}

impl Staged {
    /// Puts a file into `@~`.
    pub(crate) fn file(&self, name: &str, content: &[u8]) {
        let path = self.folder.path().join("stages/user-ADMIN/objects").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Puts a Parquet file into `@~`, with the rows of a DuckDB query.
    pub(crate) fn parquet(&self, name: &str, query: &str) {
        let path = self.folder.path().join("made.parquet");
        let duckdb = duckdb::Connection::open_in_memory().unwrap();
        let path_text = path.to_str().unwrap();
        duckdb.execute_batch(&format!("COPY ({query}) TO '{path_text}' (FORMAT PARQUET)")).unwrap();
        self.file(name, &fs::read(&path).unwrap());
    }

    pub(crate) fn rows(&mut self, text: &str) -> Vec<String> {
        self.session.rows(text)
    }

    pub(crate) fn fails(&mut self, text: &str) -> SqlError {
        self.session.fails(text)
    }

    pub(crate) fn ok(&mut self, text: &str) {
        self.session.ok(text);
    }
}
