//! What becomes of a piece of what an endpoint sent: a record of a topic, or one of `rejected-events`.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use client::RECORD_BYTES_MAX;
use model::{Reason, Rejection};

use crate::config::{Config, Output, Target};
use crate::counts::Counts;
use crate::output::{Head, format};
use crate::queue::{Closed, Queue};
use crate::rejected::Rejects;
use crate::router::Router;
use crate::splitter::{HEAD_BYTES, Piece};

/// Where every piece goes in.
#[derive(Debug)]
pub(crate) struct Intake {
    output: Output,
    router: Router,
    rejects: Rejects,
    rejected_topic: Arc<str>,
    queue: Queue,
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
            rejects: Rejects::new(&config.name, topic),
            rejected_topic: model::REJECTED_EVENTS.into(),
            queue,
            counts,
        }
    }

    /// Takes a piece that came whole; `head` is the answer's that it was part of.
    pub(crate) async fn take(&mut self, piece: Piece, head: Option<&Head>) -> Result<(), Closed> {
        Counts::add(&self.counts.received);
        let payload = match piece {
            Piece::TooLarge { head, bytes } => {
                return self.reject(too_large(), &head, bytes).await;
            }
            Piece::Record(payload) => payload,
        };
        let body = payload.clone();
        let value = match head {
            Some(head) => format(self.output, head, payload),
            None => payload,
        };
        match self.router.route(value) {
            Ok(routed) => {
                let key_bytes = routed.key.as_ref().map_or(0, Bytes::len);
                if key_bytes + routed.value.len() > RECORD_BYTES_MAX {
                    let kept = &body[..HEAD_BYTES.min(body.len())];
                    return self.reject(too_large(), kept, body.len() as u64).await;
                }
                self.queue
                    .put(routed.topic, routed.key, routed.value, true)
                    .await
            }
            Err(rejection) => self.reject(rejection, &body, body.len() as u64).await,
        }
    }

    async fn reject(
        &mut self,
        rejection: Rejection,
        payload: &[u8],
        bytes: u64,
    ) -> Result<(), Closed> {
        Counts::add(&self.counts.rejected);
        tracing::debug!(%rejection, bytes, "rejected");
        let mut records = self
            .rejects
            .write(rejection, payload, bytes)
            .into_iter()
            .peekable();
        while let Some((key, value)) = records.next() {
            let topic = Arc::clone(&self.rejected_topic);
            let is_last = records.peek().is_none();
            self.queue.put(topic, Some(key), value, is_last).await?;
        }
        Ok(())
    }
}

fn too_large() -> Rejection {
    Rejection::new(Reason::TooLarge, "record")
}
