//! Links by which a customer hands over a secret: good once, for a while, and for one field of one connection. The token of a
//! link is shown when it is made and kept as a hash.

use std::time::Duration;

use jiff::Timestamp;
use model::{Error, ErrorKind, Result};
use sqlx::any::AnyRow;

use crate::audit::Actor;
use crate::connection::Connection;
use crate::database::{Tx, sql};
use crate::id::Id;
use crate::row::Columns;
use crate::secrets::{SecretValue, Vault};
use crate::store::Store;
use crate::tenant::Tenant;
use crate::token::{hashed, new_token};

/// Tells the tokens of links from others wherever they turn up.
const PREFIX: &str = "sfh_";

/// So long after its end it can still be told that a link was used or is too old.
const REMEMBERED: Duration = Duration::from_secs(90 * 24 * 3_600);

/// A link as it is kept: everything but its token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handover {
    pub id: Id<Handover>,
    pub tenant: Id<Tenant>,
    pub connection: Id<Connection>,
    /// The secret of the connection that is asked for.
    pub field: String,
    pub expires_at: Timestamp,
    pub used_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

/// A link that was just made.
#[derive(Debug)]
pub struct IssuedHandover {
    pub id: Id<Handover>,
    pub token: SecretValue,
    pub expires_at: Timestamp,
}

impl Handover {
    fn read(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            id: row.id("id")?,
            tenant: row.id("tenant_id")?,
            connection: row.id("connection_id")?,
            field: row.text("field")?,
            expires_at: row.moment("expires_at")?,
            used_at: row.optional_moment("used_at")?,
            revoked_at: row.optional_moment("revoked_at")?,
        })
    }

    /// Nothing is taken by a link that was used, revoked or is too old. Whoever has its token may know which.
    fn require_open(self, now: Timestamp) -> Result<Self> {
        let day = |at: Timestamp| at.strftime("%Y-%m-%d %H:%M UTC").to_string();
        match (self.used_at, self.revoked_at) {
            (Some(at), _) => {
                let message = format!("this link was used at {}", day(at));
                Err(Error::new(ErrorKind::Permission, "handover_used", message).with_remedy(
                    "if that was not you, say so at once: somebody else has read the link; ask for a new one",
                ))
            }
            (_, Some(at)) => Err(handover_expired(format!("this link was withdrawn at {}", day(at)))),
            _ if self.expires_at <= now => {
                Err(handover_expired(format!("this link was good until {}", day(self.expires_at))))
            }
            _ => Ok(self),
        }
    }
}

fn handover_expired(message: String) -> Error {
    Error::new(ErrorKind::Permission, "handover_expired", message).with_remedy("ask for a new one")
}

fn handover_unknown() -> Error {
    Error::new(ErrorKind::NotFound, "handover_unknown", "there is no such link")
        .with_remedy("copy the whole address, or ask for a new link")
}

impl Store {
    /// Makes a link for a secret of a connection. An earlier one for it that was not used is good no more.
    pub async fn make_handover(
        &self,
        tenant: &Id<Tenant>,
        connection: &Id<Connection>,
        field: &str,
        lasting: Duration,
        by: &Actor,
    ) -> Result<IssuedHandover> {
        let token = new_token(PREFIX)?;
        let mut tx = self.database.begin().await?;
        tx.require_open(tenant, connection).await?;
        tx.withdraw_handovers(connection).await?;
        let now = tx.now_micros();
        let forgotten = now.saturating_sub(i64::try_from(REMEMBERED.as_micros()).unwrap_or(i64::MAX));
        tx.execute(sql("DELETE FROM handovers WHERE expires_at < $1").bind(forgotten)).await?;
        let id = Id::generate();
        let expires_at = tx.after(lasting);
        let insert =
            "INSERT INTO handovers (id, tenant_id, connection_id, field, hash, created_at, expires_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let insert = sql(insert)
            .bind(id.to_string())
            .bind(tenant.to_string())
            .bind(connection.to_string())
            .bind(field.to_owned())
            .bind(hashed(token.expose()))
            .bind(now)
            .bind(expires_at);
        tx.execute(insert).await?;
        tx.audit(Some(tenant), by, "handover.made", connection).await?;
        tx.commit().await?;
        Ok(IssuedHandover { id, token, expires_at: crate::clock::timestamp(expires_at)? })
    }

    /// The link of this token, while it is good.
    pub async fn handover(&self, token: &str) -> Result<Handover> {
        // Strangers who guess at random cost no question.
        if !token.starts_with(PREFIX) {
            return Err(handover_unknown());
        }
        let query = sql("SELECT * FROM handovers WHERE hash = $1").bind(hashed(token));
        let row = self.database.one(query).await?.ok_or_else(handover_unknown)?;
        Handover::read(&row)?.require_open(self.now().await?)
    }
}

impl Vault {
    /// Takes what was handed over by the link of this token, which is used up by that. The connection is tried at once.
    pub async fn take_handover(&self, token: &str, secret: &SecretValue) -> Result<Handover> {
        let mut tx = self.store().database.begin().await?;
        // The update decides: of two at the same time one finds the link used.
        let take = "UPDATE handovers SET used_at = $2
            WHERE hash = $1 AND used_at IS NULL AND revoked_at IS NULL AND expires_at > $2 RETURNING *";
        let now = tx.now_micros();
        let taken = tx.one(sql(take).bind(hashed(token)).bind(now)).await?;
        let Some(row) = taken else {
            let known = tx.one(sql("SELECT * FROM handovers WHERE hash = $1").bind(hashed(token))).await?;
            let known = Handover::read(&known.ok_or_else(handover_unknown)?)?;
            return known.require_open(tx.now).and_then(|_| Err(handover_unknown()));
        };
        let handover = Handover::read(&row)?;
        let by = Actor::new(format!("link:{}", handover.id));
        let (tenant, connection) = (&handover.tenant, &handover.connection);
        self.put_within(&mut tx, tenant, connection, &handover.field, secret, &by).await?;
        let mend = "UPDATE connections SET failures = 0, broken_until = NULL WHERE id = $1";
        tx.execute(sql(mend).bind(connection.to_string())).await?;
        tx.audit(Some(tenant), &by, "handover.used", connection).await?;
        tx.commit().await?;
        Ok(handover)
    }
}

impl Tx {
    /// Makes the links of a connection worthless that were not used.
    pub(crate) async fn withdraw_handovers(&mut self, connection: &Id<Connection>) -> Result<()> {
        let withdraw = "UPDATE handovers SET revoked_at = $2 WHERE connection_id = $1 AND used_at IS NULL AND revoked_at IS NULL";
        let now = self.now_micros();
        self.execute(sql(withdraw).bind(connection.to_string()).bind(now)).await.map(drop)
    }
}
