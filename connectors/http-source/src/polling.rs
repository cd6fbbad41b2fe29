//! Polling: sends a request, and makes one record of its whole response.

use bytes::{Bytes, BytesMut};
use client::RECORD_BYTES_MAX;
use tokio_util::sync::CancellationToken;

use crate::config::{Output, OutputParts};
use crate::http::{Http, has_a_known_end};
use crate::intake::Intake;
use crate::outcome::{FetchError, ReadOutcome};
use crate::output::AnswerHead;
use crate::queue::Closed;
use crate::splitter::{HEAD_BYTES, Piece, is_blank};
use crate::unpacking::Body;

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
    ) -> Result<ReadOutcome, Closed> {
        let answer = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(ReadOutcome::Stopped),
            answer = self.answer() => answer,
        };
        match answer {
            Ok((head, piece)) => {
                if !self.is_nothing(&piece) {
                    intake.take(piece, Some(&head)).await?;
                }
                Ok(ReadOutcome::Complete)
            }
            Err(error) => Ok(ReadOutcome::Failed(error)),
        }
    }

    async fn answer(&self) -> Result<(AnswerHead, Piece), FetchError> {
        let response = self.http.request().await?;
        if !has_a_known_end(&response) {
            return Err(FetchError::Permanent(
                "the answer has neither `content-length` nor `transfer-encoding: chunked`, so a cut answer would look \
                 complete; poll a server that sends one of them"
                    .to_owned(),
            ));
        }
        let body = Body::of(response)?;
        Ok((body.head(), self.whole(body).await?))
    }

    /// Reads the whole body. If it is too large, keeps only its beginning, but counts all its bytes.
    async fn whole(&self, mut body: Body) -> Result<Piece, FetchError> {
        let (mut kept, mut bytes) = (BytesMut::new(), 0_u64);
        while let Some(chunk) = body.chunk(&self.http).await? {
            bytes += chunk.len() as u64;
            if bytes <= RECORD_BYTES_MAX as u64 {
                kept.extend_from_slice(&chunk);
            } else if kept.len() < HEAD_BYTES {
                let room = HEAD_BYTES - kept.len();
                kept.extend_from_slice(&chunk[..room.min(chunk.len())]);
            }
        }
        if bytes <= RECORD_BYTES_MAX as u64 {
            return Ok(Piece::Record(kept.freeze()));
        }
        let head = Bytes::copy_from_slice(&kept[..HEAD_BYTES.min(kept.len())]);
        Ok(Piece::TooLarge { head, bytes })
    }

    /// Whether the piece makes no record. A blank body makes one only if records also contain status and headers.
    fn is_nothing(&self, piece: &Piece) -> bool {
        let is_blank = matches!(piece, Piece::Record(body) if is_blank(body));
        is_blank && self.output.parts == OutputParts::Body
    }
}
