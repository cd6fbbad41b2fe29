//! Serves connections. Limits their number, the duration of their phases and the size of request heads, and lets
//! requests in progress finish when the server stops.

use std::convert::Infallible;
use std::error::Error;
use std::future::{pending, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{HttpService, Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::limits::{
    CONNECTIONS_MAX, DRAIN_TIMEOUT, HEAD_BYTES_MAX, HEAD_TIMEOUT, HEADERS_MAX, RETRY_AFTER_BUSY,
    WRITE_TIMEOUT,
};
use crate::phase::{Phase, Phases, Watched};

/// The maximum number of connections, and the maximum duration of each phase of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConnectionLimits {
    pub(crate) connections_max: usize,
    pub(crate) head: Duration,
    pub(crate) idle: Duration,
    pub(crate) write: Duration,
}

impl ConnectionLimits {
    /// Returns the default limits with this idle timeout.
    pub(crate) fn with_idle(idle: Duration) -> Self {
        Self {
            connections_max: CONNECTIONS_MAX,
            head: HEAD_TIMEOUT,
            idle,
            write: WRITE_TIMEOUT,
        }
    }
}

/// The state that all connections share.
#[derive(Debug)]
struct Server {
    /// A semaphore with one permit for each allowed connection.
    permits: Arc<Semaphore>,
    /// Notified when a new connection gets no permit, so that the connection that has been idle longest
    /// closes.
    make_room: Notify,
    limits: ConnectionLimits,
    stop: CancellationToken,
}

/// Serves connections until `stop`. Then waits up to `DRAIN_TIMEOUT` for requests in progress.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    limits: ConnectionLimits,
    stop: CancellationToken,
) {
    let connections = TaskTracker::new();
    let server = Arc::new(Server {
        permits: Arc::new(Semaphore::new(limits.connections_max)),
        make_room: Notify::new(),
        limits,
        stop,
    });
    while let Some((stream, permit)) = server.accept(&listener).await {
        let (server, router) = (Arc::clone(&server), router.clone());
        connections.spawn(async move {
            server.connection(stream, router).await;
            drop(permit);
        });
    }
    drop(listener);
    connections.close();
    if timeout(DRAIN_TIMEOUT, connections.wait()).await.is_err() {
        let left = connections.len();
        tracing::warn!(left, "closing connections whose clients are too slow");
    }
}

impl Server {
    /// Accepts the next connection once a permit is free; `None` after `stop`.
    async fn accept(&self, listener: &TcpListener) -> Option<(TcpStream, OwnedSemaphorePermit)> {
        let accepted = async {
            let permit = self.permit().await?;
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => return Some((stream, permit)),
                    Err(error) => {
                        // Either the process has no free file descriptors, or the client hung up while it was in
                        // the listen queue.
                        tracing::warn!(%error, "cannot accept a connection");
                        sleep(RETRY_AFTER_BUSY).await;
                    }
                }
            }
        };
        tokio::select! {
            () = self.stop.cancelled() => None,
            accepted = accepted => accepted,
        }
    }

    async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            return Some(permit);
        }
        self.make_room.notify_one();
        Arc::clone(&self.permits).acquire_owned().await.ok()
    }

    async fn connection(&self, stream: TcpStream, router: Router) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot disable Nagle's algorithm; responses may be delayed");
        }
        if let Err(error) = limit_writing(&stream, self.limits.write) {
            tracing::debug!(%error, "cannot set a write timeout; a client that reads nothing keeps its connection");
        }
        let phases = Phases::new();
        let service = tracked(phases.clone(), router);
        let serving = http1::Builder::new()
            .header_read_timeout(None)
            .max_headers(HEADERS_MAX)
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(
                TokioIo::new(Watched {
                    stream,
                    phases: phases.clone(),
                }),
                service,
            );
        self.drive(serving, &phases).await;
    }

    /// Runs a connection until it ends or exceeds a time limit, or until the server stops.
    async fn drive<S>(
        &self,
        serving: http1::Connection<TokioIo<Watched<TcpStream>>, S>,
        phases: &Phases,
    ) where
        S: HttpService<Incoming, ResBody = Body, Future: Send> + Send,
        S::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let mut serving = pin!(serving);
        let mut stop = pin!(self.stop.cancelled());
        let mut limited = phases.current();
        let mut limit = pin!(self.exceeded(limited));
        let mut is_last = false;
        poll_fn(|context| {
            loop {
                if let Poll::Ready(served) = serving.as_mut().poll(context) {
                    if let Err(error) = served {
                        tracing::debug!(%error, "a connection ended early");
                    }
                    return Poll::Ready(());
                }
                let phase = phases.current();
                if phase != limited {
                    limited = phase;
                    limit.set(self.exceeded(phase));
                }
                match limit.as_mut().poll(context) {
                    Poll::Ready(Limit::Head) => {
                        tracing::debug!("the head of a request did not arrive in time");
                        return Poll::Ready(());
                    }
                    // Replaced, because a completed future must not be polled again.
                    Poll::Ready(Limit::Idle) => limit.set(self.exceeded(Phase::Busy)),
                    Poll::Pending if is_last => return Poll::Pending,
                    Poll::Pending => ready!(stop.as_mut().poll(context)),
                }
                is_last = true;
                serving.as_mut().graceful_shutdown();
            }
        })
        .await;
    }

    /// Waits until the time limit of a phase is exceeded.
    async fn exceeded(&self, phase: Phase) -> Limit {
        match phase {
            Phase::Head(since) => {
                sleep_until(since + self.limits.head).await;
                Limit::Head
            }
            Phase::Idle(since) => {
                tokio::select! {
                    () = sleep_until(since + self.limits.idle) => {}
                    () = self.make_room.notified() => {}
                }
                Limit::Idle
            }
            Phase::Busy => pending().await,
        }
    }
}

/// A time limit that a connection has exceeded.
enum Limit {
    /// The head of a request takes too long: the connection is closed.
    Head,
    /// No request has arrived in time, or a new connection needs this connection's permit: the connection is shut down
    /// gracefully.
    Idle,
}

/// Wraps the router so that each request and response updates the connection's phase.
fn tracked(
    phases: Phases,
    router: Router,
) -> impl HttpService<Incoming, ResBody = Body, Error = Infallible, Future: Send> + Send {
    let router = TowerToHyperService::new(router);
    service_fn(move |request| {
        phases.requested();
        let (answer, phases) = (router.call(request), phases.clone());
        async move {
            let answer = answer.await;
            phases.answered();
            answer
        }
    })
}

/// Makes the operating system close the connection if the client accepts no data for `limit`, because hyper has
/// no such limit. Only Linux has this option.
fn limit_writing(stream: &TcpStream, limit: Duration) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    return socket2::SockRef::from(stream).set_tcp_user_timeout(Some(limit));
    #[cfg(not(target_os = "linux"))]
    return Err(io::Error::new(
        io::ErrorKind::Unsupported,
        format!("this system does not support a write timeout of {limit:?}"),
    ));
}

#[cfg(test)]
mod tests;
