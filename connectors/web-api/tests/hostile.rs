//! Hostile requests get an appropriate status and do not affect other clients.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::harness::{Api, node, player_event};
use crate::http;

const TOPIC: &str = "player-events";

#[tokio::test(flavor = "multi_thread")]
async fn hostile_requests_are_refused_and_honest_ones_still_answered() {
    let node = node().await;
    let api = Api::start(&node).await;
    let refused = async |headers: &[(&str, &str)], body: &[u8]| {
        api.post_with(TOPIC, headers, body).await.problem()
    };
    let large = vec![b' '; (4 << 20) + 1];
    assert_eq!(refused(&[], &large).await, (413, "too_large".to_owned()));
    let bomb = zstd::encode_all(&vec![b'['; 256 << 20][..], 3).unwrap();
    assert!(bomb.len() < 64 << 10);
    let packed = [("content-encoding", "zstd")];
    assert_eq!(refused(&packed, &bomb).await, (413, "too_large".to_owned()));
    let unreadable = (400, "unreadable_body".to_owned());
    assert_eq!(refused(&packed, b"no zstd").await, unreadable);
    assert_eq!(refused(&[], b"").await, unreadable);
    assert_eq!(refused(&[], b"{\"cut\":").await, unreadable);
    let unknown = (415, "unsupported_media_type".to_owned());
    assert_eq!(
        refused(&[("content-type", "text/xml")], b"<a/>").await,
        unknown
    );
    assert_eq!(refused(&[("content-encoding", "br")], b"{}").await, unknown);
    for (depth, in_array) in [(1 << 20, "too_large"), (100_000, "not_json")] {
        let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let answer = api.post(TOPIC, &format!("[{deep}]")).await;
        assert_eq!(answer.json()["rejections"][0]["reason"], in_array);
        let answer = api.post(TOPIC, &format!("{{\"a\":{deep}}}")).await;
        assert_eq!(answer.json()["rejections"][0]["reason"], "too_large");
    }
    let event = player_event("p", 1).to_string();
    assert_eq!(api.post(TOPIC, &event).await.status, 200);
    api.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_size_of_heads_is_limited() {
    let node = node().await;
    let api = Api::start(&node).await;
    let long = "x".repeat(64 << 10);
    let many: String = (0..200).map(|number| format!("h{number}: x\r\n")).collect();
    let mut refused = 0;
    for headers in [format!("h: {long}\r\n"), many] {
        let bytes = format!("POST /v1/events HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n");
        // A client that is still sending when the server hangs up may not receive the response.
        if let Some(answer) = http::raw(api.address, bytes.as_bytes()).await {
            assert_eq!(answer.status, 431);
            refused += 1;
        }
    }
    assert!(refused > 0, "no client got an error");
    let nonsense = http::raw(api.address, b"\x16\x03\x01 hello\r\n\r\n").await;
    assert!(nonsense.is_none_or(|answer| answer.status == 400));
    assert_eq!(api.get("/health").await.status, 200);
    api.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_whose_head_never_ends_is_hung_up_on_and_delays_no_stop() {
    let node = node().await;
    let api = Api::start(&node).await;
    let mut slow = TcpStream::connect(api.address).await.unwrap();
    slow.write_all(b"POST /v1/events HTTP/1.1\r\nhost: localhost")
        .await
        .unwrap();
    let started = std::time::Instant::now();
    assert!(
        http::answer(slow)
            .await
            .is_none_or(|answer| answer.status == 408)
    );
    assert!(started.elapsed() < Duration::from_secs(40));
    let idle = TcpStream::connect(api.address).await.unwrap();
    let stopping = tokio::time::timeout(Duration::from_secs(30), api.stop());
    stopping
        .await
        .expect("the web API stops although a client is silent");
    drop(idle);
}
