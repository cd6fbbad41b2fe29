//! Reads a request's body within the memory that all bodies share.

use std::sync::Arc;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::error::Refusal;
use crate::limits::{BODY_BYTES_MAX, BODY_PATIENCE, BUFFERED_KIB_MAX};
use crate::split::Layout;
use crate::unpack::{Encoding, unpack};

const KIB: usize = 1_024;

/// The memory that bodies share.
#[derive(Clone, Debug)]
pub(crate) struct Buffers(Arc<Semaphore>);

/// A whole body, unpacked, and the memory that it holds until it is dropped.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) bytes: Bytes,
    pub(crate) memory: Memory,
}

/// Memory of [`Buffers`], given back when dropped.
#[derive(Debug)]
pub(crate) struct Memory(OwnedSemaphorePermit);

impl Memory {
    /// Takes room for so many bytes more.
    pub(crate) fn grow(&mut self, buffers: &Buffers, bytes: usize) -> Result<(), Refusal> {
        self.0.merge(buffers.take(bytes.div_ceil(KIB))?);
        Ok(())
    }
}

impl Buffers {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(BUFFERED_KIB_MAX)))
    }

    pub(crate) fn bytes_taken(&self) -> usize {
        (BUFFERED_KIB_MAX - self.0.available_permits()) * KIB
    }

    fn take(&self, kib: usize) -> Result<OwnedSemaphorePermit, Refusal> {
        let permits = u32::try_from(kib).map_err(|_| Refusal::TooLarge)?;
        let taken = Arc::clone(&self.0).try_acquire_many_owned(permits);
        taken.map_err(|_| Refusal::Busy)
    }
}

/// How the body's records stand in it, by its content type.
pub(crate) fn layout(headers: &HeaderMap) -> Result<Layout, Refusal> {
    let Some(value) = headers.get(CONTENT_TYPE) else {
        return Ok(Layout::Json);
    };
    let text = String::from_utf8_lossy(value.as_bytes());
    let essence = text.split(';').next().unwrap_or_default().trim();
    match essence.to_ascii_lowercase().as_str() {
        "application/json" | "text/json" => Ok(Layout::Json),
        "application/x-ndjson"
        | "application/ndjson"
        | "application/jsonl"
        | "application/x-jsonlines" => Ok(Layout::Lines),
        _ => Err(Refusal::MediaType(essence.to_owned())),
    }
}

/// Reads the body whole and unpacks it.
pub(crate) async fn receive(
    buffers: &Buffers,
    headers: &HeaderMap,
    body: Body,
) -> Result<Received, Refusal> {
    let encoding = encoding(headers)?;
    let claimed = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if claimed.is_some_and(|length| length > BODY_BYTES_MAX) {
        return Err(Refusal::TooLarge);
    }
    let reading = timeout(BODY_PATIENCE, read(buffers, body));
    let received = reading.await.map_err(|_| Refusal::BodySlow)??;
    match encoding {
        None => Ok(received),
        Some(encoding) => unpacked(buffers, received, encoding).await,
    }
}

fn encoding(headers: &HeaderMap) -> Result<Option<Encoding>, Refusal> {
    let names: Vec<_> = headers.get_all(CONTENT_ENCODING).iter().collect();
    match names[..] {
        [] => Ok(None),
        [name] => Encoding::named(&String::from_utf8_lossy(name.as_bytes())),
        _ => Err(Refusal::Encoding("several".to_owned())),
    }
}

/// Memory is taken as bytes arrive: a client that only claims a large body gets none.
async fn read(buffers: &Buffers, mut body: Body) -> Result<Received, Refusal> {
    let mut memory = buffers.take(1)?;
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Refusal::BodyCut(error.to_string()))?;
        let Ok(piece) = frame.into_data() else {
            continue;
        };
        if whole.len() + piece.len() > BODY_BYTES_MAX {
            return Err(Refusal::TooLarge);
        }
        let needed = (whole.len() + piece.len()).div_ceil(KIB);
        if needed > memory.num_permits() {
            memory.merge(buffers.take(needed - memory.num_permits())?);
        }
        whole.extend_from_slice(&piece);
    }
    Ok(Received {
        bytes: whole.freeze(),
        memory: Memory(memory),
    })
}

