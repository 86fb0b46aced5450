//! The parts of a page's address.

use std::borrow::Cow;

use super::domain;

/// A page's address in parts, each as it was written but for the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PageUrl<'a> {
    /// The host in its canonical form, or in small letters where it is no domain, such as `localhost`.
    pub(crate) domain: Option<Cow<'a, str>>,
    pub(crate) path: &'a str,
    pub(crate) query: Option<&'a str>,
    pub(crate) hash: Option<&'a str>,
}

/// Takes an address apart. Whatever it is written like, it has a path.
pub(crate) fn parts(text: &str) -> PageUrl<'_> {
    let (rest, hash) = split_off(text, '#');
    let (rest, query) = split_off(rest, '?');
    let (authority, path) = match rest.find("://") {
        Some(at) => at_first_slash(&rest[at + 3..]),
        None if rest.starts_with("//") => at_first_slash(&rest[2..]),
        None if rest.starts_with('/') => ("", rest),
        None => {
            // Without a scheme, what comes first is a host only where it looks like one.
            let (host, path) = at_first_slash(rest);
            if domain::normalised(host).is_some() { (host, path) } else { ("", rest) }
        }
    };
    let domain = (!authority.is_empty()).then(|| host_of(authority));
    PageUrl { domain, path: if path.is_empty() { "/" } else { path }, query, hash }
}

fn split_off(text: &str, mark: char) -> (&str, Option<&str>) {
    match text.split_once(mark) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

fn at_first_slash(text: &str) -> (&str, &str) {
    text.split_at(text.find('/').unwrap_or(text.len()))
}

fn host_of(authority: &str) -> Cow<'_, str> {
    domain::normalised(authority).unwrap_or_else(|| {
        let host = authority.rsplit('@').next().unwrap_or_default();
        let host = host.rsplit_once(':').map_or(host, |(name, _)| name);
        Cow::Owned(host.to_ascii_lowercase())
    })
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn an_address_comes_apart_however_it_is_written() {
        for (text, domain, path, query, hash) in [
            ("https://www.Acme.com/a/b?x=1&y#top", Some("acme.com"), "/a/b", Some("x=1&y"), Some("top")),
            ("acme.com/pricing", Some("acme.com"), "/pricing", None, None),
            ("//acme.com", Some("acme.com"), "/", None, None),
            ("/pricing?x", None, "/pricing", Some("x"), None),
            ("home", None, "home", None, None),
            ("http://localhost:3000/x", Some("localhost"), "/x", None, None),
            ("https://acme.com?gclid=1", Some("acme.com"), "/", Some("gclid=1"), None),
            ("", None, "/", None, None),
        ] {
            let url = parts(text);
            assert_eq!(url.domain.as_deref(), domain, "{text}");
            assert_eq!((url.path, url.query, url.hash), (path, query, hash), "{text}");
        }
    }
}
