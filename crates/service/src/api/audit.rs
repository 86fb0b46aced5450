//! Who changed what of a tenant.

use axum::Extension;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use store::Role;
use utoipa::ToSchema;

use super::Api;
use super::access::Caller;
use super::input::Named;
use super::problem::Answer;

/// One change that somebody made.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditView {
    #[schema(format = DateTime)]
    at: String,
    actor: String,
    /// What was done, such as `connection.closed`.
    action: String,
    /// The id of what it was done to.
    object: String,
}

/// The latest thousand changes of a tenant, newest first.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/audit", params(("tenant" = String, Path)),
    responses((status = 200, body = Vec<AuditView>)))]
pub(super) async fn list(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Named(tenant): Named<String>,
) -> Answer<Json<Vec<AuditView>>> {
    let tenant = caller.tenant(&api, &tenant, Role::Admin).await?;
    let entries = api.store.audit_log(&tenant.id).await?.into_iter().map(|entry| AuditView {
        at: entry.at.to_string(),
        actor: entry.actor.to_string(),
        action: entry.action,
        object: entry.object,
    });
    Ok(Json(entries.collect()))
}
