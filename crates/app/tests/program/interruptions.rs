//! Runs of the program that end before their time, at a place of their own.

use std::path::Path;

use emulator::{Action, FaultRule, Route};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

use crate::crashes::interrupt;
use crate::world::World;

/// A run whose requests for chunks wait from one of them on.
pub(crate) struct HeldRun<'a> {
    world: &'a World,
    pub(crate) child: Child,
    events: Lines<BufReader<ChildStdout>>,
}

impl<'a> HeldRun<'a> {
    /// Starts a run that is given so many chunks, and waits until it asks for one more. Released gates stay open, so
    /// each run has its own.
    pub(crate) async fn start(world: &'a World, file: &Path, chunks: usize, gate: &str) -> Self {
        let hold = FaultRule::on(Route::Chunk, Action::Hold { gate: gate.to_owned() });
        world.emulator.faults().add(hold.skip(u32::try_from(chunks).unwrap()).forever());
        let mut child = world.start_program(&["run", "-f", file.to_str().unwrap(), "--json"]);
        let events = BufReader::new(child.stdout.take().unwrap()).lines();
        world.emulator.faults().reached(gate, 1).await;
        Self { world, child, events }
    }

    /// Waits until the run has more than so many rows.
    pub(crate) async fn has_more_rows_than(&mut self, row_count: u64) {
        while let Some(line) = self.events.next_line().await.unwrap() {
            let event: Value = serde_json::from_str(&line).unwrap();
            if event["progress"]["row_count"].as_u64() > Some(row_count) {
                break;
            }
        }
    }

    /// Interrupts it as Ctrl-C does.
    pub(crate) async fn stop(mut self) {
        interrupt(&self.child);
        assert_eq!(self.child.wait().await.unwrap().code(), Some(130));
        self.world.emulator.faults().clear();
    }

    /// Ends it as `kill -9` does.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
        self.world.emulator.faults().clear();
    }
}
