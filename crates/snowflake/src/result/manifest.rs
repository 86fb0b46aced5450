//! What the service said about a result, checked once: how many rows each part must have.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::value::RawValue;

use crate::column::Column;
use crate::decode::Encoding;
use crate::error::{Error, ErrorKind, Result};
use crate::wire::result::{ResultData, WireChunk};

/// Bits of a statement type that say what family it belongs to.
const FAMILY_MASK: i64 = 0xf000;
/// INSERT, UPDATE, DELETE, MERGE, COPY: their `total` counts changed rows.
const DML_FAMILY: i64 = 0x3000;
/// The parent of several statements has no rows of its own.
const MULTI_STATEMENT_FAMILY: i64 = 0xa000;

/// A result as described by the service.
#[derive(Debug)]
pub(super) struct Manifest {
    pub(super) query_id: String,
    pub(super) columns: Vec<Column>,
    pub(super) encoding: Encoding,
    pub(super) version: i64,
    pub(super) statement_type: i64,
    pub(super) affected_rows: Option<u64>,
    /// Rows that the inline part must have, or `None` where the service does not count them.
    pub(super) inline_rows: Option<u64>,
    /// Rows that came with the reply, by the service's own word, which is not relied on.
    returned_rows: u64,
    pub(super) inline: InlineRows,
    pub(super) chunk_rows: Vec<u64>,
    pub(super) chunks: ChunkLinks,
}

/// The rows that came with the reply, as they came.
pub(super) enum InlineRows {
    None,
    Base64(String),
    Json(Box<RawValue>),
}

/// Values of rows are never printed, only how much of them there is.
impl std::fmt::Debug for InlineRows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Base64(text) => write!(f, "Base64({} bytes)", text.len()),
            Self::Json(rows) => write!(f, "Json({} bytes)", rows.get().len()),
        }
    }
}

/// Where the chunks are. Links are secrets, so this is never printed.
pub(super) struct ChunkLinks {
    pub(super) chunks: Vec<WireChunk>,
    pub(super) headers: HashMap<String, String>,
}

impl std::fmt::Debug for ChunkLinks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChunkLinks").field("chunks", &self.chunks).finish_non_exhaustive()
    }
}

impl Manifest {
    pub(super) fn new(data: ResultData) -> Result<Self> {
        let query_id = data.query_id.clone().unwrap_or_default();
        Self::read(data).map_err(|error| error.with_query_id(query_id))
    }

    fn read(mut data: ResultData) -> Result<Self> {
        let columns = data.rowtype.iter().map(Column::from_wire).collect::<Result<Vec<_>>>()?;
        let encoding = encoding(&data)?;
        let links = ChunkLinks::take(&mut data);
        let chunk_rows: Vec<u64> = links.chunks.iter().map(|chunk| chunk.row_count).collect();
        let statement_type = data.statement_type_id.unwrap_or(0);
        let family = statement_type & FAMILY_MASK;
        let inline_rows = match family {
            DML_FAMILY | MULTI_STATEMENT_FAMILY => None,
            _ => data.total.map(|total| inline_rows(total, &chunk_rows)).transpose()?,
        };
        if inline_rows.is_none() && !chunk_rows.is_empty() && family != DML_FAMILY {
            return Err(Error::new(
                ErrorKind::Protocol,
                "the service did not say how many rows the result has",
            ));
        }
        Ok(Self {
            query_id: data.query_id.take().unwrap_or_default(),
            encoding,
            version: data.version.unwrap_or(0),
            statement_type,
            affected_rows: (family == DML_FAMILY).then(|| affected_rows(&data, &columns)).flatten(),
            inline_rows,
            returned_rows: data.returned.and_then(|rows| u64::try_from(rows).ok()).unwrap_or(0),
            inline: InlineRows::take(&mut data),
            chunk_rows,
            chunks: links,
            columns,
        })
    }

    /// Rows of part `part`, where 0 is the inline part.
    pub(super) fn part_rows(&self, part: usize) -> Option<u64> {
        match part.checked_sub(1) {
            None => self.inline_rows,
            Some(chunk) => self.chunk_rows.get(chunk).copied(),
        }
    }

    pub(super) fn total_rows(&self) -> u64 {
        self.inline_rows.unwrap_or(self.returned_rows) + self.chunk_rows.iter().sum::<u64>()
    }
}

impl InlineRows {
    pub(super) fn take(data: &mut ResultData) -> Self {
        match (data.rowset_base64.take().filter(|text| !text.is_empty()), data.rowset.take()) {
            (Some(text), _) => Self::Base64(text),
            (None, Some(rows)) => Self::Json(rows),
            (None, None) => Self::None,
        }
    }

    /// The bytes to decode: an Arrow stream, or JSON rows without their outer brackets.
    pub(super) fn bytes(&self) -> Result<Bytes> {
        let malformed = |what| Error::new(ErrorKind::Protocol, what);
        match self {
            Self::None => Ok(Bytes::new()),
            Self::Base64(text) => STANDARD
                .decode(text)
                .map(Bytes::from)
                .map_err(|_| malformed("the rows in the reply are not base64")),
            Self::Json(rows) => match rows.get().trim() {
                "null" => Ok(Bytes::new()),
                text => text
                    .strip_prefix('[')
                    .and_then(|text| text.strip_suffix(']'))
                    .map(|text| Bytes::copy_from_slice(text.as_bytes()))
                    .ok_or_else(|| malformed("the rows in the reply are not an array")),
            },
        }
    }
}

