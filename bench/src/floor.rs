//! The floor: decompressing and decoding the same bytes, with no protocol, no order and no conversion.

use std::io::BufReader;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow_ipc::reader::StreamReader;
use flate2::bufread::GzDecoder;

use crate::events::Chunk;

/// Decodes `count` chunks on `threads` threads and returns the rows.
pub fn decode(chunks: &[Chunk], count: usize, threads: usize) -> u64 {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut rows = 0;
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                return rows;
            }
            let gzip = GzDecoder::new(&chunks[index % chunks.len()].body[..]);
            let reader =
                StreamReader::try_new(BufReader::new(gzip), None).expect("the chunk is an Arrow stream");
            rows += reader.map(|batch| batch.expect("the chunk is whole").num_rows() as u64).sum::<u64>();
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().expect("no thread panics")).sum()
    })
}
