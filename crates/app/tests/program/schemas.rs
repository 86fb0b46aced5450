//! The JSON Schema of sync files against the program: another library reads the one, the program the other.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::documents::{DOCUMENTS, examples};

/// Whether the schema takes each of the instances that come as one JSON list.
const JUDGE: &str = "
import json, sys, jsonschema_rs
schema = jsonschema_rs.validator_for(json.load(open(sys.argv[1])))
print(json.dumps([schema.is_valid(instance) for instance in json.load(sys.stdin)]))
";

/// What the program refuses by itself, written into a pull that it takes.
const MISTAKES: [(&str, &str); 18] = [
    ("read: { key: [ID] }", "read: { keys: [ID] }"),
    ("read: { key: [ID] }", "read: { ranges: 65 }"),
    ("read: { key: [ID] }", "read: { full_refresh: {}, incremental: { cursor: A } }"),
    ("read: { key: [ID] }", "read: { incremental: { lookback: 2h } }"),
    ("read: { key: [ID] }", "write: append"),
    ("read: { key: [ID] }", "drift: sometimes"),
    ("read: { key: [ID] }", "schedule: { cron: 0 2 * * * }"),
    ("read: { key: [ID] }", "schedule: { cron: 0 2 * * *, zone: UTC, overlap: both }"),
    ("read: { key: [ID] }", "verify: { heal: true }"),
    ("read: { key: [ID] }", "match: { won_stages: [Won] }"),
    ("read: { key: [ID] }", "match: { rules: [name] }"),
    ("read: { key: [ID] }", "late_after: soon"),
    ("password: { env: P }", "password: { vault: false }"),
    ("tenant: acme", "tenant: ../acme"),
    ("password: { env: P }", "password: P"),
    ("password: { env: P }", "password: { env: P }, access_token: { env: P }"),
    ("account: acme-prod, ", ""),
    ("duckdb: { path: data }", "clickhouse: { path: data }"),
];

const PULL: &str = "tenant: acme
source: { snowflake: { account: acme-prod, user: U, password: { env: P } } }
destination: { duckdb: { path: data } }
stream: CRM.SALES.DEALS
read: { key: [ID] }
";

#[test]
fn the_schema_takes_what_the_program_takes_and_refuses_what_it_refuses() {
    let Some(python) = python() else { return };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut cases: Vec<(String, bool)> = vec![(PULL.to_owned(), true)];
    for document in DOCUMENTS {
        let text = std::fs::read_to_string(root.join(document)).unwrap();
        cases.extend(examples(&text).into_iter().map(|example| (example, true)));
    }
    cases.extend(MISTAKES.map(|(right, wrong)| {
        assert!(PULL.contains(right), "{right}");
        (PULL.replace(right, wrong), false)
    }));
    assert!(cases.len() > MISTAKES.len() + 4, "some examples were found");
    let instances: Vec<Value> =
        cases.iter().map(|(text, _)| serde_saphyr::from_str(text).expect("YAML")).collect();
    let verdicts = judge(&python, &root.join("docs/sync-file.schema.json"), &json!(instances));
    let folder = tempfile::tempdir().unwrap();
    for ((text, is_good), verdict) in cases.iter().zip(verdicts.as_array().unwrap()) {
        assert_eq!(verdict, is_good, "the schema:\n{text}");
        assert_eq!(is_taken(folder.path(), text), *is_good, "the program:\n{text}");
    }
}

fn is_taken(folder: &Path, text: &str) -> bool {
    let path = folder.join("example.yaml");
    std::fs::write(&path, text).unwrap();
    let program = env!("CARGO_BIN_EXE_snowferry");
    let arguments = ["apply", "--dry-run", "-f", path.to_str().unwrap()];
    let mut command = Command::new(program);
    let state = format!("sqlite:{}", folder.join("state.db").display());
    command.args(arguments).env("SNOWFERRY_STORE", state).env("SNOWFERRY_MASTER_KEY", "A".repeat(43));
    for name in ["P", "SNOWFERRY_TEST_UNSET"] {
        command.env(name, "secret");
    }
    let output = command.output().unwrap();
    let refused = String::from_utf8(output.stderr).unwrap();
    // Examples name key files that are not there, and connections of files that are not stored.
    output.status.success()
        || ["secret_missing", "connection_config", "connection_not_storable"]
            .iter()
            .any(|code| refused.contains(code))
}

fn judge(python: &Path, schema: &Path, instances: &Value) -> Value {
    let mut command = Command::new(python);
    command.args(["-c", JUDGE]).arg(schema).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    serde_json::to_writer(child.stdin.take().unwrap(), instances).unwrap();
    let output = child.wait_with_output().unwrap();
    serde_json::from_slice(&output.stdout).expect("a list of verdicts")
}

/// Python with what judges the service; where it is missing the test is skipped, or fails if that is asked for.
pub(crate) fn python() -> Option<PathBuf> {
    let peers = std::env::var_os("SNOWFERRY_PEERS").map(PathBuf::from);
    let peers = peers.or_else(|| Some(std::env::home_dir()?.join(".cache").join("snowferry").join("peers")));
    let folder = peers.map(|peers| peers.join("service")).filter(|folder| folder.join("installed").exists());
    let is_required = std::env::var_os("SNOWFERRY_REQUIRE_PEERS").is_some_and(|value| value == "1");
    assert!(folder.is_some() || !is_required, "the peers of the service are not installed");
    if folder.is_none() {
        println!("skipped: the peers of the service are not installed; `cargo xtask test` installs them");
    }
    folder.map(|folder| folder.join("bin").join("python"))
}
