//! Session parameters: Snowflake's defaults, what the log-in set, what statements changed.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::ClientFamily;
use crate::encode::Format;
use crate::sql::Parameter;

/// How the parameters end by which clients choose their result format.
const FORMAT_SUFFIX: &str = "QUERY_RESULT_FORMAT";

/// The parameters of one session by upper-case name.
#[derive(Clone, Debug)]
pub(crate) struct Parameters {
    values: BTreeMap<String, Value>,
}

/// Every parameter that replies repeat, with its default.
fn defaults() -> BTreeMap<String, Value> {
    let list = json!({
        "AUTOCOMMIT": true,
        "BINARY_OUTPUT_FORMAT": "HEX",
        "CLIENT_CONSENT_CACHE_ID_TOKEN": false,
        "CLIENT_DISABLE_INCIDENTS": true,
        "CLIENT_ENABLE_LOG_INFO_STATEMENT_PARAMETERS": false,
        "CLIENT_FORCE_PROTECT_ID_TOKEN": true,
        "CLIENT_HONOR_CLIENT_TZ_FOR_TIMESTAMP_NTZ": true,
        "CLIENT_MEMORY_LIMIT": 1536,
        "CLIENT_METADATA_REQUEST_USE_CONNECTION_CTX": false,
        "CLIENT_METADATA_USE_SESSION_DATABASE": false,
        "CLIENT_OUT_OF_BAND_TELEMETRY_ENABLED": false,
        "CLIENT_PREFETCH_THREADS": 4,
        "CLIENT_RESULT_CHUNK_SIZE": 160,
        "CLIENT_RESULT_COLUMN_CASE_INSENSITIVE": false,
        "CLIENT_RESULT_PREFETCH_SLOTS": 2,
        "CLIENT_RESULT_PREFETCH_THREADS": 1,
        "CLIENT_SESSION_CLONE": false,
        "CLIENT_SESSION_KEEP_ALIVE": false,
        "CLIENT_SESSION_KEEP_ALIVE_HEARTBEAT_FREQUENCY": 3600,
        // Snowflake's default is 65280; zero keeps drivers from uploading binds to a Snowflake stage.
        "CLIENT_STAGE_ARRAY_BINDING_THRESHOLD": 0,
        "CLIENT_TELEMETRY_ENABLED": false,
        "CLIENT_TELEMETRY_SESSIONLESS_ENABLED": false,
        "CLIENT_TIMESTAMP_TYPE_MAPPING": "TIMESTAMP_LTZ",
        "CLIENT_USE_V1_QUERY_API": true,
        "CSV_TIMESTAMP_FORMAT": "",
        "DATE_OUTPUT_FORMAT": "YYYY-MM-DD",
        "ENABLE_STAGE_S3_PRIVATELINK_FOR_US_EAST_1": false,
        "JS_DRIVER_DISABLE_OCSP_FOR_NON_SF_ENDPOINTS": false,
        "JS_TREAT_INTEGER_AS_BIGINT": false,
        "QUERY_CONTEXT_CACHE_SIZE": 5,
        "SERVICE_NAME": "",
        "TIMESTAMP_LTZ_OUTPUT_FORMAT": "",
        "TIMESTAMP_NTZ_OUTPUT_FORMAT": "YYYY-MM-DD HH24:MI:SS.FF3",
        "TIMESTAMP_OUTPUT_FORMAT": "YYYY-MM-DD HH24:MI:SS.FF3 TZHTZM",
        "TIMESTAMP_TZ_OUTPUT_FORMAT": "",
        "TIMEZONE": "America/Los_Angeles",
        "TIME_OUTPUT_FORMAT": "HH24:MI:SS",
    });
    match list {
        Value::Object(list) => list.into_iter().collect(),
        _ => unreachable!("the list above is an object"),
    }
}

/// Parameters that only some families see.
fn family_defaults(family: ClientFamily) -> Vec<(&'static str, Value)> {
    let mut list: Vec<(&'static str, Value)> = match family {
        ClientFamily::Python => vec![
            ("ENABLE_ASYNC_QUERY_IN_PYTHON_STORED_PROCS", json!(false)),
            ("ENABLE_MULTI_STMT_QUERY_IN_PYTHON_STORED_PROCS", json!(false)),
            ("PYTHON_CONNECTOR_USE_NANOARROW", json!(true)),
            ("PYTHON_SNOWPARK_USE_SCOPED_TEMP_OBJECTS", json!(true)),
            ("PYTHON_SNOWPARK_USE_SQL_SIMPLIFIER", json!(true)),
            ("SNOWPARK_REQUEST_TIMEOUT_IN_SECONDS", json!(86400)),
        ],
        _ => Vec::new(),
    };
    list.extend(family.format_parameter().map(|name| (name, json!("ARROW"))));
    list
}

impl Parameters {
    /// The defaults, changed by what a client sent at log-in.
    pub(crate) fn at_login(given: &BTreeMap<String, String>) -> Self {
        let mut parameters = Self { values: defaults() };
        for (name, value) in given {
            parameters.set(name, Value::String(value.clone()));
        }
        parameters
    }

    /// Takes over the SQL session's own view, which wins. Its defaults of the result formats are not taken for choices
    /// of the client.
    pub(crate) fn overlay(&mut self, view: &[Parameter]) {
        for parameter in view.iter().filter(|parameter| !parameter.name.ends_with(FORMAT_SUFFIX)) {
            self.set(&parameter.name, parameter.value.clone());
        }
    }

