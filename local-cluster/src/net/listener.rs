//! Accepts connections and runs a service on each until it ends or the node stops.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::BufReader;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::outbox::write_frames;
use super::{FrameError, Outbox, Request, RequestError, read_frame};
use crate::limits::LAST_FRAMES_TIMEOUT;

/// The pause after a failed accept, in which other connections may end and free their file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves the requests of one connection.
pub(crate) trait Service: Send + 'static {
    /// The name of the port in log messages.
    const NAME: &'static str;
    /// Handles one request, and sends the response through the connection's outbox. An error closes the
    /// connection.
    fn handle(&mut self, request: Request)
    -> impl Future<Output = Result<(), RequestError>> + Send;
}

/// A bound port; all of its connections end when `stop` is cancelled.
pub(crate) struct Listener {
    socket: TcpListener,
    connections_max: usize,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Listener {
    /// Takes over a bound socket that serves up to `connections_max` connections at once.
    pub(crate) fn new(
        socket: TcpListener,
        connections_max: usize,
        tasks: TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        Self {
            socket,
            connections_max,
            tasks,
            stop,
        }
    }

    /// Accepts connections until `stop` is cancelled. Serves each with the service that `open` returns for
    /// its outbox and its own stop token. Closes connections above the limit at once, because a peer that is
    /// left waiting would not notice the limit.
    pub(crate) async fn run<S, F>(self, open: F)
    where
        S: Service,
        F: Fn(Outbox, CancellationToken) -> S,
    {
        let limit = ConnectionLimit::new(S::NAME, self.connections_max);
        let mut is_logged = false;
        loop {
            let accepted = tokio::select! {
                () = self.stop.cancelled() => return,
                accepted = self.socket.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    if !std::mem::replace(&mut is_logged, true) {
                        tracing::warn!(%error, port = S::NAME, "cannot accept connections; retrying");
                    }
                    // Most likely the process has no free file descriptors. Retrying at once would not free
                    // any.
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            is_logged = false;
            let Some(permit) = limit.permit() else {
                continue;
            };
            let closing = self.stop.child_token();
            let (outbox, queue) = Outbox::new();
            let service = open(outbox, closing.clone());
            self.tasks.spawn(async move {
                serve(stream, peer, service, queue, closing).await;
                drop(permit);
            });
        }
    }
}

/// Limits how many connections one port serves at once.
struct ConnectionLimit {
    port: &'static str,
    connections_max: usize,
    free: Arc<Semaphore>,
    /// Whether a refusal was logged. Reset when more than an eighth of the permits are free again, so that one
    /// shortage is logged once, and not every refusal.
    is_logged: AtomicBool,
}

impl ConnectionLimit {
    fn new(port: &'static str, connections_max: usize) -> Self {
        Self {
            port,
            connections_max,
            free: Arc::new(Semaphore::new(connections_max)),
            is_logged: AtomicBool::new(false),
        }
    }

    fn permit(&self) -> Option<OwnedSemaphorePermit> {
        if self.free.available_permits() > self.connections_max / 8 {
            self.is_logged.store(false, Ordering::Relaxed);
        }
        let permit = self.free.clone().try_acquire_owned().ok();
        if permit.is_none() && !self.is_logged.swap(true, Ordering::Relaxed) {
            let (port, connections_max) = (self.port, self.connections_max);
            tracing::warn!(
                port,
                connections_max,
                "the limit of connections is reached; new ones are closed"
            );
        }
        permit
    }
}

async fn serve<S: Service>(
    stream: TcpStream,
    peer: SocketAddr,
    mut service: S,
    queue: tokio::sync::mpsc::Receiver<bytes::Bytes>,
    closing: CancellationToken,
) {
    // Disables Nagle's algorithm: responses are small, and clients wait for each one.
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
    if tokio::time::timeout(LAST_FRAMES_TIMEOUT, &mut writing)
        .await
        .is_err()
    {
        writing.abort();
    }
    tracing::debug!(%peer, port = S::NAME, "connection ended");
}

/// Writes frames, and closes the connection when the peer stops reading, even if the peer still sends.
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
