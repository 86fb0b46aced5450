//! How far the streams of a sync are: a copy for whoever looks. The truth about a position is in the destination.

use jiff::Timestamp;
use model::Result;
use serde_json::Value;

use crate::database::sql;
use crate::error::{failed, is_dangling};
use crate::id::Id;
use crate::row::{Columns, damaged};
use crate::store::Store;
use crate::sync::{Sync, sync_not_found};
use crate::tenant::Tenant;

/// Where a stream is in its life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamState {
    Pending,
    Backfilling,
    Incremental,
    /// Stopped until a person has acted; the code says why.
    Paused {
        code: String,
    },
}

/// A stream of a sync, as it was last seen.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamRow {
    pub name: String,
    pub state: StreamState,
    pub checkpoint: Option<Value>,
    pub updated_at: Timestamp,
}

impl StreamState {
    fn word(&self) -> &'static str {
        match self {
            StreamState::Pending => "pending",
            StreamState::Backfilling => "backfilling",
            StreamState::Incremental => "incremental",
            StreamState::Paused { .. } => "paused",
        }
    }

    fn read(word: &str, code: Option<String>) -> Result<Self> {
        match (word, code) {
            ("pending", _) => Ok(StreamState::Pending),
            ("backfilling", _) => Ok(StreamState::Backfilling),
            ("incremental", _) => Ok(StreamState::Incremental),
            ("paused", Some(code)) => Ok(StreamState::Paused { code }),
            _ => Err(damaged("state")),
        }
    }
}

impl Store {
    /// Notes where a stream is.
    pub async fn note_stream(
        &self,
        tenant: &Id<Tenant>,
        sync: &Id<Sync>,
        name: &str,
        state: &StreamState,
        checkpoint: Option<&Value>,
    ) -> Result<()> {
        let mut tx = self.database.begin().await?;
        let upsert = "INSERT INTO streams (tenant_id, sync_id, name, state, paused_code, checkpoint, updated_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (sync_id, name) DO UPDATE SET state = excluded.state, paused_code = excluded.paused_code,
                checkpoint = excluded.checkpoint, updated_at = excluded.updated_at
            WHERE streams.tenant_id = excluded.tenant_id";
        let code = match state {
            StreamState::Paused { code } => Some(code.clone()),
            _ => None,
        };
        let upsert = sql(upsert)
            .bind(tenant.to_string())
            .bind(sync.to_string())
            .bind(name.to_owned())
            .bind(state.word())
            .bind(code)
            .bind(checkpoint.map(ToString::to_string))
            .bind(tx.now_micros());
        let noted = tx.try_execute(upsert).await;
        let noted = noted.map_err(|error| match is_dangling(&error) {
            true => sync_not_found(),
            false => failed(error),
        })?;
        if noted == 0 {
            return Err(sync_not_found());
        }
        tx.commit().await
    }

    /// The streams of a sync by name.
    pub async fn streams(&self, tenant: &Id<Tenant>, sync: &Id<Sync>) -> Result<Vec<StreamRow>> {
        let query = sql("SELECT * FROM streams WHERE tenant_id = $1 AND sync_id = $2 ORDER BY name");
        let rows = self.database.all(query.bind(tenant.to_string()).bind(sync.to_string())).await?;
        let read = |row: &sqlx::any::AnyRow| {
            let checkpoint = row.optional_text("checkpoint")?;
            let checkpoint = checkpoint.map(|text| serde_json::from_str(&text)).transpose();
            Ok(StreamRow {
                name: row.text("name")?,
                state: StreamState::read(&row.text("state")?, row.optional_text("paused_code")?)?,
                checkpoint: checkpoint.map_err(|_| damaged("checkpoint"))?,
                updated_at: row.moment("updated_at")?,
            })
        };
        rows.iter().map(read).collect()
    }
}
