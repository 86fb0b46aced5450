//! Session parameters: which there are, what they default to, and what a session has set.

use std::collections::BTreeMap;

use serde_json::Value;

use super::error::{error, unsupported};
use crate::outcome::SqlError;

/// A parameter that clients are told at log-in and SHOW PARAMETERS lists.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    pub name: String,
    pub value: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Number,
    Boolean,
}

use Kind::{Boolean, Number, Text};

/// Every parameter a session has, with its type and Snowflake's default.
const DEFAULTS: [(&str, Kind, &str); 50] = [
    ("ABORT_DETACHED_QUERY", Boolean, "false"),
    ("AUTOCOMMIT", Boolean, "true"),
    ("BINARY_INPUT_FORMAT", Text, "HEX"),
    ("BINARY_OUTPUT_FORMAT", Text, "HEX"),
    ("CLIENT_MEMORY_LIMIT", Number, "1536"),
    ("CLIENT_METADATA_REQUEST_USE_CONNECTION_CTX", Boolean, "false"),
    ("CLIENT_PREFETCH_THREADS", Number, "4"),
    ("CLIENT_RESULT_CHUNK_SIZE", Number, "160"),
    ("CLIENT_RESULT_COLUMN_CASE_INSENSITIVE", Boolean, "false"),
    ("CLIENT_SESSION_CLONE", Boolean, "false"),
    ("CLIENT_SESSION_KEEP_ALIVE", Boolean, "false"),
    ("CLIENT_SESSION_KEEP_ALIVE_HEARTBEAT_FREQUENCY", Number, "3600"),
    ("CLIENT_STAGE_ARRAY_BINDING_THRESHOLD", Number, "0"),
    ("CLIENT_TELEMETRY_ENABLED", Boolean, "false"),
    ("CLIENT_TIMESTAMP_TYPE_MAPPING", Text, "TIMESTAMP_LTZ"),
    ("DATE_INPUT_FORMAT", Text, "AUTO"),
    ("DATE_OUTPUT_FORMAT", Text, "YYYY-MM-DD"),
    ("ERROR_ON_NONDETERMINISTIC_MERGE", Boolean, "true"),
    ("ERROR_ON_NONDETERMINISTIC_UPDATE", Boolean, "false"),
    ("GEOGRAPHY_OUTPUT_FORMAT", Text, "GeoJSON"),
    ("GEOMETRY_OUTPUT_FORMAT", Text, "GeoJSON"),
    ("GO_QUERY_RESULT_FORMAT", Text, "ARROW"),
    ("JDBC_QUERY_RESULT_FORMAT", Text, "ARROW"),
    ("JSON_INDENT", Number, "2"),
    ("LOCK_TIMEOUT", Number, "43200"),
    ("MULTI_STATEMENT_COUNT", Number, "1"),
    ("ODBC_QUERY_RESULT_FORMAT", Text, "ARROW"),
    ("PYTHON_CONNECTOR_QUERY_RESULT_FORMAT", Text, "ARROW"),
    ("QUERY_CONTEXT_CACHE_SIZE", Number, "5"),
    ("QUERY_TAG", Text, ""),
    ("QUOTED_IDENTIFIERS_IGNORE_CASE", Boolean, "false"),
    ("ROWS_PER_RESULTSET", Number, "0"),
    ("SERVICE_NAME", Text, ""),
    ("STATEMENT_QUEUED_TIMEOUT_IN_SECONDS", Number, "0"),
    ("STATEMENT_TIMEOUT_IN_SECONDS", Number, "172800"),
    ("TIMESTAMP_DAY_IS_ALWAYS_24H", Boolean, "false"),
    ("TIMESTAMP_INPUT_FORMAT", Text, "AUTO"),
    ("TIMESTAMP_LTZ_OUTPUT_FORMAT", Text, ""),
    ("TIMESTAMP_NTZ_OUTPUT_FORMAT", Text, "YYYY-MM-DD HH24:MI:SS.FF3"),
    ("TIMESTAMP_OUTPUT_FORMAT", Text, "YYYY-MM-DD HH24:MI:SS.FF3 TZHTZM"),
    ("TIMESTAMP_TYPE_MAPPING", Text, "TIMESTAMP_NTZ"),
    ("TIMESTAMP_TZ_OUTPUT_FORMAT", Text, ""),
    ("TIMEZONE", Text, "America/Los_Angeles"),
    ("TIME_INPUT_FORMAT", Text, "AUTO"),
    ("TIME_OUTPUT_FORMAT", Text, "HH24:MI:SS"),
    ("TRANSACTION_ABORT_ON_ERROR", Boolean, "false"),
    ("TWO_DIGIT_CENTURY_START", Number, "1970"),
    ("USE_CACHED_RESULT", Boolean, "true"),
    ("WEEK_OF_YEAR_POLICY", Number, "0"),
    ("WEEK_START", Number, "0"),
];

/// Parameters whose other values would change results in ways the emulator does not follow.
const ONLY: [(&str, &str); 4] = [
    ("QUOTED_IDENTIFIERS_IGNORE_CASE", "false"),
    ("WEEK_OF_YEAR_POLICY", "0"),
    ("BINARY_INPUT_FORMAT", "HEX"),
    ("TIMESTAMP_DAY_IS_ALWAYS_24H", "false"),
];

