//! What one run took, and what several took.

use std::fmt;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

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

/// The runs of one contestant, of which there is at least one.
#[derive(Clone, Debug)]
pub struct Series {
    pub runs: Vec<Measurement>,
}

impl Series {
    pub fn wall(&self) -> Duration {
        self.median(|run| run.wall)
    }

    pub fn cpu(&self) -> Duration {
        self.median(|run| run.cpu)
    }

    /// The highest peak of all runs.
    pub fn peak_bytes(&self) -> u64 {
        self.runs.iter().map(|run| run.peak_bytes).max().unwrap_or(0)
    }

    fn median(&self, part: impl Fn(&Measurement) -> Duration) -> Duration {
        let mut parts: Vec<Duration> = self.runs.iter().map(part).collect();
        parts.sort();
        let (low, high) = (parts[(parts.len() - 1) / 2], parts[parts.len() / 2]);
        (low + high) / 2
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let walls = self.runs.iter().map(|run| run.wall);
        let (fastest, slowest) = (walls.clone().min().unwrap_or_default(), walls.max().unwrap_or_default());
        let rows = self.runs.first().map_or(0, |run| run.rows);
        write!(
            f,
            "median {:.2?} ({fastest:.2?} to {slowest:.2?}, {:.2?} of processors), {:.0} rows/s, peak {} MiB",
            self.wall(),
            self.cpu(),
            rows as f64 / self.wall().as_secs_f64(),
            self.peak_bytes() >> 20,
        )
    }
}

/// Processor time of this process so far, where the system tells it.
fn cpu_time() -> Option<Duration> {
    cpu_time_in(&std::fs::read_to_string("/proc/self/stat").ok()?)
}

/// Processor time as Linux tells it in a process's `stat`.
pub(crate) fn cpu_time_in(stat: &str) -> Option<Duration> {
    /// Linux counts in hundredths of a second, whatever its own clock does.
    const TICK: Duration = Duration::from_millis(10);
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
