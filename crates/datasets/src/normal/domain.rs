//! Domains in one canonical form, and which of them can be a company.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::LazyLock;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::text::trimmed;

/// Names have at most so many bytes (RFC 1035).
const NAME_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;

/// What a domain can stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DomainKind {
    /// A company's.
    Company,
    /// A provider of mailboxes for everybody, such as gmail.com.
    PublicMailbox,
    /// Nobody's: a suffix under which domains are registered, such as co.uk.
    PublicSuffix,
    /// No domain of the public internet: its last part is not a known suffix.
    Unlisted,
}

/// Hosts that were looked at: of the rows that come together, many are of few companies.
#[derive(Debug, Default)]
pub(crate) struct KnownHosts<'a>(HashMap<&'a str, Option<KnownHost>, HostHashes>);

/// Hashes of short texts, which are faster than those of the standard library. They begin with a number that nobody can know
/// beforehand, so that no rows can be made whose hosts all fall together.
#[derive(Clone, Debug)]
struct HostHashes(u64);

impl Default for HostHashes {
    fn default() -> Self {
        static SEED: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0));
        Self(*SEED)
    }
}

impl BuildHasher for HostHashes {
    type Hasher = HostHash;

    fn build_hasher(&self) -> HostHash {
        HostHash(self.0)
    }
}

#[derive(Debug)]
struct HostHash(u64);

impl Hasher for HostHash {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64_with_seed(bytes, self.0);
    }

    /// A text ends with this; what it is makes no difference where each text is one.
    fn write_u8(&mut self, _end: u8) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

/// What a host's name is in its canonical form.
#[derive(Debug)]
pub(crate) struct KnownHost {
    pub(crate) name: String,
    /// The end of the name that is a company's domain.
    pub(crate) company_bytes: Option<usize>,
}

impl<'a> KnownHosts<'a> {
    /// What is known of the host; nothing where it is none.
    pub(crate) fn look_at(&mut self, host: &'a str) -> Option<&KnownHost> {
        self.0.entry(host).or_insert_with(|| KnownHost::of(host)).as_ref()
    }
}

impl KnownHost {
    fn of(host: &str) -> Option<Self> {
        let name = canonical_name(host)?.into_owned();
        let company = normalised(&name).filter(|company| kind(company) == DomainKind::Company);
        let company_bytes = company.filter(|company| name.ends_with(&**company)).map(|company| company.len());
        Some(Self { name, company_bytes })
    }
}

/// Domains whose mailboxes belong to everybody.
static PUBLIC_MAILBOXES: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("../data/public_mailboxes.txt").lines().collect());

/// What the normalised `domain` can stand for.
pub(crate) fn kind(domain: &str) -> DomainKind {
    let Some(suffix) = psl::suffix(domain.as_bytes()).filter(psl::Suffix::is_known) else {
        return DomainKind::Unlisted;
    };
    // A private suffix, such as github.io, is a company's own domain where it stands alone.
    let is_alone = suffix.as_bytes().len() == domain.len();
    if is_alone && suffix.typ() == Some(psl::Type::Icann) {
        return DomainKind::PublicSuffix;
    }
    if PUBLIC_MAILBOXES.contains(domain) {
        return DomainKind::PublicMailbox;
    }
    let below_suffix = domain.len().saturating_sub(suffix.as_bytes().len() + 1);
    match domain[..below_suffix].rfind('.') {
        Some(dot) if PUBLIC_MAILBOXES.contains(&domain[dot + 1..]) => DomainKind::PublicMailbox,
        _ => DomainKind::Company,
    }
}

/// The domain in whatever somebody wrote for one: small letters, ASCII form, and nothing of scheme, user, `www.`, port,
/// path, query or final dot. Absent where there is no domain in it.
pub(crate) fn normalised(text: &str) -> Option<Cow<'_, str>> {
    let host = host_part(trimmed(text));
    let name = canonical_name(host)?;
    Some(match name {
        Cow::Borrowed(name) => Cow::Borrowed(without_www(name)),
        Cow::Owned(name) => match without_www(&name) {
            shorter if shorter.len() == name.len() => Cow::Owned(name),
            shorter => Cow::Owned(shorter.to_owned()),
        },
    })
}

