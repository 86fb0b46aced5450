//! What COPY answers: a row for each file.

use super::COPY;
use super::history::{LoadStatus, LoadedFile};
use crate::outcome::{DmlStats, Outcome, SqlError};
use crate::sql::listing::{Cell, Listing};
use crate::sql::session::listed;

/// The columns of the answer; without files it is one status.
pub(crate) fn columns() -> Listing {
    Listing::new(&[
        "file",
        "status",
        "number:rows_parsed",
        "number:rows_loaded",
        "number:error_limit",
        "number:errors_seen",
        "first_error",
        "number:first_error_line",
        "number:first_error_character",
        "first_error_column_name",
    ])
}

pub(super) fn outcome(files: &[LoadedFile], failed_only: bool) -> Result<Outcome, SqlError> {
    if files.is_empty() {
        return listed(COPY, Listing::status("Copy executed with 0 files processed."));
    }
    let mut listing = columns();
    let is_shown = |file: &&LoadedFile| {
        !failed_only || matches!(file.status, LoadStatus::Failed | LoadStatus::PartiallyLoaded)
    };
    for file in files.iter().filter(is_shown) {
        listing.push(row(file));
    }
    let inserted = files.iter().map(|file| file.rows_loaded).sum();
    let stats = Some(DmlStats { inserted, ..DmlStats::default() });
    Ok(Outcome { stats, ..listed(COPY, listing)? })
}

fn row(file: &LoadedFile) -> Vec<Cell> {
    let mut cells = vec![
        Cell::from(file.shown.as_str()),
        Cell::from(file.status.name()),
        Cell::from(file.rows_parsed),
        Cell::from(file.rows_loaded),
    ];
    if file.status == LoadStatus::Skipped {
        cells.extend([Cell::Null, Cell::Number(1), Cell::from("File was loaded before.")]);
        cells.extend([Cell::Null, Cell::Null, Cell::Null]);
        return cells;
    }
    let error = file.first_error.as_ref();
    cells.extend([
        Cell::from(file.error_limit),
        Cell::from(file.errors_seen),
        Cell::from(error.map(|error| error.message.as_str())),
        error.map_or(Cell::Null, |error| Cell::from(error.line)),
        error.and_then(|error| error.character).map_or(Cell::Null, Cell::from),
        Cell::from(error.map(|error| error.column.as_str())),
    ]);
    cells
}
