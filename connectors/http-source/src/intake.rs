//! What becomes of a piece of what an endpoint sent: a record of a topic, or one of `rejected-events`.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use client::{KeyValue, RECORD_BYTES_MAX, Transforms};
use model::{Reason, Rejection};

use crate::config::{Censor, Config, Output, Target};
use crate::counts::Counts;
use crate::output::{Head, format};
use crate::queue::{Closed, Completes, Queue};
use crate::rejected::{Refusal, Rejects, TRANSFORM_FAILED};
use crate::router::{Routed, Router};
use crate::splitter::{HEAD_BYTES, Piece};

/// A module's complaint may quote a whole record.
const COMPLAINT_BYTES_MAX: usize = 1_000;

/// Where every piece goes in.
#[derive(Debug)]
pub(crate) struct Intake {
    output: Output,
    router: Router,
    /// What records go through between their arrival and their routing, if anything.
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

    /// Takes a piece that came whole; `head` is the answer's that it was part of.
    pub(crate) async fn take(&mut self, piece: Piece, head: Option<&Head>) -> Result<(), Closed> {
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
                let refusal = Refusal {
                    reason: TRANSFORM_FAILED,
                    subject: complaint(&self.censor, &error.to_string()),
                };
                let bytes = body.len() as u64;
                self.reject(&refusal, &body, bytes, true).await
            }
        }
    }

    /// Tells of a record that came and could not even be read.
    pub(crate) async fn miss(&mut self, bytes: u64) -> Result<(), Closed> {
        Counts::add(&self.counts.received);
        let refusal = Refusal {
            subject: "record, a message above what is read".to_owned(),
            ..too_large()
        };
        self.reject(&refusal, &[], bytes, true).await
    }

    /// What transforms have made of one record.
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

    /// Sends a record its way; `kept` is what stays of it where there is none.
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
        refusal: &Refusal,
        payload: &[u8],
        bytes: u64,
        is_last: bool,
    ) -> Result<(), Closed> {
        Counts::add(&self.counts.rejected);
        tracing::debug!(
            reason = refusal.reason,
            subject = refusal.subject,
            bytes,
            "rejected"
        );
        let parts = self.rejects.write(refusal, payload, bytes);
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

/// Cut when secrets are out of it: half a secret would not be found.
fn complaint(censor: &Censor, text: &str) -> String {
    let mut text = censor.strike(text);
    text.truncate(text.floor_char_boundary(COMPLAINT_BYTES_MAX));
    text
}

fn too_large() -> Refusal {
    Rejection::new(Reason::TooLarge, "record").into()
}

#[cfg(test)]
mod tests;
