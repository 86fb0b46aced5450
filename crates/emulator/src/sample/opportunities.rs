//! `CRM.SALES.OPPORTUNITIES`: deals, with revenue that was closed offline, refunds, and an awkward cursor column.

use super::company::company;
use super::contacts;
use super::moment::Moment;
use super::random::Random;
use super::table::{Row, SampleTable, some};
use super::words::{CURRENCIES, OFFSETS, PUBLIC_MAILBOXES};

const STAGES: [&str; 6] =
    ["Prospecting", "Qualified", "Proposal", "Negotiation", "Closed Won", "Closed Lost"];
/// So many deals one after the other share one `UPDATED_AT`, as a bulk edit in a CRM leaves them.
const TIED_ROWS: u64 = 10;
/// One deal in so many was never touched since an import that left `UPDATED_AT` empty.
const WITHOUT_CURSOR_ONE_IN: u64 = 97;
/// One deal in so many was paid back: its amount is negative.
const REFUND_ONE_IN: u64 = 61;
/// Between two bulk edits.
const STEP_SECONDS: i64 = 1_800;

/// The text under which a deal is known.
pub(super) fn opportunity_id(number: u64) -> String {
    format!("OPP-{number:07}")
}

/// Two deals in a row belong to one company.
pub(super) fn account_of(number: u64, accounts: u64) -> u64 {
    (number - 1) / 2 % accounts + 1
}

/// A contact of the deal's own company.
pub(super) fn contact_of(number: u64, accounts: u64) -> u64 {
    account_of(number, accounts)
}

/// When the deal was last changed; the newest deals have the highest numbers.
pub(super) fn updated_at(number: u64, count: u64) -> Moment {
    let group = (count - number) / TIED_ROWS;
    let seconds = STEP_SECONDS * i64::try_from(group + 1).unwrap_or(i64::MAX / STEP_SECONDS);
    Moment::before_export(seconds).with_nanosecond(Random::of("OPPORTUNITIES.UPDATED_AT", group).next())
}

pub(super) fn closed_at(number: u64, count: u64) -> Moment {
    let days = i64::try_from(Random::of("OPPORTUNITIES.CLOSED_AT", number).below(30)).unwrap_or(0);
    updated_at(number, count).plus_seconds(-days * 86_400)
}

pub(super) fn table(count: u32, accounts: u32) -> SampleTable {
    let (count, accounts) = (u64::from(count), u64::from(accounts));
    SampleTable {
        name: "CRM.SALES.OPPORTUNITIES".to_owned(),
        columns: vec![
            ("OPPORTUNITY_ID", "VARCHAR(18) NOT NULL"),
            ("ACCOUNT_ID", "NUMBER(38,0)"),
            ("CONTACT_EMAIL", "VARCHAR"),
            ("COMPANY_DOMAIN", "VARCHAR"),
            ("NAME", "VARCHAR(200)"),
            ("STAGE", "VARCHAR(40)"),
            ("AMOUNT", "NUMBER(18,2)"),
            ("CURRENCY", "VARCHAR(3)"),
            ("PERIOD", "VARCHAR(10)"),
            ("PROBABILITY", "FLOAT"),
            ("IS_CLOSED_OFFLINE", "BOOLEAN"),
            ("CLOSED_AT", "TIMESTAMP_TZ(9)"),
            ("CREATED_AT", "TIMESTAMP_NTZ(9)"),
            ("UPDATED_AT", "TIMESTAMP_NTZ(9)"),
        ],
        rows: Box::new((1..=count).map(move |number| row(number, count, accounts))),
    }
}

fn row(number: u64, count: u64, accounts: u64) -> Row {
    let mut random = Random::of("OPPORTUNITIES", number);
    let account = account_of(number, accounts);
    let company = company(account);
    let email = contacts::email(contact_of(number, accounts), accounts);
    let (contact_email, domain) = identity(number, email, company.domain, &mut random);
    let stage = random.pick(&STAGES);
    let is_closed = stage.starts_with("Closed");
    let closed = is_closed.then(|| closed_at(number, count).with_nanosecond(random.next()));
    vec![
        some(opportunity_id(number)),
        some(account),
        contact_email,
        domain,
        some(format!(
            "{} · {}",
            company.name,
            random.pick(&["new business", "renewal", "expansion", "it's urgent"])
        )),
        some(stage),
        amount(number, &mut random),
        some(random.pick(&CURRENCIES)),
        some(random.pick(&["one-time", "month", "year"])),
        Some(format!("0.{:02}", random.below(100))),
        is_closed.then(|| random.once_in(3).to_string()),
        closed.map(|closed| closed.with_offset(*random.pick(&OFFSETS))),
        some(closed_at(number, count).plus_seconds(-90 * 86_400).with_nanosecond(random.next()).plain()),
        (!number.is_multiple_of(WITHOUT_CURSOR_ONE_IN)).then(|| updated_at(number, count).plain()),
    ]
}

/// Who the deal is with, as the CRM knows it: both, one of the two, a private mailbox, or nobody at all.
fn identity(
    number: u64,
    email: String,
    domain: String,
    random: &mut Random,
) -> (Option<String>, Option<String>) {
    match number % 13 {
        0 => (None, Some(format!("www.{}", domain.to_uppercase()))),
        1 => (Some(email.to_uppercase()), None),
        2 => (Some(format!("buyer{number}@{}", random.pick(&PUBLIC_MAILBOXES))), None),
        3 if number.is_multiple_of(3) => (None, None),
        _ => (Some(email), Some(domain)),
    }
}

fn amount(number: u64, random: &mut Random) -> Option<String> {
    let amount = format!("{}.{:02}", 500 + random.below(250_000), random.below(100));
    match number {
        _ if number.is_multiple_of(REFUND_ONE_IN) => Some(format!("-{amount}")),
        _ if random.once_in(40) => None,
        _ => Some(amount),
    }
}
