//! Runs, as the API shows and cancels them.

use std::collections::HashMap;

use axum::Extension;
use axum::Json;
use axum::extract::State;
use model::{RunState, StatementUse, Usage, WarehouseUse};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Attempt, Id, RejectCount, Role, Run, RunFilter};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::access::Caller;
use super::input::{Asked, Named};
use super::page::{Page, PageQuery};
use super::problem::{Answer, Problem};

/// One execution of a sync that was asked for.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RunView {
    id: String,
    /// The name of its sync.
    sync: String,
    /// `queued`, `running`, `retrying`, `succeeded`, `failed` or `cancelled`.
    state: String,
    /// `schedule` or `person`.
    cause: String,
    #[schema(format = DateTime)]
    fire_at: Option<String>,
    #[schema(format = DateTime)]
    queued_at: String,
    #[schema(format = DateTime)]
    due_at: String,
    #[schema(format = DateTime)]
    started_at: Option<String>,
    #[schema(format = DateTime)]
    ended_at: Option<String>,
    attempt: u64,
    /// Why the last attempt failed.
    error: Option<ErrorView>,
    /// What it did, where it succeeded.
    report: Option<Value>,
    /// What its statements took of the customer's account, those of failed attempts too.
    usage: UsageView,
}

/// Statements of a run, and their time on virtual warehouses.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UsageView {
    statements: u64,
    virtual_warehouse_seconds: f64,
    /// Estimated from size and time of virtual warehouses of known size.
    credits: f64,
    /// Seconds on virtual warehouses of unknown size, which are not in the credits.
    unpriced_seconds: f64,
}

/// One statement of a run.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StatementView {
    query_id: String,
    /// Where it ran; nothing where it needed none, or the account did not say.
    virtual_warehouse: Option<String>,
    size: Option<String>,
    seconds: f64,
}

/// Why an attempt failed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ErrorView {
    kind: String,
    code: String,
    message: String,
    remedy: Option<String>,
}

/// A run with its attempts, and the rows that could not be delivered.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RunDetail {
    run: RunView,
    attempts: Vec<AttemptView>,
    rejects: Vec<RejectView>,
    /// The first thousand.
    statements: Vec<StatementView>,
}

/// One try by one worker.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AttemptView {
    number: u64,
    lease: u64,
    worker: String,
    #[schema(format = DateTime)]
    started_at: String,
    #[schema(format = DateTime)]
    ended_at: Option<String>,
    /// `succeeded`, `failed`, `cancelled`, `given_back` or `lost`; nothing while it is going.
    outcome: Option<String>,
    error_code: Option<String>,
}

/// Rows that could not be delivered, by column and reason.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RejectView {
    column: String,
    code: String,
    row_count: u64,
}

/// Which runs.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct RunsQuery {
    /// How many, 1 to 500.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u16>,
    /// The `next` of the page before.
    #[param(max_length = 200)]
    after: Option<String>,
    /// Of this sync only.
    sync: Option<String>,
    /// In this state only.
    #[param(inline)]
    state: Option<StateWord>,
}

/// The states of a run.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum StateWord {
    Queued,
    Running,
    Retrying,
    Succeeded,
    Failed,
    Cancelled,
}

impl From<StateWord> for RunState {
    fn from(word: StateWord) -> Self {
        match word {
            StateWord::Queued => RunState::Queued,
            StateWord::Running => RunState::Running,
            StateWord::Retrying => RunState::Retrying,
            StateWord::Succeeded => RunState::Succeeded,
            StateWord::Failed => RunState::Failed,
            StateWord::Cancelled => RunState::Cancelled,
        }
    }
}

impl RunView {
    pub(super) fn of(run: Run, sync: &str) -> Self {
        let text = |at: Option<jiff::Timestamp>| at.map(|at| at.to_string());
        Self {
            id: run.id.to_string(),
            sync: sync.to_owned(),
            state: run.state.as_str().to_owned(),
            cause: run.cause.as_str().to_owned(),
            fire_at: text(run.fire_at),
            queued_at: run.queued_at.to_string(),
            due_at: run.due_at.to_string(),
            started_at: text(run.started_at),
            ended_at: text(run.ended_at),
            attempt: run.attempt,
            error: run.error.map(|error| ErrorView {
                kind: error.kind,
                code: error.code,
                message: error.message,
                remedy: error.remedy,
            }),
            usage: UsageView::of(&run.usage),
            report: run.report,
        }
    }
}

impl UsageView {
    fn of(usage: &Usage) -> Self {
        let totals = usage.totals();
        Self {
            statements: usage.statement_count(),
            virtual_warehouse_seconds: totals.virtual_warehouse_seconds,
            credits: totals.credits,
            unpriced_seconds: totals.unpriced_seconds,
        }
    }
}

