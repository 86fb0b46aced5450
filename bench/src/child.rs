//! Processes of their own: one for each measurement, so that its peak memory is its own, and one for the service.

use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::measurement::Measurement;
use crate::{events, service};

/// What a child process was asked to do.
pub(crate) const TASK_VARIABLE: &str = "SNOWFERRY_BENCH_TASK";

/// What every benchmark's program does: its own part, or where it is a child process the child's.
pub fn main(parent: impl FnOnce(), child: impl FnOnce(&str, &[String])) {
    let Ok(task) = std::env::var(TASK_VARIABLE) else { return parent() };
    let words: Vec<String> = task.split(' ').map(str::to_owned).collect();
    if let [task, arguments @ ..] = words.as_slice() {
        child(task, arguments);
    }
}

/// Measures `task` in a child process, which must have moved `rows` rows.
pub fn measured(task: &str, rows: usize) -> io::Result<Measurement> {
    let (mut child, line) = start(task)?;
    let status = child.wait()?;
    if !status.success() {
        return Err(io::Error::other(format!("{task}: {status}")));
    }
    let run: Measurement = serde_json::from_str(&line)?;
    assert_eq!(run.rows, rows as u64, "{task}: every row arrives");
    Ok(run)
}

/// Starts `task` in a child process and waits for the first line that it prints.
pub fn start(task: &str) -> io::Result<(Child, String)> {
    let mut child = command(task)?.stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    let stdout = child.stdout.take().ok_or_else(|| io::Error::other("the child has no output"))?;
    BufReader::new(stdout).read_line(&mut line)?;
    Ok((child, line))
}

/// This program, told to do `task` only.
pub fn command(task: &str) -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.env(TASK_VARIABLE, task);
    Ok(command)
}

/// Serves the chunks in `folder` until the process is stopped, after it told its port on standard output.
pub fn serve(folder: &Path) {
    let chunks = events::read_chunks(folder).expect("the chunks can be read");
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    runtime.block_on(service::serve(chunks, tell)).expect("the service runs until it is stopped");
}

/// Tells the parent process the port of a service.
pub fn tell(port: u16) {
    let mut out = io::stdout().lock();
    writeln!(out, "{port}").and_then(|()| out.flush()).expect("the parent listens");
}

/// Stops the service with the benchmark.
#[derive(Debug)]
pub struct StopOnDrop(pub Child);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
