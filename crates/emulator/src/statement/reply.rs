//! The reply to a statement, key by key as Snowflake's.

use std::collections::BTreeMap;

use axum::response::Response;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::links::{KEY_CHECKSUM_HEADER, KEY_HEADER};
use super::{Done, Statement};
use crate::account::Account;
use crate::encode::{Chunk, Format, Inline, rowtype};
use crate::outcome::DmlStats;
use crate::wire;

/// The statement runs and somebody waits for it.
pub(super) const RUNNING: &str = "333333";
/// The statement runs on its own.
pub(super) const DETACHED: &str = "333334";
/// Said to clients: after this time without a poll Snowflake may abort a detached statement.
const ABORTS_AFTER_SECONDS: u32 = 300;
/// Lets clients read zones from their own field; without it some expect an older packed form.
const RESULT_VERSION: u32 = 1;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResultReply<'a> {
    parameters: &'a [Value],
    rowtype: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    rowset: Option<&'a RawValue>,
    #[serde(rename = "rowsetBase64", skip_serializing_if = "Option::is_none")]
    rowset_base64: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    qrmk: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chunk_headers: Option<BTreeMap<&'static str, &'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chunks: Option<Vec<ChunkLink>>,
    total: u64,
    returned: u64,
    query_id: &'a str,
    database_provider: Option<&'a str>,
    final_database_name: Option<&'a str>,
    final_schema_name: Option<&'a str>,
    final_warehouse_name: Option<&'a str>,
    final_role_name: Option<&'a str>,
    number_of_binds: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    meta_data_of_binds: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stats: Option<StatsReply>,
    array_bind_supported: bool,
    statement_type_id: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    result_ids: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result_types: Option<String>,
    version: u32,
    send_result_time: i64,
    query_result_format: &'static str,
    query_context: Value,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ChunkLink {
    url: String,
    row_count: u64,
    uncompressed_size: u64,
    compressed_size: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatsReply {
    num_rows_inserted: u64,
    num_rows_deleted: u64,
    num_rows_updated: u64,
    num_dml_duplicates: u64,
}

pub(super) fn in_progress(statement: &Statement, code: &str) -> Response {
    let message = if code == DETACHED {
        "Asynchronous execution in progress. Use provided query id to perform query monitoring and management."
    } else {
        "Query execution in progress."
    };
    let data = json!({
        "queryId": statement.id,
        "getResultUrl": format!("/queries/{}/result", statement.id),
        "queryAbortsAfterSecs": ABORTS_AFTER_SECONDS,
        "progressDesc": null,
    });
    wire::notice(&data, code, message)
}

pub(super) fn done(account: &Account, statement: &Statement, done: &Done, base_url: &str) -> Response {
    if let Some(transfer) = &done.transfer {
        return wire::success(&transfer.reply(&statement.id, base_url));
    }
    let encoded = &done.encoded;
    let context = &done.settings.context;
    let has_chunks = !encoded.chunks.is_empty();
    let (rowset, rowset_base64) = match &encoded.inline {
        Inline::Arrow(text) => (None, Some(text.as_str())),
        Inline::Json(text) => (Some(&**text), None),
    };
    let now = account.clock.now();
    let list = |item: fn(&(String, u64)) -> String| {
        (!done.children.is_empty()).then(|| done.children.iter().map(item).collect::<Vec<_>>().join(","))
    };
    wire::success(&ResultReply {
        parameters: &done.parameters,
        rowtype: rowtype(&encoded.columns),
        rowset,
        rowset_base64,
        qrmk: has_chunks.then_some(statement.links.key.as_str()),
        chunk_headers: has_chunks.then(|| chunk_headers(statement)),
        chunks: has_chunks.then(|| chunk_links(account, statement, &encoded.chunks, base_url)),
        total: encoded.total,
        returned: encoded.total,
        query_id: &statement.id,
        database_provider: None,
        final_database_name: context.database.as_deref(),
        final_schema_name: context.schema.as_deref(),
        final_warehouse_name: context.warehouse.as_deref(),
        final_role_name: context.role.as_deref(),
        number_of_binds: done.bind_count,
        meta_data_of_binds: (1..=done.bind_count).map(bind_description).collect(),
        stats: done.stats.map(StatsReply::from),
        array_bind_supported: done.is_array_bind_supported,
        statement_type_id: done.statement_type_id,
        result_ids: list(|(id, _)| id.clone()),
        result_types: list(|(_, ty)| ty.to_string()),
        version: RESULT_VERSION,
        send_result_time: now.as_millisecond(),
        query_result_format: match encoded.format {
            Format::Arrow => "arrow",
            Format::Json => "json",
        },
        query_context: json!({ "entries": [{ "id": 0, "timestamp": now.as_microsecond(), "priority": 0 }] }),
    })
}

fn chunk_headers(statement: &Statement) -> BTreeMap<&'static str, &str> {
    let links = &statement.links;
    BTreeMap::from([(KEY_HEADER, links.key.as_str()), (KEY_CHECKSUM_HEADER, links.key_checksum.as_str())])
}

fn chunk_links(account: &Account, statement: &Statement, chunks: &[Chunk], base_url: &str) -> Vec<ChunkLink> {
    let expires_at = account.clock.after(account.config.validity.chunk_link);
    let signature = statement.links.sign(expires_at);
    let link = |(index, chunk): (usize, &Chunk)| ChunkLink {
        url: format!(
            "{base_url}/chunks/{}/{index}?x-amz-server-side-encryption-customer-algorithm=AES256&Expires={}\
             &Signature={signature}",
            statement.id,
            expires_at.as_second(),
        ),
        row_count: chunk.rows,
        uncompressed_size: chunk.uncompressed_bytes,
        compressed_size: chunk.body.len() as u64,
    };
    chunks.iter().enumerate().map(link).collect()
}

/// Binds are described as text, as Snowflake does where the statement does not say more.
fn bind_description(number: usize) -> Value {
    json!({
        "name": number.to_string(),
        "type": "text",
        "nullable": true,
        "length": 16_777_216,
        "byteLength": 16_777_216,
        "precision": null,
        "scale": null,
    })
}

impl From<DmlStats> for StatsReply {
    fn from(stats: DmlStats) -> Self {
        Self {
            num_rows_inserted: stats.inserted,
            num_rows_deleted: stats.deleted,
            num_rows_updated: stats.updated,
            num_dml_duplicates: stats.duplicates,
        }
    }
}
