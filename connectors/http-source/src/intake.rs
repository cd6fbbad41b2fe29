//! Turns each piece that an endpoint sends into records for its topic or for `rejected-events`, and queues them.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use client::{KeyValue, RECORD_BYTES_MAX, Transforms};
use model::{Reason, Rejection};

use crate::config::{Censor, Config, Output, Target};
use crate::counts::Counts;
use crate::output::{AnswerHead, format};
use crate::queue::{Closed, Completes, Queue};
use crate::rejected::{RejectCause, Rejects, TRANSFORM_FAILED};
use crate::router::{Routed, Router};
use crate::splitter::{HEAD_BYTES, Piece};

/// The maximum length of a module's error message in a rejected record. A longer message is cut, because it may quote a
/// whole record.
const ERROR_TEXT_BYTES_MAX: usize = 1_000;

/// Formats, transforms and routes every piece that is received, and puts the resulting records into the queue.
#[derive(Debug)]
pub(crate) struct Intake {
    output: Output,
    router: Router,
    /// The transforms that run before routing; `None` if the configuration has none.
    pub(crate) transforms: Option<Transforms>,
    rejects: Rejects,
    rejected_topic: Arc<str>,
    queue: Queue,
    censor: Censor,
    pub(crate) counts: Arc<Counts>,
}

impl Intake {
    pub(crate) fn new(
        config: &Config,
        key_paths: BTreeMap<String, String>,
        queue: Queue,
        counts: Arc<Counts>,
    ) -> Self {
        let plain = config.output == Output::default();
        let topic = match &config.target {
            Target::One(topic) => Some(topic.name.as_str()),
            Target::ByEventName(_) => None,
        };
        Self {
            output: config.output,
            router: Router::new(&config.target, key_paths, plain),
            transforms: None,
            rejects: Rejects::new(&config.name, topic),
            rejected_topic: model::REJECTED_EVENTS.into(),
            queue,
            censor: config.censor.clone(),
            counts,
        }
    }

    /// Processes a complete piece. `head` is the head of the response that contained the piece; WebSocket
    /// messages have none.
    pub(crate) async fn take(
        &mut self,
        piece: Piece,
        head: Option<&AnswerHead>,
    ) -> Result<(), Closed> {
        Counts::add(&self.counts.received);
        let body = match piece {
            Piece::TooLarge { head, bytes } => {
                return self.reject(&too_large(), &head, bytes, true).await;
            }
            Piece::Record(body) => body,
        };
        let value = match head {
            Some(head) => format(self.output, head, body.clone()),
            None => body.clone(),
        };
        let record = self.router.unwrap(value);
        let Some(transforms) = &mut self.transforms else {
            return self.pass(record, &body, true).await;
        };
        match transforms.apply(record) {
            Ok(records) => self.pass_all(records).await,
            Err(error) => {
                let cause = RejectCause {
                    reason: TRANSFORM_FAILED,
                    subject: error_text(&self.censor, &error.to_string()),
                };
                let bytes = body.len() as u64;
                self.reject(&cause, &body, bytes, true).await
            }
        }
    }

    /// Rejects a message that was too large to be read. Only its size is known.
    pub(crate) async fn reject_unread(&mut self, bytes: u64) -> Result<(), Closed> {
        Counts::add(&self.counts.received);
        let cause = RejectCause {
            subject: "record, a message above what is read".to_owned(),
            ..too_large()
        };
        self.reject(&cause, &[], bytes, true).await
    }

    /// Routes the records that the transforms made from one record.
    async fn pass_all(&mut self, records: Vec<KeyValue>) -> Result<(), Closed> {
        if records.is_empty() {
            Counts::add(&self.counts.filtered);
        }
        let last = records.len().saturating_sub(1);
        for (index, record) in records.into_iter().enumerate() {
            let kept = record.1.clone();
            self.pass(record, &kept, index == last).await?;
        }
        Ok(())
    }

    /// Routes a record. If it has no topic or is too large, writes the payload `kept` to `rejected-events` instead.
    async fn pass(&mut self, record: KeyValue, kept: &Bytes, is_last: bool) -> Result<(), Closed> {
        let bytes = kept.len() as u64;
        match self.router.route(record) {
            Ok(routed) if routed.bytes() > RECORD_BYTES_MAX => {
                let head = &kept[..HEAD_BYTES.min(kept.len())];
                self.reject(&too_large(), head, bytes, is_last).await
            }
            Ok(routed) => {
                let completes = Completes {
                    record: true,
                    received: is_last,
                };
                let Routed { topic, key, value } = routed;
                self.queue.put(topic, key, value, completes).await
            }
            Err(rejection) => self.reject(&rejection.into(), kept, bytes, is_last).await,
        }
    }

    async fn reject(
        &mut self,
        cause: &RejectCause,
        payload: &[u8],
        bytes: u64,
        is_last: bool,
    ) -> Result<(), Closed> {
        Counts::add(&self.counts.rejected);
        tracing::debug!(
            reason = cause.reason,
            subject = cause.subject,
            bytes,
            "rejected"
        );
        let parts = self.rejects.write(cause, payload, bytes);
        let mut parts = parts.into_iter().peekable();
        while let Some((key, value)) = parts.next() {
            let topic = Arc::clone(&self.rejected_topic);
            let is_whole = parts.peek().is_none();
            let completes = Completes {
                record: is_whole,
                received: is_whole && is_last,
            };
            self.queue.put(topic, Some(key), value, completes).await?;
        }
        Ok(())
    }
}

/// Removes secrets from an error message, and then shortens it. In the other order, a secret that is cut in two would
/// not be found.
fn error_text(censor: &Censor, text: &str) -> String {
    let mut text = censor.strike(text);
    text.truncate(text.floor_char_boundary(ERROR_TEXT_BYTES_MAX));
    text
}

fn too_large() -> RejectCause {
    Rejection::new(Reason::TooLarge, "record").into()
}

#[cfg(test)]
mod tests;
