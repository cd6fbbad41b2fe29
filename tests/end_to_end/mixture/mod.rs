//! Sends good, early, late, repeated, future and broken records in one stream over several partitions, while
//! the runner is stopped and killed. Each record must have the outcome that its label states, and each record of
//! `accounting` must agree with the labels of all records that its partition has counted so far.

mod purchases;
mod stream;

use std::collections::{BTreeMap, BTreeSet};

use client::{Cluster, Record};
use serde_json::{Value, json};

use crate::commands::Runner;
use crate::dataflow_file::DataflowFile;
use crate::harness::{self, AnyCluster};
use crate::{oracle, verdict};
use purchases::{BROKEN, Label};
use stream::Stream;

const TOPIC: &str = "purchase-events";
const DERIVATION: &str = "purchase-summaries";
const PARTITIONS: u32 = 4;

/// The idle timeout is so long that no partition becomes idle, so only event times advance the watermark.
const DATAFLOW: &str = "
sources:
  purchase-events: { key: user_data.user_id, partitions: 4 }
derivations:
  purchase-summaries:
    from: purchase-events
    window: 10s
    lateness: 2s
    allowed_lateness: 60s
    idle_timeout: 10m
    max_skew: 5m
    parameters: { unique_transactions: true }
";

const WINDOW_S: i64 = 10;

/// The same value as in the dataflow file.
const LATENESS_MS: i64 = 2_000;

/// Events more than this many seconds before the base time are late. Their windows end by −260 s relative to the base
/// time. They can no longer be corrected after the first part of the stream, when the watermark is at least −199 s.
const LATE_S: i64 = 260;

/// The base time is this far in the past, so that some early events are ahead of their ingest time and others are not.
const BASE_AGO_MS: i64 = 150_000;

/// The time of the last event of each partition. It is ahead of the ingest time.
const LAST_S: i64 = 270;

#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_each_record_of_a_mixture_has_the_outcome_of_its_label() {
    let node = AnyCluster::start();
    let cluster = Cluster::connect(Some(node.address())).await.unwrap();
    let dataflow = DataflowFile::of(DATAFLOW);
    let run = Runner::at(node.address()).dataflow(&dataflow);
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let base_ms = now_ms - now_ms.rem_euclid(WINDOW_S * 1000) - BASE_AGO_MS;

    let runner = run.start();
    runner.line("runner: reads from ");
    let mut stream = Stream::open(&cluster, base_ms).await;
    stream.first_part().await;
    wait_for_window(&cluster, base_ms - 210_000).await;
    runner.stop(); // publishes accounts, and stores the watermark
    let mut runner = run.start();
    stream.second_part().await;
    harness::wait_for_derived(&cluster, "late-events", |rows| !rows.is_empty()).await;
    runner.kill();
    stream.second_part().await;
    let runner = run.start();
    wait_until_read(&cluster, &stream.labels).await; // otherwise the last part could make unread events late
    stream.last_part().await;
    let partitions = harness::partitions(&cluster, TOPIC).await;
    let expected = expected_rows(&partitions, &stream.labels, base_ms);
    harness::wait_for_rows(&cluster, DERIVATION, &expected, oracle::tolerance).await;
    runner.stop();

    harness::wait_for_rows(&cluster, DERIVATION, &expected, oracle::tolerance).await;
    assert_accounts(&cluster, &stream.labels).await;
    assert_payloads_are_kept(&cluster, &stream.labels).await;
}

type Labels = BTreeMap<(u64, i64), (Label, Vec<u8>)>;

async fn wait_for_window(cluster: &Cluster, start_ms: i64) {
    let starts_there = |row: &Value| {
        let start: jiff::Timestamp = row["window_start"].as_str().unwrap().parse().unwrap();
        start.as_millisecond() == start_ms
    };
    harness::wait_for_derived(cluster, DERIVATION, |rows| rows.iter().any(starts_there)).await;
}

/// Waits until the accounts report that every record has been read.
async fn wait_until_read(cluster: &Cluster, labels: &Labels) {
    let is_last = |account: &Value| {
        let (partition, read) = (&account["partition"], &account["next_offset"]);
        let place = (partition.as_u64().unwrap(), read.as_i64().unwrap());
        labels.range(place..(place.0 + 1, 0)).next().is_none()
    };
    harness::wait_for_derived(cluster, "accounting", |accounts| {
        let last = accounts.iter().filter(|account| is_last(account));
        let partitions: BTreeSet<_> = last.map(|account| account["partition"].as_u64()).collect();
        partitions.len() as u32 == PARTITIONS
    })
    .await;
}

