//! Staged files that a query reads.

use super::files::{Wanted, find, open};
use super::format::{FileFormat, FormatClause, FormatKind};
use super::shape::scan;
use super::source::StagedSource;
use crate::outcome::SqlError;
use crate::sql::bind::Binder;
use crate::sql::error::{error, unsupported};
use crate::sql::names;
use crate::sql::stage::{StageLocation, StagePrivilege, StageReference};
use crate::sql::state::SessionState;

/// What a location stands for in a FROM.
pub(crate) fn query_source(
    binder: &Binder<'_>,
    location: &str,
    format: Option<String>,
    pattern: Option<&str>,
) -> Result<StagedSource, SqlError> {
    let state = binder.state;
    let location = StageLocation::parse(location)?;
    let found = find(state, &location, StagePrivilege::Read, Wanted { pattern, ..Wanted::default() })?;
    let format = resolve(state, format.map(FormatClause::Named), &found.stage)?;
    let files = found.files.iter().map(|file| open(state, &found.stage, file));
    let files = files.collect::<Result<Vec<_>, _>>()?;
    let connection = state.account.connect()?;
    let scanned = scan(&connection, files, &format, None)?;
    binder.scratch.borrow_mut().extend(scanned.scratch);
    let mut sources = scanned.sources.into_iter();
    match (sources.next(), sources.next()) {
        (Some(source), None) => Ok(source),
        (None, _) => Err(error("091016", "22000", "Remote file was not found: the location has no files")),
        (Some(_), Some(_)) => Err(unsupported("a query over staged files with different columns")),
    }
}

/// The format that a clause names or spells out, else the Snowflake stage's own, else CSV.
pub(super) fn resolve(
    state: &SessionState,
    clause: Option<FormatClause>,
    stage: &StageReference,
) -> Result<FileFormat, SqlError> {
    match clause {
        Some(FormatClause::Inline(format)) => Ok(format),
        Some(FormatClause::Named(name)) => named(state, &name),
        None => match stage {
            StageReference::Named { entry, .. } => match &entry.file_format {
                Some(text) => match FileFormat::clause_of_text(text)? {
                    FormatClause::Inline(format) => Ok(format),
                    FormatClause::Named(name) => named(state, &name),
                },
                None => Ok(FileFormat::new(FormatKind::Csv)),
            },
            _ => Ok(FileFormat::new(FormatKind::Csv)),
        },
    }
}

/// A named file format that the session may use.
pub(super) fn named(state: &SessionState, name: &str) -> Result<FileFormat, SqlError> {
    Ok(state.file_format(&names::from_text(name)?, "USAGE")?.format)
}
