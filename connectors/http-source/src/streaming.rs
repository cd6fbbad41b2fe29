//! Streaming: one answer without an end, cut into records at a delimiter.

use client::RECORD_BYTES_MAX;
use tokio_util::sync::CancellationToken;

use crate::counts::Counts;
use crate::http::{Http, has_a_known_end};
use crate::intake::Intake;
use crate::output::Head;
use crate::queue::Closed;
use crate::splitter::{Piece, Splitter, is_blank};
use crate::supervisor::{Ended, Failure};

/// Reads an answer as it comes.
pub(crate) struct Streaming {
    http: Http,
    delimiter: String,
}

impl Streaming {
    pub(crate) fn new(http: Http, delimiter: String) -> Self {
        Self { http, delimiter }
    }

    /// Every record that a delimiter has ended is taken before more is read, also when told to stop.
    pub(crate) async fn read(
        &mut self,
        intake: &mut Intake,
        stop: &CancellationToken,
    ) -> Result<Ended, Closed> {
        let response = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(Ended::Stopped),
            response = self.http.request() => response,
        };
        let mut response = match response {
            Ok(response) => response,
            Err(failure) => return Ok(Ended::Failed(failure)),
        };
        let (head, is_end_known) = (Head::of(&response), has_a_known_end(&response));
        let mut splitter = Splitter::new(self.delimiter.as_bytes(), RECORD_BYTES_MAX);
        loop {
            let chunk = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(Ended::Stopped),
                chunk = response.chunk() => chunk,
            };
            match chunk {
                Ok(Some(chunk)) => splitter.push(&chunk),
                Ok(None) => return finish(splitter, is_end_known, intake, &head).await,
                Err(error) => {
                    drop_half(splitter.rest(), intake);
                    return Ok(Ended::Failed(self.http.failure(error)));
                }
            }
            while let Some(piece) = splitter.next() {
                if !is_nothing(&piece) {
                    intake.take(piece, Some(&head)).await?;
                }
            }
        }
    }
}

/// The last record needs no delimiter where the answer itself says that it is whole.
async fn finish(
    mut splitter: Splitter,
    is_end_known: bool,
    intake: &mut Intake,
    head: &Head,
) -> Result<Ended, Closed> {
    match splitter.rest() {
        Some(last) if is_end_known => intake.take(last, Some(head)).await?,
        Some(half) => {
            drop_half(Some(half), intake);
            return Ok(Ended::Failed(Failure::Passing {
                reason: "the connection was closed in the middle of a record".to_owned(),
                pause: std::time::Duration::ZERO,
            }));
        }
        None => {}
    }
    Ok(Ended::Clean)
}

fn drop_half(rest: Option<Piece>, intake: &Intake) {
    if let Some(half) = rest {
        let bytes = match half {
            Piece::Record(half) => half.len() as u64,
            Piece::TooLarge { bytes, .. } => bytes,
        };
        Counts::add(&intake.counts.cut);
        tracing::warn!(bytes, "the connection was cut; half a record is dropped");
    }
}

fn is_nothing(piece: &Piece) -> bool {
    matches!(piece, Piece::Record(payload) if is_blank(payload))
}
