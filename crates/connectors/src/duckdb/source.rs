//! Reading from a tenant's DuckDB file.

use async_trait::async_trait;
use model::{BatchStream, Error, Result, Source, StreamFilter, StreamName, StreamPlan, StreamSchema};

use super::catalog;
use super::database::TenantDatabase;
use super::read::{Read, committed};
use super::read_sql::{from_sql, read_statement};

/// A tenant's DuckDB file as source. A read is one statement in a transaction that cannot write; it holds nobody up.
#[derive(Clone, Debug)]
pub struct DuckDbSource {
    database: TenantDatabase,
}

impl DuckDbSource {
    /// A source on this file, which others in this process may use as well.
    pub fn new(database: TenantDatabase) -> Self {
        Self { database }
    }

    /// Runs `act` on a thread that may block.
    async fn blocking<T: Send + 'static>(
        &self,
        act: impl FnOnce(&TenantDatabase) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let database = self.database.clone();
        let task = tokio::task::spawn_blocking(move || act(&database));
        task.await.map_err(|error| Error::internal("a DuckDB task panicked").with_source(error))?
    }
}

#[async_trait]
impl Source for DuckDbSource {
    async fn discover(&self, filter: &StreamFilter) -> Result<Vec<StreamSchema>> {
        let filter = filter.clone();
        self.blocking(move |database| catalog::discover(&*database.connect_lightly()?, &filter)).await
    }

    async fn describe(&self, stream: &StreamName) -> Result<StreamSchema> {
        let stream = stream.clone();
        self.blocking(move |database| catalog::describe(&*database.connect_read_only()?, &stream)).await
    }

    /// Looks at the stream's columns, so this asks DuckDB, which takes it milliseconds.
    fn statement(&self, plan: &StreamPlan) -> Result<String> {
        let connection = self.database.connect_read_only()?;
        let from = from_sql(&connection, &plan.stream)?;
        let described = catalog::described(&connection, &plan.stream)?;
        Ok(read_statement(plan, &committed(plan)?, &from, &described)?.sql)
    }

    async fn read(&self, plan: &StreamPlan) -> Result<BatchStream> {
        let plan = plan.clone();
        Ok(self.blocking(move |database| Read::begin(database, plan)).await?.stream())
    }
}