/// How much comes out is not known before: room for the largest body is taken, and what was too much
/// given back. Unpacking takes milliseconds, which other requests need not wait for. It goes on when the
/// client hangs up, so the memory of both bodies stays with it.
async fn unpacked(
    buffers: &Buffers,
    packed: Received,
    encoding: Encoding,
) -> Result<Received, Refusal> {
    let mut memory = buffers.take(BODY_BYTES_MAX / KIB)?;
    let unpacking = tokio::task::spawn_blocking(move || {
        let bytes = unpack(&packed.bytes, encoding)?;
        drop(packed);
        let surplus = memory.num_permits() - bytes.len().div_ceil(KIB);
        drop(memory.split(surplus));
        let memory = Memory(memory);
        Ok(Received { bytes, memory })
    });
    let unpacked = unpacking.await;
    unpacked.map_err(|error| Refusal::Packed(error.to_string()))?
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
    fn content_types_choose_the_layout() {
        let of = |value| layout(&headers(CONTENT_TYPE, value));
        assert_eq!(layout(&HeaderMap::new()), Ok(Layout::Json));
        assert_eq!(of("Application/JSON; charset=utf-8"), Ok(Layout::Json));
        assert_eq!(of("application/x-ndjson"), Ok(Layout::Lines));
        assert_eq!(
            of("text/plain"),
            Err(Refusal::MediaType("text/plain".to_owned()))
        );
    }

    #[tokio::test]
    async fn a_body_holds_memory_until_it_is_dropped() {
        let buffers = Buffers::new();
        let received = receive(&buffers, &HeaderMap::new(), Body::from(vec![7; 5 * KIB]))
            .await
            .unwrap();
        assert_eq!(
            (received.bytes.len(), buffers.bytes_taken()),
            (5 * KIB, 5 * KIB)
        );
        drop(received);
        assert_eq!(buffers.bytes_taken(), 0);
    }

    #[tokio::test]
    async fn what_was_taken_to_unpack_is_given_back() {
        let buffers = Buffers::new();
        let packed = zstd::encode_all(&[7; 3 * KIB][..], 3).unwrap();
        let headers = headers(CONTENT_ENCODING, "zstd");
        let received = receive(&buffers, &headers, Body::from(packed))
            .await
            .unwrap();
        assert_eq!(
            (received.bytes.len(), buffers.bytes_taken()),
            (3 * KIB, 3 * KIB)
        );
    }

    #[test]
    fn memory_stays_with_unpacking_when_its_client_hangs_up() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .max_blocking_threads(1)
            .build()
            .unwrap();
        runtime.block_on(async {
            // The one thread that unpacks is kept busy, so that unpacking waits for its turn.
            let (go_on, held_up) = std::sync::mpsc::channel::<()>();
            let holding = tokio::task::spawn_blocking(move || held_up.recv());
            let buffers = Buffers::new();
            let packed = zstd::encode_all(&[7; 3 * KIB][..], 3).unwrap();
            let headers = headers(CONTENT_ENCODING, "zstd");
            let receiving = receive(&buffers, &headers, Body::from(packed));
            assert!(receiving.now_or_never().is_none());
            assert_eq!(buffers.bytes_taken(), BODY_BYTES_MAX + KIB);
            go_on.send(()).unwrap();
            holding.await.unwrap().unwrap();
            // Behind it in the queue: it has unpacked by then.
            tokio::task::spawn_blocking(|| ()).await.unwrap();
            assert_eq!(buffers.bytes_taken(), 0);
        });
    }

    #[tokio::test]
    async fn when_no_memory_is_left_the_server_is_busy() {
        let buffers = Buffers::new();
        let all = buffers.take(BUFFERED_KIB_MAX).unwrap();
        let refused = receive(&buffers, &HeaderMap::new(), Body::from("{}")).await;
        assert_eq!(refused.unwrap_err(), Refusal::Busy);
        drop(all);
        assert!(
            receive(&buffers, &HeaderMap::new(), Body::from("{}"))
                .await
                .is_ok()
        );
    }

    #[tokio::test]
    async fn a_body_that_is_too_large_is_refused_whether_it_says_so_or_not() {
        let buffers = Buffers::new();
        let claims = headers(CONTENT_LENGTH, "4194305");
        let refused = receive(&buffers, &claims, Body::empty()).await;
        assert_eq!(refused.unwrap_err(), Refusal::TooLarge);
        let body = Body::from(vec![b' '; BODY_BYTES_MAX + 1]);
        let refused = receive(&buffers, &HeaderMap::new(), body).await;
        assert_eq!(refused.unwrap_err(), Refusal::TooLarge);
        assert_eq!(buffers.bytes_taken(), 0);
    }
}
