//! Which statement it is, by its first words, and who runs it.

use sqlparser::ast::{Query, Statement};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use super::bind::{Binder, Names, OutputColumn, Scope};
use super::error::{compilation, unsupported};
use super::listing::Listing;
use super::request::SqlRequest;
use super::session::{SqlSession, listed};
use super::stage::{self, FileStatement};
use super::{account, ddl, dml, load, parse, show};
use crate::outcome::{Column, Outcome, SqlError};

const ALTER_SESSION: u64 = 0x4100;
const SET: u64 = 0x4200;
const TRANSACTION: u64 = 0x5000;
const COMMIT: u64 = 0x5100;
const ROLLBACK: u64 = 0x5200;

/// Reads and runs one statement.
pub(crate) fn execute(session: &mut SqlSession, request: &SqlRequest) -> Result<Outcome, SqlError> {
    if let Some(statement) = FileStatement::of(&request.text) {
        return stage::execute(session, statement, &stage::with_bound_values(request)?);
    }
    let mut parser = parse::statement(request)?;
    while parser.consume_token(&Token::SemiColon) {}
    if parser.peek_token().token == Token::LParen {
        return query(session, request, &mut parser);
    }
    let word = parse::peek_word(&parser).ok_or_else(|| parse::unexpected(&parser))?;
    match word.as_str() {
        "SELECT" | "WITH" | "VALUES" => query(session, request, &mut parser),
        "INSERT" | "UPDATE" | "DELETE" | "MERGE" | "TRUNCATE" => {
            dml::execute(session, request, &mut parser, &word)
        }
        "COPY" => load::execute(session, request, &mut parser),
        "SHOW" => show::execute(session, &mut parser),
        "DESC" | "DESCRIBE" => show::describe::execute(session, &mut parser),
        "USE" => account::context::execute(session, &mut parser),
        "ALTER" if next_word(&parser) == "SESSION" => alter_session(session, &mut parser),
        "GRANT" | "REVOKE" => account::grants::execute(session, &mut parser),
        "CREATE" | "ALTER" | "DROP" | "UNDROP" | "COMMENT" => {
            ddl::execute(session, request, &mut parser, &word)
        }
        "BEGIN" | "START" | "COMMIT" | "ROLLBACK" => transaction(session, &mut parser, &word),
        "SET" | "UNSET" => variable(session, request, &mut parser),
        "EXECUTE" => immediate(session, request, &mut parser),
        "EXPLAIN" | "CALL" | "DECLARE" => Err(unsupported(word)),
        _ => Err(parse::unexpected(&parser)),
    }
}

/// The columns that a statement would give.
pub(crate) fn describe(session: &mut SqlSession, request: &SqlRequest) -> Result<Vec<Column>, SqlError> {
    if let Some(statement) = FileStatement::of(&request.text) {
        return Ok(statement.columns().columns);
    }
    let mut parser = parse::statement(request)?;
    let is_query = parser.peek_token().token == Token::LParen
        || matches!(parse::peek_word(&parser).as_deref(), Some("SELECT" | "WITH" | "VALUES"));
    if is_query {
        let query = parse_query(&mut parser)?;
        keep_results(session, &request.text)?;
        let binder = Binder::new(&session.state, &request.bindings);
        let bound = binder.top_query(&query)?;
        return Ok(bound.columns.iter().map(OutputColumn::column).collect());
    }
    match parse::peek_word(&parser).as_deref() {
        // These change nothing, so their columns may be had by running them.
        Some("SHOW" | "DESC" | "DESCRIBE") => execute(session, request).map(|outcome| outcome.rows.columns),
        Some("INSERT" | "UPDATE" | "DELETE" | "MERGE" | "TRUNCATE") => {
            dml::describe(&parse::peek_word(&parser).unwrap_or_default())
        }
        Some("COPY") => Ok(load::columns().columns),
        _ => Ok(Listing::status("").columns),
    }
}

fn next_word(parser: &Parser<'_>) -> String {
    match parser.peek_nth_token(1).token {
        Token::Word(word) => word.value.to_uppercase(),
        _ => String::new(),
    }
}

/// Reads the whole text as one query.
pub(crate) fn parse_query(parser: &mut Parser<'_>) -> Result<Box<Query>, SqlError> {
    let query = parse::run(parser, Parser::parse_query)?;
    parse::end(parser)?;
    Ok(query)
}

/// Reads the whole text as one statement of a kind that the parser knows.
pub(crate) fn parse_statement(parser: &mut Parser<'_>) -> Result<Statement, SqlError> {
    let statement = parse::run(parser, Parser::parse_statement)?;
    parse::end(parser)?;
    Ok(statement)
}

fn query(
    session: &mut SqlSession,
    request: &SqlRequest,
    parser: &mut Parser<'_>,
) -> Result<Outcome, SqlError> {
    let query = parse_query(parser)?;
    keep_results(session, &request.text)?;
    let binder = Binder::new(&session.state, &request.bindings);
    if binder.has_array_binds() {
        return Err(unsupported("a SELECT with bound arrays"));
    }
    let bound = binder.top_query(&query)?;
    session.check_compute(&binder)?;
    let wait_ms = binder.wait_ms.get();
    // What was made for this statement is gone after it, so its rows cannot come later.
    let scratch = binder.scratch.take();
    tracing::trace!(sql = %bound.sql, "query");
    let outcome = session.query(wait_ms, bound, !scratch.is_empty());
    drop(scratch);
    outcome
}

