//! Tests of the reader with a server that silently cuts responses in the middle of batches.

#![allow(clippy::unwrap_used)]

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};

use super::Limits;
use crate::source::RecordSource;
use crate::{ClientError, Mode, Offset, OffsetRange, Partition, Record, RecordStream, Start};

const LIMITS: Limits = Limits {
    answer_bytes_min: 100,
    answer_bytes_max: 6400,
    silence: Duration::from_millis(20),
};
/// Far longer than any of these tests takes. A test that reaches it has a reader that hangs.
const DEADLINE: Duration = Duration::from_secs(20);

/// A server with one partition.
#[derive(Clone, Default)]
struct Server {
    log: Arc<Mutex<Log>>,
}

#[derive(Default)]
struct Log {
    /// For each batch, the sizes of its records in bytes.
    batches: Vec<Vec<usize>>,
    /// Retention has removed the records before this offset.
    start: Offset,
    /// Right after the next stream is opened, retention removes the records before this offset.
    start_after_open: Option<Offset>,
    /// The errors with which the next streams end, one per stream, after their first batch.
    failures: Vec<ClientError>,
    opened: usize,
}

impl Server {
    fn new(batches: &[&[usize]]) -> Self {
        let server = Self::default();
        server.log.lock().unwrap().batches = batches.iter().map(|sizes| sizes.to_vec()).collect();
        server
    }

    /// The batches that a client without gap detection receives from an offset on, if the server cuts each response
    /// at `bytes_max`.
    fn answers(&self, from: i64, bytes_max: usize) -> Vec<Vec<Record>> {
        let log = self.log.lock().unwrap();
        let (mut base, mut room, mut frames) = (0, bytes_max, Vec::new());
        for sizes in &log.batches {
            let end = base + sizes.len() as i64;
            if end > from {
                let fitting = sizes.iter().scan(0, |sum, size| {
                    *sum += size;
                    Some(*sum)
                });
                let complete = fitting.take_while(|sum| *sum <= room).count();
                frames.push((base..base + complete as i64).map(record).collect());
                let size: usize = sizes.iter().sum();
                // A cut batch ends the response. The client acknowledges the whole batch, so the next response begins
                // after that batch.
                room = if size > room { bytes_max } else { room - size };
                if complete == 0 {
                    break;
                }
            }
            base = end;
        }
        frames
    }
}

fn record(offset: i64) -> Record {
    Record {
        offset: Offset(offset),
        timestamp_ms: None,
        key: None,
        value: Bytes::from(offset.to_string()),
    }
}

impl RecordSource for Server {
    type RecordBatches = Pin<Box<dyn Stream<Item = Result<Vec<Record>, ClientError>> + Send>>;

    async fn open(&self, from: Offset, bytes_max: i32) -> Result<Self::RecordBatches, ClientError> {
        let (start, failure) = {
            let mut log = self.log.lock().unwrap();
            log.opened += 1;
            let start = log.start;
            log.start = log.start_after_open.take().unwrap_or(start);
            (start, log.failures.pop())
        };
        if from < start {
            let error = ClientError::Evicted {
                topic: "t".to_owned(),
                partition: Partition(0),
                offset: from,
                next_available: start,
            };
            return Ok(Box::pin(stream::iter([Err(error)])));
        }
        let frames = stream::iter(self.answers(from.0, bytes_max as usize)).map(Ok);
        Ok(match failure {
            Some(error) => Box::pin(frames.take(1).chain(stream::iter([Err(error)]))),
            None => Box::pin(frames.chain(stream::pending())),
        })
    }

    async fn offsets(&self) -> Result<OffsetRange, ClientError> {
        let log = self.log.lock().unwrap();
        Ok(OffsetRange {
            start: log.start,
            end: Offset(log.batches.iter().map(Vec::len).sum::<usize>() as i64),
        })
    }

    fn name(&self) -> String {
        "t-0".to_owned()
    }
}

async fn read(server: &Server, start: Start) -> (Vec<i64>, u64, Option<ClientError>) {
    let mut stream = RecordStream::start(server.clone(), LIMITS, start, Mode::UntilEnd)
        .await
        .unwrap();
    let all = async {
        let (mut offsets, mut failure) = (Vec::new(), None);
        while let Some(record) = stream.next().await {
            match record {
                Ok(record) => offsets.push(record.offset.0),
                Err(error) => failure = Some(error),
            }
        }
        (offsets, failure)
    };
    let (offsets, failure) = tokio::time::timeout(DEADLINE, all)
        .await
        .expect("the reader hangs");
    (offsets, stream.evicted(), failure)
}

