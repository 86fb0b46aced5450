//! CREATE, ALTER, DROP, UNDROP and COMMENT: all of them commit the open transaction first, as in Snowflake.

mod alter_table;
mod columns;
mod create_table;
mod databases;
mod drop;
mod dynamic;
mod formats;
mod sequences;
mod stages;
pub(crate) mod view;

use sqlparser::parser::Parser;

use super::error::{insufficient_privileges, missing, unsupported};
use super::listing::Listing;
use super::request::SqlRequest;
use super::session::{SqlSession, listed};
use super::{account, names, parse};
use crate::outcome::{Outcome, SqlError};

pub(crate) const DDL: u64 = 0x6000;

/// What stands between CREATE and the kind of object.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Modifiers {
    pub or_replace: bool,
    pub is_temporary: bool,
    pub is_transient: bool,
    pub is_secure: bool,
}

pub(crate) fn execute(
    session: &mut SqlSession,
    request: &SqlRequest,
    parser: &mut Parser<'_>,
    word: &str,
) -> Result<Outcome, SqlError> {
    session.commit()?;
    session.refresh();
    let message = match word {
        "CREATE" => create(session, request, parser)?,
        "ALTER" => alter(session, parser)?,
        "DROP" => drop::execute(session, parser)?,
        "UNDROP" => drop::undrop(session, parser)?,
        _ => comment(session, parser)?,
    };
    session.refresh();
    listed(DDL, Listing::status(message))
}

/// The schema must be there, and the role allowed to create such an object in it.
fn check_may_create(session: &SqlSession, path: &[String; 3], privilege: &str) -> Result<(), SqlError> {
    let schema = session.state.catalog.schema(&path[0], &path[1])?;
    if !session.state.sees_schema(&path[0], &path[1]) {
        return Err(missing("Schema", &names::display_path(&path[..2])));
    }
    if session.state.may("SCHEMA", &path[..2], &schema.owner, &[privilege]) {
        return Ok(());
    }
    Err(insufficient_privileges("schema", &names::display(&path[1])))
}

fn modifiers(parser: &mut Parser<'_>) -> Modifiers {
    let mut found = Modifiers::default();
    loop {
        if parse::accept(parser, &["OR", "REPLACE"]) {
            found.or_replace = true;
        } else if ["TEMPORARY", "TEMP", "VOLATILE"].iter().any(|word| parse::accept(parser, &[word])) {
            found.is_temporary = true;
        } else if parse::accept(parser, &["TRANSIENT"]) {
            found.is_transient = true;
        } else if parse::accept(parser, &["SECURE"]) {
            found.is_secure = true;
        } else if !["LOCAL", "GLOBAL"].iter().any(|word| parse::accept(parser, &[word])) {
            return found;
        }
    }
}

fn create(
    session: &mut SqlSession,
    request: &SqlRequest,
    parser: &mut Parser<'_>,
) -> Result<String, SqlError> {
    parse::expect(parser, &["CREATE"])?;
    let modifiers = modifiers(parser);
    let kind = parse::take_word(parser)?;
    match kind.as_str() {
        "TABLE" => create_table::execute(session, request),
        "HYBRID" => create_table::hybrid(session, request),
        "DYNAMIC" => dynamic::create(session, request, parser, modifiers),
        "VIEW" => view::create(session, request, parser, modifiers),
        "DATABASE" => databases::create_database(session, parser, modifiers),
        "SCHEMA" => databases::create_schema(session, parser, modifiers),
        "SEQUENCE" => sequences::create(session, parser, modifiers),
        "FILE" => formats::create(session, request, parser, modifiers),
        "STAGE" => stages::create(session, parser, modifiers),
        "WAREHOUSE" => account::warehouses::create(session, parser, modifiers),
        "ROLE" => account::roles::create(session, parser, modifiers),
        "USER" => account::users::create(session, parser, modifiers),
        "NETWORK" => account::network_policies::create(session, parser, modifiers),
        other => Err(unsupported(format!("CREATE {other}"))),
    }
}

fn alter(session: &mut SqlSession, parser: &mut Parser<'_>) -> Result<String, SqlError> {
    parse::expect(parser, &["ALTER"])?;
    let kind = parse::take_word(parser)?;
    match kind.as_str() {
        "TABLE" => alter_table::execute(session, parser),
        "DYNAMIC" => dynamic::alter(session, parser),
        "VIEW" => view::alter(session, parser),
        "DATABASE" => databases::alter_database(session, parser),
        "SCHEMA" => databases::alter_schema(session, parser),
        "WAREHOUSE" => account::warehouses::alter(session, parser),
        "USER" => account::users::alter(session, parser),
        "NETWORK" => account::network_policies::alter(session, parser),
        "ROLE" => account::roles::alter(session, parser),
        other => Err(unsupported(format!("ALTER {other}"))),
    }
}

/// `COMMENT [IF EXISTS] ON <kind> <name> IS '…'`.
fn comment(session: &mut SqlSession, parser: &mut Parser<'_>) -> Result<String, SqlError> {
    parse::expect(parser, &["COMMENT"])?;
    parse::accept(parser, &["IF", "EXISTS"]);
    parse::expect(parser, &["ON"])?;
    let kind = parse::take_word(parser)?;
    let parts = parse::name(parser)?;
    parse::expect(parser, &["IS"])?;
    let text = parse::string(parser)?;
    parse::end(parser)?;
    match kind.as_str() {
        "TABLE" => alter_table::set_comment(session, &parts, &text)?,
        "COLUMN" => alter_table::set_column_comment(session, &parts, &text)?,
        "VIEW" => view::set_comment(session, &parts, &text)?,
        "STAGE" => stages::set_comment(session, &parts, &text)?,
        "SCHEMA" | "DATABASE" => databases::set_comment(session, &kind, &parts, &text)?,
        other => return Err(unsupported(format!("COMMENT ON {other}"))),
    }
    Ok("Statement executed successfully.".to_owned())
}
