//! Puts a file into the user's own Snowflake stage, lists it, gets it back, compares, and removes it.
//!
//! ```text
//! cargo run -p snowflake --example stage -- --account myorg-acct --user ME FILE
//! cargo run -p snowflake --example stage -- --endpoint http://127.0.0.1:PORT --user SNOWFERRY FILE
//! ```
//! The password comes from the environment variable SNOWFLAKE_PASSWORD.

mod arguments;

use std::path::Path;

use arguments::Arguments;
use snowflake::{Credentials, Secret, Session, StageLocation, UploadOptions};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::read()?;
    let path = Path::new(arguments.rest.first().ok_or("a file is missing")?);
    let name = path.file_name().and_then(|name| name.to_str()).ok_or("the file's name is not text")?;
    let content = std::fs::read(path)?;
    let password = Credentials::password(Secret::from_env("SNOWFLAKE_PASSWORD")?);
    let session = Session::connect(arguments.config(password)?).await?;

    let folder = StageLocation::user("snowflake-example/")?;
    let uploads = session.begin_uploads(&folder, UploadOptions::default()).await?;
    let uploaded = uploads.upload(name, content.clone().into()).await?;
    println!("uploaded {} bytes, stored as {}", uploaded.size, uploaded.stored_size);
    for file in session.list_stage(&folder).await? {
        println!("  {} has {} bytes", file.name, file.size);
    }
    let downloads = session.begin_downloads(&folder.join(name)?, None).await?;
    for name in downloads.names() {
        let file = downloads.download(name).await?;
        println!("got {name} back: equal {}, verified {}", file.content == content, file.is_verified);
    }
    println!("removed {:?}", session.remove_from_stage(&folder, None).await?);
    session.close().await?;
    Ok(())
}
