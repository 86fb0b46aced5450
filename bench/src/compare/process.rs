//! A program run to its end, with what it and the programs that it started took.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::measurement::Measurement;

/// Runs `command`, which moves `rows` rows. What it prints goes into `log`, and into the error where it fails.
pub fn measured(command: &mut Command, rows: u64, log: &std::path::Path) -> io::Result<Measurement> {
    let file = std::fs::File::create(log)?;
    command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    let started = Instant::now();
    let child = command.spawn()?;
    let (status, usage) = wait(child.id())?;
    let wall = started.elapsed();
    if !status.success() {
        let said = std::fs::read_to_string(log).unwrap_or_default();
        let lines: Vec<&str> = said.lines().rev().take(8).collect();
        let end: Vec<&str> = lines.into_iter().rev().collect();
        return Err(io::Error::other(format!("{status}:\n{}", end.join("\n"))));
    }
    let cpu = time(usage.ru_utime) + time(usage.ru_stime);
    // Linux counts in kibibytes: of the largest single process, not of all together.
    let peak_bytes = u64::try_from(usage.ru_maxrss).unwrap_or(0) * 1024;
    Ok(Measurement { rows, wall, cpu, peak_bytes })
}

/// Waits for a child of this process; its usage covers the processes that it waited for itself.
fn wait(id: u32) -> io::Result<(ExitStatus, libc::rusage)> {
    let id = libc::pid_t::try_from(id).map_err(io::Error::other)?;
    let mut status = 0;
    // SAFETY: plain numbers, for which zero is a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both places are valid for the call; nobody else waits for this child.
    let waited = unsafe { libc::wait4(id, &raw mut status, 0, &raw mut usage) };
    if waited != id {
        return Err(io::Error::last_os_error());
    }
    Ok((ExitStatus::from_raw(status), usage))
}

fn time(value: libc::timeval) -> Duration {
    let seconds = Duration::from_secs(u64::try_from(value.tv_sec).unwrap_or(0));
    seconds + Duration::from_micros(u64::try_from(value.tv_usec).unwrap_or(0))
}
