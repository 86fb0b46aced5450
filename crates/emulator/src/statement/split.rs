//! Looking into a text past its quotes and comments: where its statements end, how many binds it asks for.

/// The statements of a text, without empty ones.
pub(super) fn split(text: &str) -> Vec<&str> {
    let bytes = text.as_bytes();
    let mut statements = Vec::new();
    let (mut start, mut at) = (0, 0);
    while at < bytes.len() {
        let rest = &text[at..];
        if bytes[at] == b';' {
            statements.push(&text[start..at]);
            at += 1;
            start = at;
        } else {
            at += skipped(rest);
        }
    }
    statements.push(&text[start..]);
    statements.retain(|statement| !is_blank(statement));
    statements
}

/// The `?` that binds stand for.
pub(super) fn placeholder_count(text: &str) -> usize {
    let (mut at, mut count) = (0, 0);
    while at < text.len() {
        count += usize::from(text.as_bytes()[at] == b'?');
        at += skipped(&text[at..]);
    }
    count
}

/// Bytes of what stands at the start of the text: a quoted string, a comment, or one character.
fn skipped(text: &str) -> usize {
    let until = |opening: usize, closing: &str| {
        text[opening..].find(closing).map_or(text.len(), |end| opening + end + closing.len())
    };
    if text.starts_with('\'') {
        string_length(text)
    } else if text.starts_with('"') {
        until(1, "\"")
    } else if text.starts_with("$$") {
        until(2, "$$")
    } else if text.starts_with("--") || text.starts_with("//") {
        until(2, "\n")
    } else if text.starts_with("/*") {
        until(2, "*/")
    } else {
        text.chars().next().map_or(1, char::len_utf8)
    }
}

/// A doubled quote reads as two strings side by side, which ends at the same place.
fn string_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'\'' => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

fn is_blank(text: &str) -> bool {
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let is_comment = rest.starts_with("--") || rest.starts_with("//") || rest.starts_with("/*");
        if !is_comment && !rest.starts_with(char::is_whitespace) {
            return false;
        }
        at += skipped(rest);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn semicolons_inside_quotes_and_comments_do_not_split() {
        let text = "select 'a;b', \"c;d\", $$e;f$$ -- g;h\n; /* i;j */ select 'it''s;', '\\';'";
        assert_eq!(
            split(text),
            ["select 'a;b', \"c;d\", $$e;f$$ -- g;h\n", " /* i;j */ select 'it''s;', '\\';'"]
        );
    }

    #[test]
    fn question_marks_inside_quotes_and_comments_are_no_placeholders() {
        assert_eq!(placeholder_count("select ?, '?' -- ?\n, \"?\" from t where a = ?"), 2);
        assert_eq!(placeholder_count("select 1"), 0);
    }

    #[test]
    fn a_trailing_semicolon_is_no_statement() {
        assert_eq!(split("select 1;"), ["select 1"]);
        assert_eq!(split("select 1; -- done\n"), ["select 1"]);
        assert!(split("  ;; /* nothing */ ").is_empty());
    }

    #[test]
    fn an_unclosed_quote_swallows_the_rest() {
        assert_eq!(split("select 'a; select 2"), ["select 'a; select 2"]);
        assert_eq!(split("select 'ü\\"), ["select 'ü\\"]);
    }
}
