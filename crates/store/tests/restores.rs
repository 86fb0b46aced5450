//! Backups, as docs/state.md describes them: made while others write, and restored.

use std::path::Path;
use std::process::Command;

use store::Store;

use crate::server::{Postgres, as_postgres, programs};
use crate::world::World;

#[tokio::test]
async fn a_copy_of_sqlite_made_during_writes_holds_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("state.db").display());
    let world = World::open(url, None).await;
    let before = world.customer("before", 3).await;
    let run = world.ask_all(&before).await.remove(0);
    let writing = {
        let (store, by) = (world.store.clone(), world.by.clone());
        tokio::spawn(async move {
            for number in 0..50 {
                let new = store::NewTenant { name: format!("during-{number}"), runs_max: 1 };
                store.create_tenant(new, &by).await.unwrap();
            }
        })
    };
    let copy = folder.path().join("copy.db");
    world.store.back_up(&copy).await.unwrap();
    writing.await.unwrap();
    world.customer("after", 1).await;

    let restored = Store::open(&format!("sqlite:{}", copy.display())).await.unwrap();
    assert_eq!(
        restored.run(before.id(), &run).await.unwrap(),
        world.store.run(before.id(), &run).await.unwrap()
    );
    assert_eq!(restored.syncs(before.id()).await.unwrap(), before.syncs);
    assert!(!names(&restored).await.contains(&"after".to_owned()));
    let exists = world.store.back_up(&copy).await.unwrap_err();
    assert_eq!(exists.code(), "backup_exists");
    let nowhere = world.store.back_up(Path::new("/no/such/folder/copy.db")).await.unwrap_err();
    assert_eq!(nowhere.code(), "backup_failed", "{nowhere:?}");
}

#[tokio::test]
async fn postgres_is_dumped_and_restored_by_its_own_tools() {
    let server = Postgres::get();
    let name = server.create_database().await;
    let world = World::open(server.url(&name), None).await;
    let before = world.customer("before", 3).await;
    let run = world.ask_all(&before).await.remove(0);
    let refused = world.store.back_up(Path::new("copy.db")).await.unwrap_err();
    assert!(refused.remedy().unwrap().contains("pg_dump"));
    let dump = server.socket().join("state.dump");
    let on_server = |program: &str| {
        let mut command = as_postgres(programs().join(program));
        command.arg("-h").arg(server.socket()).args(["-U", "postgres"]).current_dir("/");
        command
    };
    succeed(on_server("pg_dump").args(["--format=custom", "--file"]).arg(&dump).arg(&name));
    world.customer("after", 1).await;
    let target = server.create_database().await;
    succeed(on_server("pg_restore").args(["--exit-on-error", "--dbname", &target]).arg(&dump));

    let restored = Store::open(&server.url(&target)).await.unwrap();
    assert_eq!(
        restored.run(before.id(), &run).await.unwrap(),
        world.store.run(before.id(), &run).await.unwrap()
    );
    assert_eq!(names(&restored).await, ["before"]);
}

#[tokio::test]
async fn connections_that_the_server_drops_are_made_again() {
    let server = Postgres::get();
    let name = server.create_database().await;
    let world = World::open(server.url(&name), None).await;
    let acme = world.customer("acme", 1).await;
    let worker = world.worker().await;
    let drop_all = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let mut claimed = 0;
    for _ in 0..10 {
        world.ask_all(&acme).await;
        world.execute(drop_all).await;
        for run in world.claim(&worker, 1).await {
            world.succeed(&run).await;
            claimed += 1;
        }
    }
    assert_eq!(claimed, 10);
}

async fn names(store: &Store) -> Vec<String> {
    store.tenants(None).await.unwrap().into_iter().map(|tenant| tenant.name).collect()
}

fn succeed(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
