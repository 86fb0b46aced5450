//! The API's description of itself.

use std::collections::BTreeSet;

use serde_json::Value;
use service::openapi;

#[test]
fn every_operation_has_an_id_of_its_own_a_text_and_the_problems_that_it_may_answer() {
    let document = openapi();
    assert_eq!(document["openapi"], "3.1.0");
    let mut ids = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        assert!(path.starts_with("/v1/"), "{path}");
        for (method, operation) in operations.as_object().unwrap() {
            let responses = operation["responses"].as_object().unwrap();
            for status in ["401", "403", "404", "429", "503"] {
                assert!(responses.contains_key(status), "{method} {path}: {status}");
            }
            let text = operation["summary"].as_str().or(operation["description"].as_str());
            assert!(text.is_some_and(|text| !text.is_empty()), "{method} {path}");
            ids.insert(format!("{path} {method}"));
        }
    }
    assert!(ids.len() >= 20, "{ids:?}");
    references_lead_somewhere(&document, &document);
}

fn references_lead_somewhere(document: &Value, part: &Value) {
    match part {
        Value::Object(fields) => {
            if let Some(reference) = fields.get("$ref").and_then(Value::as_str) {
                let pointer = reference.strip_prefix('#').unwrap();
                assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
            }
            fields.values().for_each(|field| references_lead_somewhere(document, field));
        }
        Value::Array(items) => items.iter().for_each(|item| references_lead_somewhere(document, item)),
        _ => {}
    }
}
