//! Traces by OpenTelemetry's protocol over HTTP, set up by its own environment variables: one trace for each run, whose id is the
//! run's, so that attempts on several machines are in one trace and a run's id is all that is needed to find it.

use std::cell::Cell;
use std::time::Duration;

use model::{Error, Result};
use opentelemetry::trace::{SpanId, TraceId, TracerProvider};
use opentelemetry_otlp::{SpanExporter, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator, SdkTracerProvider};
use tracing::{Instrument, Metadata, Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use super::courier::Courier;

/// The targets of all spans that are traced, ours and those of our client; other libraries' are theirs.
const TARGETS: [&str; 2] = ["snowferry::trace", "snowflake::trace"];

/// Of what is measured, the parts of an attempt that come once; the others would be a span for each batch.
const MEASURED: [&str; 2] = ["plan", "query"];

/// The only protocol that is spoken: it needs nothing beside the client that is there anyway.
const PROTOCOL: &str = "http/protobuf";

/// So long the end of the program waits for what was not sent yet.
const END_PATIENCE: Duration = Duration::from_secs(5);

/// What spans are given to.
pub(super) struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    /// Nothing where no address is given, or where traces are switched off.
    pub(super) fn from_environment() -> Result<Option<Self>> {
        let is_addressed = said(&["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"]);
        let is_off = said(&["OTEL_SDK_DISABLED"]).is_some_and(|said| said.eq_ignore_ascii_case("true"))
            || said(&["OTEL_TRACES_EXPORTER"]).is_some_and(|said| said == "none");
        if is_addressed.is_none() || is_off {
            return Ok(None);
        }
        let protocol = said(&["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"]);
        if let Some(other) = protocol.filter(|protocol| protocol != PROTOCOL) {
            let message = format!("traces are sent by {PROTOCOL}, and not by `{other}`");
            return Err(Error::config("traces_unusable", message).with_remedy(
                "leave OTEL_EXPORTER_OTLP_PROTOCOL out, and name the collector's port for HTTP, usually 4318",
            ));
        }
        let exporter = SpanExporter::builder().with_http().with_http_client(Courier::new()?).build();
        let exporter = exporter.map_err(|_| {
            Error::config("traces_unusable", "the address or the headers for traces make no sense")
                .with_remedy("correct OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_EXPORTER_OTLP_HEADERS")
        })?;
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_id_generator(RunIds::default())
            .with_resource(resource())
            .build();
        Ok(Some(Self { provider }))
    }

    /// What hands our spans, and nobody else's, to the exporter.
    pub(super) fn layer<S: Subscriber + for<'a> LookupSpan<'a>>(&self) -> impl Layer<S> + use<S> {
        let layer = tracing_opentelemetry::layer().with_tracer(self.provider.tracer("snowferry"));
        let layer = layer.with_location(false).with_threads(false).with_tracked_inactivity(false);
        layer.with_target(false).with_level(false).with_filter(filter_fn(is_traced))
    }

    pub(super) fn end(self) {
        if let Err(error) = self.provider.shutdown_with_timeout(END_PATIENCE) {
            tracing::warn!(error = %error, "the last traces were not sent");
        }
    }
}

fn is_traced(metadata: &Metadata<'_>) -> bool {
    let is_measured = metadata.target() == "timings" && MEASURED.contains(&metadata.name());
    metadata.is_span() && (is_measured || TARGETS.contains(&metadata.target()))
}

/// The first of these variables that says something.
pub(super) fn said(variables: &[&str]) -> Option<String> {
    variables.iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
}

/// What the variables say of this process, and our name where they give it none.
fn resource() -> Resource {
    let is_named = said(&["OTEL_SERVICE_NAME"]).is_some()
        || said(&["OTEL_RESOURCE_ATTRIBUTES"]).is_some_and(|said| said.contains("service.name="));
    let builder = Resource::builder();
    let builder = if is_named { builder } else { builder.with_service_name("snowferry") };
    builder.with_attribute(opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION"))).build()
}

thread_local! {
    /// The id of the trace that begins next on this thread.
    static NEXT_TRACE: Cell<Option<TraceId>> = const { Cell::new(None) };
}

/// Begins the trace of a run with `span`, under the run's own id.
pub(crate) fn begin_trace_of(run: &str, span: &Span) {
    let digits: String = run.chars().filter(char::is_ascii_hexdigit).collect();
    NEXT_TRACE.set(TraceId::from_hex(&digits).ok().filter(|id| *id != TraceId::INVALID));
    // Whoever asks for its context makes the span begin.
    let _begun = span.context();
    NEXT_TRACE.set(None);
}

/// Runs within `span`, and notes there how it failed.
pub(crate) async fn run_within<T>(span: Span, run: impl Future<Output = Result<T>>) -> Result<T> {
    let outcome = run.instrument(span.clone()).await;
    if let Err(error) = &outcome {
        span.record("error.code", error.code()).record("otel.status_code", "ERROR");
    }
    outcome
}

/// Random ids, but for traces that begin under one that is given.
#[derive(Debug, Default)]
struct RunIds {
    random: RandomIdGenerator,
}

impl IdGenerator for RunIds {
    fn new_trace_id(&self) -> TraceId {
        NEXT_TRACE.take().unwrap_or_else(|| self.random.new_trace_id())
    }

    fn new_span_id(&self) -> SpanId {
        self.random.new_span_id()
    }
}
