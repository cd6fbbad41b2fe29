//! Divides records into batches, and batches into requests.

mod batch;
mod encoding;

use std::iter::Peekable;

use fluvio::{Compression, Isolation};
use fluvio_compression::CompressionError;
use fluvio_spu_schema::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};

use self::batch::EncodedBatch;
pub(super) use self::encoding::KeyValue;
use crate::Partition;
use crate::producer::{BATCH_BYTES_MAX, COMMIT_DEADLINE};

/// The body of a request.
pub(in crate::batch_producer) type Body = ProduceRequest<EncodedBatch>;

/// The maximum size of the records in a request. A server gets its next request after it has committed the one before.
const REQUEST_BYTES_MAX: usize = 8 * BATCH_BYTES_MAX;

/// One request, and the number of records in each of its batches.
pub(super) struct Request {
    pub(super) body: Body,
    pub(super) lengths: Vec<i64>,
}

/// Takes as many of the next records as fit into one request. Whatever servers lead their partitions, [`requests`] then
/// makes at most one request for each server. A record larger than `REQUEST_BYTES_MAX` is taken alone.
pub(super) fn take_request(
    records: &mut Peekable<impl Iterator<Item = KeyValue>>,
) -> Vec<KeyValue> {
    take_up_to(REQUEST_BYTES_MAX, records, encoding::bytes_max)
}

/// Takes the next items whose sizes together are at most `bytes_max`, or a single larger item.
fn take_up_to<T>(
    bytes_max: usize,
    items: &mut Peekable<impl Iterator<Item = T>>,
    bytes_of: impl Fn(&T) -> usize,
) -> Vec<T> {
    let (mut taken, mut bytes) = (Vec::new(), 0);
    while let Some(next) = items.peek().map(&bytes_of)
        && (taken.is_empty() || bytes + next <= bytes_max)
    {
        bytes += next;
        taken.extend(items.next());
    }
    taken
}

/// Divides the records of a server's partitions into requests, which have to be sent in order.
pub(super) fn requests(
    topic: &str,
    partitions: Vec<(Partition, Vec<KeyValue>)>,
    compression: Compression,
) -> impl Iterator<Item = Result<Request, CompressionError>> {
    let mut batches = partitions
        .into_iter()
        .flat_map(|(partition, records)| batches(records).map(move |records| (partition, records)))
        .peekable();
    std::iter::from_fn(move || {
        let next = take_up_to(REQUEST_BYTES_MAX, &mut batches, bytes_of);
        (!next.is_empty()).then(|| request(topic, next, compression))
    })
}

fn bytes_of((_, records): &(Partition, Vec<KeyValue>)) -> usize {
    records.iter().map(encoding::bytes_max).sum()
}

/// Divides records into batches of at most [`BATCH_BYTES_MAX`]. A larger record is in a batch of its own.
fn batches(records: Vec<KeyValue>) -> impl Iterator<Item = Vec<KeyValue>> {
    let mut records = records.into_iter().peekable();
    std::iter::from_fn(move || {
        let batch = take_up_to(BATCH_BYTES_MAX, &mut records, encoding::bytes_max);
        (!batch.is_empty()).then_some(batch)
    })
}

fn request(
    topic: &str,
    batches: Vec<(Partition, Vec<KeyValue>)>,
    compression: Compression,
) -> Result<Request, CompressionError> {
    let mut lengths = Vec::with_capacity(batches.len());
    let mut partitions = Vec::with_capacity(batches.len());
    for (partition, records) in batches {
        lengths.push(records.len() as i64);
        partitions.push(PartitionProduceData {
            partition_index: partition.0,
            records: EncodedBatch::of(&records, compression)?,
        });
    }
    let topic = TopicProduceData {
        name: topic.to_owned(),
        partitions,
        ..TopicProduceData::default()
    };
    let body = ProduceRequest {
        // Wait for the commit, so that the end offset after a response includes the records.
        isolation: Isolation::ReadCommitted,
        timeout: COMMIT_DEADLINE,
        topics: vec![topic],
        ..ProduceRequest::default()
    };
    Ok(Request { body, lengths })
}