/// Returns the rows of closed windows, computed from the records that are not late.
fn expected_rows(partitions: &[Vec<Record>], labels: &Labels, base_ms: i64) -> oracle::Rows {
    let on_time: Vec<_> = (0..)
        .zip(partitions)
        .flat_map(|(partition, records)| records.iter().map(move |record| (partition, record)))
        .filter(|(partition, record)| labels[&(*partition, record.offset.0)].0 != Label::Late)
        .map(|(_, record)| record.clone())
        .collect();
    let watermark_ms = watermark_ms(partitions, base_ms);
    let mut rows = oracle::purchase_summaries(&oracle::purchase_events(&on_time));
    rows.retain(|(start_ms, _), _| *start_ms + WINDOW_S * 1000 <= watermark_ms);
    rows
}

/// Returns the final watermark. The last event of each partition advances it to the ingest time of that
/// event, but no further.
fn watermark_ms(partitions: &[Vec<Record>], base_ms: i64) -> i64 {
    let ingested = |records: &Vec<Record>| records.last().and_then(|record| record.timestamp_ms);
    let slowest = partitions
        .iter()
        .map(|records| ingested(records).unwrap())
        .min();
    slowest.unwrap().min(base_ms + LAST_S * 1000) - LATENESS_MS
}

/// Checks that every published account of a partition agrees with the labels of the records before the account's
/// `next_offset`, and that offsets never decrease from one account to the next.
async fn assert_accounts(cluster: &Cluster, labels: &Labels) {
    let mut last = BTreeMap::new();
    for (key, account) in verdict::accounts(cluster).await {
        let partition = account["partition"].as_u64().unwrap();
        assert_eq!(key, format!("{DERIVATION}|{TOPIC}|{partition}"));
        let read = account["next_offset"].as_i64().unwrap();
        let labels = labels.range((partition, 0)..(partition, read));
        let expected = counts(labels.map(|(_, (label, _))| *label));
        for (name, count) in expected.as_object().unwrap() {
            assert_eq!(&account[name], count, "`{name}` of {account}");
        }
        let before = last.insert(partition, read);
        assert!(before <= Some(read), "{account} comes after {before:?}");
    }
    for partition in 0..u64::from(PARTITIONS) {
        let records = labels.range((partition, 0)..(partition + 1, 0)).count();
        assert_eq!(last[&partition], records as i64, "partition {partition}");
    }
}

/// Returns the counts that an account of these records must have.
fn counts(labels: impl Iterator<Item = Label>) -> Value {
    let labels: Vec<_> = labels.collect();
    let count = |wanted: Label| labels.iter().filter(|label| **label == wanted).count();
    let rejected: BTreeMap<_, _> = BROKEN
        .map(|reason| (reason, count(Label::Rejected(reason))))
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .collect();
    json!({
        "read": labels.len(), "accepted": count(Label::Accepted), "rejected": rejected,
        "late": count(Label::Late), "duplicate": count(Label::Duplicate),
    })
}

/// Checks that exactly the rejected and late records are stored as dead letters, byte for byte, each once.
async fn assert_payloads_are_kept(cluster: &Cluster, labels: &Labels) {
    let labelled = |reason_of: fn(Label) -> Option<&'static str>| -> BTreeMap<_, _> {
        let dead_letter =
            |((partition, offset), (label, value)): (&(u64, i64), &(Label, Vec<u8>))| {
                let place = (TOPIC.to_owned(), *partition, *offset);
                reason_of(*label).map(|reason| (place, (reason.to_owned(), value.clone())))
            };
        labels.iter().filter_map(dead_letter).collect()
    };
    let rejected = labelled(|label| match label {
        Label::Rejected(reason) => Some(reason),
        _ => None,
    });
    let late = labelled(|label| (label == Label::Late).then_some("late"));
    assert!(!rejected.is_empty() && !late.is_empty());
    assert!(
        harness::rejected(cluster, "rejected-events").await == rejected,
        "other records are rejected"
    );
    assert!(
        harness::late(cluster, DERIVATION).await == late,
        "other events are late"
    );
}
