//! Views: their query is kept as written, and bound anew whenever it is read.

use sqlparser::ast::Query;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Location, Token};

use super::{Modifiers, check_may_create};
use crate::outcome::SqlError;
use crate::sql::bind::Binder;
use crate::sql::catalog::{ColumnEntry, ViewEntry};
use crate::sql::error::{compilation, exists, unsupported};
use crate::sql::request::SqlRequest;
use crate::sql::session::SqlSession;
use crate::sql::state::Object;
use crate::sql::{names, parse, statement};

/// Reads a view's stored query.
pub(crate) fn parse_query(text: &str) -> Result<Box<Query>, SqlError> {
    let mut parser = parse::parser(text)?;
    statement::parse_query(&mut parser)
}

/// The query that begins with the next token, as it was written.
pub(super) fn query_text<'t>(request: &'t SqlRequest, parser: &Parser<'_>) -> &'t str {
    from_place(&request.text, parser.peek_token().span.start).trim_end().trim_end_matches(';')
}

/// The part of `text` from a place that the tokenizer counted on.
fn from_place(text: &str, place: Location) -> &str {
    let line = usize::try_from(place.line.saturating_sub(1)).unwrap_or(0);
    let column = usize::try_from(place.column.saturating_sub(1)).unwrap_or(0);
    let line_start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let rest = &text[line_start..];
    rest.char_indices().nth(column).map_or("", |(offset, _)| &rest[offset..])
}

/// `[IF NOT EXISTS] name [(columns)] [options] AS query`, behind CREATE … VIEW.
pub(super) fn create(
    session: &mut SqlSession,
    request: &SqlRequest,
    parser: &mut Parser<'_>,
    modifiers: Modifiers,
) -> Result<String, SqlError> {
    if modifiers.is_temporary {
        return Err(unsupported("a temporary view"));
    }
    let if_not_exists = parse::accept(parser, &["IF", "NOT", "EXISTS"]);
    let parts = parse::name(parser)?;
    let aliases = column_aliases(parser)?;
    let (comment, is_tracked) = options(parser)?;
    parse::expect(parser, &["AS"])?;
    let query_text = query_text(request, parser);
    let query = statement::parse_query(parser)?;
    let path = session.state.qualify_table(&parts)?;
    check_may_create(session, &path, "CREATE VIEW")?;
    let schema = session.state.catalog.schema(&path[0], &path[1])?;
    if schema.has(&path[2]) {
        if if_not_exists {
            return Ok(format!("{} already exists, statement succeeded.", path[2]));
        }
        if !modifiers.or_replace || schema.tables.contains_key(&path[2]) {
            return Err(exists(&names::display(&path[2])));
        }
    }
    let entry = ViewEntry {
        created_on: session.state.now,
        owner: session.state.role.clone(),
        comment,
        is_secure: modifiers.is_secure,
        text: request.text.clone(),
        query: query_text.to_owned(),
        columns: columns(session, request, &path, &query, &aliases)?,
        tracked_since: is_tracked.then(|| session.database.instants().next()),
    };
    let owner = entry.owner.clone();
    session.database.change(&session.connection, |catalog| {
        catalog.schema_mut(&path[0], &path[1])?.views.insert(path[2].clone(), entry);
        crate::sql::account::grants::apply_future(catalog, "VIEW", &path, &owner);
        Ok(())
    })?;
    Ok(format!("View {} successfully created.", path[2]))
}

/// The comment, and whether changes are tracked from the beginning.
fn options(parser: &mut Parser<'_>) -> Result<(String, bool), SqlError> {
    let (mut comment, mut is_tracked) = (String::new(), false);
    loop {
        if parse::accept(parser, &["COPY", "GRANTS"]) {
            continue;
        }
        let options = parse::options(parser)?;
        if options.is_empty() {
            return Ok((comment, is_tracked));
        }
        for (key, value) in options {
            match key.as_str() {
                "COMMENT" => comment = value,
                "CHANGE_TRACKING" => is_tracked = value.eq_ignore_ascii_case("true"),
                other => return Err(unsupported(format!("CREATE VIEW … {other}"))),
            }
        }
    }
}

fn column_aliases(parser: &mut Parser<'_>) -> Result<Vec<(String, String)>, SqlError> {
    let mut aliases = Vec::new();
    if !parser.consume_token(&Token::LParen) {
        return Ok(aliases);
    }
    loop {
        let name = parse::identifier(parser)?;
        let comment =
            if parse::accept(parser, &["COMMENT"]) { parse::string(parser)? } else { String::new() };
        aliases.push((name, comment));
        if !parser.consume_token(&Token::Comma) {
            break;
        }
    }
    parse::expect_token(parser, &Token::RParen)?;
    Ok(aliases)
}

