//! A link that is slower than loopback: what goes in either direction arrives later, and no faster than it may.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, mpsc};
use tokio::time::{Instant, sleep_until};

use crate::child;

/// Bytes that are taken from a connection at once.
const PIECE_BYTES: usize = 64 * 1024;
/// Pieces under way in one direction of a connection: four megabytes, as much as a busy connection's window.
const PIECES_MAX: usize = 64;

/// How slow a link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slowness {
    /// From a request to its reply, in milliseconds.
    pub round_trip_ms: u64,
    /// Of all connections together in one direction, in megabits a second; as fast as it goes when absent.
    pub megabits_max: Option<u64>,
}

impl Slowness {
    pub fn is_none(self) -> bool {
        self.round_trip_ms == 0 && self.megabits_max.is_none()
    }
}

/// When the link is free again, in one direction.
type Free = Arc<Mutex<Instant>>;

/// Passes connections on to `port` until the process is stopped.
pub fn serve(port: u16, slowness: Slowness) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    runtime.block_on(pass_on(port, slowness)).expect("the link works until it is stopped");
}

async fn pass_on(port: u16, slowness: Slowness) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    child::tell(listener.local_addr()?.port());
    let [up, down] = [(); 2].map(|()| Arc::new(Mutex::new(Instant::now())));
    loop {
        let (near, _) = listener.accept().await?;
        let far = TcpStream::connect(("127.0.0.1", port)).await?;
        near.set_nodelay(true)?;
        far.set_nodelay(true)?;
        let ((near_read, near_write), (far_read, far_write)) = (near.into_split(), far.into_split());
        tokio::spawn(carry(near_read, far_write, slowness, Arc::clone(&up)));
        tokio::spawn(carry(far_read, near_write, slowness, Arc::clone(&down)));
    }
}

/// Carries bytes in one direction. A connection that breaks on one side is closed on the other.
async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, slowness: Slowness, free: Free) {
    let (sender, mut receiver) = mpsc::channel::<(Instant, Vec<u8>)>(PIECES_MAX);
    let delay = Duration::from_millis(slowness.round_trip_ms) / 2;
    let reading = async move {
        loop {
            let mut piece = vec![0; PIECE_BYTES];
            let Ok(length @ 1..) = from.read(&mut piece).await else { return };
            piece.truncate(length);
            if sender.send((Instant::now() + delay, piece)).await.is_err() {
                return;
            }
        }
    };
    let writing = async move {
        while let Some((due, piece)) = receiver.recv().await {
            sleep_until(due.max(turn(&free, piece.len(), slowness.megabits_max).await)).await;
            if to.write_all(&piece).await.is_err() {
                return;
            }
        }
    };
    tokio::join!(reading, writing);
}

/// Takes the link for so many bytes, and gives when they are through.
async fn turn(free: &Free, bytes: usize, megabits_max: Option<u64>) -> Instant {
    let now = Instant::now();
    let Some(megabits) = megabits_max else { return now };
    let mut free = free.lock().await;
    *free = (*free).max(now) + Duration::from_nanos(bytes as u64 * 8 * 1000 / megabits.max(1));
    *free
}
