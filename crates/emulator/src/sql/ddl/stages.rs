//! Named Snowflake stages: CREATE, DROP and their comment.

use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use super::{Modifiers, check_may_create};
use crate::outcome::SqlError;
use crate::sql::account::grants::apply_future;
use crate::sql::catalog::StageEntry;
use crate::sql::error::{compilation, exists, missing, unsupported};
use crate::sql::session::SqlSession;
use crate::sql::stage::StageReference;
use crate::sql::{names, parse};
use crate::stage::StageId;

pub(super) fn create(
    session: &mut SqlSession,
    parser: &mut Parser<'_>,
    modifiers: Modifiers,
) -> Result<String, SqlError> {
    let if_not_exists = parse::accept(parser, &["IF", "NOT", "EXISTS"]);
    let parts = parse::name(parser)?;
    let entry = definition(session, parser, modifiers)?;
    let path = session.state.qualify_table(&parts)?;
    // Creating a temporary Snowflake stage needs the privilege too.
    check_may_create(session, &path, "CREATE STAGE")?;
    let shown = names::display(&path[2]);
    let is_taken = if modifiers.is_temporary {
        session.state.temporary_stages.contains_key(&path)
    } else {
        session.state.catalog.schema(&path[0], &path[1])?.stages.contains_key(&path[2])
    };
    if is_taken && if_not_exists {
        return Ok(format!("{} already exists, statement succeeded.", path[2]));
    }
    if is_taken && !modifiers.or_replace {
        return Err(exists(&shown));
    }
    let message = format!("Stage area {} successfully created.", path[2]);
    if let Some(replaced) = publish(session, path, entry)? {
        session.database.stages().forget(&StageId::Named(replaced.id));
    }
    Ok(message)
}

/// Puts the stage where it is looked up, and gives the one whose place it takes.
fn publish(
    session: &mut SqlSession,
    path: [String; 3],
    entry: StageEntry,
) -> Result<Option<StageEntry>, SqlError> {
    if entry.is_temporary {
        return Ok(session.state.temporary_stages.insert(path, entry));
    }
    session.database.change(&session.connection, |catalog| {
        let owner = entry.owner.clone();
        let replaced = catalog.schema_mut(&path[0], &path[1])?.stages.insert(path[2].clone(), entry);
        if replaced.is_some() {
            catalog.forget_grants("STAGE", &path);
        }
        apply_future(catalog, "STAGE", &path, &owner);
        Ok(replaced)
    })
}

fn definition(
    session: &SqlSession,
    parser: &mut Parser<'_>,
    modifiers: Modifiers,
) -> Result<StageEntry, SqlError> {
    let mut entry = StageEntry {
        id: session.database.take_id(),
        created_on: session.state.now,
        owner: session.state.role.clone(),
        comment: String::new(),
        is_temporary: modifiers.is_temporary,
        is_client_side_encrypted: true,
        file_format: None,
        copy_options: None,
    };
    while parse::peek_word(parser).is_some() {
        let option = parse::take_word(parser)?;
        parse::expect_token(parser, &Token::Eq)?;
        match option.as_str() {
            "ENCRYPTION" => entry.is_client_side_encrypted = encryption(parser)?,
            "FILE_FORMAT" => entry.file_format = Some(parenthesized(parser)?),
            "COPY_OPTIONS" => entry.copy_options = Some(parenthesized(parser)?),
            "COMMENT" => entry.comment = parse::string(parser)?,
            "DIRECTORY" => {
                if !parenthesized(parser)?.to_uppercase().replace(' ', "").contains("ENABLE=FALSE") {
                    return Err(unsupported("a directory table"));
                }
            }
            other => return Err(unsupported(format!("{other} of a stage"))),
        }
    }
    parse::end(parser)?;
    Ok(entry)
}

/// `(TYPE = 'SNOWFLAKE_FULL')` or `(TYPE = 'SNOWFLAKE_SSE')`: whether clients encrypt.
fn encryption(parser: &mut Parser<'_>) -> Result<bool, SqlError> {
    parse::expect_token(parser, &Token::LParen)?;
    let options = parse::options(parser)?;
    parse::expect_token(parser, &Token::RParen)?;
    match options.as_slice() {
        [(key, value)] if key == "TYPE" => match value.to_uppercase().as_str() {
            "SNOWFLAKE_FULL" => Ok(true),
            "SNOWFLAKE_SSE" => Ok(false),
            other => {
                let message = format!("invalid value [{other}] for parameter 'ENCRYPTION'");
                Err(compilation("001008", "22023", &message))
            }
        },
        _ => Err(parse::unexpected(parser)),
    }
}

/// The text between parentheses, token by token.
fn parenthesized(parser: &mut Parser<'_>) -> Result<String, SqlError> {
    parse::expect_token(parser, &Token::LParen)?;
    let mut tokens = Vec::new();
    let mut depth = 1;
    loop {
        match parser.peek_token().token {
            Token::EOF => return Err(parse::unexpected(parser)),
            Token::LParen => depth += 1,
            Token::RParen => depth -= 1,
            _ => {}
        }
        let token = parser.next_token().token;
        if depth == 0 {
            return Ok(tokens.join(" "));
        }
        tokens.push(token_text(&token));
    }
}

/// A token as SQL that reads back the same.
fn token_text(token: &Token) -> String {
    match token {
        Token::SingleQuotedString(text) => {
            format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
        }
        other => other.to_string(),
    }
}

pub(super) fn drop(session: &mut SqlSession, parts: &[String]) -> Result<(), SqlError> {
    let (path, entry) = owned(session, parts)?;
    if entry.is_temporary {
        session.state.temporary_stages.remove(&path);
    } else {
        session.database.change(&session.connection, |catalog| {
            catalog.schema_mut(&path[0], &path[1])?.stages.remove(&path[2]);
            catalog.forget_grants("STAGE", &path);
            Ok(())
        })?;
    }
    session.database.stages().forget(&StageId::Named(entry.id));
    Ok(())
}

pub(super) fn set_comment(session: &mut SqlSession, parts: &[String], text: &str) -> Result<(), SqlError> {
    let (path, entry) = owned(session, parts)?;
    let changed = StageEntry { comment: text.to_owned(), ..entry };
    publish_change(session, path, changed)
}

fn publish_change(session: &mut SqlSession, path: [String; 3], entry: StageEntry) -> Result<(), SqlError> {
    if entry.is_temporary {
        session.state.temporary_stages.insert(path, entry);
        return Ok(());
    }
    session.database.change(&session.connection, |catalog| {
        catalog.schema_mut(&path[0], &path[1])?.stages.insert(path[2].clone(), entry);
        Ok(())
    })
}

fn owned(session: &SqlSession, parts: &[String]) -> Result<([String; 3], StageEntry), SqlError> {
    match session.state.named_stage(parts, "OWNERSHIP")? {
        StageReference::Named { path, entry } => Ok((path, entry)),
        StageReference::User(_) | StageReference::Table(_) => {
            Err(missing("Stage", &names::display_path(parts)))
        }
    }
}
