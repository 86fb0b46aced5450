//! Putting secrets into the database and getting them out, and changing the master key.

use model::{Error, ErrorKind, Result};

use super::envelope::{Context, Key};
use super::{MasterKey, SecretValue};
use crate::audit::Actor;
use crate::connection::{Connection, connection_closed};
use crate::database::{Tx, sql};
use crate::error::not_found;
use crate::id::Id;
use crate::row::Columns;
use crate::store::Store;
use crate::tenant::Tenant;

/// Data keys that one step of a rotation wraps anew.
const REWRAPPED_AT_ONCE: i64 = 200;

/// The secrets of a store, with the keys that open them.
#[derive(Clone, Debug)]
pub struct Vault {
    store: Store,
    current: MasterKey,
    /// Keys that were current before: they open, and wrap nothing any more.
    former: Vec<MasterKey>,
}

impl Vault {
    /// Opens the secrets of `store`; `former` are master keys that a rotation has not replaced everywhere yet. A key that
    /// is needed and missing, or a wrong one, is noticed here and not in the middle of a night.
    pub async fn open(store: Store, current: MasterKey, former: Vec<MasterKey>) -> Result<Self> {
        let vault = Self { store, current, former };
        let query = "SELECT tenant_id, wrapped, master_key_id FROM data_keys WHERE tenant_id IN
            (SELECT min(tenant_id) FROM data_keys GROUP BY master_key_id)";
        for row in vault.store.database.all(sql(query)).await? {
            vault.unwrap(&row.text("tenant_id")?, &row.text("wrapped")?, &row.text("master_key_id")?)?;
        }
        Ok(vault)
    }

    /// Keeps a secret of a connection, in place of an earlier one. A closed connection takes none.
    pub async fn put(
        &self,
        tenant: &Id<Tenant>,
        connection: &Id<Connection>,
        field: &str,
        secret: &SecretValue,
        by: &Actor,
    ) -> Result<()> {
        let mut tx = self.store.database.begin().await?;
        self.put_within(&mut tx, tenant, connection, field, secret, by).await?;
        tx.commit().await
    }

    /// Keeps some secrets of a connection and destroys others (`None`), all of it or nothing.
    pub async fn change(
        &self,
        tenant: &Id<Tenant>,
        connection: &Id<Connection>,
        changes: &[(&str, Option<&SecretValue>)],
        by: &Actor,
    ) -> Result<()> {
        let mut tx = self.store.database.begin().await?;
        tx.require_open(tenant, connection).await?;
        for (field, secret) in changes {
            if let Some(secret) = secret {
                self.put_within(&mut tx, tenant, connection, field, secret, by).await?;
                continue;
            }
            tx.destroy_secret(tenant, connection, field, by).await?;
        }
        tx.commit().await
    }

    /// Keeps a secret of a connection where there is none yet, and gives the one that is kept from now on: of two at the same
    /// time, both get that of the first.
    pub async fn put_first(
        &self,
        tenant: &Id<Tenant>,
        connection: &Id<Connection>,
        field: &str,
        secret: SecretValue,
        by: &Actor,
    ) -> Result<SecretValue> {
        let mut tx = self.store.database.begin().await?;
        tx.require_open(tenant, connection).await?;
        if let Some(kept) = self.find_within(&mut tx, tenant, connection, field).await? {
            return Ok(kept);
        }
        self.put_within(&mut tx, tenant, connection, field, &secret, by).await?;
        tx.commit().await?;
        Ok(secret)
    }

    /// Puts the secret `next` in the place of `field`, whose own becomes `former`: all of it or nothing. Of two at the same
    /// time the second finds no `next`, and changes nothing.
    pub async fn replace(
        &self,
        tenant: &Id<Tenant>,
        connection: &Id<Connection>,
        [field, next, former]: [&str; 3],
        by: &Actor,
    ) -> Result<()> {
        let mut tx = self.store.database.begin().await?;
        tx.require_open(tenant, connection).await?;
        let replacing = self.find_within(&mut tx, tenant, connection, next).await?;
        let replacing = replacing.ok_or_else(|| secret_not_kept(next))?;
        if let Some(replaced) = self.find_within(&mut tx, tenant, connection, field).await? {
            self.put_within(&mut tx, tenant, connection, former, &replaced, by).await?;
        }
        self.put_within(&mut tx, tenant, connection, field, &replacing, by).await?;
        tx.destroy_secret(tenant, connection, next, by).await?;
        tx.commit().await
    }

