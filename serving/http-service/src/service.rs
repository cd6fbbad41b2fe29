//! Starts a service, and on the stop signal lets it answer its open requests before it ends.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// How long a stopping service waits for open requests. A client that no longer reads, or never finishes its
/// request, would otherwise keep the process alive.
pub const HANG_UP_DEADLINE: Duration = Duration::from_secs(3);

/// The content type of metrics in the OpenMetrics text format, which Prometheus reads.
pub const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A running service.
#[derive(Debug)]
pub struct Handle {
    address: SocketAddr,
    running: JoinHandle<()>,
}

impl Handle {
    /// Runs a service that listens on `address`.
    pub fn spawn(address: SocketAddr, service: impl Future<Output = ()> + Send + 'static) -> Self {
        Self {
            address,
            running: tokio::spawn(service),
        }
    }

    /// The address that the service listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until the service has stopped. Returns an error if the service panicked.
    pub async fn stopped(self) -> Result<(), JoinError> {
        self.running.await
    }
}

/// Whether other machines may be able to reach `address`, because it is not a loopback address.
#[must_use]
pub fn is_exposed(address: SocketAddr) -> bool {
    !address.ip().is_loopback()
}

/// Starts a service that answers on `listener` until `stop` is cancelled; `name` identifies it in the log.
pub fn start(
    name: &'static str,
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
) -> io::Result<Handle> {
    let address = listener.local_addr()?;
    Ok(Handle::spawn(address, serve(name, listener, router, stop)))
}

/// Answers on `listener` until `stop` is cancelled, then finishes open requests within [`HANG_UP_DEADLINE`].
pub async fn serve(
    name: &'static str,
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
) {
    let draining = stop.clone().cancelled_owned();
    let serving = axum::serve(listener, router).with_graceful_shutdown(draining);
    match until_hang_up(&stop, serving.into_future()).await {
        Some(Ok(())) => {}
        Some(Err(error)) => {
            tracing::error!(service = name, %error, "the service no longer answers requests")
        }
        None => tracing::info!(
            service = name,
            "closed the connections of clients that did not finish reading or sending"
        ),
    }
}

/// Runs `serving` to its end. If it has not ended [`HANG_UP_DEADLINE`] after `stop`, drops it and returns `None`.
pub async fn until_hang_up<T>(
    stop: &CancellationToken,
    serving: impl Future<Output = T>,
) -> Option<T> {
    let deadline = async {
        stop.cancelled().await;
        sleep(HANG_UP_DEADLINE).await;
    };
    tokio::select! {
        served = serving => Some(served),
        () = deadline => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        reason = "a test panics where an expectation fails"
    )]

    use std::time::Instant;

    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::time::timeout;

    use super::*;

    /// The timeout of the tests. It is much longer than [`HANG_UP_DEADLINE`], because the machine may be busy.
    const TIMEOUT: Duration = Duration::from_secs(30);

    #[test]
    fn only_loopback_addresses_are_hidden_from_other_machines() {
        let exposed = |address: &str| is_exposed(address.parse().unwrap());
        assert!(!exposed("127.0.0.1:80") && !exposed("[::1]:80"));
        assert!(exposed("0.0.0.0:80") && exposed("[::]:80") && exposed("10.0.0.1:80"));
    }

    async fn started(stop: &CancellationToken) -> Handle {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let router = Router::new().route("/", get(async || "ok"));
        start("test", listener, router, stop.clone()).unwrap()
    }

    #[tokio::test]
    async fn a_stopped_service_answers_what_it_has_and_ends() {
        let stop = CancellationToken::new();
        let service = started(&stop).await;
        let mut client = TcpStream::connect(service.address()).await.unwrap();
        let request = b"GET / HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n";
        client.write_all(request).await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 200") && answer.ends_with("ok"),
            "{answer}"
        );
        stop.cancel();
        timeout(TIMEOUT, service.stopped()).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_client_that_never_finishes_its_request_is_hung_up_on_at_the_deadline() {
        let stop = CancellationToken::new();
        let service = started(&stop).await;
        let mut client = TcpStream::connect(service.address()).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nhost").await.unwrap();
        // Connections are accepted in order, so the client's connection is accepted before this one.
        let _next = TcpStream::connect(service.address()).await.unwrap();
        sleep(Duration::from_millis(100)).await;
        let stopping = Instant::now();
        stop.cancel();
        timeout(TIMEOUT, service.stopped()).await.unwrap().unwrap();
        assert!(stopping.elapsed() >= HANG_UP_DEADLINE);
    }
}
