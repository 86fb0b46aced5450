//! Which staged files can be read together, and how many rows are in each.

use duckdb::Connection;
use tempfile::TempDir;

use super::files::SourceFile;
use super::format::{FileFormat, FormatKind};
use super::reject::Reject;
use super::source::{Shape, StagedSource};
use super::{csv, json, parquet, text, texts};
use crate::outcome::SqlError;
use crate::sql::error::internal;

/// A file with what was found in it.
#[derive(Debug)]
pub(super) struct ReadFile {
    pub file: SourceFile,
    pub rows_parsed: u64,
    /// Records that cannot be read.
    pub rejects: Vec<Reject>,
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
    pub(super) fn found(&self, file: &SourceFile) -> Option<&ReadFile> {
        self.files.iter().find(|read| read.file.name == file.name)
    }

    fn add(&mut self, file: SourceFile, shape: Shape, format: &FileFormat) {
        match self.sources.iter_mut().find(|source| source.shape == shape) {
            Some(source) => source.files.push(file),
            None => self.sources.push(StagedSource { files: vec![file], shape, format: format.clone() }),
        }
    }
}

/// Reads what is in the files; `expected` are the fields that every record of CSV must have.
pub(super) fn scan(
    connection: &Connection,
    files: Vec<SourceFile>,
    format: &FileFormat,
    expected: Option<usize>,
) -> Result<Scanned, SqlError> {
    match format.kind {
        FormatKind::Parquet => scan_parquet(connection, files, format),
        FormatKind::Csv => scan_csv(connection, files, format, expected),
        FormatKind::Json => scan_json(connection, files, format),
    }
}

fn scan_parquet(
    connection: &Connection,
    files: Vec<SourceFile>,
    format: &FileFormat,
) -> Result<Scanned, SqlError> {
    let mut scanned = Scanned::default();
    for file in files {
        let (columns, rows_parsed) = parquet::columns(connection, &file, format)?;
        scanned.add(file.clone(), Shape::Parquet(columns), format);
        scanned.files.push(ReadFile { file, rows_parsed, rejects: Vec::new() });
    }
    Ok(scanned)
}

fn scan_csv(
    connection: &Connection,
    files: Vec<SourceFile>,
    format: &FileFormat,
    expected: Option<usize>,
) -> Result<Scanned, SqlError> {
    let mut read = Vec::new();
    for file in files {
        let records = csv::read(&text::read(&file, format)?, format, expected);
        read.push((file, records));
    }
    let widths = read.iter().flat_map(|(_, found)| found.records.iter().map(|record| record.fields.len()));
    let widest = widths.max().unwrap_or(0).max(1);
    let folder = TempDir::new().map_err(internal)?;
    let mut scanned = Scanned::default();
    for (file, found) in read {
        let header = found.header.unwrap_or_default();
        let rows: Vec<texts::TextRow> =
            found.records.into_iter().map(|record| (record.fields, record.row, record.line)).collect();
        let file = texts::write(connection, folder.path(), &file, &rows, widest)?;
        scanned.add(file.clone(), Shape::Texts { width: widest, header }, format);
        scanned.files.push(ReadFile { file, rows_parsed: found.count, rejects: found.rejects });
    }
    scanned.scratch.push(folder);
    Ok(scanned)
}

fn scan_json(
    connection: &Connection,
    files: Vec<SourceFile>,
    format: &FileFormat,
) -> Result<Scanned, SqlError> {
    let folder = TempDir::new().map_err(internal)?;
    let mut scanned = Scanned::default();
    let mut keys = std::collections::BTreeSet::new();
    let mut made = Vec::new();
    for file in files {
        let found = json::read(&text::read(&file, format)?, format);
        keys.extend(found.keys);
        let numbered = (1..).zip(found.documents);
        let rows: Vec<texts::TextRow> =
            numbered.map(|(row, document)| (vec![Some(document)], row, row)).collect();
        let rejects: Vec<Reject> = found.reject.into_iter().collect();
        let rows_parsed = (rows.len() + rejects.len()) as u64;
        let file = texts::write(connection, folder.path(), &file, &rows, 1)?;
        made.push(file.clone());
        scanned.files.push(ReadFile { file, rows_parsed, rejects });
    }
    for file in made {
        scanned.add(file, Shape::Documents(keys.iter().cloned().collect()), format);
    }
    scanned.scratch.push(folder);
    Ok(scanned)
}
