//! A program run to its end, with what it and the programs that it started took.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::child;
use crate::measurement::Measurement;

/// Runs `command`, which moves `rows` rows. What it prints goes into `log`, and into the error where it fails.
///
/// A small process of its own starts it: Linux counts the memory of whoever starts a program as the program's.
pub fn measured(command: &Command, rows: u64, log: &Path) -> io::Result<Measurement> {
    let mut starter = child::command(&format!("{STARTER} {rows}"))?;
    let mut task = OsString::new();
    for (name, value) in command.get_envs() {
        match value {
            Some(value) if name == child::TASK_VARIABLE => value.clone_into(&mut task),
            Some(value) => drop(starter.env(name, value)),
            None => drop(starter.env_remove(name)),
        }
    }
    if let Some(folder) = command.get_current_dir() {
        starter.current_dir(folder);
    }
    starter.arg(log).arg(task).arg(command.get_program()).args(command.get_args());
    let told = starter.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    let run: Result<Measurement, String> = serde_json::from_slice(&told.stdout)?;
    run.map_err(io::Error::other)
}

/// The task of the process that starts a program.
pub const STARTER: &str = "start";

/// Runs the program that the arguments name, and tells what it took, or how it failed.
pub fn start(rows: u64) -> io::Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let mut next = || arguments.next().ok_or_else(|| io::Error::other("an argument is missing"));
    let (log, task, program) = (next()?, next()?, next()?);
    let mut command = Command::new(program);
    command.args(arguments).env_remove(child::TASK_VARIABLE);
    if !task.is_empty() {
        command.env(child::TASK_VARIABLE, task);
    }
    let run = run(&mut command, rows, Path::new(&log)).map_err(|error| error.to_string());
    serde_json::to_writer(io::stdout(), &run).map_err(io::Error::other)
}

/// Runs `command` from this process, whose memory counts as the program's as far as it is more.
pub fn run(command: &mut Command, rows: u64, log: &Path) -> io::Result<Measurement> {
    let file = std::fs::File::create(log)?;
    command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    let started = Instant::now();
    let (status, usage) = wait(command.spawn()?.id())?;
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
