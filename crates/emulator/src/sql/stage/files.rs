//! LIST and REMOVE: what is in a Snowflake stage.

use jiff::tz::TimeZone;

use super::scanner::Scanner;
use super::{StageLocation, StagePrivilege, StageReference, transfer};
use crate::outcome::{Outcome, SqlError};
use crate::sql::error::{error, unsupported};
use crate::sql::listing::{Cell, Listing};
use crate::sql::session::{SqlSession, listed};
use crate::stage::StageFile;

/// Snowflake's drivers know no type of their own for these; what they are is a system command.
const SYSTEM_COMMAND: u64 = 0x4000;

/// Statements about staged files, which are not read by the SQL parser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileStatement {
    Put,
    Get,
    List,
    Remove,
}

impl FileStatement {
    /// Which one a text is, by its first word.
    pub(crate) fn of(text: &str) -> Option<Self> {
        match Scanner::new(text).word().as_str() {
            "PUT" => Some(Self::Put),
            "GET" => Some(Self::Get),
            "LIST" | "LS" => Some(Self::List),
            "REMOVE" | "RM" => Some(Self::Remove),
            _ => None,
        }
    }

    /// The columns of LIST and REMOVE.
    pub(crate) fn columns(self) -> Listing {
        match self {
            Self::List => Listing::new(&["name", "number:size", "md5", "last_modified"]),
            Self::Remove => Listing::new(&["name", "result"]),
            Self::Put | Self::Get => Listing::new(&["status"]),
        }
    }
}

pub(crate) fn execute(
    session: &mut SqlSession,
    statement: FileStatement,
    text: &str,
) -> Result<Outcome, SqlError> {
    let mut scanner = Scanner::new(text);
    scanner.word();
    let listing = match statement {
        FileStatement::List => list(session, &mut scanner)?,
        FileStatement::Remove => remove(session, &mut scanner)?,
        FileStatement::Put => return transfer::put(session, &mut scanner),
        FileStatement::Get => return transfer::get(session, &mut scanner),
    };
    listed(SYSTEM_COMMAND, listing)
}

fn list(session: &SqlSession, scanner: &mut Scanner<'_>) -> Result<Listing, SqlError> {
    let (stage, files) = found(session, scanner, StagePrivilege::Read)?;
    let mut listing = FileStatement::List.columns();
    for file in files {
        let modified = file.last_modified.to_zoned(TimeZone::UTC);
        listing.push(vec![
            Cell::from(stage.listed(&file.name)),
            Cell::from(file.size),
            Cell::from(file.etag),
            Cell::from(modified.strftime("%a, %-d %b %Y %H:%M:%S GMT").to_string()),
        ]);
    }
    Ok(listing)
}

fn remove(session: &SqlSession, scanner: &mut Scanner<'_>) -> Result<Listing, SqlError> {
    let (stage, files) = found(session, scanner, StagePrivilege::Write)?;
    let mut listing = FileStatement::Remove.columns();
    for file in files {
        if session.database.stages().remove(&stage.id(), &file.name)? {
            listing.push(vec![Cell::from(stage.listed(&file.name)), Cell::from("removed")]);
        }
    }
    Ok(listing)
}

/// The files of a location, those that fit PATTERN where it is given.
fn found(
    session: &SqlSession,
    scanner: &mut Scanner<'_>,
    privilege: StagePrivilege,
) -> Result<(StageReference, Vec<StageFile>), SqlError> {
    let location = StageLocation::parse(&scanner.path()?)?;
    let mut pattern = None;
    while let Some((name, value)) = scanner.option()? {
        match name.as_str() {
            "PATTERN" => pattern = Some(value),
            other => return Err(unsupported(format!("{other} of a statement about staged files"))),
        }
    }
    let stage = session.state.stage(&location, privilege)?;
    let files = session.database.stages().list(&stage.id(), &location.path)?;
    let files = fitting(&session.connection, &stage, files, pattern.as_deref())?;
    Ok((stage, files))
}

/// The files whose whole listed name fits the regular expression.
pub(crate) fn fitting(
    connection: &duckdb::Connection,
    stage: &StageReference,
    mut files: Vec<StageFile>,
    pattern: Option<&str>,
) -> Result<Vec<StageFile>, SqlError> {
    let Some(pattern) = pattern else { return Ok(files) };
    let is_match = |name: &str| -> Result<bool, SqlError> {
        let matched =
            connection.query_row("SELECT regexp_full_match(?, ?)", [name, pattern], |row| row.get(0));
        matched.map_err(|_| error("100048", "2201B", format!("Invalid regular expression: '{pattern}'")))
    };
    // An invalid pattern is one where there are no files, too.
    is_match("")?;
    let fits = files.iter().map(|file| is_match(&stage.listed(&file.name)));
    let mut fits = fits.collect::<Result<Vec<bool>, _>>()?.into_iter();
    files.retain(|_| fits.next().unwrap_or(false));
    Ok(files)
}