#[tokio::test]
async fn every_record_of_cut_answers_arrives_once_and_in_order() {
    let batch: &[usize] = &[30, 30, 30, 30, 30];
    for batches in [
        vec![batch; 40],
        vec![&[99, 2, 5][..], batch, &[1], &[60, 60, 60], batch],
    ] {
        let server = Server::new(&batches);
        let end: i64 = batches.iter().map(|sizes| sizes.len() as i64).sum();
        let taken: usize = server.answers(0, 100).iter().map(Vec::len).sum();
        assert!(
            (taken as i64) < end,
            "a reader that takes what comes must lose records here"
        );
        assert_eq!(
            read(&server, Start::Beginning).await.0,
            (0..end).collect::<Vec<_>>()
        );
        assert_eq!(
            read(&server, Start::Offset(Offset(7))).await.0,
            (7..end).collect::<Vec<_>>()
        );
        assert_eq!(
            read(&server, Start::FromEnd(3)).await.0,
            (end - 3..end).collect::<Vec<_>>()
        );
    }
}

#[tokio::test]
async fn an_empty_partition_ends_without_asking_for_a_stream() {
    let server = Server::new(&[]);
    assert!(read(&server, Start::Beginning).await.0.is_empty());
    assert!(read(&server, Start::End).await.0.is_empty());
    assert!(read(&server, Start::Offset(Offset(12))).await.0.is_empty());
    assert_eq!(server.log.lock().unwrap().opened, 0);
}

#[tokio::test]
async fn a_record_larger_than_the_answer_is_read_with_a_larger_answer() {
    let server = Server::new(&[&[10], &[3000], &[10]]);
    assert_eq!(read(&server, Start::Beginning).await.0, [0, 1, 2]);
    let server = Server::new(&[&[3000], &[10]]);
    assert_eq!(read(&server, Start::Beginning).await.0, [0, 1]);
}

#[tokio::test]
async fn a_record_that_no_answer_can_hold_is_an_error_and_not_a_hole() {
    let server = Server::new(&[&[10], &[7000], &[10]]);
    let (offsets, evicted, failure) = read(&server, Start::Beginning).await;
    assert_eq!((offsets, evicted), (vec![0], 0));
    assert!(failure.unwrap().to_string().contains("offset 1 "));
}

#[tokio::test]
async fn evicted_records_are_counted_and_only_they_are_passed_over() {
    let server = Server::new(&[&[30; 5][..]; 4]);
    server.log.lock().unwrap().start = Offset(5);
    let (offsets, evicted, _) = read(&server, Start::Offset(Offset(2))).await;
    assert_eq!((offsets, evicted), ((5..20).collect(), 3));
    let server = Server::new(&[&[30; 5][..]; 4]);
    server.log.lock().unwrap().start_after_open = Some(Offset(10));
    let (offsets, evicted, _) = read(&server, Start::Beginning).await;
    assert_eq!((offsets, evicted), ((0..3).chain(10..20).collect(), 7));
}

#[tokio::test]
async fn following_goes_on_after_lost_connections_and_with_what_arrives_later() {
    let server = Server::new(&[&[30; 5][..]; 4]);
    server.log.lock().unwrap().failures = vec![ClientError::retry("reading", "hung up"); 2];
    let mut stream = RecordStream::start(server.clone(), LIMITS, Start::Beginning, Mode::Follow)
        .await
        .unwrap();
    for offset in 0..20 {
        let record = tokio::time::timeout(DEADLINE, stream.next())
            .await
            .expect("the reader hangs");
        assert_eq!(record.unwrap().unwrap().offset, Offset(offset));
    }
    server.log.lock().unwrap().batches.push(vec![30; 2]);
    let record = tokio::time::timeout(DEADLINE, stream.next())
        .await
        .expect("the reader hangs");
    assert_eq!(record.unwrap().unwrap().offset, Offset(20));
}

#[tokio::test]
async fn errors_that_no_pause_cures_and_errors_of_a_bounded_read_are_seen() {
    for (mode, error) in [
        (Mode::UntilEnd, ClientError::retry("reading", "hung up")),
        (
            Mode::Follow,
            ClientError::configuration("reading", "topic deleted"),
        ),
    ] {
        let server = Server::new(&[&[30; 3], &[30; 3]]);
        server.log.lock().unwrap().failures = vec![error.clone()];
        let stream = RecordStream::start(server, LIMITS, Start::Beginning, mode)
            .await
            .unwrap();
        let items: Vec<_> = tokio::time::timeout(DEADLINE, stream.collect())
            .await
            .expect("the reader hangs");
        assert_eq!(items.iter().filter(|item| item.is_ok()).count(), 3);
        assert_eq!(
            items.last().unwrap().as_ref().unwrap_err().to_string(),
            error.to_string()
        );
    }
}
