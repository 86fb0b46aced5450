//! Keys of connections: made and changed in the vault, with the SQL that the customer runs. The private halves stay there.

use axum::Extension;
use axum::Json;
use axum::extract::State;
use model::{Error, ErrorKind};
use serde::{Deserialize, Serialize};
use store::Role;
use utoipa::ToSchema;

use super::Api;
use super::access::Caller;
use super::input::{Body, Named};
use super::problem::{Answer, Problem};
use crate::keys::AccessAsked;

/// What the customer runs to give access.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AccessView {
    /// The SQL script, with the public key in it.
    sql: String,
    /// The public key's fingerprint, as `DESC USER` shows it.
    fingerprint: String,
    /// Whether the key pair was made by this request.
    is_new_key: bool,
}

/// A step of a rotation.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct NewRotation {
    /// The size of the new key: 2048, 3072 or 4096; 2048 unless given.
    #[schema(minimum = 2048, maximum = 4096, multiple_of = 1024)]
    bits: Option<u32>,
}

/// How far a rotation is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RotationView {
    /// `begun`, `not_added`, `switched`, `not_removed` or `done`.
    step: String,
    /// What happened, for people.
    note: String,
    /// What the customer has to run before this is asked for again.
    sql: Option<String>,
}

/// The script by which the customer gives access, with a key pair made in the vault where there is none yet. Asking again gives
/// the same key.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/connections/{connection}/access",
    params(("tenant" = String, Path), ("connection" = String, Path)), request_body = AccessAsked,
    responses((status = 200, body = AccessView)))]
pub(super) async fn access(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Named((tenant, name)): Named<(String, String)>,
    Body(asked): Body<AccessAsked>,
) -> Answer<Json<AccessView>> {
    let tenant = caller.tenant(&api, &tenant, Role::Admin).await?;
    let connection = api.store.connection_named(&tenant.id, &name).await?;
    let script = api.keys.access(&connection, &asked, &caller.actor()).await.map_err(refused)?;
    let view = AccessView { sql: script.sql, fingerprint: script.fingerprint, is_new_key: script.is_new_key };
    Ok(Json(view))
}

/// Go on with putting a new key in place of the one in use, through the user's second slot, so that no run fails. Ask again after
/// the customer has run the SQL, until the step is `done`.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/connections/{connection}/rotate",
    params(("tenant" = String, Path), ("connection" = String, Path)), request_body = NewRotation,
    responses((status = 200, body = RotationView)))]
pub(super) async fn rotate(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Named((tenant, name)): Named<(String, String)>,
    Body(new): Body<NewRotation>,
) -> Answer<Json<RotationView>> {
    let tenant = caller.tenant(&api, &tenant, Role::Admin).await?;
    let connection = api.store.connection_named(&tenant.id, &name).await?;
    let rotated = api.keys.rotate(&connection, new.bits, &caller.actor()).await.map_err(refused)?;
    let view = RotationView { step: rotated.step.as_str().to_owned(), note: rotated.note, sql: rotated.sql };
    Ok(Json(view))
}

/// What the customer's account says of us says nothing of the token that the request came with.
fn refused(error: Error) -> Problem {
    match error.kind() {
        ErrorKind::Auth | ErrorKind::Permission => Problem::from(error).with_status(422),
        _ => Problem::from(error),
    }
}
