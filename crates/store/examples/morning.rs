//! A morning with thousands of tenants, on a database of your choice:
//! `cargo run -p store --example morning -- URL [TENANTS]`

#[path = "../tests/morning.rs"]
mod morning;

use model::Result;

use self::morning::Morning;

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().expect("name the database: sqlite:PATH or postgres://…");
    let tenant_count = arguments.next().map_or(5_000, |count| count.parse().expect("a number of tenants"));
    Morning::of(&url, tenant_count).await?.print();
    Ok(())
}
