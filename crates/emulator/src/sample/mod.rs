//! Sample data that looks like a real customer's account: a CRM with its gaps and oddities, empty tables for a vendor's
//! rows, and TPC-H.
//!
//! Everything is a pure function of [`Sample`], so two loads give the same rows, byte for byte.

mod activities;
mod ad_spend;
mod change;
mod company;
mod contacts;
mod gathered;
mod load;
mod moment;
mod opportunities;
mod random;
mod table;
mod tpch;
mod usage_events;
mod vendor;
mod words;

#[cfg(test)]
mod tests;

pub use change::{Change, change};
pub use gathered::{Gathered, gathered};
pub use load::{load, run};
pub use table::SampleStatement;

use self::table::SampleTable;

/// How much sample data there is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Companies in the CRM; every other table of it grows in proportion.
    pub accounts: u32,
    /// TPC-H's scale factor (1 is six million line items), or no TPC-H at all.
    pub tpch_scale: Option<f64>,
}

impl Default for Sample {
    /// Some 85,000 rows of CRM and no TPC-H: enough to see several chunks, loaded in a few seconds.
    fn default() -> Self {
        Self { accounts: 2_000, tpch_scale: None }
    }
}

impl Sample {
    fn contacts(&self) -> u32 {
        self.accounts * 3
    }

    fn opportunities(&self) -> u32 {
        self.accounts * 5
    }

    fn usage_events(&self) -> u32 {
        self.accounts * 25
    }
}

/// The statements that create and fill the sample, in order. Those with columns bind them as arrays of text.
pub fn statements(sample: Sample) -> impl Iterator<Item = SampleStatement> {
    let set_up = [
        "CREATE WAREHOUSE IF NOT EXISTS COMPUTE_WH",
        "CREATE DATABASE IF NOT EXISTS CRM",
        "CREATE SCHEMA IF NOT EXISTS CRM.SALES",
        "CREATE SCHEMA IF NOT EXISTS CRM.PRODUCT",
        "CREATE SCHEMA IF NOT EXISTS CRM.MARKETING",
    ];
    let views = ["CREATE OR REPLACE VIEW CRM.SALES.CLOSED_WON AS \
         SELECT OPPORTUNITY_ID, ACCOUNT_ID, CONTACT_EMAIL, COMPANY_DOMAIN, AMOUNT, CURRENCY, CLOSED_AT, IS_CLOSED_OFFLINE, UPDATED_AT \
         FROM CRM.SALES.OPPORTUNITIES WHERE STAGE = 'Closed Won'"];
    let plain = |text: &&str| SampleStatement::plain(*text);
    let set_up: Vec<_> = set_up.iter().map(plain).collect();
    let views: Vec<_> = views.iter().map(plain).collect();
    let tpch = sample.tpch_scale.into_iter().flat_map(tpch::statements);
    set_up
        .into_iter()
        .chain(crm(sample).into_iter().flat_map(SampleTable::statements))
        .chain(views)
        .chain(vendor::STATEMENTS.map(SampleStatement::plain))
        .chain(tpch)
}

fn crm(sample: Sample) -> [SampleTable; 6] {
    [
        company::table(sample.accounts),
        contacts::table(sample.contacts(), sample.accounts),
        opportunities::table(sample.opportunities(), sample.accounts),
        activities::table(sample.opportunities(), sample.accounts),
        usage_events::table(sample.usage_events(), sample.accounts),
        ad_spend::table(),
    ]
}
