//! What `deploy/` says of the program is so: its flags, its variables, its port, and the same user and paths everywhere.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Variables that no flag stands for.
const OTHER_VARIABLES: [&str; 2] = ["SNOWFERRY_MASTER_KEY", "SNOWFERRY_LOG_FORMAT"];

fn read(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy");
    std::fs::read_to_string(folder.join(name)).unwrap()
}

/// The objects of a manifest.
fn objects(name: &str) -> Vec<Value> {
    read(name).split("\n---\n").map(|text| serde_saphyr::from_str(text).unwrap()).collect()
}

fn manifests() -> Vec<Value> {
    ["kubernetes/snowferry.yaml", "kubernetes/apply.yaml"].into_iter().flat_map(objects).collect()
}

/// The templates of pods, of which each has one container.
fn pods() -> Vec<Value> {
    let pods = manifests().into_iter().map(|object| object["spec"]["template"]["spec"].clone());
    pods.filter(|pod| !pod.is_null()).collect()
}

/// What follows a word at the beginning of a line.
fn after<'a>(text: &'a str, word: &str) -> &'a str {
    text.lines().find_map(|line| line.strip_prefix(word)).unwrap_or_else(|| panic!("no {word}")).trim()
}

/// The help of a command line, which has to be one that the program takes.
fn help(arguments: &[&str]) -> String {
    let output = Command::new(PathBuf::from(env!("CARGO_BIN_EXE_snowferry")))
        .args(arguments)
        .arg("--help")
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{arguments:?}: {told}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_command_line_is_one_that_the_program_takes() {
    let unit = read("snowferry.service");
    let (_, arguments) = after(&unit, "ExecStart=").split_once(' ').unwrap();
    help(&arguments.split(' ').collect::<Vec<_>>());
    let docker: Vec<String> = serde_json::from_str(after(&read("Dockerfile"), "CMD ")).unwrap();
    help(&docker.iter().map(String::as_str).collect::<Vec<_>>());
    for pod in pods() {
        let arguments = pod["containers"][0]["args"].as_array().unwrap().clone();
        help(&arguments.iter().map(|argument| argument.as_str().unwrap()).collect::<Vec<_>>());
    }
}

#[test]
fn every_variable_is_one_that_the_program_reads() {
    let known = [help(&["serve"]), help(&["apply"])].concat();
    // The help breaks its lines where it likes.
    let known = known.split_whitespace().collect::<Vec<_>>().join(" ");
    let manifests = [read("kubernetes/snowferry.yaml"), read("kubernetes/apply.yaml")].concat();
    let all = [read("snowferry.service"), read("Dockerfile"), manifests].concat();
    let names = all.split(|c: char| !c.is_ascii_uppercase() && c != '_');
    let names: Vec<&str> = names.filter(|name| name.starts_with("SNOWFERRY_")).collect();
    assert!(names.len() > 5, "{names:?}");
    for name in names {
        let is_flags = known.contains(&format!("[env: {name}=")) || known.contains(&format!("[env: {name}]"));
        assert!(is_flags || OTHER_VARIABLES.contains(&name), "{name}");
    }
}

#[test]
fn program_user_and_port_are_the_same_everywhere() {
    let (unit, docker) = (read("snowferry.service"), read("Dockerfile"));
    let program = after(&unit, "ExecStart=").split(' ').next().unwrap();
    assert!(docker.contains(&format!("/target/release/snowferry {program}\n")), "{program}");
    let port: u64 = after(&docker, "EXPOSE ").parse().unwrap();
    assert!(docker.contains(&format!("SNOWFERRY_LISTEN=0.0.0.0:{port} ")));
    let (user, group) = after(&docker, "USER ").split_once(':').unwrap();
    assert!(docker.contains(&format!("--gid {group} snowferry")));
    assert!(docker.contains(&format!("useradd --system --uid {user} --gid {group} ")));
    for pod in pods() {
        let context = &pod["securityContext"];
        assert_eq!(context["runAsUser"].to_string(), user);
        for name in ["runAsGroup", "fsGroup"] {
            assert!(context[name].is_null() || context[name].as_u64() == group.parse().ok(), "{name}");
        }
    }
    let [service, set] = &objects("kubernetes/snowferry.yaml")[..] else { panic!("two objects") };
    assert_eq!(service["spec"]["ports"][0]["port"], port);
    let container = &set["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["ports"][0]["containerPort"], port);
    assert_eq!(set["spec"]["template"]["metadata"]["annotations"]["prometheus.io/port"], port.to_string());
    for (probe, path) in [("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")] {
        assert_eq!(container[probe]["httpGet"]["path"], path);
    }
    let mount = &container["volumeMounts"][0];
    assert!(docker.contains(&format!("\nWORKDIR {}\n", mount["mountPath"].as_str().unwrap())));
}

#[test]
fn whoever_stops_the_program_waits_for_its_runs() {
    let patience = help(&["serve"]);
    let (_, patience) = patience.split_once("--stop-patience").unwrap();
    let (_, patience) = patience.split_once("[default: ").unwrap();
    let patience: u64 = patience.split(']').next().unwrap().parse().unwrap();
    let unit: u64 = after(&read("snowferry.service"), "TimeoutStopSec=").parse().unwrap();
    let set = objects("kubernetes/snowferry.yaml").remove(1);
    let pod = set["spec"]["template"]["spec"]["terminationGracePeriodSeconds"].as_u64().unwrap();
    assert!(unit > patience && pod > patience, "{patience}, {unit}, {pod}");
}
