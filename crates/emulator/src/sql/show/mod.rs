//! SHOW: what there is, as far as the session may see it.

mod account;
pub(crate) mod describe;
mod formats;
mod grants;
pub(crate) mod objects;
pub(crate) mod pattern;
pub(super) mod stages;

use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use super::account::network_policies;
use super::error::{missing, unsupported};
use super::listing::Listing;
use super::session::{SqlSession, listed};
use super::state::SessionState;
use super::{names, parse};
use crate::outcome::{Outcome, SqlError};

const SHOW: u64 = 0x4400;
/// Rows that SHOW gives at most, as Snowflake does; more are had page by page with LIMIT … FROM.
const ROWS_MAX: usize = 10_000;

/// Where SHOW looks.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Account,
    Database(String),
    Schema([String; 2]),
    Table([String; 3]),
}

/// Everything that may follow the kind of object.
struct Filter {
    place: Place,
    like: Option<String>,
    starts_with: Option<String>,
    limit: usize,
    from: Option<String>,
}

impl Filter {
    fn has_database(&self, name: &str) -> bool {
        match &self.place {
            Place::Account => true,
            Place::Database(database) => database == name,
            Place::Schema([database, _]) | Place::Table([database, ..]) => database == name,
        }
    }

    fn has_schema(&self, database: &str, schema: &str) -> bool {
        self.has_database(database)
            && match &self.place {
                Place::Schema([_, wanted]) | Place::Table([_, wanted, _]) => wanted == schema,
                _ => true,
            }
    }

    fn has_table(&self, table: &str) -> bool {
        match &self.place {
            Place::Table([.., wanted]) => wanted == table,
            _ => true,
        }
    }

    /// Keeps the rows whose `column` is asked for.
    fn apply(&self, mut listing: Listing, column: &str) -> Listing {
        let names: Vec<String> =
            (0..listing.rows.len()).map(|row| listing.text(row, column).to_owned()).collect();
        let is_wanted = |name: &String| {
            self.like.as_ref().is_none_or(|pattern| pattern::matches(pattern, name))
                && self.starts_with.as_ref().is_none_or(|start| name.starts_with(start.as_str()))
                && self.from.as_ref().is_none_or(|from| name > from)
        };
        let mut wanted = names.iter().map(is_wanted);
        listing.rows.retain(|_| wanted.next().unwrap_or(false));
        listing.rows.truncate(self.limit);
        listing
    }
}

pub(crate) fn execute(session: &mut SqlSession, parser: &mut Parser<'_>) -> Result<Outcome, SqlError> {
    parse::expect(parser, &["SHOW"])?;
    let is_terse = parse::accept(parser, &["TERSE"]);
    let kind = parse::take_word(parser)?;
    if kind == "GRANTS" {
        return listed(SHOW, grants::show(session, parser, false)?);
    }
    if kind == "FUTURE" {
        parse::expect(parser, &["GRANTS"])?;
        return listed(SHOW, grants::show(session, parser, true)?);
    }
    if matches!(kind.as_str(), "PRIMARY" | "UNIQUE" | "IMPORTED" | "EXPORTED") {
        parse::expect(parser, &["KEYS"])?;
    }
    if kind == "NETWORK" {
        parse::expect(parser, &["POLICIES"])?;
    }
    if kind == "FILE" {
        parse::expect(parser, &["FORMATS"])?;
    }
    if kind == "DYNAMIC" {
        parse::expect(parser, &["TABLES"])?;
    }
    parse::accept(parser, &["HISTORY"]);
    let filter = filter(session, parser, &kind)?;
    let listing = match kind.as_str() {
        "DATABASES" => filter.apply(objects::databases(session, &filter), "name"),
        "SCHEMAS" => filter.apply(objects::schemas(session, &filter), "name"),
        "TABLES" => filter.apply(objects::tables(session, &filter)?, "name"),
        "DYNAMIC" => filter.apply(objects::dynamic_tables(session, &filter)?, "name"),
        "VIEWS" => filter.apply(objects::views(session, &filter), "name"),
        "OBJECTS" => filter.apply(objects::objects(session, &filter)?, "name"),
        "COLUMNS" => filter.apply(objects::columns(session, &filter), "column_name"),
        "PRIMARY" => filter.apply(objects::keys(session, &filter, true), "table_name"),
        "UNIQUE" => filter.apply(objects::keys(session, &filter, false), "table_name"),
        "IMPORTED" | "EXPORTED" => objects::foreign_keys(),
        "FILE" => filter.apply(formats::formats(session, &filter), "name"),
        "STAGES" => filter.apply(stages::stages(session, &filter), "name"),
        "WAREHOUSES" => filter.apply(account::warehouses(session), "name"),
        "ROLES" => filter.apply(account::roles(session), "name"),
        "NETWORK" => filter.apply(network_policies::show(session), "name"),
        "USERS" => filter.apply(account::users(session), "name"),
        "PARAMETERS" => filter.apply(account::parameters(session), "key"),
        "VARIABLES" => filter.apply(account::variables(session), "name"),
        other => return Err(unsupported(format!("SHOW {other}"))),
    };
    let listing = if is_terse { terse(listing) } else { listing };
    listed(SHOW, listing)
}

