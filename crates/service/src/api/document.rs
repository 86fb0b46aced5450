//! The API's own description, in OpenAPI 3.1: made from the handlers, with what is true of all of them put in once.

use serde_json::{Map, Value, json};

use super::problem::ProblemBody;
use super::routes;

/// What every request may be answered with beside its own answers.
const PROBLEMS: [(&str, &str); 10] = [
    ("400", "The request is not well-formed"),
    ("401", "The token is missing, wrong, expired or revoked"),
    ("403", "The token's role does not reach so far"),
    ("404", "There is no such thing, or it is another tenant's"),
    ("405", "This address does not take that method"),
    ("409", "It cannot be done in the state that this is in"),
    ("413", "The body is too long"),
    ("422", "What is asked for makes no sense"),
    ("429", "The token makes too many requests"),
    ("503", "The state database is away; ask again"),
];

/// The document that `/v1/openapi.json` answers with.
pub fn openapi() -> Value {
    let (_router, document) = routes().split_for_parts();
    let mut document = serde_json::to_value(document).unwrap_or_default();
    document["openapi"] = json!("3.1.0");
    document["info"] = json!({
        "title": "Snowferry",
        "version": env!("CARGO_PKG_VERSION"),
        "description": "Operates the syncs of a Snowferry service. docs/service.md is the operator's page.",
        "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
    });
    document["security"] = json!([{ "token": [] }]);
    document["components"]["securitySchemes"] = json!({
        "token": { "type": "http", "scheme": "bearer", "description": "Made by `snowferry token create`" },
    });
    document["components"]["schemas"]["Problem"] = problem();
    let responses: Map<String, Value> =
        PROBLEMS.iter().map(|(status, text)| (status.to_string(), answer(text))).collect();
    for operation in operations(&mut document) {
        if let Some(own) = operation["responses"].as_object_mut() {
            for (status, response) in &responses {
                own.entry(status.clone()).or_insert_with(|| response.clone());
            }
        }
    }
    document
}

fn problem() -> Value {
    let schema = <ProblemBody as utoipa::PartialSchema>::schema();
    serde_json::to_value(schema).unwrap_or_default()
}

fn answer(description: &str) -> Value {
    json!({
        "description": description,
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
    })
}

fn operations(document: &mut Value) -> impl Iterator<Item = &mut Value> {
    let paths = document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut);
    paths.filter_map(Value::as_object_mut).flat_map(|path| {
        path.iter_mut().filter(|(method, _)| method.as_str() != "parameters").map(|(_, operation)| operation)
    })
}
