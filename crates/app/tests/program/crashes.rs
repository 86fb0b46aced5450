//! Runs that are killed or stopped, and the run after them.

use std::time::Duration;

use emulator::{Action, FaultRule, Route};
use proptest::prelude::Rng;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

use crate::pulls::last_event;
use crate::world::{DEALS, World, deal, deals};

/// Kills as `kill -9` does.
async fn kill(mut child: Child) {
    child.kill().await.unwrap();
}

/// Makes every connection of a killed program's chunk requests wait at a gate from the `number`th chunk on.
fn hold_chunk(world: &World, number: u32) {
    let hold = Action::Hold { gate: "chunk".into() };
    world.emulator.faults().add(FaultRule::on(Route::Chunk, hold).skip(number).forever());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_killed_at_any_chunk_goes_on_in_the_same_result() {
    for killed_at in [0, 1, 4, 8] {
        let world = World::start().await;
        let file = world.sync(DEALS);
        world.set_deals(&deals(1_000));
        hold_chunk(&world, killed_at);
        let child = world.start_program(&["run", "-f", file.to_str().unwrap()]);
        world.emulator.faults().reached("chunk", 1).await;
        kill(child).await;
        world.emulator.faults().clear();

        world.program(&["run", "-f", file.to_str().unwrap()]).await.succeeded();
        world.assert_landed(&deals(1_000), &format!("killed at chunk {killed_at}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_stopped_keeps_what_arrived_and_the_next_reads_only_the_rest() {
    let world = World::start().await;
    let file = world.sync(DEALS);
    world.set_deals(&deals(1_000));
    hold_chunk(&world, 5);
    let mut child = world.start_program(&["run", "-f", file.to_str().unwrap(), "--json"]);
    let mut events = BufReader::new(child.stdout.take().unwrap()).lines();
    while let Some(line) = events.next_line().await.unwrap() {
        let event: serde_json::Value = serde_json::from_str(&line).unwrap();
        if event["progress"]["row_count"].as_u64().unwrap() > 0 {
            break;
        }
    }
    interrupt(&child);
    assert_eq!(child.wait().await.unwrap().code(), Some(130));
    world.emulator.faults().clear();

    let ended = world.program(&["run", "-f", file.to_str().unwrap(), "--json"]).await.succeeded();
    world.assert_landed(&deals(1_000), "in the end");
    let report = &last_event(&ended.stdout)["report"];
    assert!(report["resumed"].as_u64().unwrap() > 0, "{report}");
    assert!(report["read"].as_u64().unwrap() < 1_000, "{report}");
    // The second statement asks only for what changed since the first.
    let (all, changes) =
        (world.statements_sent(r#"SELECT "ID""#), world.statements_sent(">= TO_TIMESTAMP_NTZ"));
    assert_eq!(all - changes, 1, "the backfill's query ran twice on the customer's bill");
}

/// Stops a program as Ctrl-C does.
pub(crate) fn interrupt(child: &Child) {
    let id = child.id().expect("the program is running").to_string();
    let status = std::process::Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(status.success());
}

/// Rounds of change, each with runs that are killed after a time drawn from the seed, then one that is left alone.
async fn killed_at_any_moment(seed: u64) {
    let mut seed_bytes = [0; 32];
    seed_bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed_bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let world = World::start().await;
    let file = world.sync(DEALS);
    let mut expected = deals(600);
    for round in 0..3 {
        for row in &mut expected {
            if runner.rng().next_u32().is_multiple_of(10) {
                *row = deal(row.id, 2_000 + round * 100);
            }
        }
        expected.push(deal(expected.len() as i64 + 1, 2_000 + round * 100));
        world.set_deals(&expected);
        for _ in 0..2 {
            let patience = Duration::from_millis(u64::from(runner.rng().next_u32() % 400));
            let mut child = world.start_program(&["run", "-f", file.to_str().unwrap()]);
            if tokio::time::timeout(patience, child.wait()).await.is_err() {
                kill(child).await;
            }
        }
        world.program(&["run", "-f", file.to_str().unwrap()]).await.succeeded();
        world.assert_landed(&expected, &format!("seed {seed}, round {round}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whenever_it_is_killed_the_next_run_lands_exactly_the_rows_of_the_source() {
    let seeds = std::env::var("SNOWFERRY_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(3);
    for seed in 0..seeds {
        killed_at_any_moment(seed).await;
    }
}
