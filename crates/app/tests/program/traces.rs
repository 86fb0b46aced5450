//! Traces, as a collector gets them.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::fleet::Fleet;
use crate::world::{DEALS, PASSWORD, World, deals};

const HEADER: &str = "canary-collector-key-6c";

/// A collector on this machine.
struct Collector {
    url: String,
    received: Arc<Mutex<Vec<Received>>>,
}

struct Received {
    head: String,
    body: Vec<u8>,
}

impl Collector {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&received);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&kept)));
            }
        });
        Self { url, received }
    }

    fn spans(&self) -> Vec<Span> {
        let received = self.received.lock().unwrap();
        let decoded =
            received.iter().map(|one| ExportTraceServiceRequest::decode(one.body.as_slice()).unwrap());
        let resources = decoded.flat_map(|request| request.resource_spans);
        resources.flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans).collect()
    }
}

async fn serve(stream: TcpStream, received: Arc<Mutex<Vec<Received>>>) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head).await.unwrap_or(0) == 0 {
                return;
            }
        }
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
        });
        let mut body = vec![0; length.unwrap()];
        stream.read_exact(&mut body).await.unwrap();
        received.lock().unwrap().push(Received { head, body });
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    }
}

fn text(span: &Span, name: &str) -> Option<String> {
    let attribute = span.attributes.iter().find(|attribute| attribute.key == name)?;
    match attribute.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(number) => Some(number.to_string()),
        _ => None,
    }
}

fn named<'a>(spans: &'a [Span], name: &str) -> Vec<&'a Span> {
    spans.iter().filter(|span| span.name == name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_one_trace_under_its_own_id_with_its_statements_groups_and_commit() {
    let (fleet, collector) = (Fleet::start().await, Collector::start().await);
    fleet.file("acme", "deals", DEALS);
    fleet.world.set_deals(&deals(1_000));
    fleet.apply().await;
    let headers = format!("authorization={HEADER}");
    let variables =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.as_str()), ("OTEL_EXPORTER_OTLP_HEADERS", &headers)];
    let process = fleet.serve_with(&variables, &[]).await;
    fleet.program(&["trigger", "acme/deals"]).await.succeeded();
    let run = fleet.until("acme/deals", "succeeded").await;
    assert_eq!(process.stop().await, Some(0));

    let spans = collector.spans();
    let traces: HashSet<&[u8]> = spans.iter().map(|span| span.trace_id.as_slice()).collect();
    let hex: Vec<String> =
        traces.iter().map(|id| id.iter().map(|byte| format!("{byte:02x}")).collect()).collect();
    let id = run["id"].as_str().unwrap();
    assert_eq!(hex, [id.replace('-', "")], "one trace, under the id of the run");
    let ids: HashSet<&[u8]> = spans.iter().map(|span| span.span_id.as_slice()).collect();
    let roots: Vec<&Span> = spans.iter().filter(|span| span.parent_span_id.is_empty()).collect();
    assert_eq!(roots.len(), 1);
    assert_eq!((roots[0].name.as_str(), text(roots[0], "run.id").as_deref()), ("run", Some(id)));
    assert_eq!(text(roots[0], "tenant.name").as_deref(), Some("acme"));
    let statements = run["usage"]["statements"].as_array().unwrap().len();
    assert_eq!(text(roots[0], "statements"), Some(statements.to_string()));
    for span in spans.iter().filter(|span| !span.parent_span_id.is_empty()) {
        assert!(ids.contains(span.parent_span_id.as_slice()), "{} has no parent", span.name);
        assert!(span.end_time_unix_nano >= span.start_time_unix_nano, "{}", span.name);
    }
    let statements = named(&spans, "statement");
    let query_id = run["report"]["query_id"].as_str().unwrap();
    let asked = statements.iter().filter(|span| text(span, "query.id").as_deref() == Some(query_id));
    assert_eq!(asked.count(), 1, "the statement that gave the rows");
    let groups = named(&spans, "group");
    let rows: u64 = groups.iter().map(|span| text(span, "rows").unwrap().parse::<u64>().unwrap()).sum();
    assert_eq!(rows, 1_000);
    assert_eq!((named(&spans, "commit").len(), named(&spans, "attempt").len()), (1, 1));
    secrets_are_in_no_span(&collector);
}

/// Neither secrets nor statements nor rows; and the key to the collector is where it belongs.
fn secrets_are_in_no_span(collector: &Collector) {
    for Received { head, body } in collector.received.lock().unwrap().iter() {
        assert!(head.starts_with("POST /v1/traces ") && head.contains(HEADER), "{head}");
        let body = String::from_utf8_lossy(body);
        for canary in [PASSWORD, HEADER, "SELECT", "quoted"] {
            assert!(!body.contains(canary), "{canary}");
        }
        assert!(body.contains("snowferry"), "the service has a name");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_a_file_is_one_trace_with_what_it_compares_and_how_it_failed() {
    let world = World::start().await;
    world.set_deals(&deals(100));
    for (rest, code) in [
        (format!("{DEALS}verify: {{ every: 24h }}\n"), None),
        (DEALS.replace("key: [ID]", "key: [MISSING]"), Some("unknown_column")),
    ] {
        let collector = Collector::start().await;
        let path = world.sync(&rest);
        let mut command = world.command(&["run", "-f", path.to_str().unwrap()]);
        let ended = command.env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url).output().await.unwrap();
        assert_eq!(ended.status.success(), code.is_none());
        let spans = collector.spans();
        let roots: Vec<&Span> = spans.iter().filter(|span| span.parent_span_id.is_empty()).collect();
        let names: Vec<&str> = roots.iter().map(|span| span.name.as_str()).collect();
        assert_eq!(names, ["run"], "{rest}");
        assert_eq!(text(roots[0], "error.code").as_deref(), code);
        let run = named(&spans, "attempt").iter().map(|span| span.end_time_unix_nano).max().unwrap();
        let is_later = |span: &&Span| span.start_time_unix_nano > run;
        let compared = named(&spans, "statement").into_iter().filter(is_later).count();
        assert_eq!(compared > 0, code.is_none(), "{compared} statements after the attempt");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_fails_no_run_and_one_of_another_protocol_is_refused() {
    let world = World::start().await;
    let path = world.sync(DEALS);
    world.set_deals(&deals(100));
    let run = async |name: &str, value: &str| {
        let mut command = world.command(&["run", "-f", path.to_str().unwrap()]);
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9").env(name, value);
        crate::world::Ended::from(command.output().await.unwrap())
    };
    run("OTEL_SERVICE_NAME", "bridge").await.succeeded();
    world.assert_landed(&deals(100), "without a collector");
    let refused = run("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc").await;
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("traces_unusable") && refused.stderr.contains("4318"),
        "{}",
        refused.stderr
    );
    run("OTEL_SDK_DISABLED", "true").await.succeeded();
}
