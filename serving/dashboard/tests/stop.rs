//! Tests stopping the dashboard while clients do not read their responses, or have not finished their requests.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::harness::{Page, node};

/// The size of the client's socket buffers. They are small, so that they are soon full and the server cannot write.
const BUFFER_BYTES: u32 = 16 * 1024;
/// A server that reads no bytes for this long counts as blocked: it cannot write its responses.
const STALLED_AFTER: Duration = Duration::from_secs(1);
/// The server closes connections three seconds after the stop. The rest is for the delays of a busy machine.
const STOPPED_WITHIN: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn connections_of_browsers_that_do_not_read_or_finish_their_request_are_closed() {
    let node = node().await;
    let page = Page::start(&node).await;
    let host = page.address;
    let live = format!("GET /api/views/overview/live HTTP/1.1\r\nhost: {host}\r\n\r\n");
    let live = send(host, &live).await;
    let half = send(host, "GET /api/views/overview HTTP/1.1\r\nhost").await;
    let stalled = send_without_reading(host).await;
    let stopping = Instant::now();
    timeout(STOPPED_WITHIN, page.stop())
        .await
        .expect("it stops");
    assert!(
        stopping.elapsed() > STALLED_AFTER,
        "the server waited for open requests"
    );
    drop((live, half, stalled));
}

async fn send(address: SocketAddr, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

/// Sends requests without reading the responses, until the server cannot write and therefore stops reading.
async fn send_without_reading(address: SocketAddr) -> TcpStream {
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
