//! Processes one request to post events, from its head to its response.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use client::{Cluster, now_ms};
use futures_util::FutureExt;
use model::Timestamp;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use crate::answer::Answer;
use crate::body::{MemoryBudget, MemoryPermit, Received, Sender, format, receive};
use crate::clock::{CORRECTION_BYTES_MAX, Correction};
use crate::cors::AllowedOrigins;
use crate::delivery::{Writers, records_by_topic};
use crate::envelope::{self, Posted};
use crate::error::RequestError;
use crate::headers::IDEMPOTENCY_KEY;
use crate::health::{Health, HealthProbe};
use crate::idempotency::{Answered, Idempotency, KeyedRequest, digest, request_key};
use crate::keys::{KeyRing, Owner, presented_key};
use crate::limits::{ANSWER_TIMEOUT, IDEMPOTENCY_KEY_BYTES_MAX, REJECTED_BYTES};
use crate::metrics::{Measured, Metrics};
use crate::rejected::RequestInfo;
use crate::sources::Sources;
use crate::split::BodyFormat;
use crate::validate::{Checked, Route, check};

/// The state that all requests share.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) cluster: Cluster,
    pub(crate) sources: Sources,
    pub(crate) keys: Option<KeyRing>,
    pub(crate) origins: AllowedOrigins,
    pub(crate) correct_clocks: bool,
    pub(crate) budget: MemoryBudget,
    pub(crate) writers: Writers,
    pub(crate) idempotency: Idempotency,
    pub(crate) metrics: Metrics,
    pub(crate) probe: HealthProbe,
    /// Writes in progress. They run to their end even if their clients hang up.
    pub(crate) tasks: TaskTracker,
    pub(crate) request_ids: RequestIds,
}

/// Generates ids for requests without an idempotency key. The ids are unique across processes.
#[derive(Debug)]
pub(crate) struct RequestIds {
    process: u64,
    next: AtomicU64,
}

impl RequestIds {
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

/// A request whose head passed all checks.
struct Admitted {
    received_at: Timestamp,
    owner: Option<Arc<Owner>>,
    format: BodyFormat,
    /// The value of its `Idempotency-Key` header.
    key: Option<String>,
}

impl Api {
    /// Writes the events of a request and answers it.
    pub(crate) async fn take(
        self: &Arc<Self>,
        route: Route,
        request: Request,
    ) -> Result<Answered, RequestError> {
        let (head, body) = request.into_parts();
        let admitted = self.admit(&route, &head)?;
        let mut received = receive(&self.budget, &head.headers, body).await?;
        let posted = envelope::open(&received.bytes, admitted.format)?;
        let keyed = admitted.key.clone().map(|key| {
            let format = format!("{:?}", admitted.format);
            (key, digest(head.uri.path(), &format, &posted.content))
        });
        let (checked, correction) = self.check(&route, &admitted, posted, &mut received)?;
        let sender = admitted.owner.map(|owner| owner.id().to_owned());
        let (api, memory) = (Arc::clone(self), received.memory);
        let write = match keyed {
            None => api.write(checked, correction, sender, memory).boxed(),
            Some((key, digest)) => {
                let request = KeyedRequest {
                    key: request_key(sender.as_deref(), &key),
                    digest,
                    checked,
                    correction,
                    sender,
                };
                api.write_once(request, memory).boxed()
            }
        };
        match timeout(ANSWER_TIMEOUT, self.tasks.spawn(write)).await {
            Ok(Ok(answered)) => answered,
            Ok(Err(_)) | Err(_) => Err(RequestError::Unconfirmed),
        }
    }

    /// Checks the head of a request, before its body is read.
    fn admit(&self, route: &Route, head: &Parts) -> Result<Admitted, RequestError> {
        let received_at = Timestamp::from_millis(now_ms());
        let is_page = self.origins.contain_page_of(&head.headers);
        let owner = match &self.keys {
            Some(keys) => Some(keys.owner(presented_key(head, is_page))?),
            None => None,
        };
        let sender = match (is_page, &owner) {
            (true, _) => Sender::Page,
            (false, Some(_)) => Sender::Key,
            (false, None) => Sender::Anonymous,
        };
        if let (Some(owner), Route::To(source)) = (&owner, route) {
            owner.may_write_to(source)?;
        }
        let format = format(&head.headers, sender)?;
        let key = idempotency_key(&head.headers)?;
        if let Some(owner) = &owner {
            owner.admit(Instant::now())?;
        }
        Ok(Admitted {
            received_at,
            owner,
            format,
            key,
        })
    }