#[cfg(test)]
mod tests {
    use fluvio::dataplane::core::{Decoder, Encoder};
    use fluvio::dataplane::record::{RawRecords, RecordSet};

    use super::*;

    /// For each batch of each request, returns the partition and the sizes of the values.
    fn divided(partitions: Vec<(u32, Vec<usize>)>) -> Vec<Vec<(u32, Vec<usize>)>> {
        let record = |bytes| ("key".to_owned(), vec![0; bytes]);
        let partitions = partitions.into_iter().map(|(partition, sizes)| {
            (
                Partition(partition),
                sizes.into_iter().map(record).collect(),
            )
        });
        let requests = requests("clicks", partitions.collect(), Compression::None);
        requests
            .map(|request| sizes(&request.expect("encodes")))
            .collect()
    }

    fn sizes(request: &Request) -> Vec<(u32, Vec<usize>)> {
        let [topic] = request.body.topics.as_slice() else {
            panic!("one topic");
        };
        assert_eq!(topic.partitions.len(), request.lengths.len());
        let partitions = topic.partitions.iter().zip(&request.lengths);
        partitions
            .map(|(partition, length)| {
                let bytes = partition.records.as_bytes(0).expect("encodes");
                let mut set = RecordSet::<RawRecords>::default();
                set.decode(&mut bytes.as_ref(), 0).expect("decodes");
                let [batch] = set.batches.as_slice() else {
                    panic!("one batch");
                };
                let records = batch.memory_records().expect("decodes");
                assert_eq!(records.len() as i64, *length);
                assert_eq!(batch.records_len(), records.len());
                let deltas = records.iter().map(|record| record.preamble.offset_delta());
                assert!(deltas.eq(0..records.len() as i64));
                let values = records.iter().map(|record| record.value.len());
                (partition.partition_index, values.collect())
            })
            .collect()
    }

    #[test]
    fn batches_are_full_and_in_order() {
        let third = BATCH_BYTES_MAX / 3;
        let large = 2 * BATCH_BYTES_MAX;
        let found = divided(vec![
            (1, vec![third, third, third, 1, large, 2]),
            (4, vec![3]),
        ]);
        let expected = vec![vec![
            (1, vec![third, third]),
            (1, vec![third, 1]),
            (1, vec![large]),
            (1, vec![2]),
            (4, vec![3]),
        ]];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_request_has_a_limited_size() {
        let lengths = |sizes: Vec<usize>| {
            let requests = divided(vec![(0, sizes)]);
            requests.iter().map(Vec::len).collect::<Vec<_>>()
        };
        // An encoded record is larger than its value, so eight of these records are too large for one request.
        assert_eq!(lengths(vec![BATCH_BYTES_MAX; 9]), [7, 2]);
        assert_eq!(lengths(vec![2 * REQUEST_BYTES_MAX, 1]), [1, 1]);
        assert!(divided(Vec::new()).is_empty());
    }

    #[test]
    fn what_is_taken_for_a_request_is_one_request_to_each_server() {
        let sizes = [
            1,
            REQUEST_BYTES_MAX / 3,
            5,
            REQUEST_BYTES_MAX / 2,
            700,
            3 * REQUEST_BYTES_MAX,
            2,
        ];
        let record = |bytes: &usize| ("key".to_owned(), vec![0; *bytes]);
        let mut records = sizes.iter().map(record).cycle().take(100).peekable();
        let mut taken = Vec::new();
        while records.peek().is_some() {
            let set = take_request(&mut records);
            let halves = set
                .iter()
                .cloned()
                .enumerate()
                .partition(|(index, _)| index % 2 == 0);
            let (even, odd): (Vec<_>, Vec<_>) = halves;
            let of = |half: Vec<(usize, KeyValue)>| half.into_iter().map(|(_, record)| record);
            let partitions = [even, odd].map(|half| of(half).collect::<Vec<_>>());
            let partitions = (0..).map(Partition).zip(partitions);
            let partitions = partitions.filter(|(_, records)| !records.is_empty());
            let found = requests("clicks", partitions.collect(), Compression::None).count();
            assert_eq!(found, 1);
            taken.extend(set.into_iter().map(|(_, value)| value.len()));
        }
        assert!(taken.iter().eq(sizes.iter().cycle().take(100)));
    }
}
