//! Reads an endpoint repeatedly. After a successful poll, it reads again when the interval has passed; after a failure
//! or the end of a stream, it reads again after a pause, and each pause is longer than the one before until something
//! is received.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::backoff::Pauses;
use crate::config::{Config, Reading};
use crate::counts::Counts;
use crate::intake::Intake;
use crate::outcome::{FetchError, ReadOutcome};
use crate::polling::Polling;
use crate::queue::Closed;
use crate::streaming::Streaming;
use crate::websocket::WebSocket;

/// One of the three ways to read.
pub(crate) enum Reader {
    Polling(Polling),
    Streaming(Streaming),
    WebSocket(WebSocket),
}

impl Reader {
    pub(crate) async fn read(
        &mut self,
        intake: &mut Intake,
        stop: &CancellationToken,
    ) -> Result<ReadOutcome, Closed> {
        match self {
            Self::Polling(polling) => polling.read(intake, stop).await,
            Self::Streaming(streaming) => streaming.read(intake, stop).await,
            Self::WebSocket(websocket) => websocket.read(intake, stop).await,
        }
    }
}

/// Reads until `stop` is cancelled or, with `once`, until one response is complete. Returns `Closed` if the queue
/// is closed.
pub(crate) async fn supervise(
    config: &Config,
    mut reader: Reader,
    intake: &mut Intake,
    once: bool,
    stop: &CancellationToken,
) -> Result<(), Closed> {
    let mut pauses = Pauses::new();
    loop {
        let (began, before) = (Instant::now(), intake.counts.now().received);
        let outcome = reader.read(intake, stop).await?;
        let is_too_large = matches!(outcome, ReadOutcome::Failed(FetchError::MessageTooLarge(_)));
        // A message that is too large also counts as received, but it must not reset the pauses: the server may
        // send it again on every connection.
        if intake.counts.now().received > before && !is_too_large {
            pauses.reset();
        }
        let pause = match outcome {
            ReadOutcome::Stopped => return Ok(()),
            ReadOutcome::Complete if once => return Ok(()),
            ReadOutcome::Complete if config.reading == Reading::Polling => {
                pauses.reset();
                config.interval.saturating_sub(began.elapsed())
            }
            ReadOutcome::Complete => {
                tracing::info!(source = config.name, "the stream ended; reconnecting");
                pauses.pause()
            }
            ReadOutcome::Failed(error) => report(config, error, intake, &mut pauses),
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            () = sleep(pause) => {}
        }
    }
}

/// Logs and counts an error; returns the pause before the next attempt.
fn report(config: &Config, error: FetchError, intake: &Intake, pauses: &mut Pauses) -> Duration {
    Counts::add(&intake.counts.failures);
    let (reason, pause) = match error {
        FetchError::Temporary { reason, pause } => (reason, pause.max(pauses.pause())),
        FetchError::Permanent(reason) => (reason, config.interval.max(pauses.pause())),
        FetchError::MessageTooLarge(reason) => (reason, pauses.pause()),
    };
    tracing::warn!(
        source = config.name,
        endpoint = config.endpoint,
        reason,
        pause_ms = pause.as_millis() as u64,
        "reading failed; retrying"
    );
    pause
}

#[cfg(test)]
mod tests;