impl ChunkLinks {
    /// The links of a reply with the headers that fetching them needs.
    pub(super) fn take(data: &mut ResultData) -> Self {
        let headers = match (data.chunk_headers.take(), data.qrmk.take()) {
            (Some(headers), _) if !headers.is_empty() => headers,
            // Services of old send the key alone and leave it to the client to name the headers.
            (_, Some(key)) if !key.is_empty() => HashMap::from([
                ("x-amz-server-side-encryption-customer-algorithm".to_owned(), "AES256".to_owned()),
                ("x-amz-server-side-encryption-customer-key".to_owned(), key),
            ]),
            _ => HashMap::new(),
        };
        Self { chunks: data.chunks.take().unwrap_or_default(), headers }
    }
}

fn encoding(data: &ResultData) -> Result<Encoding> {
    match data.query_result_format.as_deref().map(str::to_ascii_lowercase).as_deref() {
        Some("arrow") => Ok(Encoding::Arrow),
        Some("json") => Ok(Encoding::Json),
        None if data.rowset_base64.is_some() => Ok(Encoding::Arrow),
        None => Ok(Encoding::Json),
        Some(_) => {
            Err(Error::new(ErrorKind::Protocol, "the rows of the result are neither in Arrow nor in JSON"))
        }
    }
}

fn inline_rows(total: i64, chunk_rows: &[u64]) -> Result<u64> {
    let in_chunks = chunk_rows.iter().try_fold(0_u64, |sum, rows| sum.checked_add(*rows));
    u64::try_from(total)
        .ok()
        .zip(in_chunks)
        .and_then(|(total, in_chunks)| total.checked_sub(in_chunks))
        .ok_or_else(|| {
            Error::new(ErrorKind::Protocol, "the chunks of the result have more rows than the result")
        })
}

/// The service's own statistics, or the one row of counts that it answers with.
fn affected_rows(data: &ResultData, columns: &[Column]) -> Option<u64> {
    if let Some(stats) = data.stats {
        let counts = [stats.num_rows_inserted, stats.num_rows_updated, stats.num_rows_deleted];
        return Some(counts.into_iter().flatten().sum());
    }
    let rows: Vec<Vec<Option<String>>> = serde_json::from_str(data.rowset.as_ref()?.get()).ok()?;
    let counted = ["number of rows inserted", "number of rows updated", "number of rows deleted"];
    let is_counted = |name: &str| counted.iter().any(|prefix| name.starts_with(prefix));
    let cells = columns.iter().zip(rows.first()?).filter(|(column, _)| is_counted(&column.name));
    let counts = cells.map(|(_, cell)| cell.as_deref()?.parse::<u64>().ok()).collect::<Option<Vec<_>>>()?;
    (!counts.is_empty()).then(|| counts.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(json: &str) -> Result<Manifest> {
        Manifest::new(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn inline_rows_are_what_the_chunks_leave_of_the_total() {
        let json = r#"{"total":10,"statementTypeId":4096,
            "chunks":[{"url":"u","rowCount":4},{"url":"u","rowCount":5}]}"#;
        let manifest = manifest(json).unwrap();
        assert_eq!(
            (manifest.part_rows(0), manifest.part_rows(2), manifest.part_rows(3)),
            (Some(1), Some(5), None)
        );
        assert_eq!(manifest.total_rows(), 10);
    }

    #[test]
    fn chunks_with_more_rows_than_the_result_are_an_error() {
        let error = manifest(r#"{"total":3,"chunks":[{"url":"u","rowCount":4}],"queryId":"q"}"#).unwrap_err();
        assert_eq!((error.kind(), error.query_id()), (ErrorKind::Protocol, Some("q")));
    }

    #[test]
    fn changed_rows_come_from_the_statistics_or_from_the_one_row() {
        let rowtype = r#""rowtype":[{"name":"number of rows updated","type":"fixed"},
            {"name":"number of multi-joined rows updated","type":"fixed"}],"rowset":[["3","2"]]"#;
        let without = manifest(&format!(r#"{{"statementTypeId":12800,"total":3,{rowtype}}}"#)).unwrap();
        assert_eq!(without.affected_rows, Some(3));
        let stats = r#""stats":{"numRowsInserted":1,"numRowsUpdated":4,"numRowsDeleted":2}"#;
        let with = manifest(&format!(r#"{{"statementTypeId":13312,{stats},{rowtype}}}"#)).unwrap();
        assert_eq!(with.affected_rows, Some(7));
        assert_eq!(manifest(r#"{"statementTypeId":4096,"total":0}"#).unwrap().affected_rows, None);
    }

    #[test]
    fn an_old_encryption_key_becomes_its_headers() {
        let manifest = manifest(r#"{"qrmk":"a2V5"}"#).unwrap();
        assert_eq!(manifest.chunks.headers["x-amz-server-side-encryption-customer-key"], "a2V5");
    }
}
