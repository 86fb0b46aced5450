//! The claims on SQLite, in a file.

use crate::world::World;

async fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    // A path with what means something in a URL.
    let url = format!("sqlite:{}", folder.path().join("state ünd 100%?.db").display());
    World::open(url, Some(folder)).await
}

crate::every_claim!(crate::sqlite::world);
