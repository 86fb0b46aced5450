//! Names of columns and properties, in `snake_case`.

/// The name in `snake_case`: letters folded, everything else a single underscore, and words parted where a small letter
/// meets a capital one.
pub(crate) fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    let mut was_small = false;
    for character in name.chars() {
        if !character.is_alphanumeric() {
            if !snake.is_empty() && !snake.ends_with('_') {
                snake.push('_');
            }
            was_small = false;
            continue;
        }
        let has_small = character.to_lowercase().next() != Some(character);
        if has_small && was_small {
            snake.push('_');
        }
        was_small = character.is_lowercase() || character.is_numeric();
        snake.extend(character.to_lowercase());
    }
    let end = snake.trim_end_matches('_').len();
    snake.truncate(end);
    if snake.is_empty() { name.to_owned() } else { snake }
}

#[cfg(test)]
mod tests {
    use super::snake_case;

    #[test]
    fn names_of_every_style_meet_in_one() {
        for name in
            ["COMPANY_DOMAIN", "companyDomain", "Company Domain", "company-domain", " Company.domain "]
        {
            assert_eq!(snake_case(name), "company_domain", "{name}");
        }
        assert_eq!(snake_case("Größe (cm)"), "größe_cm");
        assert_eq!(snake_case("HTTP2Status"), "http2_status");
        assert_eq!(snake_case("$"), "$");
    }
}