/// What stands between scheme and path.
fn host_part(text: &str) -> &str {
    let after_scheme = match text.find("://") {
        Some(at) => &text[at + 3..],
        None => text.strip_prefix("//").unwrap_or(text),
    };
    let authority = after_scheme.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// A name of at least two labels in small letters and ASCII form, without a final dot.
pub(super) fn canonical_name(host: &str) -> Option<Cow<'_, str>> {
    let name = if is_canonical(host) {
        Cow::Borrowed(host)
    } else {
        let bare = host.trim_matches('.');
        // Plain letters have but one other form; what is written in code has to be looked at.
        let small = bare.to_ascii_lowercase();
        let is_plain = small.is_ascii() && !small.contains("xn--");
        let ascii = if is_plain { small } else { idna::domain_to_ascii(bare).ok()? };
        Cow::Owned(ascii.trim_matches('.').to_owned())
    };
    let is_number = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    let is_fine = name.len() <= NAME_BYTES_MAX
        && name.contains('.')
        && name.split('.').all(is_label)
        && !name.rsplit('.').next().is_none_or(is_number);
    is_fine.then_some(name)
}

/// Whether the name is as it should be already, so that it need not be written anew.
fn is_canonical(host: &str) -> bool {
    let is_plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
    host.bytes().all(is_plain) && !host.starts_with('.') && !host.ends_with('.') && !host.contains("xn--")
}

fn is_label(label: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !label.is_empty()
        && label.len() <= LABEL_BYTES_MAX
        && label.bytes().all(is_plain)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// `www.acme.com` is `acme.com`; `www.com` is a domain of its own.
fn without_www(mut name: &str) -> &str {
    while let Some(shorter) = name.strip_prefix("www.").filter(|shorter| shorter.contains('.')) {
        if psl::suffix(shorter.as_bytes()).is_some_and(|suffix| suffix.as_bytes().len() == shorter.len()) {
            break;
        }
        name = shorter;
    }
    name
}

#[cfg(test)]
mod tests {
    use super::{DomainKind, kind, normalised};

    #[test]
    fn a_domain_has_one_form_however_it_is_written() {
        for text in [
            "acme.co.uk",
            "ACME.co.uk",
            "  acme.co.uk. ",
            "www.acme.co.uk",
            "https://www.acme.co.uk/",
            "http://user:secret@acme.co.uk:8080/path?query=1#hash",
            "//acme.co.uk/path",
            "www.www.acme.co.uk",
            "acme.co.uk?utm_source=x",
        ] {
            assert_eq!(normalised(text).as_deref(), Some("acme.co.uk"), "{text}");
        }
        for text in ["müller.de", "MÜLLER.DE", "xn--mller-kva.de", "https://müller.de/straße"] {
            assert_eq!(normalised(text).as_deref(), Some("xn--mller-kva.de"), "{text}");
        }
    }

    #[test]
    fn sub_domains_stay_companies_of_their_own() {
        assert_eq!(normalised("shop.acme.com").as_deref(), Some("shop.acme.com"));
        assert_eq!(kind("shop.acme.com"), DomainKind::Company);
    }

    #[test]
    fn what_is_no_domain_is_none() {
        for text in
            ["", "acme", "Acme Inc", "10.0.0.1", "-acme.com", "a..b.com", "acme.com:http", "xn--\u{0}.de"]
        {
            assert_eq!(normalised(text), None, "{text}");
        }
    }

    #[test]
    fn neither_a_mailbox_of_everybody_nor_a_suffix_is_a_company() {
        for (domain, expected) in [
            ("gmail.com", DomainKind::PublicMailbox),
            ("mail.yahoo.co.uk", DomainKind::PublicMailbox),
            ("co.uk", DomainKind::PublicSuffix),
            ("www.com", DomainKind::Company),
            ("github.io", DomainKind::Company),
            ("acme.internal", DomainKind::Unlisted),
        ] {
            assert_eq!(kind(domain), expected, "{domain}");
        }
    }
}
