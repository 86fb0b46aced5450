//! A disk that is full: said in plain words, and nothing is lost once there is room again.

use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use crate::world::{ALL_DEALS, Ended, World, deals};

/// Mounts a file system of so much in a namespace of the command's own, and runs the rest there.
const IN_SMALL_FOLDER: &str = r#"
set -e
folder=$1; size=$2; shift 2
mount -t tmpfs -o "size=$size" none "$folder"
[ ! -d "$folder.kept" ] || cp -r "$folder.kept/." "$folder"
status=0
"$@" || status=$?
rm -rf "$folder.kept"
cp -r "$folder" "$folder.kept"
exit $status
"#;

/// Runs the program where the vendor's folder has no more room than that. What is left there is kept beside it.
async fn run(world: &World, file: &Path, size: &str) -> Ended {
    let folder = world.folder().join("data");
    std::fs::create_dir_all(&folder).unwrap();
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "sh", "-c", IN_SMALL_FOLDER, "small"]).arg(folder).arg(size);
    command.arg(env!("CARGO_BIN_EXE_snowferry")).args(["run", "-f"]).arg(file);
    Ended::from(command.current_dir(world.folder()).stdin(Stdio::null()).output().await.unwrap())
}

/// Whether this machine lets an ordinary user mount in a namespace of their own.
async fn can_mount() -> bool {
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "sh", "-c", "mount -t tmpfs none /mnt"]);
    command.output().await.is_ok_and(|output| output.status.success())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_said_and_the_next_run_with_room_has_every_row() {
    if !can_mount().await {
        println!("skipped: this machine mounts nothing in a namespace of its own");
        return;
    }
    let world = World::start().await;
    let mut expected = deals(20_000);
    // Text that nothing shortens, so that the file grows.
    for deal in &mut expected {
        let id = deal.id as u64;
        let noise =
            (0..24).map(|place| format!("{:016x}", (id * 31 + place).wrapping_mul(0x9E37_79B9_7F4A_7C15)));
        deal.name = Some(noise.collect());
    }
    world.set_deals(&expected);
    let file = world.sync(ALL_DEALS);
    let full = run(&world, &file, "3m").await;
    assert_eq!(full.code, Some(10), "{}{}", full.stdout, full.stderr);
    assert!(full.stderr.contains("error[disk_full]") && full.stderr.contains("to do: "), "{}", full.stderr);
    run(&world, &file, "200m").await.succeeded();
    let kept = world.folder().join("data.kept");
    std::fs::remove_dir_all(world.folder().join("data")).unwrap();
    std::fs::rename(kept, world.folder().join("data")).unwrap();
    world.assert_landed(&expected, "with room again");
}
