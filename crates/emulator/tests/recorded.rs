//! The emulator's replies against recorded replies of the real Snowflake, where the recording is at hand.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, RecordBatch, StructArray, new_null_array};
use arrow_schema::{DataType, Field, Fields, TimeUnit};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use emulator::outcome::{Column, DmlStats, Rows, SnowType};
use emulator::{CannedResult, RunningEmulator};
use serde_json::{Value, json};

use crate::client::{Client, Reply, arrow_batches, inline_batches, password, start, uuid};

/// The recording's folder, or nothing with a message.
fn recorded() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/recorded");
    let folder = std::env::var_os("SNOWFERRY_RECORDED").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    if folder.join("exchanges.jsonl").exists() {
        return Some(folder);
    }
    println!("skipped: no recorded traffic; set SNOWFERRY_RECORDED to its folder");
    None
}

fn exchanges(folder: &std::path::Path) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join("exchanges.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn keys(object: &Value) -> BTreeSet<&str> {
    object.as_object().map(|object| object.keys().map(String::as_str).collect()).unwrap_or_default()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

/// Same keys, and values of the same JSON types; null stands for any type.
fn assert_same_shape(at: &str, real: &Value, ours: &Value) {
    let kinds = (kind(real), kind(ours));
    if kinds.0 == "null" || kinds.1 == "null" {
        return;
    }
    assert_eq!(kinds.0, kinds.1, "{at}");
    if real.is_object() {
        assert_eq!(keys(real), keys(ours), "{at}");
        for key in keys(real) {
            assert_same_shape(&format!("{at}.{key}"), &real[key], &ours[key]);
        }
    }
    if let (Some(real), Some(ours)) = (real.as_array(), ours.as_array()) {
        for (index, (real, ours)) in real.iter().zip(ours).enumerate() {
            assert_same_shape(&format!("{at}[{index}]"), real, ours);
        }
    }
}

/// Every parameter of the real reply, with the same JSON type. Lists differ between versions, so ours may have more.
fn assert_parameters(at: &str, real: &Value, ours: &Value) {
    let named = |list: &Value, name: &Value| {
        list.as_array().into_iter().flatten().find(|parameter| parameter["name"] == *name).cloned()
    };
    for parameter in real.as_array().into_iter().flatten() {
        let ours = named(ours, &parameter["name"]);
        let ours = ours.unwrap_or_else(|| panic!("{at}: no parameter {}", parameter["name"]));
        assert_eq!(kind(&parameter["value"]), kind(&ours["value"]), "{at}: {}", parameter["name"]);
    }
}

fn without(mut reply: Value, keys: &[&str]) -> Value {
    if let Some(data) = reply["data"].as_object_mut() {
        for key in keys {
            data.remove(*key);
        }
    }
    reply
}

fn column(entry: &Value) -> Column {
    let number = |key: &str| entry[key].as_u64().unwrap_or_default();
    let scale = u8::try_from(number("scale")).unwrap();
    let length = u32::try_from(number("length")).unwrap();
    let ty = match entry["type"].as_str().unwrap() {
        "fixed" => SnowType::Fixed {
            precision: u8::try_from(number("precision")).unwrap(),
            scale: i8::try_from(scale).unwrap(),
        },
        "text" => SnowType::Text { length },
        "real" => SnowType::Real,
        "boolean" => SnowType::Boolean,
        "date" => SnowType::Date,
        "timestamp_ntz" => SnowType::TimestampNtz { scale },
        other => panic!("no column type for {other}"),
    };
    let mut column = Column::new(entry["name"].as_str().unwrap(), ty);
    column.nullable = entry["nullable"].as_bool().unwrap();
    let part = |key: &str| entry[key].as_str().unwrap().to_owned();
    column.origin = Some([part("database"), part("schema"), part("table")]);
    column
}

/// A result of the recorded columns and as many rows, all null.
fn canned(data: &Value) -> CannedResult {
    let columns: Vec<Column> = data["rowtype"].as_array().unwrap().iter().map(column).collect();
    let rows = usize::try_from(data["total"].as_u64().unwrap()).unwrap();
    let arrays: Vec<ArrayRef> =
        columns.iter().map(|column| new_null_array(&column.ty.canonical(), rows)).collect();
    let batch = RecordBatch::try_new(Rows::schema(&columns), arrays).unwrap();
    let statement_type_id = data["statementTypeId"].as_u64().unwrap();
    CannedResult {
        columns,
        batches: vec![batch],
        statement_type_id,
        is_json_forced: statement_type_id != 4096,
        stats: data.get("stats").map(|_| DmlStats::default()),
    }
}

async fn ours(emulator: &RunningEmulator, client: &Client, exchange: &Value) -> Reply {
    let real = &exchange["response"]["data"];
    let text = exchange["request"]["sqlText"].as_str().unwrap_or("insert into t values (1)");
    emulator.serve_canned(text, canned(real));
    let mut body = json!({ "sqlText": text, "describeOnly": false });
    if real["numberOfBinds"] == 1 {
        body["bindings"] = json!({ "1": { "type": "TEXT", "value": "x" } });
    }
    client.submit(&uuid(), body).await
}

#[tokio::test]
async fn replies_to_statements_have_the_keys_and_types_of_the_recorded_ones() {
    let Some(folder) = recorded() else { return };
    let emulator = start().await;
    let node = Client::logged_in_as(&emulator, "JavaScript", json!({})).await;
    let python = Client::logged_in_as(&emulator, "PythonConnector", json!({})).await;
    let mut compared = 0;
    for (number, exchange) in exchanges(&folder).iter().enumerate() {
        let real = &exchange["response"];
        let is_result = real["data"].get("rowtype").is_some();
        if !is_result {
            continue;
        }
        let client = if exchange["source"] == "A" { &node } else { &python };
        let reply = ours(&emulator, client, exchange).await;
        let at = format!("exchange {number}");
        assert_parameters(&at, &real["data"]["parameters"], &reply.data()["parameters"]);
        // The query context came to Snowflake after the older half of the recording.
        let ignored: &[&str] = match real["data"].get("queryContext") {
            Some(_) => &["parameters"],
            None => &["parameters", "queryContext"],
        };
        assert_same_shape(&at, &without(real.clone(), ignored), &without(reply.body.clone(), ignored));
        assert_eq!(real["data"]["rowtype"], reply.data()["rowtype"], "{at}");
        assert_eq!(real["data"]["queryResultFormat"], reply.data()["queryResultFormat"], "{at}");
        assert_eq!(real["data"]["version"], reply.data()["version"], "{at}");
        compared += 1;
    }
    assert!(compared > 60, "{compared}");
}

#[tokio::test]
async fn log_in_and_log_out_replies_have_the_keys_and_types_of_the_recorded_ones() {
    let Some(folder) = recorded() else { return };
    let emulator = start().await;
    let mut client = Client::new(&emulator);
    let mut data = password("snowferry", "snowferry");
    data["CLIENT_APP_ID"] = json!("JavaScript");
    let login = client.log_in(data).await;
    client.adopt(&login);
    let logout = client.post("/session/logout-request", json!({})).await;
    let exchanges = exchanges(&folder);
    let of =
        |path: &str| exchanges.iter().find(|exchange| exchange["path"].as_str().unwrap().starts_with(path));
    let real = &of("/session/v1/login-request").unwrap()["response"];
    assert_parameters("log-in", &real["data"]["parameters"], &login.data()["parameters"]);
    let ignored = ["parameters"];
    assert_same_shape("log-in", &without(real.clone(), &ignored), &without(login.body.clone(), &ignored));
    assert_eq!(of("/session/logout-request").unwrap()["response"], logout.body);
}

#[tokio::test]
async fn an_error_reply_has_the_keys_and_types_of_the_recorded_one() {
    let Some(folder) = recorded() else { return };
    let emulator = start().await;
    let client = Client::logged_in(&emulator).await;
    let reply = client.query("select 1; select 2").await;
    let exchanges = exchanges(&folder);
    let real = exchanges.iter().find(|exchange| exchange["response"]["success"] == false).unwrap();
    assert_same_shape("error", &real["response"], &reply.body);
}

#[tokio::test]
async fn arrow_columns_have_the_physical_types_metadata_and_values_of_the_recorded_ones() {
    let Some(folder) = recorded() else { return };
    let text = std::fs::read_to_string(folder.join("arrow_all_types.b64")).unwrap();
    let real = arrow_batches(&STANDARD.decode(text.trim()).unwrap()).remove(0);
    let schema = real.schema();
    let columns: Vec<Column> = schema.fields().iter().map(|field| recorded_column(field)).collect();
    let arrays = columns.iter().zip(real.columns()).map(|(column, array)| canonical(column, array)).collect();
    let batch = RecordBatch::try_new(Rows::schema(&columns), arrays).unwrap();
    let emulator = start().await;
    emulator.serve_result("select *", columns, vec![batch]);
    let client = Client::logged_in_as(&emulator, "PythonConnector", json!({})).await;
    let ours = inline_batches(&client.query("select *").await).remove(0);
    assert_eq!(ours.num_columns(), real.num_columns());
    for (index, field) in schema.fields().iter().enumerate() {
        let our_schema = ours.schema();
        let our_field = our_schema.field(index);
        assert_eq!(our_field.metadata(), field.metadata(), "{field}");
        assert_eq!(our_field.data_type(), field.data_type(), "{field}");
        assert_eq!(ours.column(index).to_data(), real.column(index).to_data(), "{field}");
    }
}

fn recorded_column(field: &Field) -> Column {
    let number = |key: &str| field.metadata()[key].parse::<u32>().unwrap();
    let scale = u8::try_from(number("scale")).unwrap();
    let ty = match field.metadata()["logicalType"].as_str() {
        "FIXED" => SnowType::Fixed {
            precision: u8::try_from(number("precision")).unwrap(),
            scale: i8::try_from(scale).unwrap(),
        },
        "TEXT" => SnowType::Text { length: number("charLength") },
        "BINARY" => SnowType::Binary { length: number("charLength") },
        "REAL" => SnowType::Real,
        "BOOLEAN" => SnowType::Boolean,
        "DATE" => SnowType::Date,
        "TIME" => SnowType::Time { scale },
        "TIMESTAMP_NTZ" => SnowType::TimestampNtz { scale },
        "TIMESTAMP_LTZ" => SnowType::TimestampLtz { scale },
        "TIMESTAMP_TZ" => SnowType::TimestampTz { scale },
        other => panic!("no column type for {other}"),
    };
    Column::new(field.name(), ty)
}

/// The recorded array in the emulator's canonical type.
fn canonical(column: &Column, array: &ArrayRef) -> ArrayRef {
    match column.ty {
        SnowType::Fixed { precision, scale } => {
            let wide = arrow_cast::cast(array, &DataType::Decimal128(38, 0)).unwrap();
            let wide = wide.as_primitive::<arrow_array::types::Decimal128Type>().clone();
            Arc::new(wide.with_precision_and_scale(precision, scale).unwrap())
        }
        SnowType::Time { .. } => arrow_cast::cast(array, &DataType::Time64(TimeUnit::Nanosecond)).unwrap(),
        SnowType::TimestampNtz { .. } | SnowType::TimestampLtz { .. } => {
            parts(array.as_struct(), &["epoch", "fraction"], array.as_struct().columns().to_vec())
        }
        SnowType::TimestampTz { .. } => {
            let of = array.as_struct();
            let zone = of.column(2).as_primitive::<Int32Type>();
            let offset: ArrayRef = Arc::new(zone.unary::<_, Int32Type>(|zone| zone - 1440));
            let columns = vec![Arc::clone(of.column(0)), Arc::clone(of.column(1)), offset];
            parts(of, &["epoch", "fraction", "offset_minutes"], columns)
        }
        _ => Arc::clone(array),
    }
}

fn parts(of: &StructArray, names: &[&str], columns: Vec<ArrayRef>) -> ArrayRef {
    // Children of null structures may be null in the recording and are not in canonical rows.
    let columns: Vec<ArrayRef> = columns
        .iter()
        .map(|column| {
            let data = column.to_data().into_builder().nulls(None).build().unwrap();
            arrow_array::make_array(data)
        })
        .collect();
    let fields: Fields = names
        .iter()
        .zip(&columns)
        .map(|(name, column)| Field::new(*name, column.data_type().clone(), false))
        .collect();
    Arc::new(StructArray::new(fields, columns, of.nulls().cloned()))
}
