//! Good, early, late, repeated, future and broken records in one stream over several partitions,
//! and a runner that is stopped and killed in between: each record becomes what it has to, and
//! every account says so at every moment.

mod purchases;
mod stream;

use std::collections::{BTreeMap, BTreeSet};

use client::{Cluster, Record};
use serde_json::{Value, json};

use crate::harness::{self, AnyCluster, Running};
use crate::map_file::MapFile;
use crate::{oracle, verdict};
use purchases::{BROKEN, Label};
use stream::Stream;

const TOPIC: &str = "purchase-events";
const DERIVATION: &str = "purchase-summaries";
const PARTITIONS: u32 = 4;

/// No partition ever falls idle, so that event times alone move the watermark.
const MAP: &str = "
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

/// After the first part of the stream the watermark stands at −199 s or a little later, so that
/// windows that end by −260 s can be corrected no more.
const LATE_S: i64 = 260;

/// In the end the watermark stands at 268 s or a little later.
const WATERMARK_S: i64 = 268;

#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_a_mixture_becomes_what_its_labels_say() {
    let node = AnyCluster::start();
    let cluster = Cluster::connect(Some(node.address())).await.unwrap();
    let map = MapFile::of(MAP);
    let run = ["run", "--cluster", node.address(), "--map", &map.path()];
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let base_ms = now_ms - now_ms.rem_euclid(WINDOW_S * 1000);

    let runner = Running::start(&run);
    runner.line("runner: reads from ");
    let mut stream = Stream::open(&cluster, base_ms).await;
    stream.first_part().await;
    wait_for_window(&cluster, base_ms - 210_000).await;
    runner.stop(); // publishes accounts, and notes that the watermark has come so far
    let mut runner = Running::start(&run);
    stream.second_part().await;
    harness::wait_for_derived(&cluster, "late-events", |rows| !rows.is_empty()).await;
    runner.kill();
    stream.second_part().await;
    let runner = Running::start(&run);
    wait_until_read(&cluster, &stream.labels).await; // as early ones make others late
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

/// Waits until accounts say that all that has been sent has been read.
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

/// What has to be derived from the records that are not late, in the windows that are closed.
fn expected_rows(partitions: &[Vec<Record>], labels: &Labels, base_ms: i64) -> oracle::Rows {
    let on_time: Vec<_> = (0..)
        .zip(partitions)
        .flat_map(|(partition, records)| records.iter().map(move |record| (partition, record)))
        .filter(|(partition, record)| labels[&(*partition, record.offset)].0 != Label::Late)
        .map(|(_, record)| record.clone())
        .collect();
    let closed_ms = base_ms + (WATERMARK_S - WINDOW_S) * 1000;
    let mut rows = oracle::purchase_summaries(&oracle::purchase_events(&on_time));
    rows.retain(|(start_ms, _), _| *start_ms <= closed_ms);
    rows
}

/// Every account of a partition that was ever published says what the labels say of the records
/// that had been read by then, and none goes back behind an earlier one.
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

/// What an account has to say of these records.
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

/// Rejected and late records, and no others, come back byte for byte, each once.
async fn assert_payloads_are_kept(cluster: &Cluster, labels: &Labels) {
    let labelled = |reason_of: fn(Label) -> Option<&'static str>| -> BTreeMap<_, _> {
        let kept = |((partition, offset), (label, value)): (&(u64, i64), &(Label, Vec<u8>))| {
            let place = (TOPIC.to_owned(), *partition, *offset);
            reason_of(*label).map(|reason| (place, (reason.to_owned(), value.clone())))
        };
        labels.iter().filter_map(kept).collect()
    };
    let rejected = labelled(|label| match label {
        Label::Rejected(reason) => Some(reason),
        _ => None,
    });
    let late = labelled(|label| (label == Label::Late).then_some("late"));
    assert!(!rejected.is_empty() && !late.is_empty());
    assert!(
        harness::diverted(cluster, "rejected-events").await == rejected,
        "the rejected records are others"
    );
    assert!(
        harness::late(cluster, DERIVATION).await == late,
        "the late events are others"
    );
}
