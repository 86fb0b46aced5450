//! The customer corrects two rows and takes money back; the second run changes what belongs to them, and nothing else.

use arrow_array::cast::AsArray;
use connectors::duckdb::{TenantFile, query};
use engine::RunReport;
use model::{Error, Result};

use super::channels::{Channel, channels, compared, decimal, euros, total_cents};
use super::{Demo, files, say};
use crate::output::{count, print_line, text_table};

/// Two deals in euros that are paid once, matched, and not to be changed by anything else: one is corrected, one refunded.
const DEALS: &str = "SELECT deal_id FROM model.opportunity_revenue
    WHERE currency = 'EUR' AND period = 'one-time' AND amount > 10000 AND company_domain IS NOT NULL ORDER BY deal_id LIMIT 2";
/// An event that no stage is entered by.
const EVENT: &str = "SELECT min(EVENT_ID) FROM CRM.PRODUCT.USAGE_EVENTS WHERE EVENT = 'export_started' AND USER_EMAIL LIKE '%-%'";

/// What a deal's amount is corrected by, and what is paid back of the other.
const MORE_CENTS: i128 = 250_000;
const REFUND_CENTS: i128 = 400_000;
/// Later than everything in the sample.
const TODAY: &str = "2026-11-02 09:00:00";

impl Demo<'_> {
    /// What the customer changes: the deal that is corrected, the one that is refunded, and the event.
    pub(super) async fn corrections(self, tenant_file: &TenantFile) -> Result<Self> {
        let deals = texts(&query(tenant_file, DEALS, 2)?.batches);
        let [corrected, refunded] = &deals[..] else {
            return Err(Error::internal("the sample has no two deals to correct"));
        };
        let event = texts(&self.ask(EVENT).await?);
        let [event] = &event[..] else { return Err(Error::internal("the sample has no event to correct")) };
        for line in [
            format!("  corrected: deal {corrected} was {} EUR larger than noted", euros(MORE_CENTS)),
            format!("  corrected: product event {event} was no export, but a report that was viewed"),
            format!(
                "  refunded:  {} EUR of deal {refunded}, noted as a deal of its own",
                euros(REFUND_CENTS)
            ),
        ] {
            print_line(&line)?;
        }
        self.change(vec![
            format!(
                "UPDATE CRM.SALES.OPPORTUNITIES SET AMOUNT = AMOUNT + {}, UPDATED_AT = '{TODAY}' WHERE OPPORTUNITY_ID = '{corrected}'",
                decimal(MORE_CENTS)
            ),
            format!(
                "UPDATE CRM.PRODUCT.USAGE_EVENTS SET EVENT = 'report_viewed', ADDED_AT = '{TODAY}' WHERE EVENT_ID = '{event}'"
            ),
            format!(
                "INSERT INTO CRM.SALES.OPPORTUNITIES (OPPORTUNITY_ID, ACCOUNT_ID, CONTACT_EMAIL, COMPANY_DOMAIN, NAME, STAGE, AMOUNT, \
                 CURRENCY, PERIOD, CLOSED_AT, UPDATED_AT, REFUND_OF) \
                 SELECT 'REFUND-1', ACCOUNT_ID, CONTACT_EMAIL, COMPANY_DOMAIN, 'Refund of ' || NAME, 'Refunded', -{}, \
                 CURRENCY, PERIOD, '{TODAY} +00:00'::TIMESTAMP_TZ, '{TODAY}', OPPORTUNITY_ID \
                 FROM CRM.SALES.OPPORTUNITIES WHERE OPPORTUNITY_ID = '{refunded}'",
                decimal(REFUND_CENTS)
            ),
        ])
        .await
    }

    /// Everything runs once more.
    pub(super) async fn second_run(&self, tenant_file: &TenantFile, before: &[Channel]) -> Result<()> {
        print_line(
            "  a run reads the rows once more at which the one before ended, so it may read more than it changes\n",
        )?;
        let mut changes = Vec::new();
        for name in files::PULLS.into_iter().chain(files::PUSHES) {
            let ran = self.run_once(&self.sync_file(name)?).await?;
            changes.push((name, ran));
        }
        say(self.terminal, "8", "What the second run changed, beside what it should have:")?;
        prove(&changes)?;
        let now = channels(tenant_file)?;
        print_line(&format!("\n{}", compared(before, &now)))?;
        let difference = total_cents(&now) - total_cents(before);
        if difference != MORE_CENTS - REFUND_CENTS {
            return Err(Error::internal(format!("matched revenue differs by {} EUR", euros(difference))));
        }
        print_line(&format!(
            "  together {} EUR: {} EUR more for one deal, {} EUR paid back for the other",
            euros(difference),
            euros(MORE_CENTS),
            euros(REFUND_CENTS)
        ))
    }
}

/// New, changed and removed rows of each run, and what they are there for.
const EXPECTED: [(&str, [u64; 3], &str); 6] = [
    (files::ACCOUNTS, [0, 0, 0], "nothing happened"),
    (files::CONTACTS, [0, 0, 0], "nothing happened"),
    (files::USAGE, [0, 1, 0], "the corrected event"),
    (files::OPPORTUNITIES, [1, 1, 0], "the refund, the corrected deal"),
    (files::ACTIONS_OUT, [0, 1, 0], "the corrected event"),
    (files::STAGES_OUT, [1, 1, 0], "the refund enters a stage, the deal's amount differs"),
];

/// Shows what each run has changed; the demo shows what it says, or fails.
fn prove(changes: &[(&str, RunReport)]) -> Result<()> {
    let found = |name: &str| changes.iter().find(|(of, _)| *of == name).map(|(_, report)| report);
    let counts = |report: &RunReport| [report.inserted, report.updated, report.deleted];
    let rows = EXPECTED.iter().filter_map(|(name, expected, why)| {
        let mut row = vec![name.trim_end_matches(".yaml").to_owned()];
        row.extend(
            counts(found(name)?)
                .iter()
                .zip(expected)
                .map(|(found, expected)| format!("{} of {}", count(*found), count(*expected))),
        );
        row.push((*why).to_owned());
        Some(row)
    });
    print_line(&text_table(&["sync", "new", "changed", "removed", "because"], rows))?;
    let differs = |(name, expected, _): &&(&str, [u64; 3], &str)| found(name).map(counts) != Some(*expected);
    match EXPECTED.iter().find(differs) {
        None => Ok(()),
        Some((name, ..)) => {
            Err(Error::internal(format!("the second run of {name} did not change what it should")))
        }
    }
}

/// The texts of the first column.
fn texts(batches: &[arrow_array::RecordBatch]) -> Vec<String> {
    let texts = batches.iter().flat_map(|batch| batch.column(0).as_string::<i32>().iter().flatten());
    texts.map(str::to_owned).collect()
}
