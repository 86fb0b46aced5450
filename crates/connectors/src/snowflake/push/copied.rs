//! What a COPY says about its files, compared with what was sent.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use model::{Error, ErrorKind, Result};

use super::intent::SentFile;
use crate::snowflake::catalog::ShownRows;

/// One row of a COPY's result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CopiedFile {
    /// The file, with or without folders in front.
    pub(super) file: String,
    pub(super) status: String,
    pub(super) rows_loaded: u64,
}

/// Reads the result of a COPY; empty where it processed no file.
pub(super) fn files(batches: &[RecordBatch]) -> Vec<CopiedFile> {
    let mut files = Vec::new();
    for batch in batches {
        let rows = ShownRows(batch);
        for row in 0..batch.num_rows() {
            let (Some(file), Some(status)) = (rows.text("file", row), rows.text("status", row)) else {
                continue;
            };
            let rows_loaded = rows.count("rows_loaded", row).unwrap_or_default();
            files.push(CopiedFile { file, status, rows_loaded });
        }
    }
    files
}

/// Whether an earlier COPY may have loaded files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeated {
    No,
    Yes,
}

/// Compares file by file: each that was sent was loaded, with as many rows as it has, and no other was.
pub(super) fn verify(sent: &[SentFile], copied: &[CopiedFile], repeated: Repeated) -> Result<()> {
    let mut expected: BTreeMap<&str, u64> =
        sent.iter().map(|file| (file.name.as_str(), file.row_count)).collect();
    for file in copied {
        let name = file.file.rsplit('/').next().unwrap_or(&file.file);
        let Some(rows) = expected.remove(name) else {
            return Err(mismatch(format!("the file {name} was loaded, and it was not sent")));
        };
        let is_whole = file.status == "LOADED" && file.rows_loaded == rows;
        let is_skipped = file.status == "LOAD_SKIPPED" && repeated == Repeated::Yes;
        if !is_whole && !is_skipped {
            return Err(mismatch(format!(
                "of the file {name}, {} of {rows} rows were loaded, with status {}",
                file.rows_loaded, file.status
            )));
        }
    }
    match expected.keys().next() {
        None => Ok(()),
        Some(name) => Err(mismatch(format!(
            "{} of {} files were not loaded, {name} among them",
            expected.len(),
            sent.len()
        ))),
    }
}

fn mismatch(message: String) -> Error {
    Error::new(ErrorKind::Internal, "delivery_count_mismatch", message)
        .with_remedy("look at the statement in the account's query history, and report it to the developers")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent() -> Vec<SentFile> {
        [("a", 1), ("b", 2)].map(|(name, row_count)| SentFile { name: name.into(), row_count }).to_vec()
    }

    fn copied(rows: &[(&str, &str, u64)]) -> Vec<CopiedFile> {
        let file = |(file, status, rows_loaded): &(&str, &str, u64)| CopiedFile {
            file: (*file).to_owned(),
            status: (*status).to_owned(),
            rows_loaded: *rows_loaded,
        };
        rows.iter().map(file).collect()
    }

    #[test]
    fn every_file_counts_and_every_row() {
        let all = copied(&[("snowferry/1/b", "LOADED", 2), ("snowferry/1/a", "LOADED", 1)]);
        assert!(verify(&sent(), &all, Repeated::No).is_ok());
        for rows in [
            &[("a", "LOADED", 1)][..],
            &[("a", "LOADED", 1), ("b", "LOADED", 1)],
            &[("a", "LOADED", 1), ("b", "PARTIALLY_LOADED", 2)],
            &[("a", "LOADED", 1), ("b", "LOADED", 2), ("c", "LOADED", 0)],
            &[("a", "LOADED", 1), ("b", "LOADED", 2), ("b", "LOADED", 2)],
            &[],
        ] {
            let error = verify(&sent(), &copied(rows), Repeated::No).unwrap_err();
            assert_eq!(error.code(), "delivery_count_mismatch", "{rows:?}");
        }
    }

    #[test]
    fn a_skipped_file_was_delivered_only_where_an_earlier_copy_can_have_done_it() {
        let skipped = copied(&[("a", "LOAD_SKIPPED", 0), ("b", "LOADED", 2)]);
        assert!(verify(&sent(), &skipped, Repeated::Yes).is_ok());
        assert!(verify(&sent(), &skipped, Repeated::No).is_err());
    }
}
