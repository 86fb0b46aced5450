//! The preview of a schedule, as its owner sees it.

use crate::world::World;

const SCHEDULE: &str = "
stream: CRM.SALES.DEALS
schedule: { cron: 30 2 * * *, zone: Europe/Berlin, jitter: 0s }
";

#[tokio::test(flavor = "multi_thread")]
async fn the_next_fires_are_shown_with_what_the_clock_does_to_them() {
    let world = World::start().await;
    let file = world.sync(SCHEDULE);
    let file = file.to_str().unwrap();
    let three = ["schedule", "-f", file, "--from", "2026-10-23T12:00:00Z", "--fires", "3"];
    let shown = world.program(&three).await.succeeded().stdout;
    for line in [
        "30 2 * * * in Europe/Berlin; this sync starts 0.0 s after each fire",
        "│ Sat 2026-10-24 02:30 +02:00 ┆ 2026-10-24 00:30:00 ┆ 2026-10-24 00:30:00 ┆                              │",
        "│ Sun 2026-10-25 02:30 +02:00 ┆ 2026-10-25 00:30:00 ┆ 2026-10-25 00:30:00 ┆ 02:30 comes twice: the first │",
        "│ Mon 2026-10-26 02:30 +01:00 ┆ 2026-10-26 01:30:00 ┆ 2026-10-26 01:30:00 ┆                              │",
    ] {
        assert!(shown.contains(line), "no `{line}` in:\n{shown}");
    }
    let from = ["schedule", "-f", file, "--from", "2026-11-01T00:00:00Z", "--fires", "1"];
    let ahead = world.program(&from).await.succeeded().stdout;
    let change = "next change of the clock: Sun 2027-03-28 03:00 +02:00: 02:30 of 2027-03-28 does not exist";
    assert!(ahead.contains(change), "{ahead}");
    let json = world.program(&[&from[..], &["--json"]].concat()).await.succeeded().stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["fire"], "2026-11-01T01:30:00Z");
    assert_eq!(json["local"], "2026-11-01T02:30:00+01:00[Europe/Berlin]");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_without_a_schedule_says_what_to_add() {
    let world = World::start().await;
    let file = world.sync("\nstream: CRM.SALES.DEALS\n");
    let ended = world.program(&["schedule", "-f", file.to_str().unwrap()]).await;
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("schedule_missing") && ended.stderr.contains("to do: add"),
        "{}",
        ended.stderr
    );
}
