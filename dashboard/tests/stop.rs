//! Being told to stop while browsers do not read, or do not even finish asking.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::harness::{Page, node};

/// Little, so that the other side notices soon that nobody reads.
const BUFFER_BYTES: u32 = 16 * 1024;
/// Nothing is taken for so long only by who cannot write its answers.
const STALLED_AFTER: Duration = Duration::from_secs(1);
/// The three seconds after which it hangs up, and as much as a busy machine may need.
const STOPPED_WITHIN: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn browsers_that_do_not_read_or_finish_asking_are_hung_up_on() {
    let node = node().await;
    let page = Page::start(&node).await;
    let host = page.address;
    let live = format!("GET /api/views/overview/live HTTP/1.1\r\nhost: {host}\r\n\r\n");
    let live = says(host, &live).await;
    let half = says(host, "GET /api/views/overview HTTP/1.1\r\nhost").await;
    let stalled = asks_and_never_reads(host).await;
    let stopping = Instant::now();
    timeout(STOPPED_WITHIN, page.stop())
        .await
        .expect("it stops");
    assert!(
        stopping.elapsed() > STALLED_AFTER,
        "somebody was waited for"
    );
    drop((live, half, stalled));
}

async fn says(address: SocketAddr, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

/// Asks again and again until nothing more is taken: the answers are stuck.
async fn asks_and_never_reads(address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_send_buffer_size(BUFFER_BYTES).unwrap();
    socket.set_recv_buffer_size(BUFFER_BYTES).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    let request = format!("GET /api/views/overview HTTP/1.1\r\nhost: {address}\r\n\r\n");
    while let Ok(asked) = timeout(STALLED_AFTER, stream.write_all(request.as_bytes())).await {
        asked.unwrap();
    }
    stream
}
