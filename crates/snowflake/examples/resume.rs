//! Reads a result chunk by chunk and remembers the position in a file. Kill it and start it again: it goes on with
//! the next chunk, and the query does not run a second time.
//!
//! ```text
//! cargo run -p snowflake --example resume -- --account myorg-acct --user ME position.txt "SELECT * FROM big"
//! ```
//! The password comes from the environment variable SNOWFLAKE_PASSWORD.

mod arguments;

use std::error::Error;

use arguments::Arguments;
use futures_util::StreamExt as _;
use snowflake::{Credentials, DecodeOptions, Secret, Session};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::read()?;
    let [path, sql] = arguments.rest.as_slice() else {
        return Err("expected a file for the position, and a statement".into());
    };
    let password = Credentials::password(Secret::from_env("SNOWFLAKE_PASSWORD")?);
    let session = Session::connect(arguments.config(password)?).await?;
    let (query_id, first) = match stored(path) {
        Some(position) => position,
        None => {
            let handle = session.submit(sql.as_str()).await?;
            std::fs::write(path, format!("{} 0", handle.query_id()))?;
            (handle.query_id().to_owned(), 0)
        }
    };
    println!("query {query_id}, from chunk {first}");
    let result = session.result(&query_id).await?;
    let mut batches = result.batches_from(first, DecodeOptions::default())?;
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        println!("chunk {}: {} rows", batch.chunk, batch.batch.num_rows());
        if batch.is_last_of_chunk {
            std::fs::write(path, format!("{query_id} {}", batch.chunk + 1))?;
        }
    }
    std::fs::remove_file(path)?;
    session.close().await?;
    Ok(())
}

/// The query id and the next chunk.
fn stored(path: &str) -> Option<(String, usize)> {
    let text = std::fs::read_to_string(path).ok()?;
    let (query_id, chunk) = text.trim().split_once(' ')?;
    Some((query_id.to_owned(), chunk.parse().ok()?))
}
