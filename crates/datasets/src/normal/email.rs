//! E-mail addresses in one form.

use std::borrow::Cow;

use super::domain::canonical_name;
use super::text::trimmed;

/// An address has at most so many bytes before the `@` (RFC 5321).
const LOCAL_BYTES_MAX: usize = 64;

/// The address in small letters, its domain in ASCII form, without what mail programs write around it. A `+tag` stays:
/// whether it is another mailbox is the provider's to know. Absent where the text is no address.
pub(crate) fn normalised(text: &str) -> Option<Cow<'_, str>> {
    let Address { text, local, host } = address(text)?;
    Some(in_one_form(text, local, host, &canonical_name(host)?))
}

/// An address as it is written, without what is around it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Address<'a> {
    pub(crate) text: &'a str,
    pub(crate) local: &'a str,
    pub(crate) host: &'a str,
}

/// The address in `text`, whose host is not looked at yet.
pub(crate) fn address(text: &str) -> Option<Address<'_>> {
    let text = bare(text);
    let (local, host) = text.rsplit_once('@')?;
    is_local(local).then_some(Address { text, local, host })
}

/// The address in small letters at the canonical name of its host.
pub(crate) fn in_one_form<'a>(text: &'a str, local: &str, host: &str, name: &str) -> Cow<'a, str> {
    let is_small = !local.bytes().any(|byte| byte.is_ascii_uppercase() || !byte.is_ascii());
    if is_small && host == name {
        return Cow::Borrowed(text);
    }
    let mut address = if local.is_ascii() { local.to_ascii_lowercase() } else { local.to_lowercase() };
    address.reserve_exact(name.len() + 1);
    address.push('@');
    address.push_str(name);
    Cow::Owned(address)
}

/// Without `mailto:`, a name in front of angle brackets, and quotes around all of it.
fn bare(text: &str) -> &str {
    let mut text = trimmed(text);
    loop {
        let before = text.len();
        if text.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("mailto:")) {
            text = &text[7..];
        }
        if text.ends_with('>')
            && let Some(at) = text.rfind('<')
        {
            text = &text[at + 1..text.len() - 1];
        }
        for quote in ['"', '\'', '`'] {
            if let Some(inner) = text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote)) {
                text = inner;
            }
        }
        text = trimmed(text);
        if text.len() == before {
            return text;
        }
    }
}

fn is_local(local: &str) -> bool {
    let is_quoted = local.len() > 2 && local.starts_with('"') && local.ends_with('"');
    let is_odd = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '<' | '>' | '"' | ',' | ';');
    !local.is_empty()
        && local.len() <= LOCAL_BYTES_MAX
        && (is_quoted || !local.contains(is_odd))
        && !local.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::normalised;

    #[test]
    fn an_address_has_one_form_however_it_is_written() {
        for text in [
            "jo@acme.com",
            " Jo@ACME.com\t",
            "mailto:jo@acme.com",
            "'jo@acme.com'",
            "Jo Doe <jo@acme.com>",
            "\u{feff}jo@acme.com",
            "jo@acme.com.",
        ] {
            assert_eq!(normalised(text).as_deref(), Some("jo@acme.com"), "{text}");
        }
        assert_eq!(normalised("Jo+News@acme.com").as_deref(), Some("jo+news@acme.com"));
        assert_eq!(normalised("jo@MÜLLER.de").as_deref(), Some("jo@xn--mller-kva.de"));
        assert_eq!(normalised("\"jo doe\"@acme.com").as_deref(), Some("\"jo doe\"@acme.com"));
    }

    #[test]
    fn what_is_no_address_is_none() {
        for text in [
            "",
            "@",
            "jo@",
            "@acme.com",
            "jo@acme",
            "jo doe@acme.com",
            "jo@acme.com, al@acme.com",
            "jo@10.0.0.1",
        ] {
            assert_eq!(normalised(text), None, "{text}");
        }
    }
}