/// Binds the view's query where the view is, as it will be read later.
fn columns(
    session: &SqlSession,
    request: &SqlRequest,
    path: &[String; 3],
    query: &Query,
    aliases: &[(String, String)],
) -> Result<Vec<ColumnEntry>, SqlError> {
    let binder = Binder::new(&session.state, &request.bindings);
    binder.path.replace((Some(path[0].clone()), Some(path[1].clone())));
    let outputs = binder.top_query(query)?.columns;
    if !aliases.is_empty() && aliases.len() != outputs.len() {
        return Err(compilation(
            "002057",
            "42601",
            "a view needs one column name for each column of its query",
        ));
    }
    let columns: Vec<ColumnEntry> = outputs
        .into_iter()
        .enumerate()
        .map(|(place, output)| {
            let (name, comment) = aliases.get(place).cloned().unwrap_or((output.name, String::new()));
            ColumnEntry {
                name,
                physical: format!("c{}", place + 1),
                ty: output.ty,
                nullable: output.nullable,
                default: None,
                identity: None,
                comment,
            }
        })
        .collect();
    for (place, column) in columns.iter().enumerate() {
        if columns[..place].iter().any(|other| other.name == column.name) {
            return Err(compilation("002025", "42S21", &format!("duplicate column name '{}'", column.name)));
        }
    }
    Ok(columns)
}

fn owned(session: &SqlSession, parts: &[String]) -> Result<[String; 3], SqlError> {
    let path = session.state.qualify_table(parts)?;
    let shown = names::display_path(parts);
    match session.state.object(path, &shown, "OWNERSHIP")? {
        Object::View { path, .. } => Ok(path),
        _ => Err(compilation("002037", "42601", &format!("Object '{shown}' is not a view"))),
    }
}

/// `ALTER VIEW name RENAME TO …`, `SET COMMENT = …` and `SET CHANGE_TRACKING = …`.
pub(super) fn alter(session: &mut SqlSession, parser: &mut Parser<'_>) -> Result<String, SqlError> {
    parse::accept(parser, &["IF", "EXISTS"]);
    let parts = parse::name(parser)?;
    let path = owned(session, &parts)?;
    if parse::accept(parser, &["RENAME", "TO"]) {
        let to = parse::name(parser)?;
        parse::end(parser)?;
        let target = session.state.qualify_table(&to)?;
        session.database.change(&session.connection, |catalog| {
            if catalog.schema(&target[0], &target[1])?.has(&target[2]) {
                return Err(exists(&names::display(&target[2])));
            }
            if let Some(entry) = catalog.schema_mut(&path[0], &path[1])?.views.remove(&path[2]) {
                catalog.schema_mut(&target[0], &target[1])?.views.insert(target[2].clone(), entry);
            }
            Ok(())
        })?;
        return Ok("Statement executed successfully.".to_owned());
    }
    parse::expect(parser, &["SET"])?;
    for (key, value) in parse::options(parser)? {
        match key.as_str() {
            "COMMENT" => set_comment(session, &parts, &value)?,
            "CHANGE_TRACKING" => track(session, &path, value.eq_ignore_ascii_case("true"))?,
            other => return Err(unsupported(format!("ALTER VIEW … SET {other}"))),
        }
    }
    parse::end(parser)?;
    Ok("Statement executed successfully.".to_owned())
}

fn track(session: &mut SqlSession, path: &[String; 3], is_on: bool) -> Result<(), SqlError> {
    let now = session.database.instants().next();
    session.database.change(&session.connection, |catalog| {
        if let Some(entry) = catalog.schema_mut(&path[0], &path[1])?.views.get_mut(&path[2]) {
            entry.tracked_since = is_on.then(|| entry.tracked_since.unwrap_or(now));
        }
        Ok(())
    })
}

pub(super) fn set_comment(session: &mut SqlSession, parts: &[String], text: &str) -> Result<(), SqlError> {
    let path = owned(session, parts)?;
    session.database.change(&session.connection, |catalog| {
        if let Some(entry) = catalog.schema_mut(&path[0], &path[1])?.views.get_mut(&path[2]) {
            text.clone_into(&mut entry.comment);
        }
        Ok(())
    })
}
