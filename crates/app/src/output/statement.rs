//! SQL for people: a long statement broken into lines where its parts begin.

/// What begins a line of its own.
const PARTS: [&str; 8] =
    ["FROM (SELECT ", "FROM '", "FILES=(", "FILE_FORMAT=(", "USING (", "WHEN ", "SELECT \"", "WHERE "];

/// Statements in their order, numbered, each part on a line.
pub(crate) fn numbered(statements: &[String]) -> String {
    let numbered = statements.iter().enumerate().map(|(index, statement)| {
        let lines = broken(statement).join("\n     ");
        format!("{}  {lines}", index + 1)
    });
    numbered.collect::<Vec<_>>().join("\n")
}

/// The lines of a statement; names and texts in quotes are left whole.
fn broken(statement: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut start = 0;
    let mut quote: Option<char> = None;
    for (at, character) in statement.char_indices() {
        match quote {
            Some(open) if open == character => quote = None,
            None if matches!(character, '\'' | '"') => quote = Some(character),
            None if character == ' ' && PARTS.iter().any(|part| statement[at + 1..].starts_with(part)) => {
                lines.push(&statement[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    lines.push(&statement[start..]);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_broken_between_its_parts_and_never_inside_quotes() {
        let statement = r#"COPY INTO "a WHERE b" FROM (SELECT $1 FROM '@~/x WHEN y') FILES=('z')"#;
        assert_eq!(
            broken(statement),
            [r#"COPY INTO "a WHERE b""#, "FROM (SELECT $1", "FROM '@~/x WHEN y')", "FILES=('z')"]
        );
        assert_eq!(broken(statement).join(" "), statement);
    }

    #[test]
    fn statements_are_numbered_and_their_lines_indented() {
        let statements = ["REMOVE '@~/x'".to_owned(), "DELETE FROM t WHERE a = 1".to_owned()];
        assert_eq!(numbered(&statements), "1  REMOVE '@~/x'\n2  DELETE FROM t\n     WHERE a = 1");
    }
}
