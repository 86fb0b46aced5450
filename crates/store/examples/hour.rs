//! What an hour of many schedules takes of a processor, on a database of your choice:
//! `cargo run -p store --example hour -- URL [SYNCS]`

#[path = "../tests/hour.rs"]
mod hour;

use model::Result;

use self::hour::Hour;

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().unwrap_or_else(|| "sqlite:hour.db".to_owned());
    let syncs = arguments.next().and_then(|count| count.parse().ok()).unwrap_or(10_000);
    Hour::of(&url, syncs).await?.print(syncs);
    Ok(())
}
