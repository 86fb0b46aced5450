//! Reading statements: the parser's set-up, its errors in Snowflake's words, and small steps over tokens.

mod bound_names;
mod locations;

use sqlparser::ast::ObjectName;
use sqlparser::dialect::SnowflakeDialect;
use sqlparser::parser::{Parser, ParserError, ParserOptions};
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer, TokenizerError};

use super::error::syntax;
use super::names;
use super::request::SqlRequest;
use crate::outcome::SqlError;

static DIALECT: SnowflakeDialect = SnowflakeDialect;

/// Nesting that a statement may have; the parser's own default is lower than what generated SQL uses.
const RECURSION_MAX: usize = 200;

pub(crate) fn parser(text: &str) -> Result<Parser<'static>, SqlError> {
    Ok(over(tokens(text)?))
}

/// A parser of a request's statement: names bound to `IDENTIFIER(?)` stand in their places, locations of staged files
/// are texts, and every `?` has its number.
pub(crate) fn statement(request: &SqlRequest) -> Result<Parser<'static>, SqlError> {
    let tokens = locations::join(tokens(&request.text)?, &request.text);
    Ok(over(bound_names::fill(tokens, &request.bindings)?))
}

fn tokens(text: &str) -> Result<Vec<TokenWithSpan>, SqlError> {
    Tokenizer::new(&DIALECT, text).tokenize_with_location().map_err(|failure| {
        let TokenizerError { message, location } = failure;
        syntax(location.line, location.column.saturating_sub(1), &message)
    })
}

fn over(tokens: Vec<TokenWithSpan>) -> Parser<'static> {
    let options = ParserOptions::new().with_trailing_commas(false).with_unescape(true);
    Parser::new(&DIALECT)
        .with_options(options)
        .with_recursion_limit(RECURSION_MAX)
        .with_tokens_with_locations(tokens)
}

/// A parser's failure as Snowflake reports it: the token it stopped at, with its line and position.
pub(crate) fn syntax_error(failure: &ParserError, parser: &Parser<'_>) -> SqlError {
    let text = failure.to_string();
    let located = text.rsplit_once("at Line: ").and_then(|(before, place)| {
        let (line, column) = place.split_once(", Column: ")?;
        let found = before.rsplit_once("found: ").map_or("", |(_, found)| found.trim());
        Some((line.trim().parse().ok()?, column.trim().parse::<u64>().ok()?, found.to_owned()))
    });
    match located {
        Some((line, column, found)) => {
            let found = if found == "EOF" { "<EOF>".to_owned() } else { found };
            syntax(line, column.saturating_sub(1), &found)
        }
        None => unexpected(parser),
    }
}

/// The syntax error for the token the parser stands at.
pub(crate) fn unexpected(parser: &Parser<'_>) -> SqlError {
    let token = parser.peek_token();
    let found = if token.token == Token::EOF { "<EOF>".to_owned() } else { token.token.to_string() };
    syntax(token.span.start.line, token.span.start.column.saturating_sub(1), &found)
}

/// Takes the next token where it is one of the given words, whatever its case.
pub(crate) fn accept(parser: &mut Parser<'_>, words: &[&str]) -> bool {
    for (index, word) in words.iter().enumerate() {
        match parser.peek_nth_token(index).token {
            Token::Word(found) if found.quote_style.is_none() && found.value.eq_ignore_ascii_case(word) => {}
            _ => return false,
        }
    }
    for _ in words {
        parser.next_token();
    }
    true
}

pub(crate) fn expect(parser: &mut Parser<'_>, words: &[&str]) -> Result<(), SqlError> {
    if accept(parser, words) { Ok(()) } else { Err(unexpected(parser)) }
}

/// The next token as an upper-cased unquoted word, left where it is.
pub(crate) fn peek_word(parser: &Parser<'_>) -> Option<String> {
    match parser.peek_token().token {
        Token::Word(word) if word.quote_style.is_none() => Some(word.value.to_uppercase()),
        _ => None,
    }
}

pub(crate) fn take_word(parser: &mut Parser<'_>) -> Result<String, SqlError> {
    let word = peek_word(parser).ok_or_else(|| unexpected(parser))?;
    parser.next_token();
    Ok(word)
}

pub(crate) fn expect_token(parser: &mut Parser<'_>, token: &Token) -> Result<(), SqlError> {
    if parser.consume_token(token) { Ok(()) } else { Err(unexpected(parser)) }
}

/// A dotted name in stored form.
pub(crate) fn name(parser: &mut Parser<'_>) -> Result<Vec<String>, SqlError> {
    let name: ObjectName = run(parser, |parser| parser.parse_object_name(false))?;
    names::parts(&name)
}

