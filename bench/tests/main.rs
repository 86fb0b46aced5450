//! What the benchmarks measure works, so that nobody finds out only when measuring.

use std::thread;

use bench::{events, landing, pull, push, receiver, service, table};

const ROWS: usize = events::CHUNK_ROWS;

/// Runs a service beside the test, and returns its port.
fn served<F>(serve: impl FnOnce(Box<dyn FnOnce(u16) + Send>) -> F + Send + 'static) -> u16
where
    F: Future<Output = std::io::Result<()>>,
{
    let (ready, port) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
        let tell = move |port| ready.send(port).expect("the test waits");
        runtime.block_on(serve(Box::new(tell))).expect("the service runs until the test ends");
    });
    port.recv().expect("the service starts")
}

#[tokio::test]
async fn client_and_pull_get_every_row() {
    let folder = tempfile::tempdir().unwrap();
    events::write_chunks(folder.path()).unwrap();
    let chunks = events::read_chunks(folder.path()).unwrap();
    let port = served(|ready| service::serve(chunks, ready));
    assert_eq!(pull::pull(port, ROWS).await.unwrap(), ROWS as u64);
    assert_eq!(landing::pull(port, ROWS, folder.path()).await.unwrap(), ROWS as u64);
}

#[tokio::test]
async fn push_and_its_floor_send_every_row() {
    let folder = tempfile::tempdir().unwrap();
    table::write(folder.path(), ROWS).unwrap();
    assert_eq!(push::floor(folder.path()), ROWS as u64);
    let port = served(receiver::serve);
    assert_eq!(push::push(port, folder.path()).await.unwrap(), ROWS as u64);
}
