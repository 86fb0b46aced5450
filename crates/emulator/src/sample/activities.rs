//! `CRM.SALES.ACTIVITIES`: what sales did, to which the revenue of a deal is matched.

use super::company::company;
use super::contacts;
use super::moment::Moment;
use super::opportunities::{account_of, closed_at, contact_of, opportunity_id};
use super::random::Random;
use super::table::{Row, SampleTable, some};

const KINDS: [&str; 6] = ["Meeting", "Call", "E-mail", "Deal created", "Campaign member", "Trade fair"];

pub(super) fn table(opportunities: u32, accounts: u32) -> SampleTable {
    let (count, accounts) = (u64::from(opportunities), u64::from(accounts));
    SampleTable {
        name: "CRM.SALES.ACTIVITIES".to_owned(),
        columns: vec![
            ("ACTIVITY_ID", "VARCHAR(24) NOT NULL"),
            ("OPPORTUNITY_ID", "VARCHAR(18)"),
            ("EMAIL", "VARCHAR"),
            ("COMPANY_DOMAIN", "VARCHAR"),
            ("KIND", "VARCHAR(40)"),
            ("SUBJECT", "VARCHAR"),
            ("OCCURRED_AT", "TIMESTAMP_NTZ(9)"),
            ("ADDED_AT", "TIMESTAMP_NTZ(9)"),
        ],
        rows: Box::new((1..=count).flat_map(move |number| activities(number, count, accounts))),
    }
}

/// The activities of one deal: none, one, several that compete, or only some that came after the close.
pub(super) fn activities(number: u64, count: u64, accounts: u64) -> Vec<Row> {
    let closed = closed_at(number, count);
    let days: &[i64] = match number % 6 {
        0 => &[],
        1 => &[-12, -3],
        2 => &[4, 9],
        3 => &[-200],
        _ => &[-30],
    };
    let at = |days: &i64| closed.plus_seconds(days * 86_400);
    days.iter().enumerate().map(|(position, days)| row(number, position, at(days), accounts)).collect()
}

fn row(number: u64, position: usize, at: Moment, accounts: u64) -> Row {
    let mut random = Random::of("ACTIVITIES", number * 4 + position as u64);
    let occurred = at.with_nanosecond(random.next());
    vec![
        some(format!("ACT-{number:07}-{position}")),
        (!random.once_in(4)).then(|| opportunity_id(number)),
        (!random.once_in(3)).then(|| contacts::email(contact_of(number, accounts), accounts)),
        some(company(account_of(number, accounts)).domain),
        some(random.pick(&KINDS)),
        some(random.pick(&["Intro", "Follow-up", "Pricing \"final\"", "Contract,\nsecond page", ""])),
        some(occurred.plain()),
        some(occurred.plus_seconds(i64::try_from(random.below(86_400)).unwrap_or(0)).plain()),
    ]
}
