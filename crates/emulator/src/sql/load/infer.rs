//! INFER_SCHEMA: the columns that staged Parquet files would have as a table.

use super::files::{Wanted, find, open};
use super::format::FormatKind;
use super::parquet::{self, ParquetColumn, Reading};
use super::query::named;
use crate::outcome::{SnowType, SqlError};
use crate::sql::error::unsupported;
use crate::sql::listing::{Cell, Listing};
use crate::sql::names::display;
use crate::sql::stage::{StageLocation, StagePrivilege};
use crate::sql::state::SessionState;

pub(crate) fn schema(
    state: &SessionState,
    location: &str,
    format: &str,
    ignores_case: bool,
) -> Result<Listing, SqlError> {
    let location = StageLocation::parse(location)?;
    // Bytes without an annotation are inferred as such, whatever BINARY_AS_TEXT says: the Python connector relies on it.
    let format = named(state, format)?.with_binary();
    if format.kind != FormatKind::Parquet {
        return Err(unsupported(format!("INFER_SCHEMA of {}", format.kind.name())));
    }
    let found = find(state, &location, StagePrivilege::Read, Wanted::default())?;
    let connection = state.account.connect()?;
    let mut columns: Vec<(ParquetColumn, Vec<String>)> = Vec::new();
    for file in &found.files {
        let file = open(state, &found.stage, file)?;
        for column in parquet::columns(&connection, &file, &format)?.0 {
            match columns.iter_mut().find(|(known, _)| known.name == column.name) {
                Some((_, files)) => files.push(file.name.clone()),
                None => columns.push((column, vec![file.name.clone()])),
            }
        }
    }
    listing(&columns, ignores_case)
}

fn listing(columns: &[(ParquetColumn, Vec<String>)], ignores_case: bool) -> Result<Listing, SqlError> {
    let mut listing = Listing::new(&[
        "COLUMN_NAME",
        "TYPE",
        "boolean:NULLABLE",
        "EXPRESSION",
        "FILENAMES",
        "number:ORDER_ID",
    ]);
    for (place, (column, files)) in columns.iter().enumerate() {
        let reading = column
            .reading
            .as_ref()
            .map_err(|reason| unsupported(format!("{reason}, of the column '{}',", column.name)))?;
        let ty = type_text(reading);
        let (name, value) = if ignores_case {
            let name = column.name.to_uppercase();
            (name.clone(), format!("GET_IGNORE_CASE ($1, '{name}')"))
        } else {
            (column.name.clone(), format!("$1:{}", display(&column.name)))
        };
        listing.push(vec![
            Cell::from(name),
            Cell::from(ty.as_str()),
            Cell::Truth(column.is_nullable),
            Cell::from(format!("{value}::{ty}")),
            Cell::from(files.join(", ")),
            Cell::from(place as u64),
        ]);
    }
    Ok(listing)
}

/// Any timestamp is one without a zone, and a whole number that is no DECIMAL is one of all digits.
fn type_text(reading: &Reading) -> String {
    match &reading.ty {
        SnowType::Fixed { .. } if reading.sql != "?" => "NUMBER(38, 0)".to_owned(),
        SnowType::Fixed { precision, scale } => format!("NUMBER({precision}, {scale})"),
        SnowType::Real => "REAL".to_owned(),
        SnowType::Text { .. } => "TEXT".to_owned(),
        SnowType::Binary { .. } => "BINARY".to_owned(),
        SnowType::Boolean => "BOOLEAN".to_owned(),
        SnowType::Date => "DATE".to_owned(),
        SnowType::Time { .. } => "TIME".to_owned(),
        SnowType::TimestampNtz { .. } | SnowType::TimestampLtz { .. } | SnowType::TimestampTz { .. } => {
            "TIMESTAMP_NTZ".to_owned()
        }
        _ => "VARIANT".to_owned(),
    }
}
