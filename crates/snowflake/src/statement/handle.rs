//! A query that runs on its own.

use std::fmt;
use std::sync::Arc;

use super::{QueryStatus, run};
use crate::Result;
use crate::result::QueryResult;
use crate::session::Core;
use crate::wire::result::ResultData;

/// A submitted query. Dropping the handle leaves the query running: its id is enough to come back to it with
/// [`Session::result`](crate::Session::result), also from another process.
#[derive(Clone)]
pub struct QueryHandle {
    pub(super) core: Arc<Core>,
    pub(super) query_id: String,
    /// A query that was faster than the reply brings its result along.
    pub(super) ready: Option<Arc<ResultData>>,
}

impl QueryHandle {
    /// The query's id.
    pub fn query_id(&self) -> &str {
        &self.query_id
    }

    /// How it is getting on.
    pub async fn status(&self) -> Result<QueryStatus> {
        run::status(&self.core, &self.query_id).await
    }

    /// Waits for the result. Dropping the future leaves the query running.
    pub async fn wait(&self) -> Result<QueryResult> {
        let data = match &self.ready {
            Some(data) => ResultData::clone(data),
            None => run::attach(&self.core, &self.query_id).await?,
        };
        run::result(&self.core, data)
    }

    /// Cancels the query. Returns whether it was still running.
    pub async fn cancel(&self) -> Result<bool> {
        run::cancel(&self.core, &self.query_id).await
    }
}

impl fmt::Debug for QueryHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryHandle").field("query_id", &self.query_id).finish_non_exhaustive()
    }
}
