//! Tenants, as the API shows and changes them.

use axum::Extension;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use store::{Role, Tenant};
use utoipa::ToSchema;

use super::Api;
use super::access::Caller;
use super::input::{Asked, Body, Named};
use super::page::{Page, PageQuery};
use super::problem::Answer;

/// One customer of the vendor.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TenantView {
    name: String,
    /// Runs that may go on at the same time.
    runs_max: u32,
    is_suspended: bool,
    #[schema(format = DateTime)]
    created_at: String,
}

/// What is to be changed; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TenantChange {
    /// Runs that may go on at the same time.
    #[schema(minimum = 1)]
    runs_max: Option<u32>,
    /// A suspended tenant starts nothing; what is going goes on.
    is_suspended: Option<bool>,
}

impl From<Tenant> for TenantView {
    fn from(tenant: Tenant) -> Self {
        Self {
            name: tenant.name,
            runs_max: tenant.runs_max,
            is_suspended: tenant.suspended_at.is_some(),
            created_at: tenant.created_at.to_string(),
        }
    }
}

/// The tenants that the token may see, by name.
#[utoipa::path(get, path = "/v1/tenants", params(PageQuery), responses((status = 200, body = Page<TenantView>)))]
pub(super) async fn list(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Asked(page): Asked<PageQuery>,
) -> Answer<Json<Page<TenantView>>> {
    let tenants = match caller.only_tenant() {
        Some(tenant) => vec![api.store.tenant(tenant).await?],
        None => api.store.tenants(page.after()).await?,
    };
    let tenants: Vec<TenantView> = tenants.into_iter().map(TenantView::from).collect();
    Ok(Json(page.of(tenants, |tenant| &tenant.name)))
}

/// One tenant.
#[utoipa::path(get, path = "/v1/tenants/{tenant}", params(("tenant" = String, Path)),
    responses((status = 200, body = TenantView)))]
pub(super) async fn show(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Named(name): Named<String>,
) -> Answer<Json<TenantView>> {
    let tenant = caller.tenant(&api, &name, Role::Viewer).await?;
    Ok(Json(tenant.into()))
}

/// Change a tenant's limit, suspend it or let it go on. The next `snowferry apply` sets the limit as its file says.
#[utoipa::path(patch, path = "/v1/tenants/{tenant}", params(("tenant" = String, Path)), request_body = TenantChange,
    responses((status = 200, body = TenantView)))]
pub(super) async fn change(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Named(name): Named<String>,
    Body(change): Body<TenantChange>,
) -> Answer<Json<TenantView>> {
    let tenant = caller.tenant(&api, &name, Role::Admin).await?;
    let actor = caller.actor();
    if let Some(runs_max) = change.runs_max {
        api.store.limit_tenant(&tenant.id, runs_max, &actor).await?;
    }
    match change.is_suspended {
        Some(true) => api.store.suspend_tenant(&tenant.id, &actor).await?,
        Some(false) => api.store.resume_tenant(&tenant.id, &actor).await?,
        None => {}
    }
    Ok(Json(api.store.tenant(&tenant.id).await?.into()))
}
