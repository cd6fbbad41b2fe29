//! Checks that a stream that is dropped before its end closes its connection. When a runner fetches the source records
//! of late and rejected events, it drops each stream at the last record that it needs. If the connections stayed open,
//! the runner would have more of them every minute, each with a buffer.

use std::time::{Duration, Instant};

use client::{Cluster, Mode, Offset, Partition, Start, TopicSettings};
use futures_util::StreamExt;
use futures_util::stream::{FuturesUnordered, iter};

use crate::clusters::LocalCluster;

const TOPIC: &str = "dropped-streams";
/// The number of records. They fill many responses of a megabyte, so the server still has data to send when a stream
/// is dropped.
const RECORDS: usize = 30_000;
const RECORD_BYTES: usize = 1_000;
const STREAMS: usize = 600;
const AT_ONCE: usize = 12;
/// The number of additional connections that may remain, for example of a read that is just ending.
const SPARE: usize = 8;
const TIMEOUT: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_dropped_early_closes_its_connection() {
    let node = LocalCluster::start();
    let cluster = Cluster::connect(Some(&node.address)).await.unwrap();
    write(&cluster).await;
    let before = sockets(node.pid());
    let reads = iter(0..STREAMS).map(|_| read_one(&cluster));
    let records: Vec<Offset> = reads.buffer_unordered(AT_ONCE).collect().await;
    assert_eq!(records, vec![Offset::ZERO; STREAMS]);
    let since = Instant::now();
    while sockets(node.pid()) > before + SPARE {
        assert!(
            since.elapsed() < TIMEOUT,
            "{before} connections before, {} after {STREAMS} streams were dropped",
            sockets(node.pid())
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    node.stop();
}

async fn write(cluster: &Cluster) {
    let topic = TopicSettings {
        name: TOPIC.to_owned(),
        partitions: 1,
        retention: None,
        storage: None,
    };
    cluster.ensure_topic(&topic).await.unwrap();
    let producer = cluster.producer(TOPIC).await.unwrap();
    let mut deliveries = FuturesUnordered::new();
    for _ in 0..RECORDS {
        let delivery = producer.send("key", "x".repeat(RECORD_BYTES)).await;
        deliveries.push(delivery.unwrap().wait());
    }
    producer.flush().await.unwrap();
    while let Some(written) = deliveries.next().await {
        written.unwrap();
    }
}

/// Reads the first record of a stream, drops the stream, and returns the record's offset.
async fn read_one(cluster: &Cluster) -> Offset {
    let stream = cluster.records(TOPIC, Partition(0), Start::Beginning, Mode::Follow);
    let record = stream.await.unwrap().next().await.unwrap();
    record.unwrap().offset
}

/// Returns the number of open sockets of a process.
fn sockets(pid: u32) -> usize {
    let open = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    let target =
        |entry: std::io::Result<std::fs::DirEntry>| std::fs::read_link(entry.ok()?.path()).ok();
    open.filter_map(target)
        .filter(|target| target.to_string_lossy().starts_with("socket:"))
        .count()
}
