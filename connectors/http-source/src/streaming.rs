//! Streaming: reads one endless response, and splits it into records at a delimiter.

use client::RECORD_BYTES_MAX;
use tokio_util::sync::CancellationToken;

use crate::counts::Counts;
use crate::http::{Http, has_a_known_end};
use crate::intake::Intake;
use crate::outcome::{FetchError, ReadOutcome};
use crate::output::AnswerHead;
use crate::queue::Closed;
use crate::splitter::{Piece, Splitter, is_blank};
use crate::unpacking::Body;

pub(crate) struct Streaming {
    http: Http,
    delimiter: String,
}

impl Streaming {
    pub(crate) fn new(http: Http, delimiter: String) -> Self {
        Self { http, delimiter }
    }

    /// Reads one response until it ends or `stop` is cancelled. Passes on every complete record of a chunk before
    /// it checks `stop` or reads the next chunk.
    pub(crate) async fn read(
        &mut self,
        intake: &mut Intake,
        stop: &CancellationToken,
    ) -> Result<ReadOutcome, Closed> {
        let response = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(ReadOutcome::Stopped),
            response = self.http.request() => response,
        };
        let response = match response {
            Ok(response) => response,
            Err(error) => return Ok(ReadOutcome::Failed(error)),
        };
        let is_end_known = has_a_known_end(&response);
        let mut body = match Body::of(response) {
            Ok(body) => body,
            Err(error) => return Ok(ReadOutcome::Failed(error)),
        };
        let head = body.head();
        let mut splitter = Splitter::new(self.delimiter.as_bytes(), RECORD_BYTES_MAX);
        loop {
            let chunk = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(ReadOutcome::Stopped),
                chunk = body.chunk(&self.http) => chunk,
            };
            match chunk {
                Ok(Some(chunk)) => splitter.push(&chunk),
                Ok(None) => return finish(splitter, is_end_known, intake, &head).await,
                Err(error) => {
                    drop_half(splitter.rest(), intake);
                    return Ok(ReadOutcome::Failed(error));
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

/// Handles the bytes after the last delimiter. If the response has a known end, they are a complete record.
/// Otherwise they may be a part of one and are dropped.
async fn finish(
    mut splitter: Splitter,
    is_end_known: bool,
    intake: &mut Intake,
    head: &AnswerHead,
) -> Result<ReadOutcome, Closed> {
    match splitter.rest() {
        Some(last) if is_end_known => intake.take(last, Some(head)).await?,
        Some(half) => {
            drop_half(Some(half), intake);
            return Ok(ReadOutcome::Failed(FetchError::Temporary {
                reason: "the connection was closed in the middle of a record".to_owned(),
                pause: std::time::Duration::ZERO,
            }));
        }
        None => {}
    }
    Ok(ReadOutcome::Complete)
}

fn drop_half(rest: Option<Piece>, intake: &Intake) {
    if let Some(half) = rest {
        let bytes = match half {
            Piece::Record(half) => half.len() as u64,
            Piece::TooLarge { bytes, .. } => bytes,
        };
        Counts::add(&intake.counts.cut);
        tracing::warn!(
            bytes,
            "the connection was cut; an incomplete record is dropped"
        );
    }
}

fn is_nothing(piece: &Piece) -> bool {
    matches!(piece, Piece::Record(payload) if is_blank(payload))
}
