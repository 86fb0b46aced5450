//! Who a row is about: a person by e-mail address, a company by domain, or either by another id.

use std::borrow::Cow;

use super::domain::{self, DomainKind, KnownHosts};
use super::email::{self, Address};
use super::text::meaningful;
use crate::mapping::Reason;

/// An identity in its one form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity<'a> {
    pub(crate) text: Cow<'a, str>,
    pub(crate) kind: IdentityKind,
    /// Where in the text the company's domain begins, where there is one.
    company_start: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IdentityKind {
    Email,
    Domain,
    Id,
}

impl IdentityKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            IdentityKind::Email => "email",
            IdentityKind::Domain => "domain",
            IdentityKind::Id => "id",
        }
    }
}

impl Identity<'_> {
    /// The company's domain.
    pub(crate) fn company(&self) -> Option<&str> {
        self.company_start.map(|start| &self.text[start..])
    }
}

/// Tells what `text` is. With an `@` it has to be an e-mail address; like a domain of the public internet it is one; else
/// it is an id, which has no white space.
pub(crate) fn identified<'a>(text: &'a str, hosts: &mut KnownHosts<'a>) -> Result<Identity<'a>, Reason> {
    let text = meaningful(text).ok_or(Reason::IdentityMissing)?;
    let has_at = text.bytes().any(|byte| byte == b'@');
    if has_at && !is_url(text) {
        return of_email(text, hosts);
    }
    if text.contains('.')
        && let Some(domain) = domain::normalised(text)
    {
        return match domain::kind(&domain) {
            DomainKind::Company => {
                Ok(Identity { text: domain, kind: IdentityKind::Domain, company_start: Some(0) })
            }
            DomainKind::PublicMailbox => Err(Reason::DomainPublicMailbox),
            DomainKind::PublicSuffix => Err(Reason::DomainPublicSuffix),
            DomainKind::Unlisted => of_id(text),
        };
    }
    of_id(text)
}

fn is_url(text: &str) -> bool {
    text.as_bytes().contains(&b':') && text.contains("://")
}

fn of_email<'a>(text: &'a str, hosts: &mut KnownHosts<'a>) -> Result<Identity<'a>, Reason> {
    let Address { text, local, host } = email::address(text).ok_or(Reason::EmailInvalid)?;
    let known = hosts.look_at(host).ok_or(Reason::EmailInvalid)?;
    let text = email::in_one_form(text, local, host, &known.name);
    let company_start = known.company_bytes.map(|bytes| text.len() - bytes);
    Ok(Identity { text, kind: IdentityKind::Email, company_start })
}

fn of_id(text: &str) -> Result<Identity<'_>, Reason> {
    /// Ids are short; what is longer is a note in the wrong column.
    const BYTES_MAX: usize = 256;
    if text.contains(char::is_whitespace) || text.len() > BYTES_MAX {
        return Err(Reason::IdentityInvalid);
    }
    Ok(Identity { text: Cow::Borrowed(text), kind: IdentityKind::Id, company_start: None })
}

#[cfg(test)]
mod tests {
    use super::{IdentityKind, KnownHosts, Reason, identified};

    #[test]
    fn identities_are_told_apart() {
        for (text, expected, kind, company) in [
            ("Jo@www.Acme.com", "jo@www.acme.com", IdentityKind::Email, Some("acme.com")),
            ("jo@gmail.com", "jo@gmail.com", IdentityKind::Email, None),
            ("https://Acme.com/about", "acme.com", IdentityKind::Domain, Some("acme.com")),
            ("0035e00000AbC", "0035e00000AbC", IdentityKind::Id, None),
            ("v1.2.3", "v1.2.3", IdentityKind::Id, None),
            ("jo@xn--mller-kva.de", "jo@xn--mller-kva.de", IdentityKind::Email, Some("xn--mller-kva.de")),
        ] {
            let identity = identified(text, &mut KnownHosts::default())
                .unwrap_or_else(|reason| panic!("{text}: {reason:?}"));
            assert_eq!((&*identity.text, identity.kind), (expected, kind), "{text}");
            assert_eq!(identity.company(), company, "{text}");
        }
    }

    #[test]
    fn what_identifies_nobody_says_why() {
        for (text, reason) in [
            ("  ", Reason::IdentityMissing),
            ("N/A", Reason::IdentityMissing),
            ("jo@acme", Reason::EmailInvalid),
            ("John Smith", Reason::IdentityInvalid),
            ("gmail.com", Reason::DomainPublicMailbox),
            ("co.uk", Reason::DomainPublicSuffix),
        ] {
            assert_eq!(identified(text, &mut KnownHosts::default()), Err(reason), "{text}");
        }
    }
}
