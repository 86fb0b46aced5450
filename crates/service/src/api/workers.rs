//! The processes that work on runs.

use axum::Extension;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use store::Role;
use utoipa::ToSchema;

use super::Api;
use super::access::Caller;
use super::problem::Answer;

/// A process that works on runs.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WorkerView {
    id: String,
    name: String,
    /// Until when it has its runs, unless it says something before.
    #[schema(format = DateTime)]
    lease_until: String,
}

/// The workers that are known, by name.
#[utoipa::path(get, path = "/v1/workers", responses((status = 200, body = Vec<WorkerView>)))]
pub(super) async fn list(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
) -> Answer<Json<Vec<WorkerView>>> {
    caller.require_everywhere(Role::Viewer)?;
    let workers = api.queue.workers().await?.into_iter().map(|worker| WorkerView {
        id: worker.id.to_string(),
        name: worker.name,
        lease_until: worker.lease_until.to_string(),
    });
    Ok(Json(workers.collect()))
}
