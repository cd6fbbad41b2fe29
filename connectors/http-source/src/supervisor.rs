//! Reads an endpoint again and again: after a failure with growing pauses, after a good answer when it is time.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::backoff::Pauses;
use crate::config::{Config, Reading};
use crate::counts::Counts;
use crate::intake::Intake;
use crate::polling::Polling;
use crate::queue::Closed;
use crate::streaming::Streaming;
use crate::websocket::WebSocket;

/// How reading an endpoint once has ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// Somebody asked for it.
    Stopped,
    /// The answer has come to its end.
    Clean,
    /// It broke off, or never began.
    Failed(Failure),
}

/// Why reading has failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It may be different soon.
    Passing {
        reason: String,
        /// What the server asks for, if it does.
        pause: Duration,
    },
    /// Somebody has to change something, here or there.
    Refused(String),
    /// What came could not be taken, and may come again at once with the next connection.
    Missed(String),
}

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
    ) -> Result<Ended, Closed> {
        match self {
            Self::Polling(polling) => polling.read(intake, stop).await,
            Self::Streaming(streaming) => streaming.read(intake, stop).await,
            Self::WebSocket(websocket) => websocket.read(intake, stop).await,
        }
    }
}

/// Reads until told to stop; with `once`, until an answer has come to its end. `Closed` where nobody takes records.
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
        let ended = reader.read(intake, stop).await?;
        let is_missed = matches!(ended, Ended::Failed(Failure::Missed(_)));
        if intake.counts.now().received > before && !is_missed {
            pauses.reset();
        }
        let pause = match ended {
            Ended::Stopped => return Ok(()),
            Ended::Clean if once => return Ok(()),
            Ended::Clean if config.reading == Reading::Polling => {
                pauses.reset();
                config.interval.saturating_sub(began.elapsed())
            }
            Ended::Clean => {
                tracing::info!(
                    source = config.name,
                    "the stream has ended; reading it again"
                );
                pauses.pause()
            }
            Ended::Failed(failure) => after(config, failure, intake, &mut pauses),
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            () = sleep(pause) => {}
        }
    }
}

/// Tells of a failure; the pause to make.
fn after(config: &Config, failure: Failure, intake: &Intake, pauses: &mut Pauses) -> Duration {
    Counts::add(&intake.counts.failures);
    let (reason, pause) = match failure {
        Failure::Passing { reason, pause } => (reason, pause.max(pauses.pause())),
        Failure::Refused(reason) => (reason, config.interval.max(pauses.pause())),
        Failure::Missed(reason) => (reason, pauses.pause()),
    };
    tracing::warn!(
        source = config.name,
        endpoint = config.endpoint,
        reason,
        pause_ms = pause.as_millis() as u64,
        "reading failed; trying again"
    );
    pause
}

#[cfg(test)]
mod tests;
