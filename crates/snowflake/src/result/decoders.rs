//! The threads that decode chunks and do nothing else, as many in this process as there are cores.
//!
//! They are always the same: memory that a thread has given out and another one gave back waits for the first to ask for
//! more.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{LazyLock, OnceLock};
use std::thread;
use std::time::Duration;

use flume::{Receiver, Sender};
use tokio::sync::oneshot;

use crate::decode::Decoded;
use crate::error::{Error, ErrorKind, Result};
use crate::result::access::cores;

/// How long a decoder waits for more before it rests, and again for as long as it has nothing to do: the last rows may be
/// in use for some time. In the middle of a read there is a chunk every fifth of a second or so.
const RESTS_AFTER_MS: [u64; 3] = [600, 1_200, 2_400];

type Job = Box<dyn FnOnce() + Send>;

static AT_REST: OnceLock<fn()> = OnceLock::new();

/// What each of the threads that decode does once it has had nothing to do for a while; the first to say so is followed.
///
/// Allocators that keep memory by thread hold on to what such a thread gave out for rows, also where others have given it
/// back, until it asks for more or is told to look.
pub fn when_decoders_rest(act: fn()) {
    AT_REST.get_or_init(|| act);
}

/// Runs `decode` on one of the threads.
pub(super) async fn decoding<F>(decode: F) -> Result<Decoded>
where
    F: FnOnce() -> Result<Decoded> + Send + 'static,
{
    static JOBS: LazyLock<Sender<Job>> = LazyLock::new(start);
    let (sender, decoded) = oneshot::channel();
    let job = move || {
        // Arrow's reader panics on some malformed messages.
        let decoded = catch_unwind(AssertUnwindSafe(decode));
        drop(sender.send(decoded.unwrap_or_else(|_| {
            Err(Error::new(ErrorKind::Protocol, "the rows of a chunk cannot be decoded"))
        })));
    };
    JOBS.send(Box::new(job)).expect("decoders never end");
    decoded.await.expect("a decoder always answers")
}

fn start() -> Sender<Job> {
    let (sender, jobs) = flume::unbounded();
    for number in 0..cores() {
        let jobs = jobs.clone();
        let decoder = thread::Builder::new().name(format!("decoder-{number}"));
        decoder.spawn(move || work(&jobs)).expect("threads can be started");
    }
    sender
}

fn work(jobs: &Receiver<Job>) {
    while let Ok(job) = jobs.recv() {
        job();
        let mut rests = RESTS_AFTER_MS.iter();
        while let Some(wait_ms) = rests.next() {
            match jobs.recv_timeout(Duration::from_millis(*wait_ms)) {
                Ok(job) => {
                    job();
                    rests = RESTS_AFTER_MS.iter();
                }
                Err(_) => rest(),
            }
        }
    }
}

fn rest() {
    if let Some(act) = AT_REST.get() {
        act();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{SyncSender, sync_channel};

    use super::*;

    #[tokio::test]
    async fn decoders_that_have_nothing_to_do_do_what_the_program_wants_done_then() {
        static RESTED: OnceLock<SyncSender<Option<String>>> = OnceLock::new();
        let (sender, rested) = sync_channel(64);
        RESTED.set(sender).unwrap();
        when_decoders_rest(|| {
            drop(RESTED.get().unwrap().try_send(thread::current().name().map(str::to_owned)));
        });

        let refused = decoding(|| Err(Error::new(ErrorKind::Protocol, "no rows"))).await.map(|_| ());

        assert_eq!(refused.unwrap_err().to_string(), "no rows");
        let who = rested.recv_timeout(Duration::from_secs(60)).unwrap().unwrap();
        assert!(who.starts_with("decoder-"), "{who}");
    }
}
