//! Checks that the last windows of a stream close within a promised time after the stream stops, without further
//! events.

use std::time::Duration;

use client::Cluster;
use serde_json::Value;

use crate::commands::{Generator, Runner};
use crate::dataflow_file::DataflowFile;
use crate::harness::{self, AnyCluster};
use crate::oracle::{self, RECOMPUTATIONS, Recomputation};

/// The idle timeout of [`DataflowFile::quick`].
const IDLE_TIMEOUT_MS: i64 = 2_000;

/// The promise: the rows of the last window are written within this time after both the window's end and the
/// last record.
const PROMISE: Duration = Duration::from_millis(IDLE_TIMEOUT_MS as u64 + 2_000);

/// A topic is not tested if its last window ends more than this after the last record: the test would take too long.
const WAIT_MS_MAX: i64 = 10_000;

/// The factor by which a machine may be slower if it also compiles or runs other tests.
const NOISE: u32 = 10;

#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_the_last_windows_close_within_the_idle_timeout_and_two_seconds() {
    let node = AnyCluster::start();
    let dataflow = DataflowFile::quick();
    let cluster = Cluster::connect(Some(node.address())).await.unwrap();
    let runner = Runner::at(node.address()).dataflow(&dataflow).start();
    runner.line("runner: reads from ");
    let generator = Generator::at(node.address()).dataflow(&dataflow);
    let generator = generator.rate(300).seed(15).start();
    // The runner must be reading every source when the stream stops.
    for topic in ["level-engagement", "purchase-summaries", "server-health"] {
        harness::wait_for_derived(&cluster, topic, |rows| !rows.is_empty()).await;
    }
    generator.stop();
    for recomputation in &RECOMPUTATIONS {
        assert_closed_in_time(&cluster, recomputation).await;
    }
    runner.stop();
}

/// Checks that the last window of a topic closed in time. The times of the last record and of the row are timestamps
/// in the records, so it does not matter when this test reads them.
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
    let (window_end_ms, written_ms) = last_window(&harness::records(cluster, topic).await);
    let after_ms = written_ms - window_end_ms.max(last_record_ms);
    eprintln!("`{topic}`: the last window's rows were written {after_ms} ms after its end");
    assert!(
        after_ms <= (PROMISE * NOISE).as_millis() as i64,
        "`{topic}`: {after_ms} ms, where {} are promised",
        PROMISE.as_millis()
    );
}

/// Returns the end of the last window, and the time at which the last of its rows was written.
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
