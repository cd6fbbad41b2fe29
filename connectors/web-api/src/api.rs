//! One request from its head to its answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::Request;
use axum::http::HeaderMap;
use client::Cluster;
use futures_util::FutureExt;
use model::Timestamp;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use crate::answer::Answer;
use crate::body::{Buffers, Memory, layout, receive};
use crate::delivery::{Writers, parcels};
use crate::error::Refusal;
use crate::health::{Health, Pulse};
use crate::idempotency::{Answered, Idempotency, Keyed, digest, now_ms, request_key};
use crate::keys::{KeyRing, Owner};
use crate::limits::{ANSWER_PATIENCE, IDEMPOTENCY_KEY_BYTES_MAX, REJECTED_BYTES};
use crate::metrics::{Measured, Metrics};
use crate::rejected::Origin;
use crate::split::split;
use crate::validate::{Checked, Route, check};

const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// All that requests share.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) cluster: Cluster,
    pub(crate) keys: Option<KeyRing>,
    pub(crate) buffers: Buffers,
    pub(crate) writers: Writers,
    pub(crate) idempotency: Idempotency,
    pub(crate) metrics: Metrics,
    pub(crate) pulse: Pulse,
    /// What was begun is finished, whether its client waits or not.
    pub(crate) tasks: TaskTracker,
    pub(crate) names: Names,
}

/// Names for requests that come without a key.
#[derive(Debug)]
pub(crate) struct Names {
    process: u64,
    next: AtomicU64,
}

impl Names {
    pub(crate) fn new() -> Result<Self, getrandom::Error> {
        Ok(Self {
            process: getrandom::u64()?,
            next: AtomicU64::new(0),
        })
    }

    fn next(&self) -> String {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        format!("{:016x}-{number}", self.process)
    }
}

impl Api {
    /// Takes the events of a request.
    pub(crate) async fn take(
        self: &Arc<Self>,
        route: Route,
        request: Request,
    ) -> Result<Answered, Refusal> {
        let (head, body) = request.into_parts();
        let owner = match &self.keys {
            Some(keys) => Some(keys.owner(&head.headers)?),
            None => None,
        };
        if let (Some(owner), Route::To(source)) = (&owner, route) {
            owner.may_write_to(source)?;
        }
        let layout = layout(&head.headers)?;
        let key = idempotency_key(&head.headers)?;
        // A request costs as much as a record even where it has none.
        spend(owner.as_deref(), 1)?;
        let mut received = receive(&self.buffers, &head.headers, body).await?;
        let records = split(&received.bytes, layout)?;
        spend(owner.as_deref(), records.len().saturating_sub(1))?;
        let checked = check(records, route, owner.as_deref())?;
        hold_rejected(&self.buffers, &checked, &mut received.memory)?;
        let sender = owner.map(|owner| owner.id().to_owned());
        let write = match key {
            None => self.clone().write(checked, sender, received.memory).boxed(),
            Some(key) => {
                let content_type = format!("{layout:?}");
                let request = Keyed {
                    key: request_key(sender.as_deref(), &key),
                    digest: digest(head.uri.path(), &content_type, &received.bytes),
                    checked,
                    sender,
                };
                self.clone().write_once(request, received.memory).boxed()
            }
        };
        match timeout(ANSWER_PATIENCE, self.tasks.spawn(write)).await {
            Ok(Ok(answered)) => answered,
            Ok(Err(_)) | Err(_) => Err(Refusal::Unsure),
        }
    }

    async fn write(
        self: Arc<Self>,
        checked: Checked,
        sender: Option<String>,
        _memory: Memory,
    ) -> Result<Answered, Refusal> {
        let (answer, counts) = (Answer::to(&checked), Metrics::counts(&checked));
        let name = self.names.next();
        let origin = Origin {
            request: &name,
            received_at: Timestamp::from_millis(now_ms()),
            sender: sender.as_deref(),
        };
        self.writers.write(parcels(&checked, origin)).await?;
        self.metrics.written(&counts);
        Ok(Answered {
            body: answer.json(),
            again: false,
        })
    }

