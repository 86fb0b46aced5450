//! SHOW … LIKE: SQL patterns that do not look at case.

/// True where `text` fits a pattern of `%` and `_`.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    let text: Vec<char> = text.to_lowercase().chars().collect();
    fits(&pattern, &text)
}

fn fits(pattern: &[char], text: &[char]) -> bool {
    match pattern {
        [] => text.is_empty(),
        ['%', rest @ ..] => (0..=text.len()).any(|skipped| fits(rest, &text[skipped..])),
        ['\\', letter, rest @ ..] => text.first() == Some(letter) && fits(rest, &text[1..]),
        ['_', rest @ ..] => !text.is_empty() && fits(rest, &text[1..]),
        [letter, rest @ ..] => text.first() == Some(letter) && fits(rest, &text[1..]),
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_do_not_look_at_case() {
        assert!(matches("ord%", "ORDERS"));
        assert!(matches("o_ders", "ORDERS"));
        assert!(!matches("ord", "ORDERS"));
        assert!(matches("a\\_b", "A_B"));
        assert!(!matches("a\\_b", "AXB"));
    }
}
