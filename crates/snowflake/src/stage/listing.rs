//! What is in a Snowflake stage, and taking it out again.

use arrow_array::cast::AsArray as _;
use arrow_array::{RecordBatch, StringArray};
use arrow_cast::cast;
use arrow_schema::DataType;
use jiff::Timestamp;

use super::location::StageLocation;
use crate::http::http_date;
use crate::{Error, ErrorKind, Result, Session, Statement, string_literal};

/// A file as `LIST` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StageFile {
    /// Its path. For a named stage it begins with the stage's name in lower case, as Snowflake shows it.
    pub name: String,
    /// Its bytes as they are stored.
    pub size: u64,
    /// The MD5 of the bytes as they are stored, where the cloud has it.
    pub md5: Option<String>,
    /// When it was last written.
    pub last_modified: Option<Timestamp>,
}

pub(crate) async fn list(session: &Session, location: &StageLocation) -> Result<Vec<StageFile>> {
    let batches = rows(session, format!("LIST {location}")).await?;
    let mut files = Vec::new();
    for batch in &batches {
        let (names, sizes) = (texts(batch, "name")?, texts(batch, "size")?);
        let (digests, dates) = (texts(batch, "md5")?, texts(batch, "last_modified")?);
        for row in 0..batch.num_rows() {
            let text = |column: &StringArray| {
                column.iter().nth(row).flatten().filter(|text| !text.is_empty()).map(str::to_owned)
            };
            let size = text(&sizes).and_then(|size| size.parse().ok());
            files.push(StageFile {
                name: text(&names).ok_or_else(unreadable)?,
                size: size.ok_or_else(unreadable)?,
                md5: text(&digests),
                last_modified: text(&dates).and_then(|date| http_date(&date)),
            });
        }
    }
    Ok(files)
}

pub(crate) async fn remove(
    session: &Session,
    location: &StageLocation,
    pattern: Option<&str>,
) -> Result<Vec<String>> {
    let pattern = pattern.map(|pattern| format!(" PATTERN={}", string_literal(pattern))).unwrap_or_default();
    let batches = rows(session, format!("REMOVE {location}{pattern}")).await?;
    let mut removed = Vec::new();
    for batch in &batches {
        removed.extend(texts(batch, "name")?.iter().flatten().map(str::to_owned));
    }
    Ok(removed)
}

async fn rows(session: &Session, sql: String) -> Result<Vec<RecordBatch>> {
    session.query(Statement::new(sql).repeatable()).await?.collect().await
}

fn texts(batch: &RecordBatch, name: &str) -> Result<StringArray> {
    let column = batch.column_by_name(name).ok_or_else(unreadable)?;
    let column = cast(column, &DataType::Utf8).map_err(|_| unreadable())?;
    Ok(column.as_string::<i32>().clone())
}

fn unreadable() -> Error {
    Error::new(ErrorKind::Protocol, "the list of files in the Snowflake stage cannot be read")
}
