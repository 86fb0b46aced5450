//! Identities and companies of a batch's rows.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{Array, ArrayRef, StringArray};

use super::Reason;
use super::rejects::Rejects;
use crate::normal::domain::{self, DomainKind, KnownHosts};
use crate::normal::identity::{IdentityKind, identified};
use crate::normal::text::meaningful;
use crate::pack::repeated_text;

/// The columns that identities become.
#[derive(Debug)]
pub(super) struct IdentityColumns {
    pub(super) identity: ArrayRef,
    pub(super) kind: ArrayRef,
    pub(super) email: ArrayRef,
    /// The company's domain.
    pub(super) company: ArrayRef,
    /// What stands for a company's domain and is none, as it came.
    pub(super) odd_domain: ArrayRef,
}

/// Who has to be known of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Demand {
    /// An identity.
    Identity,
    /// An identity or a company's domain.
    IdentityOrCompany,
}

/// Tells who each row is about, and rejects those that are about nobody.
pub(super) fn identify<'a>(
    identities: Option<&StringArray>,
    domains: Option<&StringArray>,
    demand: Demand,
    row_count: usize,
    rejects: &mut Rejects<'a>,
) -> IdentityColumns {
    /// Most addresses are no longer than that.
    const IDENTITY_BYTES: usize = 24;
    let builder = || StringBuilder::with_capacity(row_count, row_count * IDENTITY_BYTES);
    let (mut identity, mut company) = (builder(), builder());
    let mut kinds = Vec::with_capacity(row_count);
    let mut odd_domain = StringBuilder::new();
    let mut hosts = KnownHosts::default();
    for row in 0..row_count {
        let domain = Domain::of(domains.and_then(|domains| value(domains, row)));
        let found = match identities.and_then(|identities| value(identities, row)) {
            Some(text) => identified(text, &mut hosts),
            None => Err(Reason::IdentityMissing),
        };
        let (found, missing) = match found {
            Ok(found) => (Some(found), None),
            Err(reason) => (None, Some(reason)),
        };
        let is_company_enough = demand == Demand::IdentityOrCompany && matches!(domain, Domain::Company(_));
        // A company of its own makes up for an absent identity, but not for one that cannot be read.
        if let Some(reason) =
            missing.filter(|reason| !is_company_enough || *reason != Reason::IdentityMissing)
        {
            rejects.add(row, reason, "identity");
        }
        identity.append_option(found.as_ref().map(|found| &*found.text));
        kinds.push(found.as_ref().map(|found| found.kind));
        match &domain {
            Domain::Company(domain) => company.append_value(domain),
            _ => company.append_option(found.as_ref().and_then(|found| found.company())),
        }
        odd_domain.append_option(if let Domain::Odd(text) = domain { Some(text) } else { None });
    }
    let identity = identity.finish();
    IdentityColumns {
        kind: kind_column(&kinds),
        email: email_column(&identity, &kinds),
        identity: Arc::new(identity),
        company: Arc::new(company.finish()),
        odd_domain: Arc::new(odd_domain.finish()),
    }
}

fn kind_column(kinds: &[Option<IdentityKind>]) -> ArrayRef {
    match kinds.first() {
        Some(Some(first)) if kinds.iter().all(|kind| *kind == Some(*first)) => {
            repeated_text(first.name(), kinds.len())
        }
        _ => Arc::new(kinds.iter().map(|kind| kind.map(IdentityKind::name)).collect::<StringArray>()),
    }
}

/// The identities that are e-mail addresses: most often all of them, which need no copy then.
fn email_column(identity: &StringArray, kinds: &[Option<IdentityKind>]) -> ArrayRef {
    if kinds.iter().all(|kind| matches!(kind, None | Some(IdentityKind::Email))) {
        return Arc::new(identity.clone());
    }
    let address = |(row, kind): (usize, &Option<IdentityKind>)| {
        (*kind == Some(IdentityKind::Email)).then(|| identity.value(row))
    };
    Arc::new(kinds.iter().enumerate().map(address).collect::<StringArray>())
}

/// What a column of companies' domains says.
enum Domain<'a> {
    Absent,
    Company(std::borrow::Cow<'a, str>),
    /// Something that is no company's domain.
    Odd(&'a str),
}

impl<'a> Domain<'a> {
    fn of(text: Option<&'a str>) -> Self {
        let Some(text) = text.and_then(meaningful) else { return Self::Absent };
        match domain::normalised(text) {
            Some(domain) if domain::kind(&domain) == DomainKind::Company => Self::Company(domain),
            _ => Self::Odd(text),
        }
    }
}

fn value(texts: &StringArray, row: usize) -> Option<&str> {
    texts.is_valid(row).then(|| texts.value(row))
}
