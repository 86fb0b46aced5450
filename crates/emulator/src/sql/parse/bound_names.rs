//! `IDENTIFIER(?)`: the bound text put where the name stands, before the statement is parsed.

use std::collections::BTreeMap;

use sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::outcome::SqlError;
use crate::sql::Binding;
use crate::sql::error::compilation;
use crate::sql::names;

/// Numbers every `?`, since those that become names are not there any more when values are bound.
pub(super) fn fill(
    tokens: Vec<TokenWithSpan>,
    bindings: &BTreeMap<String, Binding>,
) -> Result<Vec<TokenWithSpan>, SqlError> {
    let mut number = 0;
    let numbered = tokens.into_iter().map(|token| match &token.token {
        Token::Placeholder(mark) if mark == "?" => {
            number += 1;
            TokenWithSpan { token: Token::Placeholder(format!(":{number}")), ..token }
        }
        _ => token,
    });
    let numbered: Vec<TokenWithSpan> = numbered.collect();
    let mut filled = Vec::with_capacity(numbered.len());
    let mut at = 0;
    while let Some(token) = numbered.get(at) {
        match bound_name(&numbered[at..]) {
            Some((key, length)) => {
                for part in name_tokens(&key, bindings)? {
                    filled.push(TokenWithSpan { token: part, span: token.span });
                }
                at += length;
            }
            None => {
                filled.push(token.clone());
                at += 1;
            }
        }
    }
    Ok(filled)
}

/// The key of `IDENTIFIER(:key)`, and how many tokens it takes.
fn bound_name(tokens: &[TokenWithSpan]) -> Option<(String, usize)> {
    let mut solid =
        tokens.iter().enumerate().filter(|(_, token)| !matches!(token.token, Token::Whitespace(_)));
    match &solid.next()?.1.token {
        Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("identifier") => {}
        _ => return None,
    }
    if solid.next()?.1.token != Token::LParen {
        return None;
    }
    let Token::Placeholder(mark) = &solid.next()?.1.token else { return None };
    let key = mark.strip_prefix(':')?.to_owned();
    let (last, closing) = solid.next()?;
    (closing.token == Token::RParen).then_some((key, last + 1))
}

fn name_tokens(key: &str, bindings: &BTreeMap<String, Binding>) -> Result<Vec<Token>, SqlError> {
    let bound = bindings.get(key).and_then(|binding| binding.values.first()?.as_deref());
    let text =
        bound.ok_or_else(|| compilation("002049", "42601", &format!("Bind variable :{key} not set.")))?;
    let mut tokens = Vec::new();
    for part in names::from_text(text)? {
        if !tokens.is_empty() {
            tokens.push(Token::Period);
        }
        tokens.push(Token::make_word(&part.replace('"', "\"\""), Some('"')));
    }
    Ok(tokens)
}
