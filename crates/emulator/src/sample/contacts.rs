//! `CRM.SALES.CONTACTS`: people, with e-mail addresses as people type them.

use super::company::company;
use super::moment::Moment;
use super::random::Random;
use super::table::{Row, SampleTable, some};
use super::words::{FIRST_NAMES, LAST_NAMES, PUBLIC_MAILBOXES, TITLES};

/// One contact in so many has an `UPDATED_AT` years ahead: a phone whose clock was wrong when it synchronised.
const FUTURE_ONE_IN: u64 = 1_500;

/// Where the first contact of each company stands, because the contacts go round the companies.
pub(super) fn account_of(contact: u64, accounts: u64) -> u64 {
    (contact - 1) % accounts + 1
}

/// Of contacts, one in so many has a public mailbox.
const MAILBOX_ONE_IN: u64 = 11;

/// Whether a person writes from a public mailbox, which is no company's.
pub(super) fn has_mailbox(contact: u64) -> bool {
    contact.is_multiple_of(MAILBOX_ONE_IN)
}

/// A person's clean address; other tables refer to people by it.
pub(super) fn email(contact: u64, accounts: u64) -> String {
    let mut random = Random::of("PERSON", contact);
    let (first, last) = (ascii(random.pick(&FIRST_NAMES)), ascii(random.pick(&LAST_NAMES)));
    let domain = if has_mailbox(contact) {
        random.pick(&PUBLIC_MAILBOXES).to_owned()
    } else {
        company(account_of(contact, accounts)).domain
    };
    format!("{first}.{last}{contact}@{domain}")
}

pub(super) fn table(count: u32, accounts: u32) -> SampleTable {
    SampleTable {
        name: "CRM.SALES.CONTACTS".to_owned(),
        columns: vec![
            ("CONTACT_ID", "NUMBER(38,0) NOT NULL"),
            ("ACCOUNT_ID", "NUMBER(38,0)"),
            ("EMAIL", "VARCHAR"),
            ("FIRST_NAME", "VARCHAR(80)"),
            ("LAST_NAME", "VARCHAR(80)"),
            ("TITLE", "VARCHAR(120)"),
            ("IS_OPTED_OUT", "BOOLEAN"),
            ("LAST_CALLED_AT", "TIMESTAMP_LTZ(3)"),
            ("BEST_TIME_TO_CALL", "TIME(0)"),
            ("CREATED_AT", "TIMESTAMP_NTZ(6)"),
            ("UPDATED_AT", "TIMESTAMP_NTZ(9)"),
        ],
        rows: Box::new((1..=u64::from(count)).map(move |id| row(id, u64::from(accounts)))),
    }
}

fn row(id: u64, accounts: u64) -> Row {
    let mut person = Random::of("PERSON", id);
    let (first, last) = (person.pick(&FIRST_NAMES), person.pick(&LAST_NAMES));
    let mut random = Random::of("CONTACTS", id);
    let email = email(id, accounts);
    let typed = match id % 9 {
        0 => format!("  {email} "),
        1 => email.to_uppercase(),
        _ => email,
    };
    let created = Moment::before_export(i64::try_from(3_600 + random.below(900 * 86_400)).unwrap_or(0));
    let updated = if id.is_multiple_of(FUTURE_ONE_IN) {
        Moment::days_before_export(-3_650)
    } else {
        created.plus_seconds(i64::try_from(random.below(3_600)).unwrap_or(0))
    };
    let called = created.plus_seconds(600).with_nanosecond(random.below(1_000) * 1_000_000);
    vec![
        some(id),
        some(account_of(id, accounts)),
        (!random.once_in(60)).then_some(typed),
        some(first),
        some(last),
        (!random.once_in(10)).then(|| random.pick(&TITLES).to_owned()),
        (!random.once_in(15)).then(|| random.once_in(5).to_string()),
        random.once_in(3).then(|| called.with_offset(0)),
        random.once_in(2).then(|| format!("{:02}:{:02}:00", 8 + random.below(10), random.below(4) * 15)),
        some(created.with_nanosecond(random.below(1_000_000) * 1_000).plain()),
        some(updated.with_nanosecond(random.next()).plain()),
    ]
}

/// The letters of a name that are used in addresses.
fn ascii(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_lowercase()
}
