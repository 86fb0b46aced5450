//! USE: the current database, schema, virtual warehouse and roles.

use sqlparser::parser::Parser;

use crate::outcome::{Outcome, SqlError};
use crate::sql::error::{cannot_be_performed, error};
use crate::sql::listing::Listing;
use crate::sql::session::{SqlSession, listed};
use crate::sql::{names, parse};

const USE: u64 = 0x4300;
const USE_DATABASE: u64 = 0x4301;
const USE_SCHEMA: u64 = 0x4302;
const USE_WAREHOUSE: u64 = 0x4303;

pub(crate) fn execute(session: &mut SqlSession, parser: &mut Parser<'_>) -> Result<Outcome, SqlError> {
    parse::expect(parser, &["USE"])?;
    let kind = if parse::accept(parser, &["WAREHOUSE"]) {
        warehouse(session, parser)?;
        USE_WAREHOUSE
    } else if parse::accept(parser, &["ROLE"]) {
        role(session, parser)?;
        USE
    } else if parse::accept(parser, &["SECONDARY"]) {
        if !parse::accept(parser, &["ROLES"]) {
            parse::expect(parser, &["ROLE"])?;
        }
        session.state.uses_secondary_roles = parse::accept(parser, &["ALL"]);
        if !session.state.uses_secondary_roles {
            parse::expect(parser, &["NONE"])?;
        }
        parse::end(parser)?;
        USE
    } else if parse::accept(parser, &["DATABASE"]) {
        let name = parse::identifier(parser)?;
        parse::end(parser)?;
        database(session, &name)?;
        USE_DATABASE
    } else {
        let is_schema = parse::accept(parser, &["SCHEMA"]);
        let parts = parse::name(parser)?;
        parse::end(parser)?;
        match parts.as_slice() {
            [name] if !is_schema => {
                database(session, name)?;
                USE_DATABASE
            }
            _ => {
                schema(session, &parts)?;
                USE_SCHEMA
            }
        }
    };
    listed(kind, Listing::status("Statement executed successfully."))
}

fn warehouse(session: &mut SqlSession, parser: &mut Parser<'_>) -> Result<(), SqlError> {
    let name = parse::identifier(parser)?;
    parse::end(parser)?;
    if !session.state.sees_warehouse(&name) {
        return Err(cannot_be_performed());
    }
    session.state.warehouse = Some(name);
    Ok(())
}

fn role(session: &mut SqlSession, parser: &mut Parser<'_>) -> Result<(), SqlError> {
    let name = parse::identifier(parser)?;
    parse::end(parser)?;
    if !session.state.catalog.roles.contains_key(&name) {
        return Err(cannot_be_performed());
    }
    if !session.state.may_assume(&name) {
        return Err(error(
            "003013",
            "42501",
            format!(
                "SQL access control error:\nRequested role '{}' is not assigned to the executing user. Specify \
                 another role to activate.",
                names::display(&name)
            ),
        ));
    }
    session.state.role = name;
    Ok(())
}

/// The database's PUBLIC schema becomes the current one, where there is one to be seen.
fn database(session: &mut SqlSession, name: &str) -> Result<(), SqlError> {
    if !session.state.sees_database(name) {
        return Err(cannot_be_performed());
    }
    session.state.database = Some(name.to_owned());
    session.state.schema = session.state.sees_schema(name, "PUBLIC").then(|| "PUBLIC".to_owned());
    Ok(())
}

fn schema(session: &mut SqlSession, parts: &[String]) -> Result<(), SqlError> {
    let [database, schema] = session.state.qualify_schema(parts)?;
    if !session.state.sees_schema(&database, &schema) {
        return Err(cannot_be_performed());
    }
    session.state.database = Some(database);
    session.state.schema = Some(schema);
    Ok(())
}
