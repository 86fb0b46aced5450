//! PUT and GET as the server sees them: it never touches the client's files, it says where they go.

use super::files::fitting;
use super::scanner::Scanner;
use super::{StageLocation, StagePrivilege};
use crate::outcome::{Outcome, SqlError};
use crate::sql::error::{compilation, unsupported};
use crate::sql::listing::Listing;
use crate::sql::session::{SqlSession, listed};
use crate::stage::{Direction, Transfer};

/// JDBC's number for statements of no known type: the server has none for these.
const UNKNOWN: u64 = 0;
const PARALLEL_DEFAULT: u64 = 4;
/// For GET.
const PARALLEL_DOWNLOAD_DEFAULT: u64 = 10;
const PARALLEL_MAX: u64 = 99;
const SOURCE_COMPRESSIONS: [&str; 11] = [
    "auto_detect",
    "gzip",
    "bz2",
    "brotli",
    "zstd",
    "deflate",
    "raw_deflate",
    "parquet",
    "orc",
    "none",
    "lzo",
];

/// `PUT 'file://…' @stage/folder …`
pub(super) fn put(session: &SqlSession, scanner: &mut Scanner<'_>) -> Result<Outcome, SqlError> {
    let source = local_path(&scanner.path()?)?;
    let location = StageLocation::parse(&scanner.path()?)?;
    let (mut overwrites, mut auto_compresses) = (false, true);
    let mut source_compression = "auto_detect".to_owned();
    let mut parallel = PARALLEL_DEFAULT;
    while let Some((name, value)) = scanner.option()? {
        match name.as_str() {
            "OVERWRITE" => overwrites = flag(&name, &value)?,
            "AUTO_COMPRESS" => auto_compresses = flag(&name, &value)?,
            "SOURCE_COMPRESSION" => {
                source_compression = value.to_lowercase();
                if !SOURCE_COMPRESSIONS.contains(&source_compression.as_str()) {
                    return Err(invalid_value(&name, &value));
                }
            }
            "PARALLEL" => parallel = number(&name, &value)?,
            other => return Err(unsupported(format!("{other} of PUT"))),
        }
    }
    let stage = session.state.stage(&location, StagePrivilege::Write)?;
    transferred(Transfer {
        stage: stage.id(),
        is_client_side_encrypted: stage.is_client_side_encrypted(),
        folder: location.folder(),
        parallel,
        direction: Direction::Upload { source, overwrites, auto_compresses, source_compression },
    })
}

/// `GET @stage/path 'file://…' …`
pub(super) fn get(session: &SqlSession, scanner: &mut Scanner<'_>) -> Result<Outcome, SqlError> {
    let location = StageLocation::parse(&scanner.path()?)?;
    let destination = local_path(&scanner.path()?)?;
    let mut pattern = None;
    let mut parallel = PARALLEL_DOWNLOAD_DEFAULT;
    while let Some((name, value)) = scanner.option()? {
        match name.as_str() {
            "PATTERN" => pattern = Some(value),
            "PARALLEL" => parallel = number(&name, &value)?,
            other => return Err(unsupported(format!("{other} of GET"))),
        }
    }
    let stage = session.state.stage(&location, StagePrivilege::Read)?;
    let files = session.database.stages().list(&stage.id(), &location.path)?;
    let files = fitting(&session.connection, &stage, files, pattern.as_deref())?;
    // What stands after the last slash is the beginning of file names.
    let folder = location.path.rfind('/').map_or("", |end| &location.path[..=end]).to_owned();
    transferred(Transfer {
        stage: stage.id(),
        is_client_side_encrypted: stage.is_client_side_encrypted(),
        folder,
        parallel,
        direction: Direction::Download { destination, files },
    })
}

/// No rows come from here: the client makes them up when it has moved the files.
fn transferred(transfer: Transfer) -> Result<Outcome, SqlError> {
    let outcome = listed(UNKNOWN, Listing::new(&["status"]))?;
    Ok(Outcome { transfer: Some(Box::new(transfer)), ..outcome })
}

fn local_path(text: &str) -> Result<String, SqlError> {
    text.strip_prefix("file://").map(str::to_owned).ok_or_else(|| {
        compilation(
            "001003",
            "42000",
            &format!("'{text}' is not a local file: it does not start with file://"),
        )
    })
}

fn flag(name: &str, value: &str) -> Result<bool, SqlError> {
    match value.to_ascii_uppercase().as_str() {
        "TRUE" => Ok(true),
        "FALSE" => Ok(false),
        _ => Err(invalid_value(name, value)),
    }
}

fn number(name: &str, value: &str) -> Result<u64, SqlError> {
    let number = value.parse().ok().filter(|number| (1..=PARALLEL_MAX).contains(number));
    number.ok_or_else(|| invalid_value(name, value))
}

fn invalid_value(name: &str, value: &str) -> SqlError {
    compilation("001008", "22023", &format!("invalid value [{value}] for parameter '{name}'"))
}
