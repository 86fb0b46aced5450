//! Syncs, as the API shows, starts and pauses them.

use std::collections::HashMap;

use axum::Extension;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{Connection, Enqueued, Id, NewRun, Role, Standing, Sync, Tenant};
use utoipa::ToSchema;

use super::Api;
use super::access::Caller;
use super::input::{Asked, Body, Named};
use super::page::{Page, PageQuery};
use super::problem::{Answer, Problem};
use super::runs::RunView;
use crate::alerting::condition_word;
use crate::asked::{RunAsked, moment_asked};
use crate::why::explain;

/// Stored intent: from where to where, what, and when.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SyncView {
    name: String,
    /// The names of its connections.
    source: String,
    destination: String,
    /// The pattern of its schedule, and the zone in which it counts.
    cron: Option<String>,
    zone: Option<String>,
    is_paused: bool,
    /// `well`, `failing`, `late`, or `resting` where nobody expects it to run.
    condition: String,
    #[schema(format = DateTime)]
    last_success_at: Option<String>,
    /// How old its last success may become before people are told.
    late_after_seconds: Option<u64>,
    /// Its last lease.
    lease: u64,
    /// What it does, as its file says it.
    file: Option<String>,
    #[schema(format = DateTime)]
    updated_at: String,
}

/// Why a sync does or does not run now.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WhyView {
    /// What its schedule says.
    schedule: Option<String>,
    open_run: Option<RunView>,
    /// What the open run waits for.
    waits_for: Vec<String>,
    last_run: Option<RunView>,
    /// The last fire that got no run, and why: `overlap` or `missed`.
    #[schema(format = DateTime)]
    passed_fire_at: Option<String>,
    passed_reason: Option<String>,
    /// `well`, `failing`, `late` or `resting`.
    condition: String,
}

/// A run that is asked for.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RunRequest {
    /// Reads the stream anew from its beginning.
    is_fresh_start: bool,
    /// Reads once more what has changed since this day or moment, such as `2026-01-31`.
    #[schema(max_length = 40)]
    from: Option<String>,
}

/// The run that there is now.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Triggered {
    run: String,
    /// Whether it was open before.
    was_open: bool,
}

impl RunRequest {
    fn asked(&self, api: &Api, sync: &Sync, now: Timestamp) -> Answer<RunAsked> {
        if self.is_fresh_start && self.from.is_some() {
            let detail = "either all of the stream is read anew, or what has changed since a date";
            return Err(Problem::new(422, "from_invalid", detail).with_remedy("leave one of both out"));
        }
        let from = self.from.as_ref().map(|from| moment_asked(from, now)).transpose()?;
        if let (Some(from), Some(goes_back)) = (from, api.goes_back) {
            goes_back(sync, from)?;
        }
        Ok(RunAsked { is_fresh_start: self.is_fresh_start, from })
    }
}

impl SyncView {
    async fn of(api: &Api, sync: Sync) -> Answer<Self> {
        let connections = api.store.connections(&sync.tenant).await?;
        let standing = api.store.standing(&sync.tenant, &sync.id).await?;
        Ok(Self::beside(sync, &connections, &standing, api.store.now().await?))
    }

    /// With what there is beside it: the connections of its tenant, and how it stands.
    fn beside(sync: Sync, connections: &[Connection], standing: &Standing, now: Timestamp) -> Self {
        let name = |id: &Id<Connection>| {
            let found = connections.iter().find(|connection| connection.id == *id);
            found.map(|connection| connection.name.clone()).unwrap_or_default()
        };
        let (source, destination) = (name(&sync.source), name(&sync.destination));
        let file = sync.definition.get("file").and_then(|file| file.as_str()).map(str::to_owned);
        let (cron, zone) = sync.schedule.map(|schedule| (schedule.cron, schedule.zone)).unzip();
        Self {
            name: sync.name,
            source,
            destination,
            cron,
            zone,
            is_paused: sync.paused_at.is_some(),
            condition: condition_word(standing, now).to_owned(),
            last_success_at: standing.last_success_at.map(|at| at.to_string()),
            late_after_seconds: sync.late_after.map(|late_after| late_after.as_secs()),
            lease: sync.epoch.0,
            file,
            updated_at: sync.updated_at.to_string(),
        }
    }
}

async fn find(api: &Api, caller: &Caller, named: &(String, String), role: Role) -> Answer<(Tenant, Sync)> {
    let tenant = caller.tenant(api, &named.0, role).await?;
    let sync = api.store.sync_named(&tenant.id, &named.1).await?;
    Ok((tenant, sync))
}

/// The syncs of a tenant, by name.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/syncs", params(("tenant" = String, Path), PageQuery),
    responses((status = 200, body = Page<SyncView>)))]
