//! Snowflake's identifiers: unquoted ones are upper-cased, quoted ones are exact.

use sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, ObjectName, ObjectNamePart, Value,
};

use super::error::unsupported;
use super::parse;
use crate::outcome::SqlError;

/// The stored form of an identifier as written.
pub(crate) fn fold(ident: &Ident) -> String {
    match ident.quote_style {
        Some(_) => ident.value.replace("\"\"", "\""),
        None => ident.value.to_uppercase(),
    }
}

/// A name as Snowflake prints it: quoted only where it has to be.
pub(crate) fn display(name: &str) -> String {
    let mut letters = name.chars();
    let starts_plainly = letters.next().is_some_and(|c| c.is_ascii_uppercase() || c == '_');
    let is_plain = starts_plainly
        && letters.all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_' || c == '$');
    if is_plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

pub(crate) fn display_path(parts: &[String]) -> String {
    parts.iter().map(|part| display(part)).collect::<Vec<_>>().join(".")
}

/// The stored parts of a dotted name; `IDENTIFIER('…')` is looked into. An empty part is `db..table`'s schema.
pub(crate) fn parts(name: &ObjectName) -> Result<Vec<String>, SqlError> {
    let mut parts = Vec::new();
    for part in &name.0 {
        match part {
            ObjectNamePart::Identifier(ident) => parts.push(fold(ident)),
            ObjectNamePart::Function(function) => {
                let is_identifier = function.name.value.eq_ignore_ascii_case("identifier");
                match (is_identifier, function.args.first()) {
                    (true, Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value))))) => {
                        parts.extend(from_literal(&value.value)?);
                    }
                    _ => return Err(unsupported(format!("the name {name}"))),
                }
            }
        }
    }
    if let [only] = name.0.as_slice()
        && let ObjectNamePart::Identifier(ident) = only
        && ident.quote_style == Some('\'')
    {
        return from_text(&ident.value);
    }
    Ok(parts)
}

fn from_literal(value: &Value) -> Result<Vec<String>, SqlError> {
    match value {
        Value::SingleQuotedString(text) => from_text(text),
        Value::DollarQuotedString(text) => from_text(&text.value),
        _ => Err(unsupported("IDENTIFIER of something else than a string")),
    }
}

/// The parts of a name given as text, such as `db.schema."my table"`.
pub(crate) fn from_text(text: &str) -> Result<Vec<String>, SqlError> {
    let mut parser = parse::parser(text)?;
    let name = parser.parse_object_name(false).map_err(|failure| parse::syntax_error(&failure, &parser))?;
    name.0
        .iter()
        .map(|part| match part {
            ObjectNamePart::Identifier(ident) => Ok(fold(ident)),
            ObjectNamePart::Function(_) => Err(unsupported("a function inside IDENTIFIER")),
        })
        .collect()
}

/// The name in `IDENTIFIER('…')` where an expression stands for a column.
pub(crate) fn identifier_function(arguments: &FunctionArguments) -> Result<Vec<String>, SqlError> {
    if let FunctionArguments::List(list) = arguments
        && let [FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value)))] = list.args.as_slice()
    {
        return from_literal(&value.value);
    }
    Err(unsupported("IDENTIFIER of something else than a string"))
}

/// A text as a DuckDB literal.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::{display, from_text, literal};

    #[test]
    fn unquoted_parts_are_upper_cased_and_quoted_ones_are_exact() {
        assert_eq!(from_text("db.\"My schema\".t").unwrap(), ["DB", "My schema", "T"]);
        assert_eq!(from_text("\"say \"\"hi\"\"\"").unwrap(), ["say \"hi\""]);
    }

    #[test]
    fn only_names_that_need_it_are_quoted() {
        assert_eq!(display("PLAIN_1"), "PLAIN_1");
        assert_eq!(display("lower"), "\"lower\"");
        assert_eq!(display("1ST"), "\"1ST\"");
    }

    #[test]
    fn a_quote_in_a_literal_is_doubled() {
        assert_eq!(literal("it's"), "'it''s'");
    }
}