/// What a session has set, over the defaults.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parameters {
    set: BTreeMap<String, String>,
}

fn known(name: &str) -> Option<&'static (&'static str, Kind, &'static str)> {
    DEFAULTS.iter().find(|(known, ..)| *known == name)
}

fn invalid(name: &str) -> SqlError {
    error("001006", "42000", format!("SQL compilation error:\ninvalid parameter '{name}'"))
}

impl Parameters {
    pub(crate) fn text(&self, name: &str) -> String {
        self.set
            .get(name)
            .cloned()
            .unwrap_or_else(|| known(name).map_or_else(String::new, |(_, _, default)| (*default).to_owned()))
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.text(name) == "true"
    }

    /// Sets a parameter after checking its value; gives the value as it is stored. Parameters that only some clients
    /// know (they start with a client's name) are taken as they are.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<String, SqlError> {
        let name = name.to_uppercase();
        let stored = match known(&name).map(|(_, kind, _)| *kind) {
            Some(Boolean) => match value.to_lowercase().as_str() {
                "true" | "1" | "on" => "true".to_owned(),
                "false" | "0" | "off" => "false".to_owned(),
                _ => return Err(invalid_value(&name, value)),
            },
            Some(Number) if value.parse::<i64>().is_err() => return Err(invalid_value(&name, value)),
            _ => value.to_owned(),
        };
        if name == "TIMEZONE" && jiff::tz::TimeZone::get(&stored).is_err() {
            return Err(invalid_value(&name, value));
        }
        if let Some((_, only)) = ONLY.iter().find(|(only, _)| *only == name)
            && !only.eq_ignore_ascii_case(&stored)
        {
            return Err(unsupported(format!("{name} = {stored}")));
        }
        self.set.insert(name, stored.clone());
        Ok(stored)
    }

    /// Like [`Parameters::set`], where the statement names a parameter that must exist.
    pub(crate) fn alter(&mut self, name: &str, value: &str) -> Result<String, SqlError> {
        let is_client_own = ["CLIENT_", "PYTHON_", "JDBC_", "GO_", "ODBC_", "JS_", "NODEJS_", "ENABLE_"];
        if known(name).is_none() && !is_client_own.iter().any(|prefix| name.starts_with(prefix)) {
            return Err(invalid(name));
        }
        self.set(name, value)
    }

    pub(crate) fn unset(&mut self, name: &str) -> String {
        self.set.remove(name);
        self.text(name)
    }

    /// Every parameter with its value, as clients are told.
    pub(crate) fn all(&self) -> Vec<Parameter> {
        let mut all: BTreeMap<&str, Value> = BTreeMap::new();
        for (name, kind, _) in &DEFAULTS {
            all.insert(name, typed(*kind, &self.text(name)));
        }
        for (name, value) in &self.set {
            all.entry(name).or_insert_with(|| Value::String(value.clone()));
        }
        all.into_iter().map(|(name, value)| Parameter { name: name.to_owned(), value }).collect()
    }

    /// Rows of SHOW PARAMETERS: key, value, default, level.
    pub(crate) fn rows(&self) -> Vec<[String; 4]> {
        let row = |(name, _, default): &(&str, Kind, &str)| {
            let level = if self.set.contains_key(*name) { "SESSION" } else { "" };
            [(*name).to_owned(), self.text(name), (*default).to_owned(), level.to_owned()]
        };
        DEFAULTS.iter().map(row).collect()
    }
}

fn invalid_value(name: &str, value: &str) -> SqlError {
    error(
        "001008",
        "22023",
        format!("SQL compilation error:\ninvalid value [{value}] for parameter '{name}'"),
    )
}

fn typed(kind: Kind, value: &str) -> Value {
    match kind {
        Text => Value::String(value.to_owned()),
        Number => value.parse::<i64>().map_or(Value::Null, Value::from),
        Boolean => Value::Bool(value == "true"),
    }
}

#[cfg(test)]
mod tests {
    use super::Parameters;

    #[test]
    fn a_time_zone_that_does_not_exist_is_refused() {
        let mut parameters = Parameters::default();
        assert_eq!(parameters.set("TIMEZONE", "Mars/Olympus").unwrap_err().code, "001008");
        parameters.set("timezone", "Europe/Berlin").unwrap();
        assert_eq!(parameters.text("TIMEZONE"), "Europe/Berlin");
    }

    #[test]
    fn unset_goes_back_to_the_default() {
        let mut parameters = Parameters::default();
        parameters.alter("AUTOCOMMIT", "FALSE").unwrap();
        assert!(!parameters.flag("AUTOCOMMIT"));
        assert_eq!(parameters.unset("AUTOCOMMIT"), "true");
    }

    #[test]
    fn clients_are_told_numbers_and_flags_as_such() {
        let all = Parameters::default().all();
        let threads = all.iter().find(|parameter| parameter.name == "CLIENT_PREFETCH_THREADS").unwrap();
        assert_eq!(threads.value, serde_json::json!(4));
    }
}
