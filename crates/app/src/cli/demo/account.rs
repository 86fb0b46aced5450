//! The customer's account as its own administrator sees it.

use arrow_array::RecordBatch;
use model::{Error, Result};
use snowflake::{Account, ConnectionConfig, Credentials, Endpoint, Session, Statement};

use emulator::{DEFAULT_PASSWORD, DEFAULT_USER};

use super::Demo;
use crate::output::{print_line, table};

/// What the customer allows the vendor: to read four tables with one role, and to make tables in one schema with another.
pub(super) const GRANTS: [&str; 6] = [
    "GRANT USAGE ON SCHEMA CRM.PRODUCT TO ROLE SNOWFERRY_READ",
    "GRANT SELECT ON TABLE CRM.SALES.ACCOUNTS TO ROLE SNOWFERRY_READ",
    "GRANT SELECT ON TABLE CRM.SALES.CONTACTS TO ROLE SNOWFERRY_READ",
    "GRANT SELECT ON TABLE CRM.PRODUCT.USAGE_EVENTS TO ROLE SNOWFERRY_READ",
    "GRANT CREATE TABLE ON SCHEMA ANALYTICS.VENDOR TO ROLE SNOWFERRY_WRITE",
    // This customer notes what was paid back in a column of its own.
    "ALTER TABLE CRM.SALES.OPPORTUNITIES ADD COLUMN REFUND_OF VARCHAR(18)",
];

impl Demo<'_> {
    /// Asks the account something, and shows the answer.
    pub(super) async fn show_there(&self, sql: &str) -> Result<()> {
        print_line(&table(&self.ask(sql).await?)?)
    }

    /// Asks the account something.
    pub(super) async fn ask(&self, sql: &str) -> Result<Vec<RecordBatch>> {
        let account: Account = "demo-account".parse().map_err(failed)?;
        let config = ConnectionConfig::new(account, DEFAULT_USER, Credentials::password(DEFAULT_PASSWORD))
            .role("ACCOUNTADMIN")
            .virtual_warehouse("COMPUTE_WH")
            .endpoint(Endpoint::parse(self.running.url()).map_err(failed)?)
            .allow_http_loopback(true);
        let session = Session::connect(config).await.map_err(failed)?;
        let result = session.query(Statement::new(sql)).await.map_err(failed)?;
        let rows = result.collect().await.map_err(failed)?;
        session.close().await.map_err(failed)?;
        Ok(rows)
    }
}

fn failed(error: snowflake::Error) -> Error {
    Error::internal("the emulated account did not answer").with_source(error)
}
