//! The queue between the endpoint and the cluster. It is bounded, so that a slow cluster slows down reading
//! instead of filling the memory.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// The maximum number of bytes in the queue: many batches of usual records, or several of the largest records.
const ROOM_BYTES: u32 = 8 * 1024 * 1024;
/// The cost of a record in addition to its bytes; it also bounds the number of small records.
const OVERHEAD_BYTES: usize = 256;

/// What is complete once a parcel is acknowledged. Transforms may make several records from a received record,
/// and a large rejected record is written in several parcels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Completes {
    /// Whether the parcel is the only or last one of a record.
    pub(crate) record: bool,
    /// Whether the parcel is the last one that was made from a received record.
    pub(crate) received: bool,
}

/// A record, or a part of one, for a topic. Dropping it frees its room in the queue.
#[derive(Debug)]
pub(crate) struct Parcel {
    pub(crate) topic: Arc<str>,
    pub(crate) key: Option<Bytes>,
    pub(crate) value: Bytes,
    pub(crate) completes: Completes,
    _room: OwnedSemaphorePermit,
}

/// The sending side of the queue.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    parcels: mpsc::UnboundedSender<Parcel>,
    room: Arc<Semaphore>,
}

/// The receiver was dropped, because writing has failed permanently.
#[derive(Debug)]
pub(crate) struct Closed;

pub(crate) fn queue() -> (Queue, mpsc::UnboundedReceiver<Parcel>) {
    // The channel itself needs no limit: the semaphore `room` limits the bytes in the queue.
    let (parcels, receiver) = mpsc::unbounded_channel();
    let room = Arc::new(Semaphore::new(ROOM_BYTES as usize));
    (Queue { parcels, room }, receiver)
}

impl Queue {
    /// Puts a record into the queue. Waits while the queue has no room for it.
    pub(crate) async fn put(
        &self,
        topic: Arc<str>,
        key: Option<Bytes>,
        value: Bytes,
        completes: Completes,
    ) -> Result<(), Closed> {
        let bytes = key.as_ref().map_or(0, Bytes::len) + value.len() + OVERHEAD_BYTES;
        let room = u32::try_from(bytes).unwrap_or(ROOM_BYTES).min(ROOM_BYTES);
        let taken = Arc::clone(&self.room).acquire_many_owned(room);
        let taken = tokio::select! {
            taken = taken => taken.map_err(|_| Closed)?,
            () = self.parcels.closed() => return Err(Closed),
        };
        let parcel = Parcel {
            topic,
            key,
            value,
            completes,
            _room: taken,
        };
        self.parcels.send(parcel).map_err(|_| Closed)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    const WHOLE: Completes = Completes {
        record: true,
        received: true,
    };

    fn put(queue: &Queue, bytes: usize) -> Option<Result<(), Closed>> {
        let value = Bytes::from(vec![0; bytes]);
        queue.put("t".into(), None, value, WHOLE).now_or_never()
    }

    #[tokio::test]
    async fn it_takes_no_more_than_its_room_until_a_record_is_done_with() {
        let (queue, mut receiver) = queue();
        let mut taken = 0;
        while put(&queue, 900_000).is_some() {
            taken += 1;
        }
        assert_eq!(taken, ROOM_BYTES as usize / (900_000 + OVERHEAD_BYTES));
        drop(receiver.recv().await);
        assert!(put(&queue, 900_000).is_some());
        assert!(put(&queue, 900_000).is_none());
    }

    #[tokio::test]
    async fn a_producer_that_waits_for_room_learns_that_the_receiver_is_gone() {
        let (queue, receiver) = queue();
        while put(&queue, 900_000).is_some() {}
        let value = Bytes::from(vec![0; 900_000]);
        let waiting = queue.put("t".into(), None, value, WHOLE);
        let dropped = async { drop(receiver) };
        let (result, ()) = tokio::join!(waiting, dropped);
        assert!(result.is_err());
    }
}
