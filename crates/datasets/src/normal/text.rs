//! Text that says nothing: white space, invisible characters and the words that people write for an absent value.

/// What an export or a form writes where there is no value.
const PLACEHOLDERS: [&str; 10] =
    ["null", "none", "n/a", "na", "nan", "nil", "undefined", "unknown", "(not set)", "-"];

/// Without white space and invisible marks at both ends.
pub(crate) fn trimmed(text: &str) -> &str {
    // The common case ends here: no white space, and nothing outside ASCII that could be a mark.
    let bytes = text.as_bytes();
    if let (Some(first), Some(last)) = (bytes.first(), bytes.last())
        && first.is_ascii_graphic()
        && last.is_ascii_graphic()
    {
        return text;
    }
    text.trim_matches(|c: char| {
        c.is_whitespace() || c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
    })
}

/// The same, and absent where it stands for no value.
pub(crate) fn meaningful(text: &str) -> Option<&str> {
    const LONGEST: usize = 9;
    let text = trimmed(text);
    let says_nothing = text.is_empty()
        || (text.len() <= LONGEST && PLACEHOLDERS.iter().any(|word| text.eq_ignore_ascii_case(word)));
    (!says_nothing).then_some(text)
}
