//! `snowferry errors`: the catalogue, without a network and without a sync file.

use std::process::Command;

fn errors(arguments: &[&str]) -> (Option<i32>, String, String) {
    let program =
        Command::new(env!("CARGO_BIN_EXE_snowferry")).arg("errors").args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (program.status.code(), text(program.stdout), text(program.stderr))
}

#[test]
fn a_code_is_explained_with_owner_and_remedy() {
    let (code, page, _) = errors(&["grant_missing"]);
    assert_eq!(code, Some(0));
    for expected in ["# grant_missing", "* owner: customer", "* retried: no", "## What to do", "GRANT"] {
        assert!(page.contains(expected), "no `{expected}` in {page}");
    }
    let (_, json, _) = errors(&["snowflake_throttled", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["owner"], &json["is_retried"]), (&"snowflake".into(), &true.into()));
}

#[test]
fn snowflakes_own_codes_are_explained_too() {
    for (code, lifted, owner) in [
        ("390144", "snowflake_auth", "customer"),
        ("000606", "snowflake_config", "customer"),
        ("606", "snowflake_config", "customer"),
        ("003001", "snowflake_permission", "customer"),
        ("390112", "snowflake_session_expired", "snowflake"),
    ] {
        let (exit, page, said) = errors(&[code]);
        assert_eq!(exit, Some(0), "{said}");
        assert!(page.contains(lifted) && page.contains(&format!("* owner: {owner}")), "{code}: {page}");
    }
}

#[test]
fn a_code_that_there_is_none_of_is_not_explained() {
    for code in ["", "0", "no-such-error", "999999", "../../etc/passwd"] {
        let (exit, shown, said) = errors(&[code]);
        assert_eq!((exit, shown.as_str()), (Some(6), ""), "{code}");
        assert!(said.contains("error_unknown") && said.contains("to do: "), "{code}: {said}");
    }
    assert!(errors(&["missing grant"]).2.contains("grant_missing"));
}

#[test]
fn all_codes_are_listed_with_who_acts() {
    let (code, list, _) = errors(&[]);
    assert_eq!(code, Some(0));
    assert!(list.contains("schedule_zone") && list.contains("operator"), "{list}");
}
