//! The client under measurement: log in, run one statement, read every batch.

use futures_util::StreamExt;
use snowflake::{ConnectionConfig, Credentials, DecodeOptions, Endpoint, Session};

/// Pulls `rows` rows from the service on `port` of this machine and throws them away.
pub async fn pull(port: u16, rows: usize) -> snowflake::Result<u64> {
    let config = ConnectionConfig::new("bench".parse()?, "BENCH", Credentials::password("bench"))
        .endpoint(Endpoint::parse(&format!("http://127.0.0.1:{port}"))?)
        .allow_http_loopback(true);
    let session = Session::connect(config).await?;
    let result = session.query(format!("SELECT * FROM EVENTS LIMIT {rows}")).await?;
    let mut stream = result.batches(DecodeOptions::default())?;
    let mut read = 0;
    while let Some(batch) = stream.next().await {
        read += batch?.batch.num_rows() as u64;
    }
    session.close().await?;
    Ok(read)
}
