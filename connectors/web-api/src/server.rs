//! Connections: how many, how slow, how large a head; and an end in good order.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::limits::{
    CONNECTIONS_MAX, DRAIN_PATIENCE, HEAD_BYTES_MAX, HEAD_PATIENCE, HEADERS_MAX, RETRY_AFTER_BUSY,
    WRITE_PATIENCE,
};

/// Serves connections until told to stop, then until those that are under way have their answers.
pub(crate) async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let connections = TaskTracker::new();
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    while let Some((stream, place)) = next(&listener, &room, &stop).await {
        connections.spawn(connection(
            stream,
            router.clone(),
            stop.clone(),
            place,
            WRITE_PATIENCE,
        ));
    }
    drop(listener);
    connections.close();
    if timeout(DRAIN_PATIENCE, connections.wait()).await.is_err() {
        let left = connections.len();
        tracing::warn!(left, "connections are cut: their clients take too long");
    }
}

/// The next connection and its place among those that are served; nothing once it is time to stop.
async fn next(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
    stop: &CancellationToken,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let accepted = async {
        let place = Arc::clone(room).acquire_owned().await.ok()?;
        loop {
            match listener.accept().await {
                Ok((stream, _)) => return Some((stream, place)),
                Err(error) => {
                    // Out of files, or a client that hung up while it was waiting.
                    tracing::warn!(%error, "a connection was not accepted");
                    sleep(RETRY_AFTER_BUSY).await;
                }
            }
        }
    };
    tokio::select! {
        () = stop.cancelled() => None,
        accepted = accepted => accepted,
    }
}

async fn connection(
    stream: TcpStream,
    router: Router,
    stop: CancellationToken,
    _place: OwnedSemaphorePermit,
    write_patience: Duration,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "answers may be held back a little");
    }
    if let Err(error) = limit_writing(&stream, write_patience) {
        tracing::debug!(%error, "a client that reads nothing may stay");
    }
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut serving = std::pin::pin!(serving);
    let served = tokio::select! {
        served = serving.as_mut() => served,
        () = stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// The system hangs up on a client that takes nothing of what it is sent for so long; hyper has no
/// limit of its own. Elsewhere than on Linux systems have no such option.
fn limit_writing(stream: &TcpStream, patience: Duration) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    return socket2::SockRef::from(stream).set_tcp_user_timeout(Some(patience));
    #[cfg(not(target_os = "linux"))]
    return Err(io::Error::new(
        io::ErrorKind::Unsupported,
        format!("nothing ends a write after {patience:?} here"),
    ));
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use axum::routing::get;

    #[tokio::test]
    async fn a_client_that_never_reads_loses_its_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        client
            .try_write(b"GET / HTTP/1.1\r\nhost: test\r\n\r\n")
            .unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        // More than the buffers of both ends hold.
        let router = Router::new().route("/", get(async || vec![b'x'; 64 << 20]));
        let room = Arc::new(Semaphore::new(1));
        let place = Arc::clone(&room).acquire_owned().await.unwrap();
        let stop = CancellationToken::new();
        let serving = connection(stream, router, stop, place, Duration::from_secs(1));
        timeout(Duration::from_secs(60), serving)
            .await
            .expect("it ends");
        assert_eq!(room.available_permits(), 1);
        // It had begun to be answered.
        let mut begin = [0; 12];
        client.readable().await.unwrap();
        client.try_read(&mut begin).unwrap();
        assert_eq!(&begin, b"HTTP/1.1 200");
    }
}
