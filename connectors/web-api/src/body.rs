//! Reads a request's body within the memory budget that all bodies share.

use std::sync::Arc;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::decompress::{Encoding, decompress};
use crate::error::RequestError;
use crate::limits::{BODY_BYTES_MAX, BODY_TIMEOUT, BUFFERED_KIB_MAX};
use crate::split::BodyFormat;

const KIB: usize = 1_024;

/// The memory budget that all bodies share. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct MemoryBudget(Arc<Semaphore>);

/// A whole decompressed body. Its memory returns to the budget when it is dropped.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) bytes: Bytes,
    pub(crate) memory: MemoryPermit,
}

/// Memory taken from a [`MemoryBudget`]. Dropping the permit returns the memory.
#[derive(Debug)]
pub(crate) struct MemoryPermit(OwnedSemaphorePermit);

impl MemoryPermit {
    /// Takes `bytes` more bytes from the budget.
    pub(crate) fn grow(&mut self, budget: &MemoryBudget, bytes: usize) -> Result<(), RequestError> {
        self.0.merge(budget.take(bytes.div_ceil(KIB))?);
        Ok(())
    }
}

impl MemoryBudget {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(BUFFERED_KIB_MAX)))
    }

    pub(crate) fn bytes_taken(&self) -> usize {
        (BUFFERED_KIB_MAX - self.0.available_permits()) * KIB
    }

    fn take(&self, kib: usize) -> Result<OwnedSemaphorePermit, RequestError> {
        let permits = u32::try_from(kib).map_err(|_| RequestError::TooLarge)?;
        let taken = Arc::clone(&self.0).try_acquire_many_owned(permits);
        taken.map_err(|_| RequestError::Busy)
    }
}

/// The sender of a request, which determines the accepted content types. Without a preflight, any web page can
/// make a browser send a text or a body without a content type, but not a body that is declared as JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sender {
    /// An unknown sender, who must declare the content type.
    Anonymous,
    /// A client with an API key.
    Key,
    /// A page of an allowed origin. Browsers send its beacons as text.
    Page,
}

/// Determines the format of the body from its content type.
pub(crate) fn format(headers: &HeaderMap, sender: Sender) -> Result<BodyFormat, RequestError> {
    let Some(value) = headers.get(CONTENT_TYPE) else {
        return match sender {
            Sender::Anonymous => Err(RequestError::NoMediaType),
            Sender::Key | Sender::Page => Ok(BodyFormat::Json),
        };
    };
    let text = String::from_utf8_lossy(value.as_bytes());
    let essence = text.split(';').next().unwrap_or_default().trim();
    match essence.to_ascii_lowercase().as_str() {
        "application/json" | "text/json" => Ok(BodyFormat::Json),
        "application/x-ndjson"
        | "application/ndjson"
        | "application/jsonl"
        | "application/x-jsonlines" => Ok(BodyFormat::Lines),
        "text/plain" if sender == Sender::Page => Ok(BodyFormat::Json),
        _ => Err(RequestError::MediaType(essence.to_owned())),
    }
}

/// Reads the whole body and decompresses it.
pub(crate) async fn receive(
    budget: &MemoryBudget,
    headers: &HeaderMap,
    body: Body,
) -> Result<Received, RequestError> {
    let encoding = encoding(headers)?;
    let claimed = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if claimed.is_some_and(|length| length > BODY_BYTES_MAX) {
        return Err(RequestError::TooLarge);
    }
    let reading = timeout(BODY_TIMEOUT, read(budget, body));
    let received = reading.await.map_err(|_| RequestError::BodySlow)??;
    match encoding {
        None => Ok(received),
        Some(encoding) => decompressed(budget, received, encoding).await,
    }
}

fn encoding(headers: &HeaderMap) -> Result<Option<Encoding>, RequestError> {
    let names: Vec<_> = headers.get_all(CONTENT_ENCODING).iter().collect();
    match names[..] {
        [] => Ok(None),
        [name] => Encoding::named(&String::from_utf8_lossy(name.as_bytes())),
        _ => Err(RequestError::Encoding("several".to_owned())),
    }
}

/// Reads the body and takes memory from the budget as bytes arrive, so that a client that announces a large body
/// and does not send it takes almost none.
async fn read(budget: &MemoryBudget, mut body: Body) -> Result<Received, RequestError> {
    let mut memory = budget.take(1)?;
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| RequestError::BodyCut(error.to_string()))?;
        let Ok(piece) = frame.into_data() else {
            continue;
        };
        if whole.len() + piece.len() > BODY_BYTES_MAX {
            return Err(RequestError::TooLarge);
        }
        let needed = (whole.len() + piece.len()).div_ceil(KIB);
        if needed > memory.num_permits() {
            memory.merge(budget.take(needed - memory.num_permits())?);
        }
        whole.extend_from_slice(&piece);
    }
    Ok(Received {
        bytes: whole.freeze(),
        memory: MemoryPermit(memory),
    })
}

