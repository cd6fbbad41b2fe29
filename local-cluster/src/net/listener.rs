//! Accepting connections and running a service on each until it ends or the node stops.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::BufReader;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::outbox::write_frames;
use super::{FrameError, Outbox, Request, RequestError, read_frame};
use crate::limits::{CONNECTIONS_MAX, LAST_FRAMES_PATIENCE};

/// What a port does with the requests of one connection.
pub(crate) trait Service: Send + 'static {
    /// Name in log lines.
    const NAME: &'static str;
    /// Answers one request through the connection's outbox. An error closes the connection.
    fn handle(&mut self, request: Request)
    -> impl Future<Output = Result<(), RequestError>> + Send;
}

/// A bound port whose connections all end with `stop`.
pub(crate) struct Listener {
    socket: TcpListener,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Listener {
    /// Takes over a bound socket.
    pub(crate) fn new(socket: TcpListener, tasks: TaskTracker, stop: CancellationToken) -> Self {
        Self {
            socket,
            tasks,
            stop,
        }
    }

    /// Accepts connections until `stop`, each served by its own `open(outbox, stop)`.
    pub(crate) async fn run<S, F>(self, open: F)
    where
        S: Service,
        F: Fn(Outbox, CancellationToken) -> S,
    {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let Ok(place) = places.clone().acquire_owned().await else {
                return;
            };
            let (stream, peer) = tokio::select! {
                () = self.stop.cancelled() => return,
                accepted = self.socket.accept() => match accepted {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        tracing::warn!(%error, port = S::NAME, "a connection could not be accepted");
                        // out of file descriptors, most likely: spinning would not free any
                        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                        continue;
                    }
                },
            };
            let closing = self.stop.child_token();
            let (outbox, queue) = Outbox::new();
            let service = open(outbox, closing.clone());
            self.tasks.spawn(async move {
                serve(stream, peer, service, queue, closing).await;
                drop(place);
            });
        }
    }
}

async fn serve<S: Service>(
    stream: TcpStream,
    peer: SocketAddr,
    mut service: S,
    queue: tokio::sync::mpsc::Receiver<bytes::Bytes>,
    closing: CancellationToken,
) {
    // answers are small and awaited one by one
    let _ = stream.set_nodelay(true);
    let (reader, writer) = stream.into_split();
    let mut writing = tokio::spawn(write_then_close(writer, queue, closing.clone()));
    let served = tokio::select! {
        () = closing.cancelled() => Ok(()),
        served = requests(BufReader::new(reader), &mut service) => served,
    };
    if let Err(reason) = served {
        tracing::warn!(%peer, port = S::NAME, %reason, "connection closed");
    }
    closing.cancel();
    drop(service);
    if tokio::time::timeout(LAST_FRAMES_PATIENCE, &mut writing)
        .await
        .is_err()
    {
        writing.abort();
    }
    tracing::debug!(%peer, port = S::NAME, "connection ended");
}

/// A peer that no longer takes answers is gone, even if it still sends.
async fn write_then_close(
    writer: tokio::net::tcp::OwnedWriteHalf,
    queue: tokio::sync::mpsc::Receiver<bytes::Bytes>,
    closing: CancellationToken,
) {
    if let Err(error) = write_frames(writer, queue).await {
        tracing::debug!(%error, "a peer stopped reading");
    }
    closing.cancel();
}

async fn requests<S: Service>(
    mut reader: BufReader<tokio::net::tcp::OwnedReadHalf>,
    service: &mut S,
) -> Result<(), Ending> {
    while let Some(frame) = read_frame(&mut reader).await? {
        service.handle(Request::parse(frame)?).await?;
    }
    Ok(())
}

#[derive(Debug, thiserror::Error)]
enum Ending {
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error(transparent)]
    Request(#[from] RequestError),
}
