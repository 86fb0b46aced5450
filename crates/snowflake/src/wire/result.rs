//! The `data` of a reply that carries a result: columns, inline rows, and links to the chunks.

use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;
use serde_json::value::RawValue;

/// A result as the service describes it. Every key may be absent: DDL, DML, SHOW and SELECT each fill their own.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ResultData {
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) rowtype: Vec<WireColumn>,
    /// JSON rows, an array of arrays of strings and nulls. Kept as text: only the row decoder looks inside.
    pub(crate) rowset: Option<Box<RawValue>>,
    /// Base64 of one Arrow IPC stream; empty when there are no inline rows.
    pub(crate) rowset_base64: Option<String>,
    pub(crate) total: Option<i64>,
    pub(crate) returned: Option<i64>,
    pub(crate) query_id: Option<String>,
    pub(crate) query_result_format: Option<String>,
    pub(crate) statement_type_id: Option<i64>,
    pub(crate) version: Option<i64>,
    pub(crate) chunks: Option<Vec<WireChunk>>,
    pub(crate) chunk_headers: Option<HashMap<String, String>>,
    /// The storage encryption key, for services that send no `chunkHeaders`.
    pub(crate) qrmk: Option<String>,
    pub(crate) stats: Option<WireStats>,
    /// Query ids of the statements of a multi-statement request, with commas between.
    pub(crate) result_ids: Option<String>,
    pub(crate) final_database_name: Option<String>,
    pub(crate) final_schema_name: Option<String>,
    pub(crate) final_warehouse_name: Option<String>,
    pub(crate) final_role_name: Option<String>,
    pub(crate) sql_state: Option<String>,
}

/// One column of `rowtype`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct WireColumn {
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) name: String,
    #[serde(rename = "type", deserialize_with = "null_as_default")]
    pub(crate) type_name: String,
    pub(crate) ext_type_name: Option<String>,
    pub(crate) nullable: Option<bool>,
    pub(crate) length: Option<u64>,
    pub(crate) byte_length: Option<u64>,
    pub(crate) precision: Option<i64>,
    pub(crate) scale: Option<i64>,
    pub(crate) collation: Option<String>,
    pub(crate) database: Option<String>,
    pub(crate) schema: Option<String>,
    pub(crate) table: Option<String>,
    pub(crate) vector_dimension: Option<u64>,
    pub(crate) fields: Option<Vec<WireColumn>>,
}

/// One part of a result that is fetched from cloud storage.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireChunk {
    /// A presigned link: whoever has it can read the rows, so it is a secret.
    pub(crate) url: String,
    pub(crate) row_count: u64,
    #[serde(default)]
    pub(crate) uncompressed_size: Option<u64>,
    #[serde(default)]
    pub(crate) compressed_size: Option<u64>,
}

/// Rows changed by a DML statement.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct WireStats {
    pub(crate) num_rows_inserted: Option<u64>,
    pub(crate) num_rows_updated: Option<u64>,
    pub(crate) num_rows_deleted: Option<u64>,
    pub(crate) num_dml_duplicates: Option<u64>,
}

/// Snowflake writes `null` where it has nothing to say.
fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl fmt::Debug for ResultData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResultData")
            .field("query_id", &self.query_id)
            .field("rowtype", &self.rowtype)
            .field("total", &self.total)
            .field("chunks", &self.chunks.as_ref().map(Vec::len))
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for WireChunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WireChunk")
            .field("row_count", &self.row_count)
            .field("uncompressed_size", &self.uncompressed_size)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_full_of_nulls_is_read() {
        let data: ResultData = serde_json::from_str(
            r#"{"parameters":null,"rowtype":[{"name":"A","type":"text","scale":null,"nullable":true}],
                "rowset":[["1",null]],"total":1,"chunks":null,"stats":null,"qrmk":null}"#,
        )
        .unwrap();
        assert_eq!(data.rowtype[0].type_name, "text");
        assert_eq!(data.rowset.unwrap().get(), r#"[["1",null]]"#);
    }

    #[test]
    fn a_link_is_never_printed() {
        let data: ResultData =
            serde_json::from_str(r#"{"chunks":[{"url":"https://s3/secret","rowCount":1}],"qrmk":"key"}"#)
                .unwrap();
        let printed = format!("{data:?} {:?}", data.chunks);
        assert!(!printed.contains("secret") && !printed.contains("key"));
    }
}
