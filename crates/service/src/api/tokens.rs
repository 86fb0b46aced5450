//! Tokens for the API: made, listed and revoked by administrators.

use std::collections::HashMap;

use axum::Extension;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use store::{ApiToken, Id, NewApiToken, Role, Scope};
use utoipa::ToSchema;

use super::Api;
use super::access::Caller;
use super::input::{Body, Named};
use super::problem::{Answer, Problem};

/// The longest name of a token.
const NAME_CHARACTERS_MAX: usize = 100;
/// The most days that a token is good for.
const DAYS_MAX: u16 = 3_650;

/// A token: whose it is, and not what it is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TokenView {
    id: String,
    name: String,
    /// `viewer`, `operator` or `admin`.
    role: String,
    /// The one tenant that it is good for; absent where it is good for all.
    tenant: Option<String>,
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    #[schema(format = DateTime)]
    revoked_at: Option<String>,
    #[schema(format = DateTime)]
    used_at: Option<String>,
}

/// A token to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewToken {
    /// Whose it is, for the audit log.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    role: RoleWord,
    /// The one tenant that it is good for; all of them unless given.
    tenant: Option<String>,
    /// For how many days it is good.
    #[schema(minimum = 1, maximum = 3650)]
    days: u16,
}

/// What a token may do.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum RoleWord {
    Viewer,
    Operator,
    Admin,
}

/// A token that was just made. This is the only time at which it is seen.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct IssuedView {
    id: String,
    token: String,
}

impl From<RoleWord> for Role {
    fn from(word: RoleWord) -> Self {
        match word {
            RoleWord::Viewer => Role::Viewer,
            RoleWord::Operator => Role::Operator,
            RoleWord::Admin => Role::Admin,
        }
    }
}

/// All tokens, by name.
#[utoipa::path(get, path = "/v1/tokens", responses((status = 200, body = Vec<TokenView>)))]
pub(super) async fn list(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
) -> Answer<Json<Vec<TokenView>>> {
    caller.require_everywhere(Role::Admin)?;
    let mut names = HashMap::new();
    let mut views = Vec::new();
    for token in api.store.api_tokens().await? {
        let tenant = match &token.scope {
            Scope::AllTenants => None,
            Scope::Tenant(id) => {
                if !names.contains_key(id) {
                    names.insert(id.clone(), api.store.tenant(id).await?.name);
                }
                names.get(id).cloned()
            }
        };
        views.push(view(token, tenant));
    }
    Ok(Json(views))
}

fn view(token: ApiToken, tenant: Option<String>) -> TokenView {
    let text = |at: Option<Timestamp>| at.map(|at| at.to_string());
    TokenView {
        id: token.id.to_string(),
        name: token.name,
        role: token.role.as_str().to_owned(),
        tenant,
        expires_at: text(token.expires_at),
        revoked_at: text(token.revoked_at),
        used_at: text(token.used_at),
    }
}

/// Make a token. It is shown this once.
#[utoipa::path(post, path = "/v1/tokens", request_body = NewToken, responses((status = 201, body = IssuedView)))]
pub(super) async fn create(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Body(new): Body<NewToken>,
) -> Answer<(StatusCode, Json<IssuedView>)> {
    caller.require_everywhere(Role::Admin)?;
    let is_named = !new.name.trim().is_empty()
        && new.name.chars().count() <= NAME_CHARACTERS_MAX
        && !new.name.chars().any(char::is_control);
    if !is_named || !(1..=DAYS_MAX).contains(&new.days) {
        let detail =
            format!("a token has a name of 1 to {NAME_CHARACTERS_MAX} characters and 1 to {DAYS_MAX} days");
        return Err(Problem::new(422, "token_unnamed", detail));
    }
    let scope = match &new.tenant {
        Some(name) => Scope::Tenant(caller.tenant(&api, name, Role::Admin).await?.id),
        None => Scope::AllTenants,
    };
    let expires_at = Timestamp::now().checked_add(SignedDuration::from_hours(24 * i64::from(new.days))).ok();
    let new = NewApiToken { name: new.name, role: new.role.into(), scope, expires_at };
    let issued = api.store.issue_token(new, &caller.actor()).await?;
    let view = IssuedView { id: issued.id.to_string(), token: issued.token.expose().to_owned() };
    Ok((StatusCode::CREATED, Json(view)))
}

/// Make a token worthless at once.
#[utoipa::path(delete, path = "/v1/tokens/{token}", params(("token" = String, Path)),
    responses((status = 204)))]
pub(super) async fn revoke(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Named(token): Named<String>,
) -> Answer<StatusCode> {
    caller.require_everywhere(Role::Admin)?;
    api.store.revoke_token(&Id::from(token), &caller.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}
