//! Many browsers that look at views, and know of each mark when they heard of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// What a mark begins with, somewhere in a row; its number follows.
const MARK: &[u8] = b"mark-";
/// A mark may be cut between two readings.
const TAIL_BYTES: usize = 16;
const PATIENCE: Duration = Duration::from_secs(60);

/// Browsers that stay connected until dropped.
pub(super) struct Browsers {
    /// The greatest mark that each has heard of.
    heard: Vec<Arc<AtomicU64>>,
    _reading: JoinSet<()>,
}

/// A name that a row can have.
pub(super) fn mark(number: u64) -> String {
    format!("mark-{number:06}")
}

impl Browsers {
    /// So many of each view, connected.
    pub(super) async fn open(address: SocketAddr, views: &[&str], each: usize) -> Self {
        let (mut heard, mut reading) = (Vec::new(), JoinSet::new());
        for view in views
            .iter()
            .flat_map(|view| std::iter::repeat_n(*view, each))
        {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let request = format!("GET /api/views/{view}/live HTTP/1.1\r\nhost: {address}\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let mark = Arc::new(AtomicU64::new(0));
            heard.push(mark.clone());
            reading.spawn(read(stream, mark));
        }
        Self {
            heard,
            _reading: reading,
        }
    }

    pub(super) fn count(&self) -> usize {
        self.heard.len()
    }

    /// Waits until all have heard of a mark; how long that took.
    pub(super) async fn all_heard(&self, mark: u64) -> Duration {
        let since = Instant::now();
        while let Some(deaf) = self
            .heard
            .iter()
            .position(|heard| heard.load(Ordering::Relaxed) < mark)
        {
            assert!(
                since.elapsed() < PATIENCE,
                "browser {deaf} has not heard of {mark}"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        since.elapsed()
    }
}

async fn read(mut stream: TcpStream, heard: Arc<AtomicU64>) {
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
                heard.fetch_max(number, Ordering::Relaxed);
            }
        }
        kept = end.min(TAIL_BYTES);
        buffer.copy_within(end - kept..end, 0);
    }
}
