//! What a vendor has gathered itself of the sample's people and companies: visits of its website, and the activity of a CRM
//! that it is connected to. It is in no account, but in the vendor's own database.

use super::Sample;
use super::activities;
use super::company::company;
use super::contacts;
use super::moment::Moment;
use super::random::Random;

/// One action.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gathered {
    pub id: String,
    /// An e-mail address, or the domain where only the company is known.
    pub identity: String,
    /// The company's domain; none for people with a public mailbox.
    pub company: Option<String>,
    /// The deal that the CRM names.
    pub deal: Option<String>,
    pub name: String,
    /// `2026-10-31 23:59:59.123456`, in UTC.
    pub at: String,
    /// Of a visit: the page, and the campaign's source that its address tells.
    pub page_url: Option<String>,
    pub utm_source: Option<String>,
}

const SOURCES: [&str; 4] = ["google", "linkedin", "newsletter", "partner"];
const PAGES: [&str; 4] = ["/", "/pricing", "/product", "/customers"];
/// One visit in so many comes from nowhere that is known.
const DIRECT_ONE_IN: u64 = 5;
/// Visits are older than the closes of deals, and younger than a year.
const VISIT_DAYS_MIN: u64 = 90;
const VISIT_DAYS: u64 = 180;
const DAY_SECONDS: u64 = 86_400;

/// All actions, the same every time.
pub fn gathered(sample: Sample) -> impl Iterator<Item = Gathered> {
    let accounts = u64::from(sample.accounts);
    let deals = u64::from(sample.opportunities());
    let visits = (1..=u64::from(sample.contacts())).flat_map(move |contact| visits(contact, accounts));
    visits.chain((1..=deals).flat_map(move |deal| activity(deal, deals, accounts)))
}

/// Up to two visits of one person.
fn visits(contact: u64, accounts: u64) -> Vec<Gathered> {
    let mut random = Random::of("VISITS", contact);
    (0..random.below(3)).map(|number| visit(contact, accounts, number, &mut random)).collect()
}

fn visit(contact: u64, accounts: u64, number: u64, random: &mut Random) -> Gathered {
    let seconds = VISIT_DAYS_MIN * DAY_SECONDS + random.below(VISIT_DAYS * DAY_SECONDS);
    let at = Moment::before_export(i64::try_from(seconds).unwrap_or(0)).with_nanosecond(random.next());
    let source = (!random.once_in(DIRECT_ONE_IN)).then(|| random.pick(&SOURCES).to_owned());
    let query = source.as_ref().map(|source| format!("?utm_source={source}")).unwrap_or_default();
    let has_company = !contacts::has_mailbox(contact);
    Gathered {
        id: format!("visit-{contact}-{number}"),
        identity: contacts::email(contact, accounts),
        company: has_company.then(|| company(contacts::account_of(contact, accounts)).domain),
        name: "Page view".to_owned(),
        at: micros(&at.plain()),
        page_url: Some(format!("https://www.vendor.example{}{query}", random.pick(&PAGES))),
        utm_source: source,
        ..Gathered::default()
    }
}

/// What the CRM has of one deal: the rows of the sample's table of activities.
fn activity(deal: u64, deals: u64, accounts: u64) -> impl Iterator<Item = Gathered> {
    activities::activities(deal, deals, accounts).into_iter().filter_map(|row| {
        let mut values = row.into_iter();
        let mut next = || values.next().flatten();
        let (id, deal, email, company, name) = (next()?, next(), next(), next(), next()?);
        let (_subject, at) = (next(), next()?);
        let identity = email.or_else(|| company.clone())?;
        Some(Gathered { id, identity, company, deal, name, at: micros(&at), ..Gathered::default() })
    })
}

/// Without what lies below the microsecond.
fn micros(plain: &str) -> String {
    const DIGITS: usize = "2026-10-31 23:59:59.123456".len();
    plain.chars().take(DIGITS).collect()
}
