//! Polling: one request, whose whole answer is one record.

use bytes::{Bytes, BytesMut};
use client::RECORD_BYTES_MAX;
use reqwest::Response;
use tokio_util::sync::CancellationToken;

use crate::config::{Output, OutputParts};
use crate::http::{Http, has_a_known_end};
use crate::intake::Intake;
use crate::output::Head;
use crate::queue::Closed;
use crate::splitter::{HEAD_BYTES, Piece, is_blank};
use crate::supervisor::{Ended, Failure};

/// Asks once at a time.
pub(crate) struct Polling {
    http: Http,
    output: Output,
}

impl Polling {
    pub(crate) fn new(http: Http, output: Output) -> Self {
        Self { http, output }
    }

    pub(crate) async fn read(
        &mut self,
        intake: &mut Intake,
        stop: &CancellationToken,
    ) -> Result<Ended, Closed> {
        let answer = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(Ended::Stopped),
            answer = self.answer() => answer,
        };
        match answer {
            Ok((head, piece)) => {
                if !self.is_nothing(&piece) {
                    intake.take(piece, Some(&head)).await?;
                }
                Ok(Ended::Clean)
            }
            Err(failure) => Ok(Ended::Failed(failure)),
        }
    }

    async fn answer(&self) -> Result<(Head, Piece), Failure> {
        let response = self.http.request().await?;
        if !has_a_known_end(&response) {
            // A cut one would look whole.
            return Err(Failure::Refused(
                "the answer does not say where it ends: neither content-length nor transfer-encoding"
                    .to_owned(),
            ));
        }
        let head = Head::of(&response);
        Ok((head, self.whole(response).await?))
    }

    /// The whole body; of one that is too large the beginning, and the rest is passed over.
    async fn whole(&self, mut response: Response) -> Result<Piece, Failure> {
        let (mut body, mut bytes) = (BytesMut::new(), 0_u64);
        let chunk_of = |error| self.http.failure(error);
        while let Some(chunk) = response.chunk().await.map_err(chunk_of)? {
            bytes += chunk.len() as u64;
            if bytes <= RECORD_BYTES_MAX as u64 {
                body.extend_from_slice(&chunk);
            } else if body.len() < HEAD_BYTES {
                let room = HEAD_BYTES - body.len();
                body.extend_from_slice(&chunk[..room.min(chunk.len())]);
            }
        }
        if bytes <= RECORD_BYTES_MAX as u64 {
            return Ok(Piece::Record(body.freeze()));
        }
        let head = Bytes::copy_from_slice(&body[..HEAD_BYTES.min(body.len())]);
        Ok(Piece::TooLarge { head, bytes })
    }

    /// An empty body is a record only where there is more to it than the body.
    fn is_nothing(&self, piece: &Piece) -> bool {
        let is_blank = matches!(piece, Piece::Record(body) if is_blank(body));
        is_blank && self.output.parts == OutputParts::Body
    }
}
