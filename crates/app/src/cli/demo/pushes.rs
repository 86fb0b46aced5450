//! The way back: actions are appended to a table of the customer's, a summary is rewritten, and both are read there.

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_cast::cast;
use arrow_schema::DataType;
use connectors::duckdb::{TenantDatabase, TenantFile, query};
use emulator::{DEFAULT_PASSWORD, DEFAULT_USER};
use model::{Error, Result};
use snowflake::{Account, ConnectionConfig, Credentials, Endpoint, Session, Statement};

use super::{Demo, files, say};
use crate::output::{print_line, table};

/// Every deal is looked at, some are quoted, few are signed.
const MAKE_ACTIONS: &str = "
CREATE SCHEMA product;
CREATE TABLE product.actions AS
SELECT row_number() OVER (ORDER BY updated_at, opportunity_id, step) AS action_id,
    opportunity_id, contact_email AS user_email,
    ['proposal_opened', 'price_viewed', 'proposal_signed'][step] AS action,
    json_object('step', step, 'currency', currency) AS details,
    updated_at::TIMESTAMP + to_minutes(step) AS happened_at
FROM sales.opportunities, range(1, 4) AS steps(step)
WHERE updated_at IS NOT NULL AND hash(opportunity_id) % step = 0;
";

/// Some of them in the very second of the last one before: a watermark alone would lose these.
const MORE_ACTIONS: &str = "
INSERT INTO product.actions
SELECT action_id + (SELECT max(action_id) FROM product.actions), opportunity_id, user_email, 'proposal_opened', NULL,
    (SELECT max(happened_at) FROM product.actions) + to_seconds((action_id - 1) // 40)
FROM product.actions WHERE action_id <= 120;
";
const MORE_ACTIONS_COUNT: u64 = 120;

const ACTIONS_THERE: &str = "SELECT COUNT(*) AS ACTIONS, COUNT(DISTINCT ACTION_ID) AS DISTINCT_IDS, \
    MIN(HAPPENED_AT) AS OLDEST, MAX(HAPPENED_AT) AS NEWEST FROM ANALYTICS.VENDOR.ACTIONS";
const SUMMARY_THERE: &str = "SELECT STAGE, CURRENCY, DEALS, AMOUNT, NEWEST FROM ANALYTICS.VENDOR.DEALS_BY_STAGE \
    WHERE STAGE = 'Closed Won' ORDER BY DEALS DESC, CURRENCY";

impl Demo<'_> {
    pub(super) async fn push(&self) -> Result<()> {
        let (actions, summary) = (self.sync_file(files::ACTIONS)?, self.sync_file(files::SUMMARY)?);
        let tenant_file = actions.tenant_file()?;

        say(
            self.terminal,
            "7",
            "Push, append: what users did in the product, by a role that may only INSERT.",
        )?;
        run_sql(&tenant_file, MAKE_ACTIONS)?;
        let first = self.run_once(&actions).await?;
        run_sql(&tenant_file, MORE_ACTIONS)?;
        print_line(&format!(
            "  then {MORE_ACTIONS_COUNT} new actions, 40 of them at the very instant of the last one"
        ))?;
        let second = self.run_once(&actions).await?;

        say(
            self.terminal,
            "8",
            "Push, rewrite: a summary of what was pulled takes a table's place at once.",
        )?;
        self.run_once(&summary).await?;

        say(self.terminal, "9", "What the customer sees, asked in Snowflake:")?;
        let session = self.customer().await?;
        let actions_there = ask(&session, ACTIONS_THERE).await?;
        print_line(&table(&actions_there)?)?;
        print_line(&table(&ask(&session, SUMMARY_THERE).await?)?)?;
        let deals_there =
            ask(&session, "SELECT SUM(DEALS)::NUMBER(18,0) FROM ANALYTICS.VENDOR.DEALS_BY_STAGE").await?;
        session.close().await.map_err(failed)?;

        let actions_here = query(&tenant_file, "SELECT count(*) FROM product.actions", 1)?.batches;
        let deals_here = query(&tenant_file, "SELECT count(*) FROM sales.opportunities", 1)?.batches;
        prove_equal("actions", number(&actions_here), number(&actions_there))?;
        prove_equal("deals in the summary", number(&deals_here), number(&deals_there))?;
        prove_equal("actions of the second push", Some(MORE_ACTIONS_COUNT), Some(second.inserted))?;
        let rows_read = Some(first.read + second.read);
        prove_equal("rows that were read", number(&actions_here), rows_read)
    }

    /// A session of the customer's own administrator.
    async fn customer(&self) -> Result<Session> {
        let account: Account = "demo-account".parse().map_err(failed)?;
        let config = ConnectionConfig::new(account, DEFAULT_USER, Credentials::password(DEFAULT_PASSWORD))
            .role("ACCOUNTADMIN")
            .virtual_warehouse("COMPUTE_WH")
            .endpoint(Endpoint::parse(self.running.url()).map_err(failed)?)
            .allow_http_loopback(true);
        Session::connect(config).await.map_err(failed)
    }
}

async fn ask(session: &Session, sql: &str) -> Result<Vec<RecordBatch>> {
    let result = session.query(Statement::new(sql)).await.map_err(failed)?;
    result.collect().await.map_err(failed)
}

fn failed(error: snowflake::Error) -> Error {
    Error::internal("the pushed rows could not be read back").with_source(error)
}

/// The vendor's own program writes what it will push.
fn run_sql(tenant_file: &TenantFile, sql: &str) -> Result<()> {
    let database = TenantDatabase::open(tenant_file.clone())?;
    database
        .connect()?
        .execute_batch(sql)
        .map_err(|error| Error::internal("the demo's own rows could not be made").with_source(error))
}

/// The number in the first row and column.
fn number(batches: &[RecordBatch]) -> Option<u64> {
    let batch = batches.iter().find(|batch| batch.num_rows() > 0)?;
    let numbers = cast(batch.column(0), &DataType::UInt64).ok()?;
    Some(numbers.as_primitive::<UInt64Type>().value(0))
}

/// The demo shows what it says, or fails.
fn prove_equal(what: &str, expected: Option<u64>, found: Option<u64>) -> Result<()> {
    if expected.is_some() && expected == found {
        return Ok(());
    }
    Err(Error::internal(format!("{what}: {found:?} where {expected:?} are expected")))
}