    /// Takes over what a statement changed.
    pub(crate) fn change(&mut self, changed: &[(String, String)]) {
        for (name, value) in changed {
            self.set(&name.to_uppercase(), Value::String(value.clone()));
        }
    }

    /// These parameters with those of one statement on top.
    pub(crate) fn for_statement(&self, given: &BTreeMap<String, Value>) -> Self {
        let mut parameters = self.clone();
        for (name, value) in given {
            parameters.set(&name.to_uppercase(), value.clone());
        }
        parameters
    }

    /// Keeps the JSON type that the parameter has in Snowflake's replies.
    fn set(&mut self, name: &str, value: Value) {
        let value = match (self.values.get(name), &value) {
            (Some(Value::Bool(_)), Value::String(text)) => Value::Bool(text.eq_ignore_ascii_case("true")),
            (Some(Value::Number(_)), Value::String(text)) => {
                text.parse::<i64>().map_or_else(|_| value.clone(), Value::from)
            }
            _ => value,
        };
        self.values.insert(name.to_owned(), value);
    }

    /// As text, whatever JSON type the value has.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        match self.values.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Null => None,
            other => Some(other.to_string()),
        }
    }

    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.text(name)?.parse().ok()
    }

    pub(crate) fn is_on(&self, name: &str, default: bool) -> bool {
        self.text(name).map_or(default, |text| text.eq_ignore_ascii_case("true"))
    }

    /// The list that log-in and query replies carry.
    pub(crate) fn shown(&self, family: ClientFamily) -> Vec<Value> {
        let mut shown: BTreeMap<String, Value> = defaults();
        shown.extend(family_defaults(family).into_iter().map(|(name, value)| (name.to_owned(), value)));
        for (name, value) in &mut shown {
            if let Some(set) = self.values.get(name) {
                *value = set.clone();
            }
        }
        shown.into_iter().map(|(name, value)| json!({ "name": name, "value": value })).collect()
    }

    /// The format in which this client gets the rows of a SELECT.
    pub(crate) fn result_format(&self, family: ClientFamily) -> Format {
        let generic = self.text("QUERY_RESULT_FORMAT");
        let chosen = match (family, family.format_parameter()) {
            (ClientFamily::JavaScript, _) => return Format::Json,
            (_, Some(name)) => self.text(name).or(generic).unwrap_or_else(|| "ARROW".to_owned()),
            // An unknown client gets Arrow only if it asked for it, under whichever family's name.
            (_, None) => {
                let asks = |name: &&String| name.ends_with(FORMAT_SUFFIX);
                let asked = self.values.keys().find(asks).and_then(|name| self.text(name));
                asked.unwrap_or_else(|| "JSON".to_owned())
            }
        };
        if chosen.to_ascii_uppercase().starts_with("ARROW") { Format::Arrow } else { Format::Json }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_login(given: &[(&str, &str)]) -> Parameters {
        let given = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Parameters::at_login(&given)
    }

    #[test]
    fn a_parameter_keeps_its_json_type() {
        let parameters =
            at_login(&[("AUTOCOMMIT", "false"), ("CLIENT_PREFETCH_THREADS", "8"), ("TIMEZONE", "UTC")]);
        let shown = parameters.shown(ClientFamily::Go);
        assert!(shown.contains(&json!({ "name": "AUTOCOMMIT", "value": false })));
        assert!(shown.contains(&json!({ "name": "CLIENT_PREFETCH_THREADS", "value": 8 })));
        assert!(shown.contains(&json!({ "name": "TIMEZONE", "value": "UTC" })));
    }

    #[test]
    fn known_families_get_arrow_unless_they_ask_for_json() {
        let default = at_login(&[]);
        assert_eq!(default.result_format(ClientFamily::Python), Format::Arrow);
        assert_eq!(default.result_format(ClientFamily::JavaScript), Format::Json);
        assert_eq!(default.result_format(ClientFamily::Unknown), Format::Json);
        let json = at_login(&[("GO_QUERY_RESULT_FORMAT", "JSON")]);
        assert_eq!(json.result_format(ClientFamily::Go), Format::Json);
        assert_eq!(json.result_format(ClientFamily::Python), Format::Arrow);
    }

    #[test]
    fn a_default_format_is_not_a_choice_and_a_changed_one_is() {
        let name = "GO_QUERY_RESULT_FORMAT";
        let mut parameters = at_login(&[]);
        parameters.overlay(&[Parameter { name: name.to_owned(), value: json!("ARROW") }]);
        assert_eq!(parameters.result_format(ClientFamily::Unknown), Format::Json);
        parameters.change(&[(name.to_owned(), "ARROW".to_owned())]);
        assert_eq!(parameters.result_format(ClientFamily::Unknown), Format::Arrow);
        parameters.change(&[(name.to_owned(), "JSON".to_owned())]);
        assert_eq!(parameters.result_format(ClientFamily::Go), Format::Json);
    }

    #[test]
    fn an_unknown_client_gets_arrow_when_it_asks_under_any_name() {
        let asked = at_login(&[("PYTHON_CONNECTOR_QUERY_RESULT_FORMAT", "ARROW")]);
        assert_eq!(asked.result_format(ClientFamily::Unknown), Format::Arrow);
        assert_eq!(asked.result_format(ClientFamily::JavaScript), Format::Json);
    }
}
