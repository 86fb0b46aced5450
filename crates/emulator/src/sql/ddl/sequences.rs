//! Sequences.

use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use super::columns::create_sequence;
use super::{Modifiers, check_may_create};
use crate::outcome::SqlError;
use crate::sql::catalog::SequenceEntry;
use crate::sql::error::{exists, missing, unsupported};
use crate::sql::run::execute_all;
use crate::sql::session::SqlSession;
use crate::sql::{names, parse};

pub(super) fn create(
    session: &mut SqlSession,
    parser: &mut Parser<'_>,
    modifiers: Modifiers,
) -> Result<String, SqlError> {
    let if_not_exists = parse::accept(parser, &["IF", "NOT", "EXISTS"]);
    let parts = parse::name(parser)?;
    let mut entry = SequenceEntry {
        created_on: session.state.now,
        owner: session.state.role.clone(),
        comment: String::new(),
        start: 1,
        increment: 1,
        is_ordered: true,
        sequence: format!("s{}", session.database.take_id()),
    };
    loop {
        if parse::accept(parser, &["START"]) {
            parse::accept(parser, &["WITH"]);
            entry.start = number(parser)?;
        } else if parse::accept(parser, &["INCREMENT"]) {
            parse::accept(parser, &["BY"]);
            entry.increment = number(parser)?;
        } else if parse::accept(parser, &["NOORDER"]) {
            entry.is_ordered = false;
        } else if parse::accept(parser, &["COMMENT"]) {
            parse::expect_token(parser, &Token::Eq)?;
            entry.comment = parse::string(parser)?;
        } else if !parse::accept(parser, &["ORDER"]) {
            break;
        }
    }
    parse::end(parser)?;
    let path = session.state.qualify_table(&parts)?;
    check_may_create(session, &path, "CREATE SEQUENCE")?;
    let created = session.database.change(&session.connection, |catalog| {
        let sequences = &mut catalog.schema_mut(&path[0], &path[1])?.sequences;
        if sequences.contains_key(&path[2]) && !modifiers.or_replace {
            return if if_not_exists { Ok(false) } else { Err(exists(&names::display(&path[2]))) };
        }
        execute_all(&session.connection, &create_sequence(&entry.sequence, entry.start, entry.increment))?;
        sequences.insert(path[2].clone(), entry);
        Ok(true)
    })?;
    let what = if created { "successfully created." } else { "already exists, statement succeeded." };
    Ok(format!("Sequence {} {what}", path[2]))
}

fn number(parser: &mut Parser<'_>) -> Result<i64, SqlError> {
    let _ = parser.consume_token(&Token::Eq);
    let sign = if parser.consume_token(&Token::Minus) { -1 } else { 1 };
    let number = parse::run(parser, Parser::parse_literal_uint)?;
    i64::try_from(number).map(|number| sign * number).map_err(|_| unsupported("a number of this size"))
}

pub(super) fn drop(session: &mut SqlSession, parts: &[String]) -> Result<(), SqlError> {
    let path = session.state.qualify_table(parts)?;
    session.database.change(&session.connection, |catalog| {
        let sequences = &mut catalog.schema_mut(&path[0], &path[1])?.sequences;
        sequences.remove(&path[2]).ok_or_else(|| missing("Sequence", &names::display_path(parts)))?;
        Ok(())
    })
}
