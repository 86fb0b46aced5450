//! Running statements: sending, waiting for the result, coming back to it, cancelling.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use jiff::Timestamp;
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument as _, info_span};
use uuid::Uuid;

use super::pace::Pace;
use super::{QueryHandle, QueryStatus, Statement};
use crate::column::Column;
use crate::config::ParameterValue;
use crate::error_code::is_not_executing;
use crate::http::Body;
use crate::result::{ChunkAccess, QueryResult};
use crate::session::{Core, Errand};
use crate::wire::envelope::Envelope;
use crate::wire::query::{Progress, QueryRequest, StatusData};
use crate::wire::result::ResultData;
use crate::wire::stage::TransferData;
use crate::{Error, ErrorKind, Result};

/// The service enforces a statement's time limit; this much later we stop waiting for it to say so.
const TIMEOUT_GRACE: Duration = Duration::from_secs(30);
/// A cancellation can overtake the query it is for: then it is sent again, this often and this much later.
const ABORT_ATTEMPTS_MAX: u32 = 5;
const ABORT_PAUSE: Duration = Duration::from_millis(200);
/// Nobody waits for a cancellation that was not asked for.
const ABORT_WAIT_MAX: Duration = Duration::from_secs(10);
/// Query ids are UUIDs; anything longer is not one.
const QUERY_ID_LENGTH_MAX: usize = 64;

/// How a statement is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Wait,
    Submit,
    Describe,
    Transfer,
}

/// Runs a statement to its result.
pub(crate) async fn query(core: &Arc<Core>, statement: &Statement) -> Result<ResultData> {
    traced("query", run(core, statement), |data| data.query_id.clone()).await
}

async fn run(core: &Arc<Core>, statement: &Statement) -> Result<ResultData> {
    let request_id = statement.request_id_or_new();
    let mut unfinished = AbortOnDrop::new(core, request_id);
    let begun = Timestamp::now();
    let work = async {
        let envelope = send(core, statement, request_id, Mode::Wait).await?;
        finished(core, envelope, begun).await
    };
    let outcome = match statement.time_limit() {
        None => work.await,
        Some(limit) => match tokio::time::timeout(limit + TIMEOUT_GRACE, work).await {
            Ok(outcome) => outcome,
            // Still armed: leaving cancels the query.
            Err(_) => {
                return Err(Error::new(ErrorKind::Cancelled, "the statement ran out of its time limit"));
            }
        },
    };
    // Also after a failure: a query whose fate is unknown must stay, so that its request id can be repeated. The
    // service stops it by itself when nobody comes back.
    unfinished.disarm();
    note_end(core, &outcome, begun);
    outcome
}

/// Starts a statement that goes on by itself.
pub(crate) async fn submit(core: &Arc<Core>, statement: &Statement) -> Result<QueryHandle> {
    traced("submit", start(core, statement), |handle| Some(handle.query_id.clone())).await
}

async fn start(core: &Arc<Core>, statement: &Statement) -> Result<QueryHandle> {
    let request_id = statement.request_id_or_new();
    let mut unfinished = AbortOnDrop::new(core, request_id);
    let begun = Timestamp::now();
    let envelope = send(core, statement, request_id, Mode::Submit).await;
    unfinished.disarm();
    let envelope = envelope?;
    let (query_id, ready) = if envelope.is_in_progress() {
        (envelope.data::<Progress>()?.query_id, None)
    } else {
        let data = result_data(core, envelope)?;
        (data.query_id.clone(), Some(Arc::new(data)))
    };
    let query_id = query_id.filter(|id| !id.is_empty()).ok_or_else(|| {
        Error::new(ErrorKind::Protocol, "the service took the statement but gave no query id")
    })?;
    if let Some(meter) = &core.config.usage {
        meter.begun(&query_id, begun);
    }
    Ok(QueryHandle { core: Arc::clone(core), query_id, ready })
}

/// The columns of a statement that is not run.
pub(crate) async fn describe(core: &Arc<Core>, statement: &Statement) -> Result<Vec<Column>> {
    let work = async {
        let envelope = send(core, statement, statement.request_id_or_new(), Mode::Describe).await?;
        let envelope = polled(core, envelope, |_| {}).await?;
        result_data(core, envelope)
    };
    let data = traced("describe", work, |data| data.query_id.clone()).await?;
    if let (Some(meter), Some(query_id)) = (&core.config.usage, &data.query_id) {
        meter.served(query_id);
    }
    Ok(result(core, data)?.columns().to_vec())
}

/// Asks for the transfer of files: the reply to a `PUT` or `GET`, which moves nothing by itself. Asking twice does no
/// harm, so it is asked again after a new log-in.
pub(crate) async fn transfer(core: &Arc<Core>, statement: &Statement) -> Result<TransferData> {
    let work = || async {
        let envelope = send(core, statement, Uuid::new_v4(), Mode::Transfer).await?;
        let envelope = polled(core, envelope, |_| {}).await?;
        if !envelope.is_success() {
            return Err(envelope.into_error());
        }
        envelope.data()
    };
    traced("transfer", core.with_relogin(true, work), |_| None).await
}