    /// Keeps a secret within a transaction.
    pub(crate) async fn put_within(
        &self,
        tx: &mut Tx,
        tenant: &Id<Tenant>,
        connection: &Id<Connection>,
        field: &str,
        secret: &SecretValue,
        by: &Actor,
    ) -> Result<()> {
        tx.require_open(tenant, connection).await?;
        let key = self.data_key(tx, tenant).await?;
        let context = context(tenant, connection, field);
        let sealed = key.seal(secret.expose().as_bytes(), &context)?;
        let upsert = "INSERT INTO secrets (tenant_id, connection_id, field, sealed, updated_at)
            VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (connection_id, field) DO UPDATE SET sealed = excluded.sealed, updated_at = excluded.updated_at";
        let upsert = sql(upsert)
            .bind(tenant.to_string())
            .bind(connection.to_string())
            .bind(field.to_owned())
            .bind(sealed)
            .bind(tx.now_micros());
        tx.execute(upsert).await?;
        tx.audit(Some(tenant), by, "secret.kept", connection).await
    }

    /// Opens a sealed secret within a transaction.
    pub(crate) async fn open_within(
        &self,
        tx: &mut Tx,
        tenant: &Id<Tenant>,
        connection: &Id<Connection>,
        field: &str,
        sealed: &str,
    ) -> Result<SecretValue> {
        let key = self.data_key(tx, tenant).await?;
        opened(&key, sealed, &context(tenant, connection, field))
    }

    /// A secret of a connection within a transaction, where there is one.
    async fn find_within(
        &self,
        tx: &mut Tx,
        tenant: &Id<Tenant>,
        connection: &Id<Connection>,
        field: &str,
    ) -> Result<Option<SecretValue>> {
        let query = "SELECT sealed FROM secrets WHERE tenant_id = $1 AND connection_id = $2 AND field = $3";
        let query = sql(query).bind(tenant.to_string()).bind(connection.to_string()).bind(field.to_owned());
        let Some(row) = tx.one(query).await? else { return Ok(None) };
        self.open_within(tx, tenant, connection, field, &row.text("sealed")?).await.map(Some)
    }

