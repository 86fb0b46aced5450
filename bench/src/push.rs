//! The whole push from DuckDB under measurement, and the floor of sending the same rows.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use arrow_array::RecordBatch;
use aws_lc_rs::cipher::{AES_128, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use connectors::duckdb::{DuckDbJournal, DuckDbSource, TenantDatabase};
use connectors::snowflake::push::{PushSettings, SnowflakeDestination};
use duckdb::Connection;
use engine::{RunOptions, RunProgress, Sync, run};
use model::{NullCursor, ReadSpec, StreamName, StreamSpec, TableName, WriteSpec};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::landing::config;
use crate::table;

/// Threads of the floor: the cores of the machine that the goals are set for.
const FLOOR_THREADS: usize = 2;
/// The size of the floor's files, which is that of the push's.
const FLOOR_FILE_BYTES: usize = 16 * 1024 * 1024;
/// Batches that wait for a thread of the floor.
const FLOOR_WAITING_MAX: usize = 64;

/// Pushes the table in `folder` to the receiver on `port`, validation, encryption and journal and all, and returns the
/// rows.
pub async fn push(port: u16, folder: &Path) -> model::Result<u64> {
    let database = TenantDatabase::open(table::file(folder))?;
    let journal = Arc::new(DuckDbJournal::new(database.clone()));
    let sync = Sync {
        source: Arc::new(DuckDbSource::new(database)),
        destination: Arc::new(SnowflakeDestination::new(config(port), journal, PushSettings::default())),
        spec: StreamSpec {
            read: ReadSpec::Incremental {
                cursor_column: "id".into(),
                lookback: Duration::ZERO,
                null_cursor: NullCursor::Exclude,
            },
            key: vec!["id".into()],
            write: WriteSpec::Append,
            ..StreamSpec::new(
                StreamName::Table(TableName::in_vendor_database("bench", "events")),
                TableName::in_snowflake("BENCH", "PUBLIC", "EVENTS"),
            )
        },
    };
    let (progress, _watched) = watch::channel(RunProgress::default());
    let report = run(&sync, &RunOptions::default(), &progress, &CancellationToken::new()).await?;
    Ok(report.inserted)
}

/// Reads the same rows, writes them as Parquet, encrypts that and copies it over loopback; returns the rows.
pub fn floor(folder: &Path) -> u64 {
    let sink = std::net::TcpListener::bind("127.0.0.1:0").expect("a port of this machine");
    let address = sink.local_addr().expect("the port is open");
    let (sender, receiver) = sync_channel(FLOOR_WAITING_MAX);
    let receiver = Mutex::new(receiver);
    std::thread::scope(|scope| {
        scope.spawn(move || drain(&sink));
        let workers: Vec<_> = (0..FLOOR_THREADS)
            .map(|_| {
                let connection = TcpStream::connect(address).expect("the sink listens");
                scope.spawn(|| send_files(&receiver, connection))
            })
            .collect();
        scope.spawn(move || read(folder, &sender));
        workers.into_iter().map(|worker| worker.join().expect("no thread panics")).sum()
    })
}

fn read(folder: &Path, sender: &SyncSender<RecordBatch>) {
    let connection = Connection::open(table::file(folder).path()).expect("the file opens");
    connection.execute_batch("SET preserve_insertion_order = false").expect("the setting is known");
    let mut statement = connection.prepare("SELECT * FROM bench.bench.events").expect("the table is there");
    for batch in statement.stream_arrow([]).expect("the rows can be read") {
        sender.send(batch).expect("somebody writes the rows");
    }
}

fn send_files(batches: &Mutex<Receiver<RecordBatch>>, mut connection: TcpStream) -> u64 {
    let next = || batches.lock().unwrap_or_else(PoisonError::into_inner).recv().ok();
    let mut sent = 0;
    while let Some(first) = next() {
        let mut writer = ArrowWriter::try_new(Vec::new(), first.schema(), Some(properties()))
            .expect("a buffer takes every schema");
        let mut batch = first;
        loop {
            sent += batch.num_rows() as u64;
            writer.write(&batch).expect("a buffer takes every batch");
            if writer.bytes_written() + writer.in_progress_size() >= FLOOR_FILE_BYTES {
                break;
            }
            let Some(following) = next() else { break };
            batch = following;
        }
        let file = encrypted(writer.into_inner().expect("a buffer takes the end of a file"));
        connection.write_all(&file).expect("the sink reads");
    }
    sent
}

/// What the push decides by itself, given: a dictionary where texts repeat themselves, no statistics that nobody reads.
fn properties() -> WriterProperties {
    WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_dictionary_enabled(false)
        .set_column_dictionary_enabled(ColumnPath::from(table::REPEATED_COLUMN), true)
        .build()
}

fn encrypted(mut file: Vec<u8>) -> Vec<u8> {
    let key = UnboundCipherKey::new(&AES_128, &[1; 16]).expect("sixteen bytes are a key");
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(key).expect("the key fits the mode");
    let context = EncryptionContext::Iv128(FixedLength::from(&[2; 16]));
    key.less_safe_encrypt(&mut file, context).expect("a buffer can be encrypted");
    file
}

/// Reads what the floor's threads send until they are done.
fn drain(sink: &std::net::TcpListener) {
    std::thread::scope(|scope| {
        for _ in 0..FLOOR_THREADS {
            let (mut connection, _) = sink.accept().expect("a thread connects");
            scope.spawn(move || {
                let mut buffer = vec![0; 1 << 20];
                while connection.read(&mut buffer).expect("the thread sends") > 0 {}
            });
        }
    });
}