/// The result of a query that was started earlier. It belongs to the user, not to the session, so a new log-in does
/// not lose it.
pub(crate) async fn attach(core: &Arc<Core>, query_id: &str) -> Result<ResultData> {
    let path = format!("/queries/{}/result", checked(query_id)?);
    let work = || async {
        let envelope = core.run(Errand::get(&path)).await?;
        let envelope = polled(core, envelope, |_| {}).await?;
        result_data(core, envelope)
    };
    if let Some(meter) = &core.config.usage {
        // Where this meter has not seen it begin, it was begun by another run, and its time is that one's.
        meter.served(query_id);
    }
    let outcome = traced("attach", core.with_relogin(true, work), |_| Some(query_id.to_owned())).await;
    if let Some(meter) = &core.config.usage {
        meter.ended(query_id, outcome.as_ref().ok().and_then(|data| data.statement_type_id));
    }
    outcome
}

/// How a query is getting on.
pub(crate) async fn status(core: &Arc<Core>, query_id: &str) -> Result<QueryStatus> {
    let path = format!("/monitoring/queries/{}", checked(query_id)?);
    let envelope = core.with_relogin(true, || core.run(Errand::get(&path))).await?;
    status_in(envelope)
}

/// The same for a session that is about to end, and is not to be replaced for it.
pub(crate) async fn status_of_session(core: &Arc<Core>, query_id: &str) -> Result<QueryStatus> {
    let path = format!("/monitoring/queries/{}", checked(query_id)?);
    status_in(core.run(Errand { attempts_max: 1, ..Errand::get(&path) }).await?)
}

fn status_in(envelope: Envelope) -> Result<QueryStatus> {
    if !envelope.is_success() {
        return Err(envelope.into_error());
    }
    let data: StatusData = envelope.data()?;
    Ok(QueryStatus::of(data.queries.into_iter().next()))
}

/// Cancels a query by its id; false where it was not running any more.
pub(crate) async fn cancel(core: &Arc<Core>, query_id: &str) -> Result<bool> {
    let path = format!("/queries/{}/abort-request", checked(query_id)?);
    let work = || core.run(Errand::post(&path, Body::json(b"{}".to_vec())));
    let envelope = core.with_relogin(true, work).await?;
    match envelope.code() {
        _ if envelope.is_success() => Ok(true),
        Some(code) if is_not_executing(code) => Ok(false),
        _ => Err(envelope.into_error()),
    }
}

/// The rows behind a result reply.
pub(crate) fn result(core: &Arc<Core>, data: ResultData) -> Result<QueryResult> {
    if data.result_ids.as_deref().is_some_and(|ids| !ids.is_empty()) {
        let message =
            "several statements were sent in one request, which is not supported; send one at a time";
        return Err(Error::new(ErrorKind::Statement, message));
    }
    core.note_context(&data);
    let links = core.link_policy();
    let again = Arc::clone(core);
    let refetch = Arc::new(move |query_id: String| {
        let core = Arc::clone(&again);
        async move { attach(&core, &query_id).await }.boxed()
    });
    let storage = core.http.network().storage.clone();
    QueryResult::new(data, ChunkAccess::new(storage, links, core.config.memory_budget.clone(), refetch))
}

/// A span for traces around a statement: what was asked for and under which id the account knows it, never its text.
async fn traced<T>(
    kind: &'static str,
    work: impl Future<Output = Result<T>>,
    query_id: impl Fn(&T) -> Option<String>,
) -> Result<T> {
    let span = info_span!(
        target: "snowflake::trace", "statement", db.system.name = "snowflake", statement.kind = kind, query.id = Empty,
        error.kind = Empty, otel.status_code = Empty
    );
    let outcome = work.instrument(span.clone()).await;
    match &outcome {
        Ok(done) => {
            if let Some(query_id) = query_id(done) {
                span.record("query.id", query_id);
            }
        }
        Err(error) => {
            span.record("error.kind", format!("{:?}", error.kind())).record("otel.status_code", "ERROR");
        }
    }
    outcome
}

async fn send(core: &Arc<Core>, statement: &Statement, request_id: Uuid, mode: Mode) -> Result<Envelope> {
    statement.check()?;
    let mut parameters = statement.wire_parameters();
    if mode == Mode::Submit {
        // Submitting means to come back later: the service must not stop the query because nobody polls.
        parameters.entry("ABORT_DETACHED_QUERY".to_owned()).or_insert(ParameterValue::Bool(false));
    }
    let request = QueryRequest {
        sql_text: statement.sql(),
        async_exec: mode == Mode::Submit,
        describe_only: mode == Mode::Describe,
        sequence_id: core.next_sequence(),
        query_submission_time: Timestamp::now().as_millisecond(),
        is_internal: false,
        bindings: statement.wire_binds()?,
        parameters,
    };
    let body = serde_json::to_vec(&request)
        .map_err(|_| Error::new(ErrorKind::Internal, "the statement cannot be written as JSON"))?;
    let errand = Errand::post("/queries/v1/query-request", Body::json(body));
    let accept = if mode == Mode::Transfer { "application/json" } else { errand.accept };
    core.run(Errand { request_id, accept, ..errand }).await
}

