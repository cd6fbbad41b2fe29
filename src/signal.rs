//! Handles requests to stop: Ctrl-C and SIGTERM.

use std::future::Future;
use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Returns a token that is cancelled at the first request to stop.
pub(crate) fn stop_token() -> io::Result<CancellationToken> {
    let (mut interrupt, mut terminate) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    );
    let token = CancellationToken::new();
    let requested = token.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        requested.cancel();
    });
    Ok(token)
}

/// Returns the result of `starting`, or an error if a request to stop arrives first. This makes it possible to stop a
/// start that waits for an unreachable cluster.
pub(crate) async fn unless_stopped<T>(
    stop: &CancellationToken,
    starting: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    tokio::select! {
        started = starting => started,
        () = stop.cancelled() => anyhow::bail!("stopped before startup was complete"),
    }
}