    async fn write_once(
        self: Arc<Self>,
        request: Keyed,
        _memory: Memory,
    ) -> Result<Answered, Refusal> {
        let counts = Metrics::counts(&request.checked);
        let answered = self.idempotency.answer(request).await?;
        match answered.again {
            true => self.metrics.repeated(),
            false => self.metrics.written(&counts),
        }
        Ok(answered)
    }

    pub(crate) fn health(&self) -> Health {
        let journal = self.idempotency.journal();
        Health::of(&self.cluster, &self.pulse, &self.writers, journal)
    }

    pub(crate) fn render_metrics(&self) -> Result<String, std::fmt::Error> {
        let writers = self.writers.iter().chain([self.idempotency.journal()]);
        let queued = writers.map(|writer| (writer.topic().to_owned(), writer.queued()));
        self.metrics.render(Measured {
            buffered_bytes: self.buffers.bytes_taken(),
            keys_remembered: self.idempotency.remembered(),
            cluster_is_up: self.health().is_ok(),
            queued: queued.collect(),
        })
    }
}

fn spend(owner: Option<&Owner>, records: usize) -> Result<(), Refusal> {
    owner.map_or(Ok(()), |owner| owner.spend(records))
}

/// Takes room for what rejected records become.
fn hold_rejected(buffers: &Buffers, checked: &Checked, memory: &mut Memory) -> Result<(), Refusal> {
    memory.grow(buffers, checked.rejected.len() * REJECTED_BYTES)
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let key = value.as_bytes();
    let is_plain = key.iter().all(u8::is_ascii_graphic);
    let is_fit = is_plain && (1..=IDEMPOTENCY_KEY_BYTES_MAX).contains(&key.len());
    if values.next().is_some() || !is_fit {
        return Err(Refusal::BadIdempotencyKey);
    }
    Ok(Some(String::from_utf8_lossy(key).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::BUFFERED_KIB_MAX;
    use crate::split::Layout;
    use axum::body::Body;
    use axum::http::{HeaderName, HeaderValue};

    #[tokio::test]
    async fn tiny_rejected_records_take_their_share_of_the_memory() {
        const RECORDS: usize = 4_000;
        let buffers = Buffers::new();
        let body = format!("[{}]", ["{}"; RECORDS].join(","));
        let (mut all, mut refused) = (Vec::new(), None);
        while refused.is_none() {
            let body = Body::from(body.clone());
            let mut received = receive(&buffers, &HeaderMap::new(), body).await.unwrap();
            let records = split(&received.bytes, Layout::Json).unwrap();
            let checked = check(records, Route::ByName, None).unwrap();
            assert_eq!(checked.rejected.len(), RECORDS);
            refused = hold_rejected(&buffers, &checked, &mut received.memory).err();
            all.push(received);
        }
        assert_eq!(refused, Some(Refusal::Busy));
        let fit = BUFFERED_KIB_MAX * 1_024 / (RECORDS * REJECTED_BYTES + body.len());
        assert!(all.len() <= fit + 1, "{} where {fit} fit", all.len());
        assert!(buffers.bytes_taken() <= BUFFERED_KIB_MAX * 1_024);
        all.clear();
        assert_eq!(buffers.bytes_taken(), 0);
    }

    #[test]
    fn an_idempotency_key_is_plain_text_given_once() {
        let headers = |values: &[&'static str]| {
            let name = HeaderName::from_static(IDEMPOTENCY_KEY);
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(name.clone(), HeaderValue::from_static(value));
            }
            headers
        };
        assert_eq!(idempotency_key(&headers(&[])), Ok(None));
        let key = idempotency_key(&headers(&["order-1"]));
        assert_eq!(key, Ok(Some("order-1".to_owned())));
        for wrong in [&["", "x"][..], &[""], &["a b"], &["a", "a"]] {
            assert_eq!(
                idempotency_key(&headers(wrong)),
                Err(Refusal::BadIdempotencyKey)
            );
        }
    }
}