/// Polls until the query is over.
async fn finished(core: &Arc<Core>, envelope: Envelope, begun: Timestamp) -> Result<ResultData> {
    let note = |query_id: &str| {
        if let Some(meter) = &core.config.usage {
            meter.begun(query_id, begun);
        }
    };
    result_data(core, polled(core, envelope, note).await?)
}

/// Notes that a statement is over, whether it came to something or not.
fn note_end(core: &Core, outcome: &Result<ResultData>, begun: Timestamp) {
    let Some(meter) = &core.config.usage else { return };
    let (query_id, statement_type) = match outcome {
        Ok(data) => (data.query_id.as_deref(), data.statement_type_id),
        Err(error) => (error.query_id(), None),
    };
    if let Some(query_id) = query_id.filter(|id| !id.is_empty()) {
        meter.begun(query_id, begun);
        meter.ended(query_id, statement_type);
    }
}

/// Polls until there is a final reply. `note` gets the query's id as soon as it is known: whoever is gone before the end
/// leaves a query behind that took its time all the same.
async fn polled(core: &Arc<Core>, mut envelope: Envelope, note: impl Fn(&str)) -> Result<Envelope> {
    let mut pace = Pace::default();
    while envelope.is_in_progress() {
        let progress: Progress = envelope.data()?;
        progress.query_id.as_deref().into_iter().for_each(&note);
        let path = result_path(core, &progress)?;
        let asked = Instant::now();
        envelope = core.run(Errand::get(&path)).await?;
        if envelope.is_in_progress() {
            tokio::time::sleep(pace.pause_after(asked.elapsed())).await;
        }
    }
    Ok(envelope)
}

fn result_data(core: &Arc<Core>, envelope: Envelope) -> Result<ResultData> {
    if !envelope.is_success() {
        return Err(envelope.into_error());
    }
    let data: ResultData = envelope.data()?;
    core.note_context(&data);
    Ok(data)
}

/// Where to ask for the result; an address on another host would be sent the session's token, so it is refused.
fn result_path(core: &Core, progress: &Progress) -> Result<String> {
    match (&progress.get_result_url, &progress.query_id) {
        (Some(url), _) => {
            let url = core.http.endpoint().join(url)?;
            Ok(url[url::Position::BeforePath..url::Position::AfterQuery].to_owned())
        }
        (None, Some(query_id)) => Ok(format!("/queries/{}/result", checked(query_id)?)),
        (None, None) => Err(Error::new(
            ErrorKind::Protocol,
            "the query still runs, but the reply does not say where to ask",
        )),
    }
}

/// The id becomes a part of a path, so it may hold nothing but what ids are made of.
fn checked(query_id: &str) -> Result<&str> {
    let is_id = !query_id.is_empty()
        && query_id.len() <= QUERY_ID_LENGTH_MAX
        && query_id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    is_id.then_some(query_id).ok_or_else(|| Error::new(ErrorKind::Statement, "this is not a query id"))
}

/// Cancels a query whose caller went away before it was over.
struct AbortOnDrop {
    core: Option<Arc<Core>>,
    request_id: Uuid,
}

impl AbortOnDrop {
    fn new(core: &Arc<Core>, request_id: Uuid) -> Self {
        Self { core: Some(Arc::clone(core)), request_id }
    }

    fn disarm(&mut self) {
        self.core = None;
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        let Some(core) = self.core.take() else { return };
        // Outside a runtime nothing can be sent any more; the service stops detached queries by itself.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let request_id = self.request_id;
        runtime.spawn(async move { abort(&core, request_id).await });
    }
}

async fn abort(core: &Arc<Core>, request_id: Uuid) {
    for _ in 0..ABORT_ATTEMPTS_MAX {
        let body = serde_json::json!({ "requestId": request_id.to_string() }).to_string();
        let errand = Errand {
            wait_max: Some(ABORT_WAIT_MAX),
            ..Errand::post("/queries/v1/abort-request", Body::json(body.into_bytes()))
        };
        match core.run(errand).await {
            Ok(envelope) if envelope.code().is_some_and(is_not_executing) => {}
            Ok(envelope) if !envelope.is_success() => {
                tracing::debug!(error = %envelope.into_error(), "the query could not be cancelled");
                return;
            }
            Ok(_) => return,
            Err(error) => {
                tracing::debug!(error = %error, "the query could not be cancelled");
                return;
            }
        }
        tokio::time::sleep(ABORT_PAUSE).await;
    }
}
