//! Changes to the sample, as a customer's day makes them: what an incremental pull should then move, and nothing else.

use super::Sample;
use super::moment::Moment;
use super::opportunities::{opportunity_id, updated_at};
use super::random::Random;

/// A small set of changes to `CRM.SALES.OPPORTUNITIES`, and how many rows each kind touches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    pub statements: Vec<String>,
    /// Rows that were there and changed, all with a newer `UPDATED_AT`.
    pub updated: u64,
    /// Rows that are new, with a newer `UPDATED_AT`.
    pub inserted: u64,
    /// Rows that are new but carry an `UPDATED_AT` a little before the newest that was there.
    pub late: u64,
}

const UPDATED: u64 = 40;
const INSERTED: u64 = 25;
const LATE: u64 = 3;
/// How far back late rows lie: pulls find them when they look back at least this far.
const LATE_SECONDS: i64 = 60;

/// The change number `round` (from 1); each round is newer than the one before.
pub fn change(sample: Sample, round: u32) -> Change {
    let count = u64::from(sample.opportunities());
    let newest = updated_at(count, count);
    let now = newest.plus_seconds(i64::from(round) * 600);
    let first_new = count + 1 + u64::from(round - 1) * (INSERTED + LATE);
    let inserts =
        (0..INSERTED).map(|n| new_row(first_new + n, now.plus_seconds(i64::try_from(n).unwrap_or(0))));
    let late = (0..LATE).map(|n| new_row(first_new + INSERTED + n, now.plus_seconds(-600 - LATE_SECONDS)));
    let values: Vec<String> = inserts.chain(late).collect();
    Change {
        statements: vec![update(count, round, now), insert(&values)],
        updated: UPDATED.min(count),
        inserted: INSERTED,
        late: LATE,
    }
}

/// Deals spread over the whole table get a new stage and amount.
fn update(count: u64, round: u32, now: Moment) -> String {
    let stride = (count / UPDATED).max(1);
    let offset = Random::of("CHANGE", u64::from(round)).below(stride);
    let ids: Vec<String> =
        (0..UPDATED.min(count)).map(|n| format!("'{}'", opportunity_id(n * stride + offset + 1))).collect();
    format!(
        "UPDATE CRM.SALES.OPPORTUNITIES SET STAGE = 'Closed Won', AMOUNT = COALESCE(AMOUNT, 0) + {round}000.01, \
         IS_CLOSED_OFFLINE = TRUE, UPDATED_AT = '{}' WHERE OPPORTUNITY_ID IN ({})",
        now.with_nanosecond(Random::of("CHANGE", u64::from(round)).next()).plain(),
        ids.join(", "),
    )
}

fn insert(values: &[String]) -> String {
    format!(
        "INSERT INTO CRM.SALES.OPPORTUNITIES (OPPORTUNITY_ID, ACCOUNT_ID, COMPANY_DOMAIN, NAME, STAGE, AMOUNT, CURRENCY, \
         PERIOD, UPDATED_AT) VALUES {}",
        values.join(", "),
    )
}

fn new_row(number: u64, updated: Moment) -> String {
    let mut random = Random::of("CHANGE.INSERT", number);
    let amount = 1_000 + random.below(90_000);
    format!(
        "('{}', 1, 'alpine-labs1.com', 'New deal {number}', 'Proposal', {amount}.50, 'EUR', 'year', '{}')",
        opportunity_id(number),
        updated.with_nanosecond(random.next()).plain(),
    )
}