/// Puts earlier results that the statement reads with RESULT_SCAN where DuckDB can read them.
fn keep_results(session: &mut SqlSession, text: &str) -> Result<(), SqlError> {
    if text.to_uppercase().contains("RESULT_SCAN") { super::kept::load_all(session, text) } else { Ok(()) }
}

fn transaction(session: &mut SqlSession, parser: &mut Parser<'_>, word: &str) -> Result<Outcome, SqlError> {
    parser.next_token();
    for noise in ["TRANSACTION", "WORK"] {
        parse::accept(parser, &[noise]);
    }
    if parse::accept(parser, &["NAME"]) {
        parse::identifier(parser)?;
    }
    parse::end(parser)?;
    let kind = match word {
        "COMMIT" => {
            session.commit()?;
            COMMIT
        }
        "ROLLBACK" => {
            session.rollback()?;
            ROLLBACK
        }
        // A BEGIN inside a transaction is ignored.
        _ => {
            session.begin();
            TRANSACTION
        }
    };
    listed(kind, Listing::status("Statement executed successfully."))
}

fn alter_session(session: &mut SqlSession, parser: &mut Parser<'_>) -> Result<Outcome, SqlError> {
    parse::expect(parser, &["ALTER", "SESSION"])?;
    let mut changed = Vec::new();
    if parse::accept(parser, &["SET"]) {
        for (name, value) in parse::options(parser)? {
            let was_autocommit = session.state.parameters.flag("AUTOCOMMIT");
            let stored = session.state.parameters.alter(&name, &value)?;
            if name == "AUTOCOMMIT" && stored == "true" && !was_autocommit {
                session.commit()?;
            }
            changed.push((name, stored));
        }
    } else {
        parse::expect(parser, &["UNSET"])?;
        loop {
            let name = parse::take_word(parser)?;
            changed.push((name.clone(), session.state.parameters.unset(&name)));
            if !parser.consume_token(&Token::Comma) {
                break;
            }
        }
    }
    parse::end(parser)?;
    let outcome = listed(ALTER_SESSION, Listing::status("Statement executed successfully."))?;
    Ok(Outcome { changed_parameters: changed, ..outcome })
}

/// `EXECUTE IMMEDIATE` of one statement, given as a text or by a session variable.
fn immediate(
    session: &mut SqlSession,
    request: &SqlRequest,
    parser: &mut Parser<'_>,
) -> Result<Outcome, SqlError> {
    parse::expect(parser, &["EXECUTE", "IMMEDIATE"])?;
    let text = match parser.peek_token().token {
        Token::Placeholder(name) => {
            parser.next_token();
            let name = name.trim_start_matches('$').to_uppercase();
            let constant = session.state.variables.get(&name).ok_or_else(|| {
                compilation("002211", "22023", &format!("Session variable '${name}' does not exist"))
            })?;
            parse::string(&mut parse::parser(constant)?)?
        }
        _ => parse::string(parser)?,
    };
    parse::end(parser)?;
    // A statement that executes itself would have no end.
    if text.trim_start().get(..7).is_some_and(|start| start.eq_ignore_ascii_case("EXECUTE")) {
        return Err(unsupported("EXECUTE IMMEDIATE inside of itself"));
    }
    execute(session, &SqlRequest { text, ..request.clone() })
}

/// `SET name = expression` and `UNSET name`.
fn variable(
    session: &mut SqlSession,
    request: &SqlRequest,
    parser: &mut Parser<'_>,
) -> Result<Outcome, SqlError> {
    if parse::accept(parser, &["UNSET"]) {
        let name = parse::identifier(parser)?;
        parse::end(parser)?;
        session.state.variables.remove(&name);
        return listed(SET, Listing::status("Statement executed successfully."));
    }
    parse::expect(parser, &["SET"])?;
    let name = parse::identifier(parser)?;
    parse::expect_token(parser, &Token::Eq)?;
    let expr = parse::run(parser, Parser::parse_expr)?;
    parse::end(parser)?;
    keep_results(session, &request.text)?;
    let binder = Binder::new(&session.state, &request.bindings);
    let scope = Scope::empty(None);
    let value = binder.expression(&expr, &Names::of(&scope))?;
    let constant = match value.ty {
        crate::outcome::SnowType::Fixed { .. }
        | crate::outcome::SnowType::Real
        | crate::outcome::SnowType::Boolean => {
            let sql = format!("SELECT CAST({} AS VARCHAR)", value.sql);
            text_of(session, &sql)?
        }
        crate::outcome::SnowType::Text { .. } => {
            let sql = format!("SELECT {}", value.sql);
            super::names::literal(&text_of(session, &sql)?)
        }
        crate::outcome::SnowType::TimestampLtz { .. } | crate::outcome::SnowType::TimestampNtz { .. } => {
            let nanoseconds =
                format!("SELECT CAST(epoch_ns(CAST({} AS TIMESTAMP_NS)) AS VARCHAR)", value.sql);
            let variant = crate::sql::physical::family_name(&value.ty);
            format!("TO_{variant}({}, 9)", text_of(session, &nanoseconds)?)
        }
        _ => return Err(unsupported("SET of something else than a text, a number, a truth or a timestamp")),
    };
    session.state.variables.insert(name, constant);
    listed(SET, Listing::status("Statement executed successfully."))
}

fn text_of(session: &SqlSession, sql: &str) -> Result<String, SqlError> {
    let value: Option<String> = session
        .connection
        .query_row(sql, [], |row| row.get(0))
        .map_err(|failure| super::error::from_duckdb(&failure))?;
    value.ok_or_else(|| compilation("002211", "22023", "a session variable cannot be NULL"))
}
