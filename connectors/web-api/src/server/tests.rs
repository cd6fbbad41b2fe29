//! Tests with slow and silent clients, and with more clients than the limit.

use std::net::SocketAddr;

use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// Longer than any test takes: connections must end much earlier.
const LONG: Duration = Duration::from_secs(3_600);
const SHORT: Duration = Duration::from_millis(200);
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: test\r\n\r\n";

const LIMITS: ConnectionLimits = ConnectionLimits {
    connections_max: 8,
    head: LONG,
    idle: LONG,
    write: LONG,
};

async fn served(body: Vec<u8>, limits: ConnectionLimits) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/", get(async move || body));
    tokio::spawn(serve(listener, router, limits, CancellationToken::new()));
    address
}

/// Sends a request, and returns whether the response is 200 with the body `ok`.
async fn is_answered(client: &mut TcpStream) -> bool {
    let mut answer = Vec::new();
    client.write_all(REQUEST).await.unwrap();
    while !answer.ends_with(b"\r\n\r\nok") {
        let read = timeout(Duration::from_secs(60), client.read_buf(&mut answer)).await;
        if !read.expect("an answer").is_ok_and(|bytes| bytes > 0) {
            return false;
        }
    }
    answer.starts_with(b"HTTP/1.1 200")
}

/// Waits until the server hangs up without sending anything else.
async fn is_hung_up_on(client: &mut TcpStream) {
    let mut rest = Vec::new();
    let read = timeout(Duration::from_secs(60), client.read_to_end(&mut rest)).await;
    // An error is allowed: the server may also have reset the connection.
    let _reset = read.expect("the server hangs up");
    assert!(rest.is_empty(), "{rest:?}");
}

#[tokio::test]
async fn an_idle_connection_is_kept_for_longer_than_a_head_may_take() {
    let head = SHORT;
    let address = served(b"ok".to_vec(), ConnectionLimits { head, ..LIMITS }).await;
    let mut kept = TcpStream::connect(address).await.unwrap();
    assert!(is_answered(&mut kept).await);
    // A client that sends no head is disconnected after the head timeout.
    let mut silent = TcpStream::connect(address).await.unwrap();
    is_hung_up_on(&mut silent).await;
    assert!(is_answered(&mut kept).await, "the connection was only idle");
    // The time limit for a head also applies to the next one, although its bytes keep arriving one by one.
    kept.write_all(&REQUEST[..5]).await.unwrap();
    let trickle = async {
        while kept.write_all(b"x").await.is_ok() {
            sleep(SHORT / 10).await;
        }
    };
    let cut = timeout(Duration::from_secs(60), trickle).await;
    cut.expect("the server hangs up");
}

#[tokio::test]
async fn a_connection_that_is_idle_for_too_long_is_closed() {
    let idle = SHORT;
    let address = served(b"ok".to_vec(), ConnectionLimits { idle, ..LIMITS }).await;
    let mut client = TcpStream::connect(address).await.unwrap();
    assert!(is_answered(&mut client).await);
    is_hung_up_on(&mut client).await;
}

#[tokio::test]
async fn at_the_limit_the_connection_that_is_idle_longest_is_closed() {
    let connections_max = 2;
    let limits = ConnectionLimits {
        connections_max,
        ..LIMITS
    };
    let address = served(b"ok".to_vec(), limits).await;
    let mut clients = Vec::new();
    for _ in 0..5 {
        let mut client = TcpStream::connect(address).await.unwrap();
        assert!(is_answered(&mut client).await);
        clients.push(client);
    }
    for client in &mut clients[..3] {
        is_hung_up_on(client).await;
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_client_that_never_reads_loses_its_connection() {
    let limits = ConnectionLimits {
        connections_max: 1,
        write: Duration::from_secs(1),
        ..LIMITS
    };
    // The body is larger than the buffers of both ends.
    let address = served(vec![b'x'; 64 << 20], limits).await;
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(REQUEST).await.unwrap();
    // Wait for the beginning of the response.
    let mut begin = [0; 12];
    client.read_exact(&mut begin).await.unwrap();
    assert_eq!(&begin, b"HTTP/1.1 200");
    // There is only one permit, so the next client is served only after the first one is disconnected.
    let mut next = TcpStream::connect(address).await.unwrap();
    next.write_all(REQUEST).await.unwrap();
    let answer = timeout(Duration::from_secs(60), next.read_exact(&mut begin));
    answer
        .await
        .expect("the first client is disconnected")
        .unwrap();
}
