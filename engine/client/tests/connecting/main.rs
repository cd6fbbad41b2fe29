//! Tests of connections that fail. Each attempt must return, within a bounded time, an error that names the cause and
//! what to do.
#![allow(
    clippy::unwrap_used,
    reason = "a test panics where an expectation fails"
)]

mod fake;
mod tls;

use std::time::{Duration, Instant};

use client::{ClientError, Cluster, ConnectOptions};
use tokio::io::AsyncWriteExt;

/// The time within which the client must return the error of a failed connection, even on a busy machine.
const BOUND: Duration = Duration::from_secs(30);

#[tokio::test]
async fn nothing_listens() {
    let address = fake::free_address();
    let error = failure(&plain(&address)).await;
    assert!(error.is_retryable());
    assert_contains(&error, &[&address, "nothing listens there"]);
}

#[tokio::test]
async fn an_unknown_name() {
    let error = failure(&plain("no-such-host.invalid:9003")).await;
    assert_contains(&error, &["no-such-host.invalid:9003", "cannot be resolved"]);
}

#[tokio::test]
async fn an_http_server() {
    let address = fake::serve(|mut peer, _request| async move {
        let answer = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
        peer.write_all(answer).await.unwrap();
    });
    let error = failure(&plain(&address.await)).await;
    assert_contains(&error, &["an HTTP server answers there", "check the port"]);
}

#[tokio::test]
async fn a_server_of_something_else() {
    let address = fake::serve(|mut peer, _request| async move {
        peer.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").await.unwrap();
    });
    let error = failure(&plain(&address.await)).await;
    assert_contains(&error, &["does not use Fluvio's protocol"]);
}

#[tokio::test]
async fn a_server_that_hangs_up() {
    let address = fake::serve(|_peer, _request| async {});
    let error = failure(&plain(&address.await)).await;
    assert!(error.is_retryable(), "it may be starting");
    assert_contains(
        &error,
        &["closes the connection without a response", "--tls-ca"],
    );
}

#[tokio::test]
async fn a_server_that_sends_nothing() {
    let address = fake::serve(|peer, _request| async move {
        std::future::pending::<()>().await;
        drop(peer);
    });
    let error = failure(&plain(&address.await)).await;
    assert!(error.is_retryable());
    assert_contains(&error, &["sends nothing for 10 s"]);
}

#[tokio::test]
async fn a_cluster_of_another_age() {
    let address = fake::serve(|mut peer, request| async move {
        let versions = fake::versions(request, "0.8.3", &[(1001, 1, 5), (1004, 1, 5)]);
        peer.write_all(&versions).await.unwrap();
        std::future::pending::<()>().await;
    });
    let error = failure(&plain(&address.await)).await;
    assert!(!error.is_retryable(), "no pause cures it");
    assert!(matches!(error, ClientError::Configuration { .. }));
    assert_contains(&error, &["0.8.3", "not compatible", "Fluvio 0.18"]);
}

#[tokio::test]
async fn a_cluster_whose_platform_is_too_old() {
    let address = fake::serve(|mut peer, request| async move {
        let versions = fake::versions(request, "0.8.3", &[(1004, 15, 19)]);
        peer.write_all(&versions).await.unwrap();
        std::future::pending::<()>().await;
    });
    let error = failure(&plain(&address.await)).await;
    assert!(!error.is_retryable(), "no pause cures it");
    assert_contains(&error, &["0.8.3", "Fluvio 0.18"]);
}

fn plain(address: &str) -> ConnectOptions {
    ConnectOptions {
        address: Some(address.to_owned()),
        ..ConnectOptions::default()
    }
}

/// Connects and returns the error. Asserts that the attempt fails within [`BOUND`].
async fn failure(options: &ConnectOptions) -> ClientError {
    let begun = Instant::now();
    let error = Cluster::connect_with(options).await.unwrap_err();
    assert!(begun.elapsed() < BOUND, "{:?}: {error}", begun.elapsed());
    error
}

fn assert_contains(error: &ClientError, words: &[&str]) {
    let text = error.to_string();
    for word in words {
        assert!(text.contains(word), "`{word}` is not in: {text}");
    }
}