/// A name of one part.
pub(crate) fn identifier(parser: &mut Parser<'_>) -> Result<String, SqlError> {
    let parts = name(parser)?;
    match <[String; 1]>::try_from(parts) {
        Ok([only]) => Ok(only),
        Err(_) => Err(unexpected(parser)),
    }
}

pub(crate) fn string(parser: &mut Parser<'_>) -> Result<String, SqlError> {
    match parser.peek_token().token {
        Token::SingleQuotedString(text) => {
            parser.next_token();
            Ok(text)
        }
        Token::DollarQuotedString(text) => {
            parser.next_token();
            Ok(text.value)
        }
        _ => Err(unexpected(parser)),
    }
}

pub(crate) fn end(parser: &mut Parser<'_>) -> Result<(), SqlError> {
    while parser.consume_token(&Token::SemiColon) {}
    if parser.peek_token().token == Token::EOF { Ok(()) } else { Err(unexpected(parser)) }
}

/// Runs one of the parser's own steps.
pub(crate) fn run<'p, T>(
    parser: &mut Parser<'p>,
    step: impl FnOnce(&mut Parser<'p>) -> Result<T, ParserError>,
) -> Result<T, SqlError> {
    step(parser).map_err(|failure| syntax_error(&failure, parser))
}

/// `NAME = value` pairs until something else comes, such as the options of CREATE USER. Values are words, numbers,
/// strings or lists in parentheses, as text.
pub(crate) fn options(parser: &mut Parser<'_>) -> Result<Vec<(String, String)>, SqlError> {
    let mut found = Vec::new();
    loop {
        let _ = parser.consume_token(&Token::Comma);
        let is_option = peek_word(parser).is_some() && parser.peek_nth_token(1).token == Token::Eq;
        if !is_option {
            return Ok(found);
        }
        let key = take_word(parser)?;
        parser.next_token();
        found.push((key, option_value(parser)?));
    }
}

fn option_value(parser: &mut Parser<'_>) -> Result<String, SqlError> {
    if parser.consume_token(&Token::LParen) {
        let mut items = Vec::new();
        while !parser.consume_token(&Token::RParen) {
            if !parser.consume_token(&Token::Comma) {
                items.push(option_value(parser)?);
            }
        }
        return Ok(items.join(","));
    }
    match parser.next_token().token {
        Token::SingleQuotedString(text) => Ok(text),
        Token::DollarQuotedString(text) => Ok(text.value),
        Token::Number(text, _) => Ok(text),
        Token::Minus => Ok(format!("-{}", option_value(parser)?)),
        Token::Word(word) => {
            let mut text = if word.quote_style.is_some() { word.value } else { word.value.to_uppercase() };
            while parser.consume_token(&Token::Period) {
                text = format!("{text}.{}", option_value(parser)?);
            }
            Ok(text)
        }
        _ => {
            parser.prev_token();
            Err(unexpected(parser))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use sqlparser::parser::Parser;

    use super::{end, options, parser, run, statement};
    use crate::sql::{Binding, SqlRequest};

    pub(super) fn request(text: &str) -> SqlRequest {
        SqlRequest {
            query_id: String::new(),
            text: text.to_owned(),
            bindings: BTreeMap::new(),
            parameters: BTreeMap::new(),
        }
    }

    #[test]
    fn a_bound_name_stands_where_identifier_was_and_other_binds_keep_their_numbers() {
        let mut request = request("select ? from identifier( ? ) where a = ?");
        let values = vec![Some("\"my db\".s.t".to_owned())];
        let binding = Binding { ty: "TEXT".to_owned(), values, is_array: false };
        request.bindings.insert("2".to_owned(), binding);
        let mut parser = statement(&request).unwrap();
        let query = run(&mut parser, Parser::parse_query).unwrap();
        assert_eq!(query.to_string(), "SELECT :1 FROM \"my db\".\"S\".\"T\" WHERE a = :3");
    }

    #[test]
    fn a_syntax_error_names_the_token_with_its_line_and_position() {
        let mut parser = parser("select 1\nfrom t group having 1").unwrap();
        let error = run(&mut parser, Parser::parse_query).and_then(|_| end(&mut parser)).unwrap_err();
        assert_eq!((error.code, error.position), ("001003", Some((2, 7))), "{}", error.message);
    }

    #[test]
    fn options_are_read_until_something_else_comes() {
        let mut parser =
            parser("TYPE = service, default_role=R COMMENT='it''s' days = 3 ALLOWED=('a','b') rest").unwrap();
        let found = options(&mut parser).unwrap();
        assert_eq!(found.len(), 5);
        assert_eq!(found[2], ("COMMENT".to_owned(), "it's".to_owned()));
        assert_eq!(found[4].1, "a,b");
    }
}
