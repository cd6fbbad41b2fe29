//! Batches that come in order, and servers that leave something out.

use std::pin::Pin;

use fluvio::dataplane::record::Record as Stored;
use futures_util::{Stream, stream};

use super::*;
use crate::Offsets;

const SHORT: Duration = Duration::from_millis(10);

/// A partition that holds records up to `end`; nobody reads from it but for its offsets.
struct Partition {
    end: i64,
}

type Frames = Pin<Box<dyn Stream<Item = Result<Vec<Record>, ClientError>> + Send>>;

impl Source for Partition {
    type Frames = Frames;

    async fn open(&self, _: i64, _: i32) -> Result<Frames, ClientError> {
        Ok(Box::pin(stream::pending()))
    }

    async fn offsets(&self) -> Result<Offsets, ClientError> {
        let (start, end) = (0, self.end);
        Ok(Offsets { start, end })
    }

    fn name(&self) -> String {
        "t-0".to_owned()
    }
}

fn record(offset: i64) -> Record {
    Record {
        offset,
        timestamp_ms: None,
        key: None,
        value: Bytes::from_static(b"a value"),
    }
}

/// Batches of these offsets in a partition that goes on to `end`; then the server is silent.
fn sent(batches: &[&[i64]], end: i64) -> InOrder<Partition> {
    let batches = batches
        .iter()
        .map(|offsets| Ok(offsets.iter().copied().map(record).collect()));
    let batches: Vec<_> = batches.collect();
    InOrder {
        source: Partition { end },
        frames: Box::pin(stream::iter(batches).chain(stream::pending())),
        next: 3,
        silence: SHORT,
    }
}

#[tokio::test]
async fn batches_come_as_they_are_stored() {
    let mut batches = sent(&[&[3, 4], &[5], &[6, 7]], 8);
    for expected in [vec![3, 4], vec![5], vec![6, 7]] {
        let batch = batches.next().await.expect("a batch");
        let offsets: Vec<_> = batch.iter().map(|record| record.offset).collect();
        assert_eq!(offsets, expected);
    }
}

#[tokio::test]
async fn what_is_left_out_is_an_error_that_names_the_offset() {
    for (batches, missing) in [
        (&[&[3, 4][..], &[6, 7][..]][..], 5),
        (&[&[3, 5][..]][..], 3),
        (&[&[2, 3, 4][..]][..], 3),
        (&[&[][..]][..], 3),
    ] {
        let mut batches = sent(batches, 8);
        let error = loop {
            if let Err(error) = batches.next().await {
                break error;
            }
        };
        assert!(error.is_retryable(), "{error}");
        assert!(
            error.to_string().contains(&format!("`{missing}`")),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_batch_that_is_never_sent_is_an_error_and_silence_is_none() {
    let error = sent(&[], 4).next().await.expect_err("a batch is withheld");
    assert!(error.to_string().contains("does not send"), "{error}");
    let mut silent = sent(&[], 3);
    let waited = timeout(SHORT * 20, silent.next()).await;
    assert!(waited.is_err(), "there is nothing to send");
}

fn stored(values: &[&str], first_timestamp: i64) -> Batch {
    let mut batch = Batch::default();
    let mut records: Vec<_> = values.iter().map(|value| Stored::new(*value)).collect();
    batch.add_records(&mut records);
    batch.set_base_offset(40);
    batch.get_mut_header().first_timestamp = first_timestamp;
    batch
}

#[test]
fn records_have_the_offsets_and_times_that_a_module_sees() {
    let seen = |first_timestamp| {
        let batch = stored(&["a", "b"], first_timestamp);
        let records = whole("t-0", batch).expect("a whole batch");
        let seen = records.into_iter();
        seen.map(|record| (record.offset, record.timestamp_ms, record.value))
            .collect::<Vec<_>>()
    };
    let [a, b] = ["a", "b"].map(|value| Bytes::from_static(value.as_bytes()));
    assert_eq!(
        seen(7),
        [(40, Some(7), a.clone()), (41, Some(7), b.clone())]
    );
    assert_eq!(
        seen(0),
        [(40, Some(0), a.clone()), (41, Some(0), b.clone())]
    );
    assert_eq!(seen(-1), [(40, None, a), (41, None, b)]);
}

#[test]
fn a_batch_that_was_cut_is_refused() {
    let mut batch = stored(&["a", "b", "c"], 7);
    batch.mut_records().pop();
    let error = whole("t-0", batch).expect_err("one record is missing");
    assert!(error.to_string().contains("`40`"), "{error}");
}
