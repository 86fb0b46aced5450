//! The other direction: rows in the vendor database, a customer's table that a role may only write to, and sync files.

use std::path::PathBuf;

use arrow_cast::display::array_value_to_string;
use snowflake::{ConnectionConfig, Credentials, Endpoint, Session, StageLocation};

use crate::world::{Ended, PASSWORD, USER, World};

/// What every target of the tests looks like.
const COLUMNS: &str = "ID NUMBER(18,0) NOT NULL, NAME VARCHAR(30), HAPPENED_AT TIMESTAMP_NTZ(6)";

/// How each sync writes, and the privileges on the table that this takes.
pub(crate) const APPEND: (&str, &str) =
    ("write: append\nread: { incremental: { cursor: happened_at }, key: [id] }\n", "INSERT");
pub(crate) const REWRITE: (&str, &str) = ("write: rewrite\n", "INSERT, DELETE");
pub(crate) const UPSERT: (&str, &str) = ("write: upsert\nread: { key: [id] }\n", "INSERT, UPDATE");

/// One tenant with its actions, one table of the customer's, and the sync between them.
pub(crate) struct Push<'a> {
    world: &'a World,
    tenant: String,
    table: String,
    pub(crate) file: PathBuf,
}

impl<'a> Push<'a> {
    /// A push into a new table called `table`, by a role that has nothing but `privileges` on it.
    pub(crate) fn new(world: &'a World, table: &str, (write, privileges): (&str, &str)) -> Self {
        let role = format!("WRITE_{table}");
        world.sql(&[
            "CREATE DATABASE IF NOT EXISTS ANALYTICS",
            "CREATE SCHEMA IF NOT EXISTS ANALYTICS.VENDOR",
            &format!("CREATE OR REPLACE TABLE ANALYTICS.VENDOR.{table} ({COLUMNS})"),
            &format!("CREATE ROLE IF NOT EXISTS {role}"),
            &format!("GRANT USAGE ON WAREHOUSE WH TO ROLE {role}"),
            &format!("GRANT USAGE ON DATABASE ANALYTICS TO ROLE {role}"),
            &format!("GRANT USAGE ON SCHEMA ANALYTICS.VENDOR TO ROLE {role}"),
            &format!("GRANT {privileges} ON TABLE ANALYTICS.VENDOR.{table} TO ROLE {role}"),
            &format!("GRANT ROLE {role} TO USER {USER}"),
        ]);
        let tenant = table.to_lowercase();
        let file = world.folder().join(format!("{tenant}.yaml"));
        let push = Self { world, tenant, table: table.to_owned(), file };
        push.vendor(
            "CREATE SCHEMA product; CREATE TABLE product.actions (id BIGINT, name VARCHAR, happened_at TIMESTAMP)",
        );
        push.write(write);
        push
    }

    /// Writes the sync file: both sides and then `rest`.
    pub(crate) fn write(&self, rest: &str) {
        let Self { world, tenant, table, .. } = self;
        std::fs::write(world.folder().join("password"), PASSWORD).unwrap();
        let side = world.snowflake_side("acme-prod", &format!("WRITE_{table}"));
        let text = format!(
            "tenant: {tenant}
source: {{ duckdb: {{ path: data }} }}
destination:
{side}stream: product.actions
target: ANALYTICS.VENDOR.{table}
{rest}"
        );
        std::fs::write(&self.file, text).unwrap();
    }

    /// Runs statements in the vendor database.
    pub(crate) fn vendor(&self, sql: &str) {
        self.world.vendor_of(&self.tenant, sql);
    }

    /// Adds actions with these ids; ten of them in a row share one instant.
    pub(crate) fn add(&self, ids: std::ops::Range<i64>) {
        self.vendor(&format!(
            "INSERT INTO product.actions SELECT id, 'action ' || id, TIMESTAMP '2026-03-01' + to_seconds(id // 10)
             FROM range({}, {}) AS ids(id)",
            ids.start, ids.end
        ));
    }

    /// Runs `snowferry COMMAND -f FILE …`.
    pub(crate) async fn program(&self, command: &str, flags: &[&str]) -> Ended {
        let file = self.file.to_str().unwrap();
        self.world.program(&[&[command, "-f", file][..], flags].concat()).await
    }

    pub(crate) async fn run(&self, flags: &[&str]) -> Ended {
        self.program("run", flags).await
    }

    /// The ids in the customer's table, in order.
    pub(crate) async fn ids(&self) -> Vec<i64> {
        let sql = format!("SELECT ID FROM ANALYTICS.VENDOR.{} ORDER BY ID", self.table);
        let rows = self.world.ask(&sql).await;
        rows.iter().map(|row| row[0].parse().unwrap()).collect()
    }

    /// The customer's table holds each of these ids once, and the Snowflake stage is empty.
    pub(crate) async fn assert_delivered(&self, ids: std::ops::Range<i64>, when: &str) {
        assert_eq!(self.ids().await, ids.collect::<Vec<i64>>(), "{when}");
        assert_eq!(self.world.staged().await, Vec::<String>::new(), "{when}: files are left");
    }
}

impl World {
    /// The rows of a query in the customer's account, as text.
    pub(crate) async fn ask(&self, sql: &str) -> Vec<Vec<String>> {
        let session = self.session().await;
        let batches = session.query(sql).await.unwrap().collect().await.unwrap();
        session.close().await.unwrap();
        let rows = batches.iter().flat_map(|batch| {
            let row =
                |row| batch.columns().iter().map(move |c| array_value_to_string(c, row).unwrap_or_default());
            (0..batch.num_rows()).map(|number| row(number).collect()).collect::<Vec<Vec<String>>>()
        });
        rows.collect()
    }

    /// The files in the user's own Snowflake stage.
    pub(crate) async fn staged(&self) -> Vec<String> {
        let session = self.session().await;
        let files = session.list_stage(&StageLocation::user("").unwrap()).await.unwrap();
        session.close().await.unwrap();
        files.into_iter().map(|file| file.name).collect()
    }

    async fn session(&self) -> Session {
        let config =
            ConnectionConfig::new("acme-prod".parse().unwrap(), USER, Credentials::password(PASSWORD))
                .role("ACCOUNTADMIN")
                .virtual_warehouse("WH")
                .endpoint(Endpoint::parse(self.emulator.url()).unwrap())
                .allow_http_loopback(true);
        Session::connect(config).await.unwrap()
    }
}
