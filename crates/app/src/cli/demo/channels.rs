//! Matched revenue by channel: where the people of a deal's company came from when they came first.

use arrow_array::cast::AsArray;
use connectors::duckdb::{TenantFile, query};
use model::{Error, Result};

use crate::cli::matching::amount;
use crate::output::{count, text_table};

/// Deals in a currency without a rate have no amount in euros, and are counted all the same.
const REVENUE: &str = "
WITH first_visit AS (
    SELECT coalesce(company_id, email) AS who, arg_min(coalesce(utm_source, 'direct'), action_date) AS channel
    FROM model.actions WHERE action_type = 'enter-page' GROUP BY who
)
SELECT coalesce(channel, 'no visit seen'), count(*)::VARCHAR, coalesce(sum(amount_in_main_currency), 0)::DECIMAL(38,2)::VARCHAR
FROM model.opportunity_revenue AS deal
LEFT JOIN first_visit ON who = coalesce(deal.company_domain, deal.identity)
GROUP BY channel ORDER BY sum(amount_in_main_currency) DESC, channel";

/// One channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Channel {
    name: String,
    pub(super) deals: u64,
    /// In hundredths of a euro.
    pub(super) cents: i128,
}

/// All channels, the one with the most revenue first.
pub(super) fn channels(tenant_file: &TenantFile) -> Result<Vec<Channel>> {
    let unreadable = || Error::internal("the revenue by channel could not be read");
    let mut channels = Vec::new();
    for batch in query(tenant_file, REVENUE, usize::MAX)?.batches {
        let text = |column: usize, row| batch.column(column).as_string::<i32>().value(row).to_owned();
        for row in 0..batch.num_rows() {
            channels.push(Channel {
                name: text(0, row),
                deals: text(1, row).parse().map_err(|_| unreadable())?,
                cents: text(2, row).replace('.', "").parse().map_err(|_| unreadable())?,
            });
        }
    }
    Ok(channels)
}

/// The channels as a table.
pub(super) fn shown(channels: &[Channel]) -> String {
    let rows =
        channels.iter().map(|channel| vec![channel.name.clone(), count(channel.deals), euros(channel.cents)]);
    text_table(&["first came by", "matched deals", "revenue in EUR"], rows)
}

/// The channels that are not what they were.
pub(super) fn compared(before: &[Channel], now: &[Channel]) -> String {
    let was = |name: &str| before.iter().find(|channel| channel.name == name);
    let rows = now.iter().filter(|channel| was(&channel.name) != Some(channel)).map(|channel| {
        let cents = was(&channel.name).map_or(0, |channel| channel.cents);
        vec![channel.name.clone(), euros(cents), euros(channel.cents), euros(channel.cents - cents)]
    });
    text_table(&["first came by", "before", "now", "difference"], rows)
}

/// What all of them come to.
pub(super) fn total_cents(channels: &[Channel]) -> i128 {
    channels.iter().map(|channel| channel.cents).sum()
}

pub(super) fn euros(cents: i128) -> String {
    amount(&decimal(cents))
}

/// As SQL has it.
pub(super) fn decimal(cents: i128) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    let cents = cents.unsigned_abs();
    format!("{sign}{}.{:02}", cents / 100, cents % 100)
}
