//! Links by which a customer hands over a secret, made by administrators.

use std::time::Duration;

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
use super::problem::{Answer, Problem};
use crate::handover::{handover_path, make_handover};

/// Hours that a link is good unless the request says otherwise: a customer may need a weekend.
const HOURS_DEFAULT: u16 = 72;
/// The most hours that a link is good.
const HOURS_MAX: u16 = 720;

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
    let hours = new.hours.unwrap_or(HOURS_DEFAULT);
    if !(1..=HOURS_MAX).contains(&hours) {
        let detail = format!("a link is good for 1 to {HOURS_MAX} hours");
        return Err(Problem::new(422, "handover_hours", detail));
    }
    let lasting = Duration::from_secs(u64::from(hours) * 3_600);
    let issued = make_handover(&api.store, &connection, lasting, &caller.actor()).await?;
    let view = HandoverView {
        id: issued.id.to_string(),
        path: handover_path(&issued).expose().to_owned(),
        expires_at: issued.expires_at.to_string(),
    };
    Ok((StatusCode::CREATED, Json(view)))
}
