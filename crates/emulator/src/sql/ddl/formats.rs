//! Named file formats: CREATE and DROP.

use sqlparser::parser::Parser;

use super::{Modifiers, check_may_create};
use crate::outcome::SqlError;
use crate::sql::catalog::FormatEntry;
use crate::sql::error::exists;
use crate::sql::load::{FileFormat, read_options};
use crate::sql::request::SqlRequest;
use crate::sql::session::SqlSession;
use crate::sql::{names, parse};

pub(super) fn create(
    session: &mut SqlSession,
    request: &SqlRequest,
    parser: &mut Parser<'_>,
    modifiers: Modifiers,
) -> Result<String, SqlError> {
    parse::expect(parser, &["FORMAT"])?;
    let if_not_exists = parse::accept(parser, &["IF", "NOT", "EXISTS"]);
    let parts = parse::name(parser)?;
    let mut options = read_options(parser, Some(request))?;
    parse::end(parser)?;
    let comment = match options.iter().position(|(name, _)| name == "COMMENT") {
        Some(place) => options.remove(place).1.text("COMMENT")?.to_owned(),
        None => String::new(),
    };
    let format = FileFormat::of_options(options)?;
    let entry =
        FormatEntry { created_on: session.state.now, owner: session.state.role.clone(), comment, format };
    let path = session.state.qualify_table(&parts)?;
    // A temporary format needs the privilege too.
    check_may_create(session, &path, "CREATE FILE FORMAT")?;
    let is_taken = if modifiers.is_temporary {
        session.state.temporary_formats.contains_key(&path)
    } else {
        session.state.catalog.schema(&path[0], &path[1])?.formats.contains_key(&path[2])
    };
    if is_taken && if_not_exists {
        return Ok(format!("{} already exists, statement succeeded.", path[2]));
    }
    if is_taken && !modifiers.or_replace {
        return Err(exists(&names::display(&path[2])));
    }
    let message = format!("File format {} successfully created.", path[2]);
    if modifiers.is_temporary {
        session.state.temporary_formats.insert(path, entry);
    } else {
        session.database.change(&session.connection, |catalog| {
            catalog.schema_mut(&path[0], &path[1])?.formats.insert(path[2].clone(), entry);
            catalog.forget_grants("FILE_FORMAT", &path);
            Ok(())
        })?;
    }
    Ok(message)
}

pub(super) fn drop(session: &mut SqlSession, parts: &[String]) -> Result<(), SqlError> {
    let path = session.state.qualify_table(parts)?;
    if session.state.temporary_formats.remove(&path).is_some() {
        return Ok(());
    }
    session.state.file_format(parts, "OWNERSHIP")?;
    session.database.change(&session.connection, |catalog| {
        catalog.schema_mut(&path[0], &path[1])?.formats.remove(&path[2]);
        catalog.forget_grants("FILE_FORMAT", &path);
        Ok(())
    })
}
