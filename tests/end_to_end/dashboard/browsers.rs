//! Simulates many browsers that show views, and tracks the latest mark that each has received. A mark is a numbered
//! text that a test writes to a field of a row.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::harness::WAIT_MAX;

/// The beginning of a mark, which may be anywhere in a row. The number of the mark follows.
const MARK: &[u8] = b"mark-";
/// The number of bytes carried over to the next read, because a mark may be split between two reads.
const TAIL_BYTES: usize = 16;

/// Browsers that stay connected until dropped.
pub(super) struct Browsers {
    /// The greatest mark that each browser has received.
    received: Vec<Arc<AtomicU64>>,
    _reading: JoinSet<()>,
}

/// Returns a mark, to be used as the value of a text field.
pub(super) fn mark(number: u64) -> String {
    format!("mark-{number:06}")
}

impl Browsers {
    /// Connects `each` browsers to each view.
    pub(super) async fn open(address: SocketAddr, views: &[&str], each: usize) -> Self {
        let (mut received, mut reading) = (Vec::new(), JoinSet::new());
        for view in views
            .iter()
            .flat_map(|view| std::iter::repeat_n(*view, each))
        {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let request = format!("GET /api/views/{view}/live HTTP/1.1\r\nhost: {address}\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let mark = Arc::new(AtomicU64::new(0));
            received.push(mark.clone());
            reading.spawn(read(stream, mark));
        }
        Self {
            received,
            _reading: reading,
        }
    }

    pub(super) fn count(&self) -> usize {
        self.received.len()
    }

    /// Waits until all browsers have received this mark or a later one, and returns how long that took.
    pub(super) async fn all_received(&self, mark: u64) -> Duration {
        let since = Instant::now();
        while let Some(waiting) = self
            .received
            .iter()
            .position(|received| received.load(Ordering::Relaxed) < mark)
        {
            assert!(
                since.elapsed() < WAIT_MAX,
                "browser {waiting} has not received {mark}"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        since.elapsed()
    }
}

async fn read(mut stream: TcpStream, received: Arc<AtomicU64>) {
    let mut buffer = vec![0; 64 * 1024];
    let mut kept = 0;
    while let Ok(count @ 1..) = stream.read(&mut buffer[kept..]).await {
        let end = kept + count;
        for (place, _) in buffer[..end]
            .windows(MARK.len())
            .enumerate()
            .filter(|(_, found)| *found == MARK)
        {
            let digits = buffer[place + MARK.len()..end].iter().take(6);
            if digits.len() == 6 {
                let number = digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
                received.fetch_max(number, Ordering::Relaxed);
            }
        }
        kept = end.min(TAIL_BYTES);
        buffer.copy_within(end - kept..end, 0);
    }
}
