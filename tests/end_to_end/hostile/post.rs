//! An HTTP client that reuses its connection and can send arbitrary bytes.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The timeout of a response. If the server hangs, the test fails after this time.
const DEADLINE: Duration = Duration::from_secs(90);

pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

/// A client that keeps at most one connection for its next request.
pub(super) struct Connection {
    address: SocketAddr,
    stream: Option<TcpStream>,
}

impl Connection {
    pub(super) fn to(address: SocketAddr) -> Self {
        Self {
            address,
            stream: None,
        }
    }

    /// Sends a complete request. Returns `None` if the server closes the connection without a response.
    pub(super) async fn send(&mut self, request: &[u8]) -> Option<Answer> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => self.open().await,
        };
        // Writing may fail: a server that refuses a request early does not read the rest of it.
        let _refused = stream.write_all(request).await;
        let (answer, is_kept) = read(&mut stream).await?;
        if is_kept && answer.status == 200 {
            self.stream = Some(stream);
        }
        Some(answer)
    }

    /// Sends an incomplete request, then closes the sending side of the connection.
    pub(super) async fn send_and_close(&self, bytes: &[u8]) -> Option<Answer> {
        let mut stream = self.open().await;
        let _refused = stream.write_all(bytes).await;
        let _closed = stream.shutdown().await;
        read(&mut stream).await.map(|(answer, _)| answer)
    }

    async fn open(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).await;
        stream.unwrap_or_else(|error| panic!("cannot connect to the web API: {error}"))
    }
}

/// Reads a response. Returns it, and whether the connection stays open.
async fn read(stream: &mut TcpStream) -> Option<(Answer, bool)> {
    let mut bytes = Vec::new();
    let reading = async {
        loop {
            if let Some(answer) = whole(&bytes) {
                return Some(answer);
            }
            if !matches!(stream.read_buf(&mut bytes).await, Ok(1..)) {
                return None;
            }
        }
    };
    timeout(DEADLINE, reading).await.expect("an answer in time")
}

fn whole(bytes: &[u8]) -> Option<(Answer, bool)> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
    let header = |name: &str| {
        let mut lines = head.split("\r\n");
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    };
    let length = header("content-length").map_or(0, |length| length.parse().unwrap());
    let body = bytes.get(end + 4..end + 4 + length)?.to_vec();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let is_kept = header("connection") != Some("close");
    Some((Answer { status, body }, is_kept))
}