    /// A secret of a connection.
    pub async fn get(
        &self,
        tenant: &Id<Tenant>,
        connection: &Id<Connection>,
        field: &str,
    ) -> Result<SecretValue> {
        let query = "SELECT s.sealed, k.wrapped, k.master_key_id FROM secrets s
            JOIN data_keys k ON k.tenant_id = s.tenant_id
            WHERE s.tenant_id = $1 AND s.connection_id = $2 AND s.field = $3";
        let query = sql(query).bind(tenant.to_string()).bind(connection.to_string()).bind(field.to_owned());
        let row = self.store.database.one(query).await?;
        let row = row.ok_or_else(|| secret_not_kept(field))?;
        let key = self.unwrap(tenant.as_str(), &row.text("wrapped")?, &row.text("master_key_id")?)?;
        opened(&key, &row.text("sealed")?, &context(tenant, connection, field))
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// The names of the secrets that a connection has.
    pub async fn fields(&self, tenant: &Id<Tenant>, connection: &Id<Connection>) -> Result<Vec<String>> {
        let query =
            sql("SELECT field FROM secrets WHERE tenant_id = $1 AND connection_id = $2 ORDER BY field");
        let query = query.bind(tenant.to_string()).bind(connection.to_string());
        self.store.database.all(query).await?.iter().map(|row| row.text("field")).collect()
    }

    /// Wraps every data key with the current master key, and answers how many were not. The secrets themselves stay as
    /// they are. It can be stopped and begun again at any time; afterwards the former keys are needed no more.
    pub async fn rotate(&self) -> Result<u64> {
        let mut rewrapped = 0;
        loop {
            let mut tx = self.store.database.begin().await?;
            let query = "SELECT tenant_id, wrapped, master_key_id FROM data_keys WHERE master_key_id <> $1
                ORDER BY tenant_id LIMIT $2";
            let rows = tx.all(sql(query).bind(self.current.id().to_owned()).bind(REWRAPPED_AT_ONCE)).await?;
            if rows.is_empty() {
                return Ok(rewrapped);
            }
            for row in &rows {
                let (tenant, wrapped) = (row.text("tenant_id")?, row.text("wrapped")?);
                let key = self.unwrap(&tenant, &wrapped, &row.text("master_key_id")?)?;
                let update = "UPDATE data_keys SET wrapped = $2, master_key_id = $3
                    WHERE tenant_id = $1 AND wrapped = $4";
                let update = sql(update)
                    .bind(tenant.clone())
                    .bind(self.wrap(&tenant, &key)?)
                    .bind(self.current.id().to_owned())
                    .bind(wrapped);
                rewrapped += tx.execute(update).await?;
            }
            tx.commit().await?;
        }
    }

    /// The tenant's data key, made now where it has none.
    async fn data_key(&self, tx: &mut Tx, tenant: &Id<Tenant>) -> Result<Key> {
        let insert =
            "INSERT INTO data_keys (tenant_id, wrapped, master_key_id, created_at) VALUES ($1, $2, $3, $4)
            ON CONFLICT DO NOTHING";
        let insert = sql(insert)
            .bind(tenant.to_string())
            .bind(self.wrap(tenant.as_str(), &Key::generate()?)?)
            .bind(self.current.id().to_owned())
            .bind(tx.now_micros());
        tx.execute(insert).await?;
        let query = sql("SELECT wrapped, master_key_id FROM data_keys WHERE tenant_id = $1");
        let row = tx.one(query.bind(tenant.to_string())).await?;
        let row = row.ok_or_else(|| Error::internal("a data key vanished"))?;
        self.unwrap(tenant.as_str(), &row.text("wrapped")?, &row.text("master_key_id")?)
    }

    fn wrap(&self, tenant: &str, key: &Key) -> Result<String> {
        self.current.key.seal(key.bytes(), &Context::DataKey { tenant })
    }

    fn unwrap(&self, tenant: &str, wrapped: &str, master_key_id: &str) -> Result<Key> {
        let mut known = std::iter::once(&self.current).chain(&self.former);
        let Some(master) = known.find(|key| key.id() == master_key_id) else {
            let message = format!(
                "the secrets are under master key {master_key_id}, and {} was given",
                self.current.id()
            );
            return Err(Error::config("master_key_wrong", message)
                .with_remedy("give the key that was used before; after a change of keys, as a former one"));
        };
        let opened = master.key.open(wrapped, &Context::DataKey { tenant })?;
        opened.as_deref().and_then(|bytes| Key::from_bytes(bytes)).ok_or_else(|| {
            Error::config("secret_altered", "the data key of a tenant was altered in the database")
                .with_remedy("find out who writes to the state database, and restore a backup")
        })
    }
}

fn secret_not_kept(field: &str) -> Error {
    not_found("secret_not_kept", &format!("secret as `{field}` of the connection"))
}

fn opened(key: &Key, sealed: &str, context: &Context<'_>) -> Result<SecretValue> {
    let opened = key.open(sealed, context)?;
    let value = opened.and_then(|mut bytes| SecretValue::from_bytes(std::mem::take(&mut *bytes)));
    value.ok_or_else(|| {
        Error::new(
            ErrorKind::Config,
            "secret_altered",
            "a secret of the connection was altered in the database",
        )
        .with_remedy("find out who writes to the state database, and hand the secret over again")
    })
}

fn context<'a>(tenant: &'a Id<Tenant>, connection: &'a Id<Connection>, field: &'a str) -> Context<'a> {
    Context::Secret { tenant: tenant.as_str(), connection: connection.as_str(), field }
}

impl Tx {
    async fn destroy_secret(
        &mut self,
        tenant: &Id<Tenant>,
        connection: &Id<Connection>,
        field: &str,
        by: &Actor,
    ) -> Result<()> {
        let delete = sql("DELETE FROM secrets WHERE connection_id = $1 AND field = $2");
        self.execute(delete.bind(connection.to_string()).bind(field.to_owned())).await?;
        self.audit(Some(tenant), by, "secret.destroyed", connection).await
    }

    /// The connection must be open, and stays so until this transaction ends.
    pub(crate) async fn require_open(
        &mut self,
        tenant: &Id<Tenant>,
        connection: &Id<Connection>,
    ) -> Result<()> {
        let touch = "UPDATE connections SET name = name WHERE tenant_id = $1 AND id = $2 RETURNING closed_at";
        let row = self.one(sql(touch).bind(tenant.to_string()).bind(connection.to_string())).await?;
        match row.ok_or_else(crate::connection::connection_not_found)?.optional_number("closed_at")? {
            None => Ok(()),
            Some(_) => Err(connection_closed()),
        }
    }
}
