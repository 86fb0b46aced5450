//! The history of the schema.

use model::ErrorKind;
use store::Store;

use crate::world::World;

pub(crate) async fn opening_again_finds_everything(world: &World) {
    let acme = world.customer("acme", 2).await;
    let again = Store::open(&world.url).await.unwrap();
    assert_eq!(again.tenant(acme.id()).await.unwrap().name, "acme");
    assert_eq!(again.syncs(acme.id()).await.unwrap(), acme.syncs);
    // Without a clock of the test's own it is the database's, which is somewhere in our time.
    assert!(again.now().await.unwrap() > crate::world::at("2020-01-01T00:00:00Z"));
    again.close().await;
}

pub(crate) async fn a_newer_database_is_refused(world: &World) {
    let note = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
        SELECT 9999, 'later', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1";
    world.execute(note).await;
    let error = Store::open(&world.url).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Config, "state_newer"), "{error:?}");
    assert!(error.message().contains("9999") && error.remedy().is_some());
    world.execute("DELETE FROM _sqlx_migrations WHERE version = 9999").await;
    Store::open(&world.url).await.unwrap().close().await;
}
