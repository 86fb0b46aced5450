//! Options of COPY and of file formats as they are written: words, texts, numbers, and lists of them.

use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use crate::outcome::SqlError;
use crate::sql::error::compilation;
use crate::sql::parse;
use crate::sql::request::SqlRequest;

/// What stands behind `NAME =`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OptionValue {
    /// A word, a text or a number.
    Text(String),
    /// Texts in parentheses.
    List(Vec<String>),
    /// `NAME = value` pairs in parentheses.
    Options(Vec<(String, OptionValue)>),
}

/// Pairs until something else comes, parted by spaces or commas.
pub(crate) fn read(
    parser: &mut Parser<'_>,
    request: Option<&SqlRequest>,
) -> Result<Vec<(String, OptionValue)>, SqlError> {
    let mut found: Vec<(String, OptionValue)> = Vec::new();
    loop {
        while parser.consume_token(&Token::Comma) {}
        let is_option = parse::peek_word(parser).is_some() && parser.peek_nth_token(1).token == Token::Eq;
        if !is_option {
            return Ok(found);
        }
        let name = parse::take_word(parser)?;
        parser.next_token();
        if found.iter().any(|(known, _)| *known == name) {
            return Err(compilation("001003", "42000", &format!("duplicate option {name}")));
        }
        found.push((name, value(parser, request)?));
    }
}

fn value(parser: &mut Parser<'_>, request: Option<&SqlRequest>) -> Result<OptionValue, SqlError> {
    if !parser.consume_token(&Token::LParen) {
        return scalar(parser, request).map(OptionValue::Text);
    }
    if parser.peek_nth_token(1).token == Token::Eq {
        let options = read(parser, request)?;
        parse::expect_token(parser, &Token::RParen)?;
        return Ok(OptionValue::Options(options));
    }
    let mut items = Vec::new();
    while !parser.consume_token(&Token::RParen) {
        if !parser.consume_token(&Token::Comma) {
            items.push(scalar(parser, request)?);
        }
    }
    Ok(OptionValue::List(items))
}

fn scalar(parser: &mut Parser<'_>, request: Option<&SqlRequest>) -> Result<String, SqlError> {
    let is_placeholder = matches!(parser.peek_token().token, Token::Placeholder(_));
    if let (true, Some(request)) = (is_placeholder, request) {
        let placeholder = parser.next_token().token.to_string();
        let key = placeholder.trim_start_matches(':');
        let bound = request.bindings.get(key).and_then(|binding| binding.values.first().cloned().flatten());
        return bound
            .ok_or_else(|| compilation("002049", "42601", &format!("Bind variable {placeholder} not set.")));
    }
    match parser.next_token().token {
        Token::SingleQuotedString(text) => Ok(text),
        Token::DollarQuotedString(text) => Ok(text.value),
        Token::Number(text, _) => Ok(text),
        Token::Word(word) => {
            let mut text = word.to_string();
            while parser.consume_token(&Token::Period) {
                text = format!("{text}.{}", parser.next_token().token);
            }
            Ok(text)
        }
        _ => {
            parser.prev_token();
            Err(parse::unexpected(parser))
        }
    }
}

impl OptionValue {
    pub(crate) fn text(&self, name: &str) -> Result<&str, SqlError> {
        match self {
            OptionValue::Text(text) => Ok(text),
            _ => Err(invalid(name, "a list")),
        }
    }

    pub(crate) fn flag(&self, name: &str) -> Result<bool, SqlError> {
        match self.text(name)?.to_uppercase().as_str() {
            "TRUE" => Ok(true),
            "FALSE" => Ok(false),
            other => Err(invalid(name, other)),
        }
    }

    pub(crate) fn number(&self, name: &str) -> Result<u64, SqlError> {
        let text = self.text(name)?;
        text.parse().map_err(|_| invalid(name, text))
    }

    /// A list, or the only item without parentheses.
    pub(crate) fn list(&self, name: &str) -> Result<Vec<String>, SqlError> {
        match self {
            OptionValue::Text(text) => Ok(vec![text.clone()]),
            OptionValue::List(items) => Ok(items.clone()),
            OptionValue::Options(_) => Err(invalid(name, "a list of options")),
        }
    }
}

pub(crate) fn invalid(name: &str, value: &str) -> SqlError {
    compilation("001007", "22023", &format!("invalid value [{value}] for parameter '{name}'"))
}
