//! Checks that clients cannot exhaust the server's memory.

use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::http;
use crate::harness::{LocalCluster, Running};

/// The limit for the growth of the process's memory. It is four times the 96 MiB that all bodies together may occupy,
/// because connections use memory too, and the allocator does not return all freed memory at once.
const GROWTH_KIB_MAX: u64 = 384 * 1024;
/// Makes the allocator return freed memory as soon as it can, so that the test measures what the process uses.
const PURGE_AT_ONCE: &str = "export MIMALLOC_PURGE_DELAY=0";

/// The first lines of requests that are written directly to a socket.
const HEAD: &str =
    "POST /v1/events HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn bombs_endless_bodies_and_slow_senders_leave_memory_flat() {
    let node = LocalCluster::start();
    let args = ["web-api", "--cluster", &node.address];
    let web_api = Running::start_in_shell(PURGE_AT_ONCE, &args);
    let address = web_api.line("web-api: http://").parse().unwrap();
    let at_rest = peak_kib(&web_api);
    let bomb = gzip_bomb(1 << 30);
    assert!(bomb.len() < 2 << 20);
    let mut clients = JoinSet::new();
    for _ in 0..40 {
        let bomb = bomb.clone();
        clients.spawn(async move {
            let headers = [("content-encoding", "gzip")];
            let answer = http::try_request(address, "POST /v1/events", &headers, &bomb).await;
            answer.map(|answer| answer.problem().0)
        });
        clients.spawn(endless(address));
    }
    let mut slow = Vec::new();
    for _ in 0..300 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!("{HEAD}content-length: 4194304\r\n\r\n[");
        stream.write_all(head.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    for status in clients.join_all().await.into_iter().flatten() {
        assert!([413, 503].contains(&status), "{status}");
    }
    let health = http::request(address, "GET /health", &[], b"").await;
    assert_eq!(health.status, 200);
    let grown = peak_kib(&web_api) - at_rest;
    assert!(grown < GROWTH_KIB_MAX, "{grown} KiB more than at rest");
    drop(slow);
    web_api.stop();
}

/// Sends a body without end until the server refuses it.
async fn endless(address: SocketAddr) -> Option<u16> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    let head = format!("{HEAD}transfer-encoding: chunked\r\n\r\n");
    stream.write_all(head.as_bytes()).await.ok()?;
    let chunk = [b"10000\r\n".as_slice(), &[b' '; 0x10000], b"\r\n"].concat();
    for _ in 0..4_096 {
        if stream.write_all(&chunk).await.is_err() {
            break;
        }
    }
    let answer = tokio::time::timeout(Duration::from_secs(60), http::answer(stream));
    Some(answer.await.ok()??.status)
}

/// Returns a body of many identical gzip members, which has `bytes` bytes when it is decompressed.
fn gzip_bomb(bytes: usize) -> Vec<u8> {
    let piece = vec![b' '; 1 << 20];
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&piece).unwrap();
    encoder.finish().unwrap().repeat(bytes / piece.len())
}

/// Returns the greatest memory of the process so far, in KiB.
fn peak_kib(process: &Running) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap()
}
