//! The claims on a real Postgres 15.

use crate::server::Postgres;
use crate::world::World;

async fn world() -> World {
    let server = Postgres::get();
    let name = server.create_database().await;
    World::open(server.url(&name), None).await
}

crate::every_claim!(crate::postgres::world);
