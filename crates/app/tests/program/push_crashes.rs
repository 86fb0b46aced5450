//! Pushes that are killed as `kill -9` does, at each step of a delivery, and the run after them.

use std::time::Duration;

use emulator::{Action, FaultRule, Route};

use crate::push_world::{APPEND, Push, REWRITE, UPSERT};
use crate::world::World;

/// Beyond the time for which a publishing statement of a killed run may still begin.
const LATER: Duration = Duration::from_secs(120);

/// The requests of a delivery around its publishing statement.
const UPLOADING: [(Route, &str); 2] = [(Route::Query, "PUT "), (Route::StageUpload, "")];
const REMOVING: (Route, &str) = (Route::Query, "REMOVE ");

#[tokio::test(flavor = "multi_thread")]
async fn an_append_that_is_killed_at_any_step_delivers_each_row_once_in_the_end() {
    let steps = [UPLOADING[0], UPLOADING[1], (Route::Query, "COPY INTO"), REMOVING];
    killed_at_each(APPEND, &steps).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rewrite_that_is_killed_while_it_publishes_leaves_exactly_the_streams_rows_in_the_end() {
    killed_at_each(REWRITE, &[(Route::Query, "INSERT OVERWRITE"), REMOVING]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upsert_that_is_killed_while_it_publishes_has_every_key_once_in_the_end() {
    killed_at_each(UPSERT, &[(Route::Query, "MERGE INTO"), REMOVING]).await;
}

/// Kills runs at each step, before the request is carried out and after it, and lets the next run make it good.
async fn killed_at_each(mode: (&str, &str), steps: &[(Route, &str)]) {
    let world = World::start().await;
    for (number, (route, statement)) in steps.iter().enumerate() {
        for when in ["BEFORE", "AFTER"] {
            let gate = format!("ACTIONS_{number}_{when}");
            let push = Push::new(&world, &gate, mode);
            push.add(0..200);
            let action = match when {
                "BEFORE" => Action::Hold { gate: gate.clone() },
                _ => Action::HoldReply { gate: gate.clone() },
            };
            let rule = FaultRule::on(*route, action);
            let rule = if statement.is_empty() { rule } else { rule.statement(*statement) };
            killed_at(&world, &push, rule, &gate).await;
            push.add(200..210);
            push.run(&[]).await.succeeded();
            push.assert_delivered(0..210, &format!("killed at {route:?} {statement}, {when}")).await;
        }
    }
}

/// Kills a run when it has reached the gate of this rule.
async fn killed_at(world: &World, push: &Push<'_>, rule: FaultRule, gate: &str) {
    world.emulator.faults().add(rule);
    let mut child = world.start_program(&["run", "-f", push.file.to_str().unwrap()]);
    world.emulator.faults().reached(gate, 1).await;
    child.kill().await.unwrap();
    world.emulator.clock().advance(LATER);
    world.emulator.faults().clear();
}
