//! The table that is pulled: events as analytics products have them, in the physical types that Snowflake sends.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, StringBuilder};
use arrow_array::{
    Array, ArrayRef, Date32Array, Float64Array, Int32Array, Int64Array, RecordBatch, StructArray,
};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{Field, Fields, Schema, SchemaRef};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

/// Rows of every chunk.
pub const CHUNK_ROWS: usize = 100_000;
/// Rows of a batch inside a chunk.
const BATCH_ROWS: usize = 10_000;
/// Chunks that differ. A longer result repeats them, so that no measurement needs the room of all its bytes.
pub const DISTINCT_CHUNKS: usize = 5;

const EVENTS: [&str; 6] = ["page_view", "login", "click", "purchase", "sign_up", "logout"];

/// A chunk as it lies in storage.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// Bytes of an Arrow IPC stream, compressed with gzip.
    pub body: bytes::Bytes,
    pub uncompressed_bytes: u64,
}

/// Column name, Snowflake type, precision and scale.
const COLUMNS: [(&str, &str, Option<u8>, Option<u8>); 10] = [
    ("ID", "fixed", Some(38), Some(0)),
    ("USER_ID", "text", None, None),
    ("EMAIL", "text", None, None),
    ("EVENT", "text", None, None),
    ("AMOUNT", "fixed", Some(18), Some(2)),
    ("IS_PAID", "boolean", None, None),
    ("TS", "timestamp_ntz", Some(0), Some(9)),
    ("DAY", "date", None, None),
    ("PROPS", "variant", None, None),
    ("SCORE", "real", None, None),
];

/// The columns as a reply describes them.
pub fn rowtype() -> Value {
    let columns = COLUMNS.iter().map(|(name, ty, precision, scale)| {
        json!({ "name": name, "type": ty, "precision": precision, "scale": scale, "nullable": true })
    });
    columns.collect()
}

/// Writes the distinct chunks into `folder`.
pub fn write_chunks(folder: &Path) -> std::io::Result<()> {
    for index in 0..DISTINCT_CHUNKS {
        let chunk = chunk(index);
        std::fs::write(folder.join(format!("{index}.gz")), chunk.body)?;
        std::fs::write(folder.join(format!("{index}.size")), chunk.uncompressed_bytes.to_string())?;
    }
    Ok(())
}

/// One of the distinct chunks, made now.
pub fn chunk(index: usize) -> Chunk {
    let stream = ipc_stream(index);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&stream).expect("memory takes every byte");
    let body = encoder.finish().expect("memory takes every byte").into();
    Chunk { body, uncompressed_bytes: stream.len() as u64 }
}

/// Reads back what [`write_chunks`] wrote.
pub fn read_chunks(folder: &Path) -> std::io::Result<Vec<Chunk>> {
    (0..DISTINCT_CHUNKS)
        .map(|index| {
            let size = std::fs::read_to_string(folder.join(format!("{index}.size")))?;
            let uncompressed_bytes = size.parse().map_err(std::io::Error::other)?;
            Ok(Chunk { body: std::fs::read(folder.join(format!("{index}.gz")))?.into(), uncompressed_bytes })
        })
        .collect()
}

fn ipc_stream(index: usize) -> Vec<u8> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ (index as u64 + 1));
    let mut writer = None;
    for start in (0..CHUNK_ROWS).step_by(BATCH_ROWS) {
        let batch = batch(index * CHUNK_ROWS + start, &mut random);
        let writer = writer.get_or_insert_with(|| {
            StreamWriter::try_new(Vec::new(), &batch.schema()).expect("a buffer takes every schema")
        });
        writer.write(&batch).expect("a buffer takes every batch");
    }
    writer.expect("a chunk has batches").into_inner().expect("a buffer takes the end of a stream")
}

fn batch(first: usize, random: &mut Random) -> RecordBatch {
    let rows = BATCH_ROWS;
    let (mut users, mut emails, mut events) =
        (StringBuilder::new(), StringBuilder::new(), StringBuilder::new());
    let (mut paid, mut props) = (BooleanBuilder::new(), StringBuilder::new());
    let mut text = String::new();
    for _ in 0..rows {
        let user = random.below(200_000);
        append(&mut users, &mut text, format_args!("user-{user:08x}-{:08x}", random.below(u32::MAX.into())));
        append(&mut emails, &mut text, format_args!("person{user}@company{}.example", user % 977));
        events.append_value(EVENTS[usize::try_from(random.below(6)).expect("there are six events")]);
        paid.append_option((random.below(20) > 0).then(|| random.below(2) == 0));
        let (plan, seats, page) = (random.below(4), random.below(500), random.below(10_000));
        append(
            &mut props,
            &mut text,
            format_args!(r#"{{"plan":"p{plan}","seats":{seats},"page":"/docs/{page}","ok":true}}"#),
        );
    }
    let ids = (first..first + rows).map(|id| i32::try_from(id).expect("ids are small"));
    let seconds = (0..rows).map(|_| 1_700_000_000 + i64::try_from(random.below(30_000_000)).expect("fits"));
    let seconds: Int64Array = seconds.collect();
    let days = seconds.values().iter().map(|second| i32::try_from(second / 86_400).expect("fits"));
    let days = Date32Array::from_iter_values(days);
    let fractions: Int32Array =
        (0..rows).map(|_| i32::try_from(random.below(1_000_000_000)).expect("fits")).collect();
    let amounts: Int32Array = (0..rows)
        .map(|_| (random.below(10) > 0).then(|| i32::try_from(random.below(9_999_999)).expect("fits")))
        .collect();
    #[expect(clippy::cast_precision_loss, reason = "any float will do")]
    let scores: Float64Array = (0..rows).map(|_| random.below(1 << 53) as f64 / 1e6).collect();
    let parts = Fields::from(vec![
        Field::new("epoch", arrow_schema::DataType::Int64, true),
        Field::new("fraction", arrow_schema::DataType::Int32, true),
    ]);
    let times = StructArray::new(parts, vec![Arc::new(seconds) as ArrayRef, Arc::new(fractions)], None);
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(ids.collect::<Int32Array>()),
        Arc::new(users.finish()),
        Arc::new(emails.finish()),
        Arc::new(events.finish()),
        Arc::new(amounts),
        Arc::new(paid.finish()),
        Arc::new(times),
        Arc::new(days),
        Arc::new(props.finish()),
        Arc::new(scores),
    ];
    RecordBatch::try_new(schema(&arrays), arrays).expect("the columns are equally long")
}

fn append(builder: &mut StringBuilder, text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.clear();
    text.write_fmt(arguments).expect("a string takes every text");
    builder.append_value(&*text);
}

fn schema(arrays: &[ArrayRef]) -> SchemaRef {
    let fields = COLUMNS.iter().zip(arrays).map(|((name, ty, precision, scale), array)| {
        let metadata = HashMap::from([
            ("logicalType".to_owned(), ty.to_uppercase()),
            ("precision".to_owned(), precision.unwrap_or(38).to_string()),
            ("scale".to_owned(), scale.unwrap_or(0).to_string()),
        ]);
        Field::new(*name, array.data_type().clone(), true).with_metadata(metadata)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// A xorshift generator: the same rows in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}