impl From<StatementUse> for StatementView {
    fn from(statement: StatementUse) -> Self {
        let seconds = statement.ran.as_ref().map_or(0.0, WarehouseUse::seconds);
        let (virtual_warehouse, size) = match statement.ran {
            Some(ran) => (ran.virtual_warehouse, ran.size),
            None => (None, None),
        };
        Self { query_id: statement.query_id, virtual_warehouse, size, seconds }
    }
}

impl From<Attempt> for AttemptView {
    fn from(attempt: Attempt) -> Self {
        Self {
            number: attempt.number,
            lease: attempt.epoch.0,
            worker: attempt.worker.to_string(),
            started_at: attempt.started_at.to_string(),
            ended_at: attempt.ended_at.map(|at| at.to_string()),
            outcome: attempt.outcome,
            error_code: attempt.error_code,
        }
    }
}

impl From<RejectCount> for RejectView {
    fn from(reject: RejectCount) -> Self {
        Self { column: reject.column, code: reject.code, row_count: reject.row_count }
    }
}

/// What a run's sync is called that is not there any more.
const REMOVED: &str = "(removed)";

/// The runs of a tenant, newest first.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/runs", params(("tenant" = String, Path), RunsQuery),
    responses((status = 200, body = Page<RunView>)))]
pub(super) async fn list(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Named(tenant): Named<String>,
    Asked(query): Asked<RunsQuery>,
) -> Answer<Json<Page<RunView>>> {
    let tenant = caller.tenant(&api, &tenant, Role::Viewer).await?;
    let syncs = api.store.syncs(&tenant.id).await?;
    let sync = match &query.sync {
        Some(name) => Some(api.store.sync_named(&tenant.id, name).await?.id),
        None => None,
    };
    let page = PageQuery::new(query.limit, query.after);
    let before = page.after().map(|id| Id::from(id.to_owned()));
    let filter = RunFilter { sync, state: query.state.map(RunState::from), before };
    let count = u32::try_from(page.limit() + 1).unwrap_or(u32::MAX);
    let runs = api.store.find_runs(&tenant.id, &filter, count).await?;
    let names: HashMap<_, _> = syncs.iter().map(|sync| (&sync.id, sync.name.as_str())).collect();
    let views = runs.into_iter().map(|run| {
        let name = names.get(&run.sync).copied().unwrap_or(REMOVED);
        RunView::of(run, name)
    });
    Ok(Json(page.first_of(views.collect(), |run: &RunView| &run.id)))
}

/// One run with its attempts.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/runs/{run}",
    params(("tenant" = String, Path), ("run" = String, Path)), responses((status = 200, body = RunDetail)))]
pub(super) async fn show(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Named((tenant, run)): Named<(String, String)>,
) -> Answer<Json<RunDetail>> {
    let tenant = caller.tenant(&api, &tenant, Role::Viewer).await?;
    let run = api.store.run(&tenant.id, &Id::from(run)).await?;
    let attempts = api.store.attempts(&tenant.id, &run.id).await?;
    let rejects = api.store.rejects(&tenant.id, &run.id).await?;
    let sync = api.store.sync(&tenant.id, &run.sync).await.map_or(REMOVED.to_owned(), |sync| sync.name);
    let statements = run.usage.statements.clone();
    Ok(Json(RunDetail {
        run: RunView::of(run, &sync),
        attempts: attempts.into_iter().map(AttemptView::from).collect(),
        rejects: rejects.into_iter().map(RejectView::from).collect(),
        statements: statements.into_iter().map(StatementView::from).collect(),
    }))
}

/// Cancel a run: at once where it waits, by its worker where it is going.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/runs/{run}/cancel",
    params(("tenant" = String, Path), ("run" = String, Path)), responses((status = 200, body = RunView)))]
pub(super) async fn cancel(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Named((tenant, run)): Named<(String, String)>,
) -> Answer<Json<RunView>> {
    let tenant = caller.tenant(&api, &tenant, Role::Operator).await?;
    let id = Id::from(run);
    api.queue.cancel(&tenant.id, &id, &caller.actor()).await.map_err(|error| match error.code() {
        "run_ended" => Problem::new(409, "run_ended", error.message()),
        _ => Problem::from(error),
    })?;
    let run = api.store.run(&tenant.id, &id).await?;
    let sync = api.store.sync(&tenant.id, &run.sync).await.map_or(REMOVED.to_owned(), |sync| sync.name);
    Ok(Json(RunView::of(run, &sync)))
}
