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
    // Addresses are short: to look for the sign byte by byte is faster than to prepare for more.
    let at = text.bytes().rposition(|byte| byte == b'@')?;
    let (local, host) = (&text[..at], &text[at + 1..]);
    is_local(local).then_some(Address { text, local, host })
}

/// The address in small letters at the canonical name of its host.
pub(crate) fn in_one_form<'a>(text: &'a str, local: &str, host: &str, name: &str) -> Cow<'a, str> {
    let is_small = !local.bytes().any(|byte| byte.is_ascii_uppercase() || !byte.is_ascii());
    if is_small && host == name {
        return Cow::Borrowed(text);
    }
    let mut address = String::with_capacity(local.len() + 1 + name.len());
    if local.is_ascii() {
        address.push_str(local);
        address.make_ascii_lowercase();
    } else {
        address.push_str(&local.to_lowercase());
    }
    address.push('@');
    address.push_str(name);
    Cow::Owned(address)
}

/// Without `mailto:`, a name in front of angle brackets, and quotes around all of it.
fn bare(text: &str) -> &str {
    let mut text = trimmed(text);
    loop {
        // An address that stands alone has none of these at its ends.
        let (first, last) = (text.bytes().next().unwrap_or(b' '), text.bytes().next_back().unwrap_or(b' '));
        let may_be_bare = first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric();
        if may_be_bare && !is_mailto(text) {
            return text;
        }
        let before = text.len();
        if is_mailto(text) {
            text = &text[MAILTO.len()..];
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

const MAILTO: &str = "mailto:";

fn is_mailto(text: &str) -> bool {
    text.get(..MAILTO.len()).is_some_and(|scheme| scheme.eq_ignore_ascii_case(MAILTO))
}

fn is_local(local: &str) -> bool {
    // The letters that most addresses are made of.
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'+');
    if local.bytes().all(is_plain) {
        return !local.is_empty() && local.len() <= LOCAL_BYTES_MAX;
    }
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
