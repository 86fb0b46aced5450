//! Which staged files can be read together, and how many rows are in each.

use duckdb::Connection;
use tempfile::TempDir;

use super::files::SourceFile;
use super::format::{FileFormat, FormatKind};
use super::parquet;
use super::source::{Shape, StagedSource};
use crate::outcome::SqlError;
use crate::sql::error::unsupported;

/// A file with what was found in it.
#[derive(Debug)]
pub(super) struct ReadFile {
    pub file: SourceFile,
    pub rows_parsed: u64,
}

/// All files of a statement, those of one shape together.
#[derive(Debug, Default)]
pub(super) struct Scanned {
    pub files: Vec<ReadFile>,
    pub sources: Vec<StagedSource>,
    /// What was made of files that DuckDB does not read itself.
    pub scratch: Vec<TempDir>,
}

impl Scanned {
    pub(super) fn rows_parsed(&self, file: &SourceFile) -> u64 {
        self.files.iter().find(|read| read.file.name == file.name).map_or(0, |read| read.rows_parsed)
    }
}

pub(super) fn scan(
    connection: &Connection,
    files: Vec<SourceFile>,
    format: &FileFormat,
) -> Result<Scanned, SqlError> {
    if format.kind != FormatKind::Parquet {
        return Err(unsupported(format!("loading {}", format.kind.name())));
    }
    let mut scanned = Scanned::default();
    let mut shapes = Vec::new();
    for file in files {
        let (columns, rows_parsed) = parquet::columns(connection, &file, format)?;
        match shapes.iter().position(|known| *known == columns) {
            Some(place) => scanned.sources[place].files.push(file.clone()),
            None => {
                scanned.sources.push(StagedSource {
                    files: vec![file.clone()],
                    shape: Shape::Parquet(columns.clone()),
                    format: format.clone(),
                });
                shapes.push(columns);
            }
        }
        scanned.files.push(ReadFile { file, rows_parsed });
    }
    Ok(scanned)
}