/// Decompresses a body. The size of the result is unknown, so this first takes memory for the largest body, and
/// later returns the surplus. The work takes milliseconds and runs in a blocking task. The task continues if the
/// client hangs up, so it owns the memory of the compressed and of the decompressed body.
async fn decompressed(
    budget: &MemoryBudget,
    compressed: Received,
    encoding: Encoding,
) -> Result<Received, RequestError> {
    let mut memory = budget.take(BODY_BYTES_MAX / KIB)?;
    let decompressing = tokio::task::spawn_blocking(move || {
        let bytes = decompress(&compressed.bytes, encoding)?;
        drop(compressed);
        let surplus = memory.num_permits() - bytes.len().div_ceil(KIB);
        drop(memory.split(surplus));
        let memory = MemoryPermit(memory);
        Ok(Received { bytes, memory })
    });
    let decompressed = decompressing.await;
    decompressed.map_err(|error| RequestError::Compression(error.to_string()))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use futures_util::FutureExt;

    fn headers(name: axum::http::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn the_content_type_selects_the_format() {
        let of = |value| format(&headers(CONTENT_TYPE, value), Sender::Key);
        assert_eq!(of("Application/JSON; charset=utf-8"), Ok(BodyFormat::Json));
        assert_eq!(of("application/x-ndjson"), Ok(BodyFormat::Lines));
        assert_eq!(
            of("text/plain"),
            Err(RequestError::MediaType("text/plain".to_owned()))
        );
    }

    #[test]
    fn types_that_any_page_can_send_are_accepted_only_from_allowed_senders() {
        let text = headers(CONTENT_TYPE, "text/plain;charset=UTF-8");
        for (sender, untyped, plain) in [
            (Sender::Anonymous, false, false),
            (Sender::Key, true, false),
            (Sender::Page, true, true),
        ] {
            assert_eq!(format(&HeaderMap::new(), sender).is_ok(), untyped);
            assert_eq!(format(&text, sender).is_ok(), plain);
            let form = headers(CONTENT_TYPE, "application/x-www-form-urlencoded");
            assert!(format(&form, sender).is_err());
        }
    }

    #[tokio::test]
    async fn a_body_holds_memory_until_it_is_dropped() {
        let budget = MemoryBudget::new();
        let received = receive(&budget, &HeaderMap::new(), Body::from(vec![7; 5 * KIB]))
            .await
            .unwrap();
        assert_eq!(
            (received.bytes.len(), budget.bytes_taken()),
            (5 * KIB, 5 * KIB)
        );
        drop(received);
        assert_eq!(budget.bytes_taken(), 0);
    }

    #[tokio::test]
    async fn memory_taken_for_decompression_is_returned() {
        let budget = MemoryBudget::new();
        let compressed = zstd::encode_all(&[7; 3 * KIB][..], 3).unwrap();
        let headers = headers(CONTENT_ENCODING, "zstd");
        let received = receive(&budget, &headers, Body::from(compressed))
            .await
            .unwrap();
        assert_eq!(
            (received.bytes.len(), budget.bytes_taken()),
            (3 * KIB, 3 * KIB)
        );
    }

    #[test]
    fn decompression_keeps_its_memory_when_the_client_hangs_up() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .max_blocking_threads(1)
            .build()
            .unwrap();
        runtime.block_on(async {
            // Occupy the only blocking thread, so that the decompression has to wait in its queue.
            let (go_on, held_up) = std::sync::mpsc::channel::<()>();
            let holding = tokio::task::spawn_blocking(move || held_up.recv());
            let budget = MemoryBudget::new();
            let compressed = zstd::encode_all(&[7; 3 * KIB][..], 3).unwrap();
            let headers = headers(CONTENT_ENCODING, "zstd");
            let receiving = receive(&budget, &headers, Body::from(compressed));
            assert!(receiving.now_or_never().is_none());
            assert_eq!(budget.bytes_taken(), BODY_BYTES_MAX + KIB);
            go_on.send(()).unwrap();
            holding.await.unwrap().unwrap();
            // This blocking task is queued after the decompression, so the decompression has ended when the task
            // runs.
            tokio::task::spawn_blocking(|| ()).await.unwrap();
            assert_eq!(budget.bytes_taken(), 0);
        });
    }

    #[tokio::test]
    async fn without_memory_the_server_is_busy() {
        let budget = MemoryBudget::new();
        let all = budget.take(BUFFERED_KIB_MAX).unwrap();
        let refused = receive(&budget, &HeaderMap::new(), Body::from("{}")).await;
        assert_eq!(refused.unwrap_err(), RequestError::Busy);
        drop(all);
        assert!(
            receive(&budget, &HeaderMap::new(), Body::from("{}"))
                .await
                .is_ok()
        );
    }

    #[tokio::test]
    async fn a_body_that_is_too_large_is_refused_with_or_without_a_content_length() {
        let budget = MemoryBudget::new();
        let claims = headers(CONTENT_LENGTH, "4194305");
        let refused = receive(&budget, &claims, Body::empty()).await;
        assert_eq!(refused.unwrap_err(), RequestError::TooLarge);
        let body = Body::from(vec![b' '; BODY_BYTES_MAX + 1]);
        let refused = receive(&budget, &HeaderMap::new(), body).await;
        assert_eq!(refused.unwrap_err(), RequestError::TooLarge);
        assert_eq!(budget.bytes_taken(), 0);
    }
}
