//! Who asks, and what they may: a token in `Authorization: Bearer`, good for a role and perhaps for one tenant.

use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::Response;
use store::{Actor, ApiToken, Role, Scope, Tenant};

use super::Api;
use super::problem::{Answer, Problem};

/// What our tokens begin with; anything else is refused without asking the database.
const PREFIX: &str = "sfy_";

/// The character of that code, in an address.
const NUL: &str = "%00";

/// Whoever makes a request.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    token: ApiToken,
}

/// Lets requests with a good token pass.
pub(super) async fn authenticated(
    State(api): State<Api>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    // Postgres takes no text with it, and no name of ours has it.
    if request.uri().to_string().contains(NUL) {
        return Err(Problem::new(
            400,
            "address_invalid",
            "the address has a character that nothing is named with",
        ));
    }
    let text = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let text = text.and_then(|text| text.strip_prefix("Bearer ")).map(str::trim);
    let Some(text) = text.filter(|text| text.starts_with(PREFIX)) else {
        return Err(Problem::new(401, "token_missing", "the request has no API token")
            .with_remedy("send `Authorization: Bearer sfy_…`; `snowferry token create` makes one"));
    };
    let token = api.store.authenticate(text).await?;
    if !api.rate.admits(token.id.as_str(), Instant::now()) {
        return Err(Problem::new(429, "too_many_requests", "this token makes too many requests")
            .with_remedy("wait a second"));
    }
    request.extensions_mut().insert(Caller { token });
    Ok(next.run(request).await)
}

impl Caller {
    /// Who it is in the audit log.
    pub(super) fn actor(&self) -> Actor {
        Actor::new(format!("token:{}", self.token.name))
    }

    pub(super) fn id(&self) -> &str {
        self.token.id.as_str()
    }

    /// The one tenant that the token is good for, where it is not good for all.
    pub(super) fn only_tenant(&self) -> Option<&store::Id<Tenant>> {
        match &self.token.scope {
            Scope::AllTenants => None,
            Scope::Tenant(tenant) => Some(tenant),
        }
    }

    /// The tenant of this name, where the token lets its bearer act there as `role`. Another tenant is as absent as one
    /// that does not exist.
    pub(super) async fn tenant(&self, api: &Api, name: &str, role: Role) -> Answer<Tenant> {
        let absent =
            || Problem::new(404, "tenant_not_found", "there is no such tenant").with_remedy("check the name");
        // Nothing else is ever stored, and a database need not be asked about it.
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
            return Err(absent());
        }
        let tenant = api.store.tenant_named(name).await.map_err(|error| match error.code() {
            "tenant_not_found" => absent(),
            _ => Problem::from(error),
        })?;
        if !self.token.allows(Role::Viewer, &tenant.id) {
            return Err(absent());
        }
        if !self.token.allows(role, &tenant.id) {
            return Err(missing(role));
        }
        Ok(tenant)
    }

    /// The token must be good for all tenants, and for `role`.
    pub(super) fn require_everywhere(&self, role: Role) -> Answer<()> {
        if self.token.scope == Scope::AllTenants && self.token.role >= role {
            return Ok(());
        }
        Err(missing(role))
    }
}

fn missing(role: Role) -> Problem {
    let message = format!("this needs a token with the role {}", role.as_str());
    Problem::new(403, "role_missing", message).with_remedy("ask an administrator for a token with that role")
}
