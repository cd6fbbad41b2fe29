//! After a stream stops, its last windows close by themselves, and soon.

use std::time::Duration;

use client::Cluster;
use serde_json::Value;

use crate::harness::{self, AnyCluster, Running};
use crate::map_file::MapFile;
use crate::oracle::{self, RECOMPUTATIONS, Recomputation};

/// What [`MapFile::quick`] says.
const IDLE_TIMEOUT_MS: i64 = 2_000;

/// What is promised: the last window's rows within this after its end and the last record.
const PROMISE: Duration = Duration::from_millis(IDLE_TIMEOUT_MS as u64 + 2_000);

/// The windows of some derivations end later, and are not waited for: the rule is the same for all.
const WAIT_MS_MAX: i64 = 10_000;

/// A machine that also compiles, or runs other tests, may take longer.
const NOISE: u32 = 2;

#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_the_last_windows_of_a_stream_that_stops_close_within_the_idle_timeout_and_two_seconds()
 {
    let node = AnyCluster::start();
    let map = MapFile::quick();
    let cluster = Cluster::connect(Some(node.address())).await.unwrap();
    let cluster_and_map = ["--cluster", node.address(), "--map", &map.path()];
    let start = |args: &[&str]| Running::start(&[args, &cluster_and_map[..]].concat());
    let runner = start(&["run"]);
    runner.line("runner: reads from ");
    let generator = start(&["generate", "--rate", "300", "--seed", "15"]);
    // The runner is at work on every source when the stream stops.
    for topic in ["level-engagement", "purchase-summaries", "server-health"] {
        harness::wait_for_derived(&cluster, topic, |rows| !rows.is_empty()).await;
    }
    generator.stop();
    for recomputation in &RECOMPUTATIONS {
        assert_closed_in_time(&cluster, recomputation).await;
    }
    runner.stop();
}

/// Both ends are times that producers wrote into their records, so that it does not matter when
/// this test comes to look.
async fn assert_closed_in_time(cluster: &Cluster, recomputation: &Recomputation) {
    let Recomputation { topic, source, .. } = recomputation;
    let records = harness::records(cluster, source).await;
    let last_record_ms = records
        .iter()
        .filter_map(|record| record.timestamp_ms)
        .max();
    let last_record_ms = last_record_ms.unwrap();
    let expected = (recomputation.rows)(&(recomputation.accept)(&records));
    if expected.values().map(window_end_ms).max() > Some(last_record_ms + WAIT_MS_MAX) {
        return;
    }
    harness::wait_for_rows(cluster, topic, &expected, oracle::tolerance).await;
    let last_record_ms = records
        .iter()
        .filter_map(|record| record.timestamp_ms)
        .max();
    let last_record_ms = last_record_ms.unwrap();
    let (window_end_ms, written_ms) = last_window(&harness::records(cluster, topic).await);
    let after_ms = written_ms - window_end_ms.max(last_record_ms);
    eprintln!("`{topic}`: the last window's rows came {after_ms} ms after its end");
    assert!(
        after_ms <= (PROMISE * NOISE).as_millis() as i64,
        "`{topic}`: {after_ms} ms, where {} are promised",
        PROMISE.as_millis()
    );
}

/// The end of the last window, and when the last of its rows was written.
fn last_window(rows: &[client::Record]) -> (i64, i64) {
    let of = |record: &client::Record| {
        let row = serde_json::from_slice(&record.value).unwrap();
        (window_end_ms(&row), record.timestamp_ms.unwrap())
    };
    rows.iter().map(of).max().unwrap()
}

fn window_end_ms(row: &Value) -> i64 {
    let end: jiff::Timestamp = row["window_end"].as_str().unwrap().parse().unwrap();
    end.as_millisecond()
}
