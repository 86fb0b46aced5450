//! One measurement, taken in a process of its own so that its peak memory is its own.

use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::{events, service};

/// What a child process was asked to do.
const TASK_VARIABLE: &str = "SNOWFERRY_BENCH_TASK";

/// What one run took.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Measurement {
    pub rows: u64,
    pub wall: Duration,
    /// Processor time of all threads: what stays comparable when other programs run beside.
    pub cpu: Duration,
    /// Peak resident memory of the process.
    pub peak_bytes: u64,
}

impl Measurement {
    /// Times `work`, which returns rows.
    pub fn take(work: impl FnOnce() -> u64) -> Self {
        let (start, cpu_before) = (Instant::now(), cpu_time().unwrap_or_default());
        let rows = work();
        let cpu = cpu_time().unwrap_or_default().saturating_sub(cpu_before);
        Self { rows, wall: start.elapsed(), cpu, peak_bytes: peak_bytes().unwrap_or(0) }
    }

    /// Hands the measurement to the parent process.
    pub fn report(&self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        serde_json::to_writer(&mut out, self)?;
        out.write_all(b"\n")
    }
}

/// The task of this process, where it is a child.
pub fn task() -> Option<Vec<String>> {
    let task = std::env::var(TASK_VARIABLE).ok()?;
    Some(task.split(' ').map(str::to_owned).collect())
}

/// Runs `task` in a child process and returns what it measured.
pub fn run(task: &str) -> io::Result<Measurement> {
    let (mut child, line) = start(task)?;
    let status = child.wait()?;
    if !status.success() {
        return Err(io::Error::other(format!("{task}: {status}")));
    }
    Ok(serde_json::from_str(&line)?)
}

/// Starts `task` in a child process and waits for the first line that it prints.
pub fn start(task: &str) -> io::Result<(Child, String)> {
    let mut child =
        Command::new(std::env::current_exe()?).env(TASK_VARIABLE, task).stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    let stdout = child.stdout.take().ok_or_else(|| io::Error::other("the child has no output"))?;
    BufReader::new(stdout).read_line(&mut line)?;
    Ok((child, line))
}

/// Processor time of this process so far, where the system tells it.
fn cpu_time() -> Option<Duration> {
    /// Linux counts in hundredths of a second, whatever its own clock does.
    const TICK: Duration = Duration::from_millis(10);
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program is in brackets and may hold spaces; user and system time are the 12th and 13th after it.
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks = fields.split_whitespace().skip(11).take(2).map(|field| field.parse::<u32>().ok());
    ticks.sum::<Option<u32>>().map(|ticks| TICK * ticks)
}

/// The high-water mark of this process's memory, where the system tells it.
fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// One run of `task`, which must give `rows` rows.
pub fn measured(task: &str, rows: usize, runs: &mut Vec<Measurement>) -> Duration {
    let run = self::run(task).expect("the measurement succeeds");
    assert_eq!(run.rows, rows as u64, "every row is read");
    runs.push(run);
    run.wall
}

/// The median run, with the highest peak of all runs.
pub fn summary(name: &str, runs: &[Measurement]) -> Option<Measurement> {
    let mut runs = runs.to_vec();
    runs.sort_by_key(|run| run.wall);
    let median = *runs.get(runs.len() / 2)?;
    let peak_bytes = runs.iter().map(|run| run.peak_bytes).max().unwrap_or(0);
    let speed = median.rows as f64 / median.wall.as_secs_f64();
    println!(
        "{name}: median {:.2?} ({:.2?} of processors), {speed:.0} rows/s, peak {} MiB",
        median.wall,
        median.cpu,
        peak_bytes >> 20
    );
    Some(Measurement { peak_bytes, ..median })
}

/// Serves the chunks in `folder` until the process is stopped, after it told its port on standard output.
pub fn serve(folder: &Path) {
    let chunks = events::read_chunks(folder).expect("the chunks can be read");
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    let ready = |port| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{port}").and_then(|()| out.flush()).expect("the parent listens");
    };
    runtime.block_on(service::serve(chunks, ready)).expect("the service runs until it is stopped");
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
