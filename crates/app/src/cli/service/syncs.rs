//! Asking for a run, and keeping a sync from running: `snowferry trigger`, `pause`, `resume` and `cancel`.

use clap::Args;
use jiff::Timestamp;
use model::{Epoch, Result, RunState};
use service::{RunAsked, moment_asked};
use store::{Enqueued, NewRun, Sync};

use super::super::state::{StoreArgument, SyncArgument, actor};
use super::opened;
use super::runs::run_id;
use crate::config::{KeptSecrets, SyncFile};
use crate::output::print_line;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  snowferry trigger acme/opportunities
  snowferry trigger acme/opportunities --from 2026-01-31")]
pub(crate) struct TriggerCommand {
    #[command(flatten)]
    sync: SyncArgument,

    /// Read the stream anew from its beginning
    #[arg(long)]
    full_refresh: bool,

    /// Read once more what has changed since this day, such as 2026-01-31, or moment
    #[arg(long, value_name = "DATE", conflicts_with = "full_refresh")]
    from: Option<String>,

    #[command(flatten)]
    store: StoreArgument,
}

#[derive(Args, Debug)]
pub(crate) struct PauseCommand {
    #[command(flatten)]
    sync: SyncArgument,

    #[command(flatten)]
    store: StoreArgument,
}

#[derive(Args, Debug)]
pub(crate) struct ResumeCommand {
    #[command(flatten)]
    sync: SyncArgument,

    /// After a restore of the state database: the lease that the destination has seen, as `stale_epoch` tells it
    #[arg(long, value_name = "LEASE")]
    epoch: Option<u64>,

    #[command(flatten)]
    store: StoreArgument,
}

#[derive(Args, Debug)]
#[command(after_help = "Example:\n  snowferry cancel acme 0198f2c4-5a1e-7c3b-9d10-2f0f6c1b7a55")]
pub(crate) struct CancelCommand {
    /// The tenant whose run it is
    #[arg(value_name = "TENANT")]
    tenant: String,

    /// The id of the run, from `snowferry runs`
    #[arg(value_name = "RUN")]
    run: String,

    #[command(flatten)]
    store: StoreArgument,
}

/// A sync that cannot read once more from a moment on is refused when it is asked, and not by a run at night.
pub(super) fn goes_back_to(sync: &Sync, from: Timestamp) -> Result<()> {
    SyncFile::from_store(&sync.name, &sync.definition, KeptSecrets::new())?.go_back_to(from)
}

impl TriggerCommand {
    pub(crate) async fn run(&self) -> Result<()> {
        let (store, queue) = opened(&self.store).await?;
        let (tenant, sync) = self.sync.find(&store).await?;
        let now = store.now().await?;
        let from = self.from.as_ref().map(|from| moment_asked(from, now)).transpose()?;
        if let Some(from) = from {
            goes_back_to(&sync, from)?;
        }
        let asked = RunAsked { is_fresh_start: self.full_refresh, from };
        let new = NewRun { options: asked.to_options(), not_before: None };
        match queue.enqueue(&tenant.id, &sync.id, new, &actor()).await? {
            Enqueued::Queued(run) => print_line(&format!("queued as {run}")),
            Enqueued::Open(run) => print_line(&format!("open already as {run}; nothing was added")),
        }
    }
}

impl PauseCommand {
    pub(crate) async fn run(&self) -> Result<()> {
        let (store, _queue) = opened(&self.store).await?;
        let (tenant, sync) = self.sync.find(&store).await?;
        store.pause_sync(&tenant.id, &sync.id, &actor()).await?;
        print_line(&format!("{}/{} is paused; a run that is going goes on", tenant.name, sync.name))
    }
}

impl ResumeCommand {
    pub(crate) async fn run(&self) -> Result<()> {
        let (store, _queue) = opened(&self.store).await?;
        let (tenant, sync) = self.sync.find(&store).await?;
        if let Some(epoch) = self.epoch {
            store.raise_epoch(&tenant.id, &sync.id, Epoch(epoch), &actor()).await?;
        }
        store.resume_sync(&tenant.id, &sync.id, &actor()).await?;
        print_line(&format!("{}/{} runs again, from its next fire on", tenant.name, sync.name))
    }
}

impl CancelCommand {
    pub(crate) async fn run(&self) -> Result<()> {
        let run = run_id(&self.run)?;
        let (store, queue) = opened(&self.store).await?;
        let tenant = store.tenant_named(&self.tenant).await?;
        match queue.cancel(&tenant.id, &run, &actor()).await? {
            RunState::Running => print_line("its worker is told to stop with its next heartbeat"),
            _ => print_line("cancelled"),
        }
    }
}
