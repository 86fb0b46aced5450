//! Links by which a customer hands over a secret, made by administrators.

use axum::Extension;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use store::Role;
use utoipa::ToSchema;

use super::Api;
use super::access::Caller;
use super::input::{Body, Named};
use super::problem::Answer;
use crate::handover::{HANDOVER_HOURS_DEFAULT, handover_path, make_handover};

/// A link to be.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct NewHandover {
    /// For how many hours it is good; 72 unless given.
    #[schema(minimum = 1, maximum = 720)]
    hours: Option<u16>,
}

/// A link that was just made. This is the only time at which it is seen.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HandoverView {
    id: String,
    /// What stands in the link behind the host of this service.
    path: String,
    #[schema(format = DateTime)]
    expires_at: String,
}

/// Make a link by which the customer hands over the secret of a connection, once. An earlier one is good no more.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/connections/{connection}/handover",
    params(("tenant" = String, Path), ("connection" = String, Path)), request_body = NewHandover,
    responses((status = 201, body = HandoverView)))]
pub(super) async fn create(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Named((tenant, name)): Named<(String, String)>,
    Body(new): Body<NewHandover>,
) -> Answer<(StatusCode, Json<HandoverView>)> {
    let tenant = caller.tenant(&api, &tenant, Role::Admin).await?;
    let connection = api.store.connection_named(&tenant.id, &name).await?;
    let hours = new.hours.unwrap_or(HANDOVER_HOURS_DEFAULT);
    let issued = make_handover(&api.store, &connection, hours, &caller.actor()).await?;
    let view = HandoverView {
        id: issued.id.to_string(),
        path: handover_path(&issued).expose().to_owned(),
        expires_at: issued.expires_at.to_string(),
    };
    Ok((StatusCode::CREATED, Json(view)))
}
