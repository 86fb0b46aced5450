//! What a client sends to run a statement.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::sql::Binding;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct QueryRequest {
    pub sql_text: String,
    pub async_exec: bool,
    pub describe_only: bool,
    bindings: Option<BTreeMap<String, WireBinding>>,
    pub bind_stage: Option<String>,
    parameters: Option<BTreeMap<String, Value>>,
}

#[derive(Deserialize)]
struct WireBinding {
    #[serde(rename = "type")]
    ty: String,
    #[serde(default)]
    value: Value,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct AbortRequest {
    pub request_id: String,
}

impl QueryRequest {
    pub(super) fn bindings(&mut self) -> BTreeMap<String, Binding> {
        let bindings = self.bindings.take().unwrap_or_default();
        bindings.into_iter().map(|(name, binding)| (name, binding.into())).collect()
    }

    /// Parameters for this statement, under upper-case names.
    pub(super) fn parameters(&mut self) -> BTreeMap<String, Value> {
        let parameters = self.parameters.take().unwrap_or_default();
        parameters.into_iter().map(|(name, value)| (name.to_uppercase(), value)).collect()
    }
}

impl From<WireBinding> for Binding {
    fn from(binding: WireBinding) -> Self {
        let is_array = binding.value.is_array();
        let values = match binding.value {
            Value::Array(values) => values.into_iter().map(text).collect(),
            value => vec![text(value)],
        };
        Binding { ty: binding.ty.to_uppercase(), values, is_array }
    }
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binding_is_one_value_or_a_column_of_them() {
        let body = r#"{"sqlText":"x","bindings":{
            "1":{"type":"fixed","value":"42"},
            "2":{"type":"TEXT","value":["a",null]},
            "3":{"type":"TEXT","value":null}}}"#;
        let bindings = serde_json::from_str::<QueryRequest>(body).unwrap().bindings();
        let one = Binding { ty: "FIXED".to_owned(), values: vec![Some("42".to_owned())], is_array: false };
        assert_eq!(bindings["1"], one);
        assert_eq!(bindings["2"].values, [Some("a".to_owned()), None]);
        assert!(bindings["2"].is_array);
        assert_eq!(bindings["3"].values, [None]);
    }

    #[test]
    fn a_body_of_nothing_but_text_is_enough() {
        let mut request: QueryRequest = serde_json::from_str(r#"{"sqlText":"select 1"}"#).unwrap();
        assert!(request.bindings().is_empty() && request.parameters().is_empty() && !request.async_exec);
    }
}
