//! Tests the web API's flags for allowed origins, corrected clocks and idle connections.

use std::net::SocketAddr;
use std::time::Duration;

use client::Cluster;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::http;
use crate::harness::{self, LocalCluster, Running};

const ORIGIN: (&str, &str) = ("origin", "https://game.example");

#[tokio::test(flavor = "multi_thread")]
async fn flags_allow_origins_correct_clocks_and_close_idle_connections() {
    let node = LocalCluster::start();
    let web_api = Running::start(&[
        "web-api",
        "--cluster",
        &node.address,
        "--cors-origin",
        "https://other.example",
        "--cors-origin",
        ORIGIN.1,
        "--correct-clocks",
        "--idle-timeout",
        "1s",
    ]);
    let address: SocketAddr = web_api.line("web-api: http://").parse().unwrap();
    // A request as browsers send it with `sendBeacon`, from a player whose clock is decades behind.
    let event = json!({
        "event_name": "player_action", "event_timestamp": "2001-01-01T00:00:00Z",
        "parameters": {"player_id": "p", "session_id": "s", "event_type": "move",
            "level_id": "l", "map_id": "m"},
        "user_data": {"user_id": "p", "platform": "PC"}
    });
    let body = json!({"sent_at": "2001-01-01T00:00:00Z", "events": [event]}).to_string();
    let headers = [ORIGIN, ("content-type", "text/plain;charset=UTF-8")];
    let answer = http::request(address, "POST /v1/player-events", &headers, body.as_bytes()).await;
    assert_eq!(answer.json()["accepted"], 1);
    assert_eq!(answer.headers["access-control-allow-origin"], ORIGIN.1);
    let cluster = Cluster::connect(Some(&node.address)).await.unwrap();
    let found = harness::derived(&cluster, "player-events").await;
    assert_eq!(found[0]["event_timestamp_sent"], "2001-01-01T00:00:00Z");
    assert!(found[0]["clock_correction_ms"].as_i64().unwrap() > 20 * 365 * 86_400_000);

    let mut idle = TcpStream::connect(address).await.unwrap();
    let request = b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n";
    idle.write_all(request).await.unwrap();
    let mut answer = String::new();
    let closed = timeout(Duration::from_secs(60), idle.read_to_string(&mut answer)).await;
    closed.expect("the server hangs up").unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    web_api.stop();
}

#[test]
fn invalid_and_unrestricted_origins_are_refused_with_a_reason() {
    let node = LocalCluster::start();
    for (origin, expected) in [
        ("game.example/play", "is not an origin"),
        ("*", "list the origins, or give a key file with --keys"),
    ] {
        let args = [
            "web-api",
            "--cluster",
            &node.address,
            "--cors-origin",
            origin,
        ];
        let output = harness::try_run(&args);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && error.contains(expected),
            "{error}"
        );
    }
}
