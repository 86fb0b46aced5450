//! The staged files that a statement reads.

use std::path::PathBuf;

use crate::outcome::SqlError;
use crate::sql::error::{error, internal};
use crate::sql::names::literal;
use crate::sql::stage::{StageLocation, StagePrivilege, StageReference, fitting};
use crate::sql::state::SessionState;
use crate::stage::StageFile;

/// One staged file that is read.
#[derive(Clone, Debug)]
pub(crate) struct SourceFile {
    /// The path below the Snowflake stage.
    pub name: String,
    /// The name as COPY reports it.
    pub shown: String,
    pub size: u64,
    /// What changes when the file is staged again.
    pub etag: String,
    /// Nanoseconds since 1970.
    pub last_modified: i64,
    /// Its content, decrypted.
    pub plaintext: PathBuf,
}

impl SourceFile {
    /// The path as a DuckDB literal, which its readers take for a pattern.
    pub(super) fn pattern(&self) -> String {
        let mut pattern = String::new();
        for letter in self.plaintext.to_string_lossy().chars() {
            match letter {
                '*' | '?' | '[' => pattern.extend(['[', letter, ']']),
                _ => pattern.push(letter),
            }
        }
        literal(&pattern)
    }

    /// The path as DuckDB gives it back.
    pub(super) fn path(&self) -> String {
        literal(&self.plaintext.to_string_lossy())
    }
}

/// The files of a location, with their Snowflake stage.
#[derive(Debug)]
pub(super) struct Found {
    pub stage: StageReference,
    pub files: Vec<StageFile>,
}

/// What of a location is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wanted<'w> {
    pub files: Option<&'w [String]>,
    pub pattern: Option<&'w str>,
    /// Files that are listed by name must be there.
    pub must_exist: bool,
}

pub(super) fn find(
    state: &SessionState,
    location: &StageLocation,
    privilege: StagePrivilege,
    wanted: Wanted<'_>,
) -> Result<Found, SqlError> {
    let stage = state.stage(location, privilege)?;
    let stages = state.account.stages();
    let Some(names) = wanted.files else {
        let files = stages.list(&stage.id(), &location.path)?;
        let connection = state.account.connect()?;
        let files = fitting(&connection, &stage, files, wanted.pattern)?;
        return Ok(Found { stage, files });
    };
    let mut files: Vec<StageFile> = Vec::new();
    for name in names {
        let name = format!("{}{}", location.folder(), name.trim_start_matches('/'));
        match stages.file(&stage.id(), &name) {
            Ok(file) if files.iter().all(|known| known.name != file.name) => files.push(file),
            Ok(_) => {}
            Err(_) if !wanted.must_exist => {}
            Err(_) => return Err(missing_file(&stage.listed(&name))),
        }
    }
    Ok(Found { stage, files })
}

fn missing_file(name: &str) -> SqlError {
    error(
        "091016",
        "22000",
        format!(
            "Remote file '{name}' was not found. There are several potential causes. The file might not exist. The \
             required credentials may be missing or invalid. If you are running a copy command, please make sure \
             files are not deleted when they are being loaded or files are not being loaded into two different \
             tables concurrently with auto purge option."
        ),
    )
}

/// Decrypts a file.
pub(super) fn open(
    state: &SessionState,
    stage: &StageReference,
    file: &StageFile,
) -> Result<SourceFile, SqlError> {
    let plaintext = state.account.stages().plaintext(&stage.id(), &file.name)?;
    Ok(SourceFile {
        name: file.name.clone(),
        shown: stage.listed(&file.name),
        size: file.size,
        etag: file.etag.clone(),
        last_modified: i64::try_from(file.last_modified.as_nanosecond()).map_err(internal)?,
        plaintext,
    })
}