pub(super) async fn list(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Named(tenant): Named<String>,
    Asked(page): Asked<PageQuery>,
) -> Answer<Json<Page<SyncView>>> {
    let tenant = caller.tenant(&api, &tenant, Role::Viewer).await?;
    let Page { items, next } = page.of(api.store.syncs(&tenant.id).await?, |sync| &sync.name);
    // All that the page needs is asked for once, and not once for each of its syncs.
    let connections = api.store.connections(&tenant.id).await?;
    let standings = api.store.standings_of(&tenant.id).await?;
    let now = api.store.now().await?;
    let standings: HashMap<&str, &Standing> =
        standings.iter().map(|standing| (standing.sync.as_str(), standing)).collect();
    // One that was removed meanwhile is on no page.
    let view = |sync: Sync| {
        let standing = standings.get(sync.id.as_str())?;
        Some(SyncView::beside(sync, &connections, standing, now))
    };
    Ok(Json(Page { items: items.into_iter().filter_map(view).collect(), next }))
}

/// One sync.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/syncs/{sync}",
    params(("tenant" = String, Path), ("sync" = String, Path)), responses((status = 200, body = SyncView)))]
pub(super) async fn show(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Named(named): Named<(String, String)>,
) -> Answer<Json<SyncView>> {
    let (_tenant, sync) = find(&api, &caller, &named, Role::Viewer).await?;
    SyncView::of(&api, sync).await.map(Json)
}

/// Why a sync does or does not run now.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/syncs/{sync}/why",
    params(("tenant" = String, Path), ("sync" = String, Path)), responses((status = 200, body = WhyView)))]
pub(super) async fn why(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Named(named): Named<(String, String)>,
) -> Answer<Json<WhyView>> {
    let (tenant, sync) = find(&api, &caller, &named, Role::Viewer).await?;
    let why = explain(&api.store, &api.queue, &tenant, &sync).await?;
    let (passed_fire_at, passed_reason) =
        why.passed.map(|passed| (passed.at.to_string(), passed.reason)).unzip();
    Ok(Json(WhyView {
        schedule: why.schedule,
        open_run: why.open_run.map(|run| RunView::of(run, &sync.name)),
        waits_for: why.waits_for,
        last_run: why.last_run.map(|run| RunView::of(run, &sync.name)),
        passed_fire_at,
        passed_reason,
        condition: why.condition_word.to_owned(),
    }))
}

/// Ask for a run now. A sync has one open run: where there is one, that is the answer.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/syncs/{sync}/trigger",
    params(("tenant" = String, Path), ("sync" = String, Path), ("idempotency-key" = Option<String>, Header, max_length = 100)),
    request_body = RunRequest,
    responses((status = 200, body = Triggered), (status = 201, body = Triggered)))]
pub(super) async fn trigger(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Named(named): Named<(String, String)>,
    Body(request): Body<RunRequest>,
) -> Answer<(StatusCode, Json<Triggered>)> {
    let (tenant, sync) = find(&api, &caller, &named, Role::Operator).await?;
    let asked = request.asked(&api, &sync, api.store.now().await?)?;
    let new = NewRun { options: asked.to_options(), not_before: None };
    Ok(match api.queue.enqueue(&tenant.id, &sync.id, new, &caller.actor()).await? {
        Enqueued::Queued(run) => {
            (StatusCode::CREATED, Json(Triggered { run: run.to_string(), was_open: false }))
        }
        Enqueued::Open(run) => (StatusCode::OK, Json(Triggered { run: run.to_string(), was_open: true })),
    })
}

/// Start no run of a sync until it is resumed. One that is going goes on.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/syncs/{sync}/pause",
    params(("tenant" = String, Path), ("sync" = String, Path)), responses((status = 200, body = SyncView)))]
pub(super) async fn pause(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Named(named): Named<(String, String)>,
) -> Answer<Json<SyncView>> {
    let (tenant, sync) = find(&api, &caller, &named, Role::Operator).await?;
    api.store.pause_sync(&tenant.id, &sync.id, &caller.actor()).await?;
    SyncView::of(&api, api.store.sync(&tenant.id, &sync.id).await?).await.map(Json)
}

/// Let a paused sync run again, from its next fire on.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/syncs/{sync}/resume",
    params(("tenant" = String, Path), ("sync" = String, Path)), responses((status = 200, body = SyncView)))]
pub(super) async fn resume(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Named(named): Named<(String, String)>,
) -> Answer<Json<SyncView>> {
    let (tenant, sync) = find(&api, &caller, &named, Role::Operator).await?;
    api.store.resume_sync(&tenant.id, &sync.id, &caller.actor()).await?;
    SyncView::of(&api, api.store.sync(&tenant.id, &sync.id).await?).await.map(Json)
}
