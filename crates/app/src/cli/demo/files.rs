//! The sync files of the demo, as their reader would write them.

use super::{KEY_FILE, SERVICE_USER, TENANT};

pub(super) const OPPORTUNITIES: &str = "opportunities.yaml";
pub(super) const ACTIONS: &str = "actions-out.yaml";
pub(super) const SUMMARY: &str = "summary-out.yaml";

/// Every file with its name, for an emulator at `url`.
pub(super) fn all(url: &str) -> [(&'static str, String); 3] {
    [(OPPORTUNITIES, opportunities(url)), (ACTIONS, actions(url)), (SUMMARY, summary(url))]
}

fn snowflake(url: &str, role: &str) -> String {
    format!(
        "  snowflake:
    account: demo-account
    user: {SERVICE_USER}
    role: {role}
    virtual_warehouse: COMPUTE_WH
    private_key: {{ file: {KEY_FILE} }}
    endpoint: {url}          # only for the emulator
    allow_http_loopback: true                   # only for the emulator
"
    )
}

fn opportunities(url: &str) -> String {
    format!(
        "\
# A pull from the demo's emulated Snowflake into the vendor database.
tenant: {TENANT}
source:
{}destination: {{ duckdb: {{ path: data }} }}         # one file per tenant in this folder
stream: CRM.SALES.OPPORTUNITIES
read:
  incremental: {{ cursor: UPDATED_AT, lookback: 2m }}
  key: [OPPORTUNITY_ID]
",
        snowflake(url, "SNOWFERRY_READ")
    )
}

fn actions(url: &str) -> String {
    format!(
        "\
# A push: what users did in the vendor's product, appended to a table of the customer's.
tenant: {TENANT}
source: {{ duckdb: {{ path: data }} }}
stream: product.actions
read:
  incremental: {{ cursor: happened_at }}
  key: [action_id]
destination:
{}target: ANALYTICS.VENDOR.ACTIONS
write: append
",
        snowflake(url, "SNOWFERRY_WRITE")
    )
}

fn summary(url: &str) -> String {
    format!(
        "\
# A push: a query over what was pulled, in place of all that the customer's table holds.
tenant: {TENANT}
source: {{ duckdb: {{ path: data }} }}
stream:
  name: deals_by_stage
  query: |
    select stage, currency, count(*) as deals, sum(amount)::decimal(38,2) as amount, max(updated_at) as newest
    from sales.opportunities group by all
destination:
{}target: ANALYTICS.VENDOR.DEALS_BY_STAGE
write: rewrite
",
        snowflake(url, "SNOWFERRY_WRITE")
    )
}
