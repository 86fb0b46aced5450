//! Connections, as the API shows, mends and closes them. Their secrets are not to be had.

use axum::Extension;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use store::{Connection, Role};
use utoipa::ToSchema;

use super::Api;
use super::access::Caller;
use super::input::{Asked, Named};
use super::page::{Page, PageQuery};
use super::problem::Answer;

/// Configured access to a customer's account, or to a database of ours.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ConnectionView {
    name: String,
    /// `snowflake` or `duckdb`.
    system: String,
    /// How it is reached; never a secret.
    settings: Value,
    runs_max: u32,
    /// Failures since the last success.
    failures: u64,
    /// Until when nothing is tried, because too much has failed.
    #[schema(format = DateTime)]
    broken_until: Option<String>,
    #[schema(format = DateTime)]
    closed_at: Option<String>,
}

impl From<Connection> for ConnectionView {
    fn from(connection: Connection) -> Self {
        Self {
            name: connection.name,
            system: connection.system,
            settings: connection.settings,
            runs_max: connection.runs_max,
            failures: connection.failures,
            broken_until: connection.broken_until.map(|at| at.to_string()),
            closed_at: connection.closed_at.map(|at| at.to_string()),
        }
    }
}

/// The connections of a tenant, by name.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/connections", params(("tenant" = String, Path), PageQuery),
    responses((status = 200, body = Page<ConnectionView>)))]
pub(super) async fn list(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Named(tenant): Named<String>,
    Asked(page): Asked<PageQuery>,
) -> Answer<Json<Page<ConnectionView>>> {
    let tenant = caller.tenant(&api, &tenant, Role::Viewer).await?;
    let connections =
        api.store.connections(&tenant.id).await?.into_iter().map(ConnectionView::from).collect();
    Ok(Json(page.of(connections, |connection: &ConnectionView| &connection.name)))
}

/// One connection.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/connections/{connection}",
    params(("tenant" = String, Path), ("connection" = String, Path)),
    responses((status = 200, body = ConnectionView)))]
pub(super) async fn show(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Named((tenant, name)): Named<(String, String)>,
) -> Answer<Json<ConnectionView>> {
    let tenant = caller.tenant(&api, &tenant, Role::Viewer).await?;
    Ok(Json(api.store.connection_named(&tenant.id, &name).await?.into()))
}

/// Close a connection: its secrets are destroyed, its runs cancelled. It opens again only by `snowferry apply`.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/connections/{connection}/close",
    params(("tenant" = String, Path), ("connection" = String, Path)),
    responses((status = 200, body = ConnectionView)))]
pub(super) async fn close(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Named((tenant, name)): Named<(String, String)>,
) -> Answer<Json<ConnectionView>> {
    let tenant = caller.tenant(&api, &tenant, Role::Admin).await?;
    let connection = api.store.connection_named(&tenant.id, &name).await?;
    api.store.close_connection(&tenant.id, &connection.id, &caller.actor()).await?;
    Ok(Json(api.store.connection(&tenant.id, &connection.id).await?.into()))
}

/// Forget the failures of a connection, so that it is tried again at once.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/connections/{connection}/mend",
    params(("tenant" = String, Path), ("connection" = String, Path)),
    responses((status = 200, body = ConnectionView)))]
pub(super) async fn mend(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Named((tenant, name)): Named<(String, String)>,
) -> Answer<Json<ConnectionView>> {
    let tenant = caller.tenant(&api, &tenant, Role::Operator).await?;
    let connection = api.store.connection_named(&tenant.id, &name).await?;
    api.store.mend_connection(&tenant.id, &connection.id, &caller.actor()).await?;
    Ok(Json(api.store.connection(&tenant.id, &connection.id).await?.into()))
}
