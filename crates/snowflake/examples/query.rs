//! Logs in with a password, runs one statement and prints how many rows came in how many batches.
//!
//! ```text
//! cargo run -p snowflake --example query -- --account myorg-acct --user ME "SELECT 1"
//! cargo run -p snowflake --example query -- --endpoint http://127.0.0.1:PORT --user SNOWFERRY "SELECT 1"
//! ```
//! The password comes from the environment variable SNOWFLAKE_PASSWORD.

mod arguments;

use arguments::Arguments;
use futures_util::StreamExt as _;
use snowflake::{Credentials, DecodeOptions, Secret, Session, Statement};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::read()?;
    let password = Credentials::password(Secret::from_env("SNOWFLAKE_PASSWORD")?);
    let session = Session::connect(arguments.config(password)?).await?;
    let statement =
        Statement::new(arguments.rest.first().map_or("SELECT 1", String::as_str)).query_tag("example");

    let result = session.query(statement).await?;
    println!("query {} has {} rows; its columns are:", result.query_id(), result.total_rows());
    for column in result.columns() {
        println!("  {column:?}");
    }
    let mut batches = result.batches(DecodeOptions::default())?;
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        println!("chunk {}: {} rows", batch.chunk, batch.batch.num_rows());
    }
    session.close().await?;
    Ok(())
}