    /// Checks every record, and determines the correction of the sender's clock. Reserves the memory for
    /// rejected records and for corrected events.
    fn check(
        &self,
        route: &Route,
        admitted: &Admitted,
        posted: Posted,
        received: &mut Received,
    ) -> Result<(Checked, Option<Correction>), RequestError> {
        let owner = admitted.owner.as_deref();
        if let Some(owner) = owner {
            owner.spend(posted.records.len(), Instant::now())?;
        }
        let sent_at = posted.sent_at.filter(|_| self.correct_clocks);
        let grows_by = sent_at.map_or(0, |_| CORRECTION_BYTES_MAX);
        let checked = check(posted.records, route, &self.sources, owner, grows_by)?;
        hold_rejected(&self.budget, &checked, &mut received.memory)?;
        let Some(sent_at) = sent_at else {
            return Ok((checked, None));
        };
        // Reserve memory for a copy of every event, which a correction would create. The correction may be the
        // one below, or that of the first request with the same idempotency key.
        let copies = received.bytes.len() + checked.accepted.len() * grows_by;
        received.memory.grow(&self.budget, copies)?;
        let correction = Correction::of(sent_at, admitted.received_at);
        Ok((checked, correction))
    }

    async fn write(
        self: Arc<Self>,
        checked: Checked,
        correction: Option<Correction>,
        sender: Option<String>,
        _memory: MemoryPermit,
    ) -> Result<Answered, RequestError> {
        let (answer, counts) = (Answer::to(&checked), Metrics::counts(&checked));
        let id = self.request_ids.next();
        let origin = RequestInfo {
            request: &id,
            received_at: Timestamp::from_millis(now_ms()),
            sender: sender.as_deref(),
        };
        self.writers
            .write(records_by_topic(&checked, origin, correction))
            .await?;
        self.metrics.written(&counts);
        Ok(Answered {
            body: answer.json(),
            is_replay: false,
        })
    }

    async fn write_once(
        self: Arc<Self>,
        request: KeyedRequest,
        _memory: MemoryPermit,
    ) -> Result<Answered, RequestError> {
        let counts = Metrics::counts(&request.checked);
        let answered = self.idempotency.answer(request).await?;
        match answered.is_replay {
            true => self.metrics.repeated(),
            false => self.metrics.written(&counts),
        }
        Ok(answered)
    }

    pub(crate) fn health(&self) -> Health {
        let journal = self.idempotency.journal();
        Health::of(&self.cluster, &self.probe, &self.writers, journal)
    }

    pub(crate) fn render_metrics(&self) -> Result<String, std::fmt::Error> {
        let writers = self.writers.iter().chain([self.idempotency.journal()]);
        let queued = writers.map(|writer| (writer.topic().to_owned(), writer.queued()));
        self.metrics.render(Measured {
            buffered_bytes: self.budget.bytes_taken(),
            keys_remembered: self.idempotency.key_count(),
            cluster_is_up: self.health().is_ok(),
            queued: queued.collect(),
        })
    }
}

/// Reserves memory for the copies of rejected records.
fn hold_rejected(
    budget: &MemoryBudget,
    checked: &Checked,
    memory: &mut MemoryPermit,
) -> Result<(), RequestError> {
    memory.grow(budget, checked.rejected.len() * REJECTED_BYTES)
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, RequestError> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let key = value.as_bytes();
    let is_plain = key.iter().all(u8::is_ascii_graphic);
    let is_fit = is_plain && (1..=IDEMPOTENCY_KEY_BYTES_MAX).contains(&key.len());
    if values.next().is_some() || !is_fit {
        return Err(RequestError::BadIdempotencyKey);
    }
    Ok(Some(String::from_utf8_lossy(key).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::BUFFERED_KIB_MAX;
    use crate::split::split;
    use axum::body::Body;
    use axum::http::HeaderValue;

    #[tokio::test]
    async fn tiny_rejected_records_count_against_the_memory_budget() {
        const RECORDS: usize = 4_000;
        let budget = MemoryBudget::new();
        let body = format!("[{}]", ["{}"; RECORDS].join(","));
        let (mut all, mut refused) = (Vec::new(), None);
        while refused.is_none() {
            let body = Body::from(body.clone());
            let mut received = receive(&budget, &HeaderMap::new(), body).await.unwrap();
            let records = split(&received.bytes, BodyFormat::Json).unwrap();
            let checked = check(records, &Route::ByName, &Sources::built_in(), None, 0).unwrap();
            assert_eq!(checked.rejected.len(), RECORDS);
            refused = hold_rejected(&budget, &checked, &mut received.memory).err();
            all.push(received);
        }
        assert_eq!(refused, Some(RequestError::Busy));
        let fit = BUFFERED_KIB_MAX * 1_024 / (RECORDS * REJECTED_BYTES + body.len());
        assert!(
            all.len() <= fit + 1,
            "{} bodies, though only {fit} fit",
            all.len()
        );
        assert!(budget.bytes_taken() <= BUFFERED_KIB_MAX * 1_024);
        all.clear();
        assert_eq!(budget.bytes_taken(), 0);
    }

    #[test]
    fn an_idempotency_key_is_visible_ascii_and_given_once() {
        let headers = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(IDEMPOTENCY_KEY, HeaderValue::from_static(value));
            }
            headers
        };
        assert_eq!(idempotency_key(&headers(&[])), Ok(None));
        let key = idempotency_key(&headers(&["order-1"]));
        assert_eq!(key, Ok(Some("order-1".to_owned())));
        for wrong in [&["", "x"][..], &[""], &["a b"], &["a", "a"]] {
            assert_eq!(
                idempotency_key(&headers(wrong)),
                Err(RequestError::BadIdempotencyKey)
            );
        }
    }
}
