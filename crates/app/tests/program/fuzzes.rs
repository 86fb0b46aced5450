//! The API under requests that another program makes up from its document.

use std::process::Command;

use crate::fleet::Fleet;
use crate::http::request;
use crate::schemas::python;
use crate::world::DEALS;

/// Requests that are made up for each operation. The environment variable asks for more.
const EXAMPLES: &str = "15";
const EXAMPLES_VARIABLE: &str = "SNOWFERRY_FUZZ_EXAMPLES";

#[tokio::test(flavor = "multi_thread")]
async fn no_request_breaks_the_api_or_shows_another_tenant() {
    let Some(python) = python() else { return };
    let fleet = Fleet::start().await;
    fleet.file("acme", "deals", DEALS);
    fleet.file("canary-tenant", "canary-sync", DEALS);
    fleet.apply().await;
    let process = fleet.serve(&[]).await;
    let admin = fleet.program(&["token", "create", "a", "--role", "admin"]).await.succeeded().stdout;
    let scoped = ["token", "create", "b", "--role", "operator", "--tenant", "acme"];
    let scoped = fleet.program(&scoped).await.succeeded().stdout;
    for token in [admin, scoped.clone()] {
        let output = fuzz(&python, process.address(), token.trim());
        let shown = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{shown}{}", String::from_utf8_lossy(&output.stderr));
        if token == scoped {
            assert!(!shown.contains("canary-sync"), "another tenant shows: {shown}");
        }
    }
    assert_eq!(request(process.address(), "GET /healthz", &[], "").await.status, 200);
    assert_eq!(process.stop().await, Some(0));
}

fn fuzz(python: &std::path::Path, address: &str, token: &str) -> std::process::Output {
    let examples = std::env::var(EXAMPLES_VARIABLE).unwrap_or_else(|_| EXAMPLES.to_owned());
    let document = format!("http://{address}/v1/openapi.json");
    let authorization = format!("Authorization: Bearer {token}");
    let checks =
        "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
    // It keeps notes of what it has tried where it is started.
    let notes = tempfile::tempdir().unwrap();
    let mut command = Command::new(python.with_file_name("schemathesis"));
    command.current_dir(notes.path());
    command.args(["run", &document, "-H", &authorization, "-c", checks, "-n", &examples]);
    // As many requests as the limit of a token lets through.
    command.args(["--rate-limit", "40/s", "--phases", "examples,coverage,fuzzing", "--no-color"]);
    command.output().unwrap()
}