fn terse(listing: Listing) -> Listing {
    listing.select(&["created_on", "name", "kind", "database_name", "schema_name"])
}

fn filter(session: &SqlSession, parser: &mut Parser<'_>, kind: &str) -> Result<Filter, SqlError> {
    let state = &session.state;
    let mut filter =
        Filter { place: default_place(state), like: None, starts_with: None, limit: ROWS_MAX, from: None };
    if parse::accept(parser, &["LIKE"]) {
        filter.like = Some(parse::string(parser)?);
    }
    if parse::accept(parser, &["IN"]) || parse::accept(parser, &["FOR"]) {
        filter.place = place(state, parser, kind)?;
    }
    if parse::accept(parser, &["STARTS", "WITH"]) {
        filter.starts_with = Some(parse::string(parser)?);
    }
    if parse::accept(parser, &["LIMIT"]) {
        let limit = parse::run(parser, Parser::parse_literal_uint)?;
        filter.limit = usize::try_from(limit).unwrap_or(ROWS_MAX).min(ROWS_MAX);
        if parse::accept(parser, &["FROM"]) {
            filter.from = Some(parse::string(parser)?);
        }
    }
    parse::end(parser)?;
    Ok(filter)
}

fn default_place(state: &SessionState) -> Place {
    match (&state.database, &state.schema) {
        (Some(database), Some(schema)) => Place::Schema([database.clone(), schema.clone()]),
        (Some(database), None) => Place::Database(database.clone()),
        (None, _) => Place::Account,
    }
}

fn place(state: &SessionState, parser: &mut Parser<'_>, kind: &str) -> Result<Place, SqlError> {
    if parse::accept(parser, &["ACCOUNT"]) || parse::accept(parser, &["SESSION"]) {
        return Ok(Place::Account);
    }
    let is_end = |parser: &Parser<'_>| matches!(parser.peek_token().token, Token::EOF | Token::SemiColon);
    if parse::accept(parser, &["DATABASE"]) {
        if is_end(parser) {
            return state.database.clone().map(Place::Database).ok_or_else(super::state::no_database);
        }
        let name = parse::identifier(parser)?;
        return seen_database(state, name);
    }
    if parse::accept(parser, &["TABLE"]) || parse::accept(parser, &["VIEW"]) {
        let parts = parse::name(parser)?;
        let path = state.qualify_table(&parts)?;
        state.object(path.clone(), &names::display_path(&parts), "")?;
        return Ok(Place::Table(path));
    }
    let is_schema = parse::accept(parser, &["SCHEMA"]);
    if is_schema && is_end(parser) {
        return Ok(default_place(state));
    }
    let parts = parse::name(parser)?;
    match parts.as_slice() {
        // IN name means a database for SHOW SCHEMAS, a table for SHOW COLUMNS, and a schema or database for the rest.
        [name] if !is_schema && kind == "SCHEMAS" => seen_database(state, name.clone()),
        [_, _, _] => Ok(Place::Table(state.qualify_table(&parts)?)),
        [_] | [_, _]
            if !is_schema && matches!(kind, "COLUMNS" | "PRIMARY" | "UNIQUE" | "IMPORTED" | "EXPORTED") =>
        {
            Ok(Place::Table(state.qualify_table(&parts)?))
        }
        [name] if !is_schema && state.sees_database(name) => Ok(Place::Database(name.clone())),
        _ => {
            let path = state.qualify_schema(&parts)?;
            if !state.sees_schema(&path[0], &path[1]) {
                return Err(missing("Schema", &names::display_path(&parts)));
            }
            Ok(Place::Schema(path))
        }
    }
}

fn seen_database(state: &SessionState, name: String) -> Result<Place, SqlError> {
    if state.sees_database(&name) {
        Ok(Place::Database(name))
    } else {
        Err(missing("Database", &names::display(&name)))
    }
}
