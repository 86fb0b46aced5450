//! `@stage/path`: one text to the parser, since a path follows no rules of SQL.

use sqlparser::tokenizer::{Location, Token, TokenWithSpan};

/// Puts a text in place of every location that stands without quotes.
pub(super) fn join(tokens: Vec<TokenWithSpan>, text: &str) -> Vec<TokenWithSpan> {
    if !tokens.iter().any(|token| token.token == Token::AtSign) {
        return tokens;
    }
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut joined = Vec::with_capacity(tokens.len());
    let mut rest = tokens.into_iter().peekable();
    while let Some(token) = rest.next() {
        if token.token != Token::AtSign {
            joined.push(token);
            continue;
        }
        let start = token.span.start;
        let mut span = token.span;
        while let Some(part) = rest.next_if(|next| !ends(&next.token)) {
            span.end = part.span.end;
        }
        let end = rest.peek().map_or(span.end, |next| next.span.start);
        let end = if end.line == 0 { span.end } else { end };
        joined.push(TokenWithSpan { token: Token::SingleQuotedString(between(&lines, start, end)), span });
    }
    joined
}

fn ends(token: &Token) -> bool {
    matches!(
        token,
        Token::Whitespace(_) | Token::LParen | Token::RParen | Token::Comma | Token::SemiColon | Token::EOF
    )
}

/// The text from one place of a line to another; a location never spans lines.
fn between(lines: &[&str], start: Location, end: Location) -> String {
    let column = |location: Location| usize::try_from(location.column).unwrap_or(1).saturating_sub(1);
    let line = usize::try_from(start.line).unwrap_or(1).saturating_sub(1);
    let letters = lines.get(line).map(|line| line.chars()).into_iter().flatten().skip(column(start));
    let text: String = if end.line == start.line {
        letters.take(column(end).saturating_sub(column(start))).collect()
    } else {
        letters.collect()
    };
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use sqlparser::parser::Parser;

    use crate::sql::parse::{self, tests::request};

    fn from(text: &str) -> String {
        let mut parser = parse::statement(&request(text)).unwrap();
        parse::run(&mut parser, Parser::parse_query).unwrap().to_string()
    }

    #[test]
    fn a_path_without_quotes_is_one_text() {
        assert_eq!(
            from("select $1 from @~/run-0e1/part--".replace("--", "-1.parquet t").as_str()),
            "SELECT $1 FROM '@~/run-0e1/part-1.parquet' t"
        );
        assert_eq!(from("select t.$1 from @d.\"My s\".stg\n t"), "SELECT t.$1 FROM '@d.\"My s\".stg' t");
        assert_eq!(from("select 1 from (select $1 from @%t)"), "SELECT 1 FROM (SELECT $1 FROM '@%t')");
    }
}
