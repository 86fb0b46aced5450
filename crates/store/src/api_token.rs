//! Tokens for the API: shown once, kept as a hash, and good for one role and, where it is said, one tenant.

use jiff::Timestamp;
use model::{Error, ErrorKind, Result};
use sqlx::any::AnyRow;

use crate::audit::Actor;
use crate::database::sql;
use crate::error::{failed, is_dangling, not_found};
use crate::id::Id;
use crate::row::{Columns, damaged};
use crate::secrets::SecretValue;
use crate::store::Store;
use crate::tenant::Tenant;
use crate::token::{hashed, new_token};

/// Tells our tokens from others wherever they turn up, such as in a scan of a repository.
const PREFIX: &str = "sfy_";

/// What a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Viewer,
    Operator,
    Admin,
}

/// For whom a token is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    AllTenants,
    Tenant(Id<Tenant>),
}

/// A token as it is kept: everything but the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiToken {
    pub id: Id<ApiToken>,
    pub name: String,
    pub role: Role,
    pub scope: Scope,
    pub expires_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    pub used_at: Option<Timestamp>,
}

/// A token to be.
#[derive(Clone, Debug)]
pub struct NewApiToken {
    pub name: String,
    pub role: Role,
    pub scope: Scope,
    pub expires_at: Option<Timestamp>,
}

/// A token that was just made. This is the only time at which it is seen.
#[derive(Debug)]
pub struct IssuedToken {
    pub id: Id<ApiToken>,
    pub token: SecretValue,
}

impl Role {
    /// The word used in tables, JSON and documentation.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Operator => "operator",
            Role::Admin => "admin",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Role::Viewer, Role::Operator, Role::Admin].into_iter().find(|role| role.as_str() == word)
    }
}

impl ApiToken {
    fn read(row: &AnyRow) -> Result<Self> {
        let tenant = row.optional_text("tenant_id")?;
        Ok(Self {
            id: row.id("id")?,
            name: row.text("name")?,
            role: Role::parse(&row.text("role")?).ok_or_else(|| damaged("role"))?,
            scope: tenant.map_or(Scope::AllTenants, |tenant| Scope::Tenant(Id::from(tenant))),
            expires_at: row.optional_moment("expires_at")?,
            revoked_at: row.optional_moment("revoked_at")?,
            used_at: row.optional_moment("used_at")?,
        })
    }

    /// Whether the token lets its bearer act as `role` for `tenant`.
    pub fn allows(&self, role: Role, tenant: &Id<Tenant>) -> bool {
        let is_in_scope = match &self.scope {
            Scope::AllTenants => true,
            Scope::Tenant(own) => own == tenant,
        };
        is_in_scope && self.role >= role
    }
}

impl Store {
    /// Makes a token.
    pub async fn issue_token(&self, new: NewApiToken, by: &Actor) -> Result<IssuedToken> {
        let token = new_token(PREFIX)?;
        let mut tx = self.database.begin().await?;
        let id = Id::generate();
        let tenant = match &new.scope {
            Scope::AllTenants => None,
            Scope::Tenant(tenant) => Some(tenant),
        };
        let insert = "INSERT INTO api_tokens (id, tenant_id, name, role, hash, created_at, expires_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let insert = sql(insert)
            .bind(id.to_string())
            .bind(tenant.map(ToString::to_string))
            .bind(new.name.clone())
            .bind(new.role.as_str())
            .bind(hashed(token.expose()))
            .bind(tx.now_micros())
            .bind(new.expires_at.map(Timestamp::as_microsecond));
        tx.try_execute(insert).await.map_err(|error| match is_dangling(&error) {
            true => not_found("tenant_not_found", "tenant"),
            false => failed(error),
        })?;
        tx.audit(tenant, by, "token.issued", &id).await?;
        tx.commit().await?;
        Ok(IssuedToken { id, token })
    }

    /// Whose token this is. A wrong, an expired and a revoked one are told apart by nobody who has only the token.
    pub async fn authenticate(&self, token: &str) -> Result<ApiToken> {
        let mut tx = self.database.begin().await?;
        let now = tx.now_micros();
        let update = "UPDATE api_tokens SET used_at = $2
            WHERE hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2) RETURNING *";
        let row = tx.one(sql(update).bind(hashed(token)).bind(now)).await?;
        let refused = || {
            Error::new(ErrorKind::Auth, "token_invalid", "the API token is wrong, has expired or was revoked")
                .with_remedy("ask an administrator for a new token")
        };
        let token = ApiToken::read(&row.ok_or_else(refused)?)?;
        tx.commit().await?;
        Ok(token)
    }

    /// Makes a token worthless at once.
    pub async fn revoke_token(&self, id: &Id<ApiToken>, by: &Actor) -> Result<()> {
        let mut tx = self.database.begin().await?;
        let update = "UPDATE api_tokens SET revoked_at = coalesce(revoked_at, $2) WHERE id = $1 RETURNING *";
        let now = tx.now_micros();
        let row = tx.one(sql(update).bind(id.to_string()).bind(now)).await?;
        let token = ApiToken::read(&row.ok_or_else(|| not_found("token_not_found", "API token"))?)?;
        let tenant = match &token.scope {
            Scope::AllTenants => None,
            Scope::Tenant(tenant) => Some(tenant),
        };
        tx.audit(tenant, by, "token.revoked", id).await?;
        tx.commit().await
    }

    /// All tokens by name.
    pub async fn api_tokens(&self) -> Result<Vec<ApiToken>> {
        let rows = self.database.all(sql("SELECT * FROM api_tokens ORDER BY name, id")).await?;
        rows.iter().map(ApiToken::read).collect()
    }
}
