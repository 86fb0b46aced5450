//! The sync files of the demo, as their reader would write them.

use super::{KEY_FILE, SERVICE_USER, TENANT};

pub(super) const ACCOUNTS: &str = "accounts.yaml";
pub(super) const CONTACTS: &str = "contacts.yaml";
pub(super) const USAGE: &str = "usage.yaml";
pub(super) const OPPORTUNITIES: &str = "opportunities.yaml";
pub(super) const ACTIONS_OUT: &str = "actions-out.yaml";
pub(super) const STAGES_OUT: &str = "stages-out.yaml";

/// The pulls, in the order in which they run: deals last, since they are matched to what is there.
pub(super) const PULLS: [&str; 4] = [ACCOUNTS, CONTACTS, USAGE, OPPORTUNITIES];
pub(super) const PUSHES: [&str; 2] = [ACTIONS_OUT, STAGES_OUT];

/// Every file with its name, for an emulator at `url`.
pub(super) fn all(url: &str) -> [(&'static str, String); 6] {
    [
        (ACCOUNTS, pull(url, "Companies of the customer's CRM.", ACCOUNTS_REST)),
        (CONTACTS, pull(url, "People of the customer's CRM.", CONTACTS_REST)),
        (USAGE, pull(url, "What people do in the customer's product.", USAGE_REST)),
        (OPPORTUNITIES, pull(url, "Deals, with revenue that was closed offline.", OPPORTUNITIES_REST)),
        (ACTIONS_OUT, push(url, "All actions of the model, back to the customer.", ACTIONS_OUT_REST)),
        (STAGES_OUT, push(url, "Who entered which stage, back to the customer.", STAGES_OUT_REST)),
    ]
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

fn pull(url: &str, what: &str, rest: &str) -> String {
    format!(
        "\
# {what}
tenant: {TENANT}
source:
{}destination: {{ duckdb: {{ path: data }} }}         # one file per tenant in this folder
{rest}",
        snowflake(url, "SNOWFERRY_READ")
    )
}

fn push(url: &str, what: &str, rest: &str) -> String {
    format!(
        "\
# {what}
tenant: {TENANT}
source: {{ duckdb: {{ path: data }} }}
destination:
{}{rest}",
        snowflake(url, "SNOWFERRY_WRITE")
    )
}

const ACCOUNTS_REST: &str = "\
stream: CRM.SALES.ACCOUNTS
read:
  incremental: { cursor: UPDATED_AT }
  key: [ACCOUNT_ID]
dataset:
  objects: { type: company, id: ACCOUNT_ID, company_domain: DOMAIN }
";

const CONTACTS_REST: &str = "\
stream: CRM.SALES.CONTACTS
read:
  incremental: { cursor: UPDATED_AT }
  key: [CONTACT_ID]
dataset:
  objects: { type: user, id: CONTACT_ID, identity: EMAIL }
";

const USAGE_REST: &str = "\
stream: CRM.PRODUCT.USAGE_EVENTS
read:
  incremental: { cursor: ADDED_AT }
  key: [EVENT_ID]
dataset:
  custom_actions: { action_name: EVENT, identity: USER_EMAIL, date: OCCURRED_AT }
";

/// Only what the CRM knows of sales leads to revenue here; what people do in the product does not.
const OPPORTUNITIES_REST: &str = "\
stream: CRM.SALES.OPPORTUNITIES
read:
  incremental: { cursor: UPDATED_AT }
  key: [OPPORTUNITY_ID]
dataset:
  objects: { type: deal, id: OPPORTUNITY_ID, identity: CONTACT_EMAIL, company_domain: COMPANY_DOMAIN }
match:
  won: [Closed Won]
  priority: [Meeting, Call, E-mail, Campaign member, Trade fair, Deal created]
  only_priority: true
  main_currency: EUR
  rates: { USD: 0.92, GBP: 1.17, JPY: 0.0061 }
";

const ACTIONS_OUT_REST: &str = "\
dataset: raw_actions
target: ANALYTICS.VENDOR.RAW_ACTIONS
columns: [action_id, etl_modified_at, integration, action_type, action_name, action_date, identity, user_id, company_id,
  page_url, domain, path, referrer]             # those that this customer wants, of more
create_table: true
write: upsert                                   # a corrected action takes its own place
";

const STAGES_OUT_REST: &str = "\
dataset:
  stage_data:
    stages:
      - { name: Visitor, kind: person, actions: [Page view] }
      - { name: Met, kind: company, actions: [Meeting] }
      - { name: Active in the product, kind: person, actions: [signed_in] }
      - { name: Pipeline, kind: outcome, property: stage, values: [Proposal, Negotiation] }
      - { name: Closed Won, kind: outcome, property: stage, values: [Closed Won], at: closed_at }
      - { name: Refunded, kind: outcome, property: stage, values: [Refunded], at: closed_at }
target: ANALYTICS.VENDOR.STAGE_DATA
create_table: true
write: { upsert: { delete_flag: is_gone } }     # who has left a stage is removed
";
