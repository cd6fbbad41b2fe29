//! Writes the same keys with both producers of the client. Also restarts the cluster while a batch producer is open.

use std::collections::BTreeMap;

use client::{BatchProducer, Cluster, Offset, Partition, Record, TopicSettings};

use crate::harness::{self, AnyCluster, LocalCluster};

const TOPIC: &str = "both-producers";
/// Enough keys that two different partitioners would disagree on at least one.
const KEYS: usize = 300;
/// The size of a value: so large that the records of one writer fill several batches and several requests.
const VALUE_BYTES: usize = 8_000;

#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_both_producers_select_the_same_partition_for_a_key() {
    let node = AnyCluster::start();
    let cluster = Cluster::connect(Some(node.address())).await.unwrap();
    create(&cluster).await;
    let single = cluster.producer(TOPIC).await.unwrap();
    for (key, value) in records("single") {
        let _delivery = single.send(key, value).await.unwrap();
    }
    single.flush().await.unwrap();
    let mut batches = cluster.batch_producer(TOPIC).await.unwrap();
    let ends = batches.write(records("batch")).await.unwrap();

    let partitions = harness::partitions(&cluster, TOPIC).await;
    let mut by_key = BTreeMap::new();
    for (partition, records) in Partition::all().zip(&partitions) {
        let end = ends.iter().find(|end| end.partition == partition);
        assert_eq!(end.unwrap().offset, records.last().unwrap().offset.next());
        for record in records {
            let key = record.key.clone().unwrap();
            by_key.entry(key).or_insert_with(Vec::new).push(partition);
        }
        for writer in ["single", "batch"] {
            let of_writer = records.iter().filter(|record| is_of(record, writer));
            let keys: Vec<_> = of_writer.map(|record| record.key.clone()).collect();
            assert!(keys.is_sorted(), "{writer} keeps the order");
        }
    }
    assert_eq!(by_key.len(), KEYS);
    for (key, partitions) in by_key {
        assert_eq!(partitions.len(), 2, "{key:?} is written once by each");
        assert_eq!(partitions[0], partitions[1], "{key:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_producer_writes_again_after_the_cluster_was_killed() {
    let mut node = LocalCluster::start();
    let cluster = Cluster::connect(Some(&node.address)).await.unwrap();
    create(&cluster).await;
    let mut producer = cluster.batch_producer(TOPIC).await.unwrap();
    let before = producer.write(records("before")).await.unwrap();
    node.kill();
    let error = producer.write(records("lost")).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    node.restart();
    let after = written(&mut producer).await;
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before.partition, after.partition);
        assert_eq!(
            after.offset - Offset::ZERO,
            2 * (before.offset - Offset::ZERO)
        );
    }
    let partitions = harness::partitions(&cluster, TOPIC).await;
    let mut written = partitions.iter().flatten();
    assert!(written.all(|record| is_of(record, "before") || is_of(record, "after")));
}

/// Writes until the producer has found the restarted cluster.
async fn written(producer: &mut BatchProducer) -> Vec<client::PartitionOffset> {
    let deadline = std::time::Instant::now() + harness::WAIT_MAX;
    loop {
        match producer.write(records("after")).await {
            Ok(ends) => return ends,
            Err(error) => assert!(
                error.is_retryable() && std::time::Instant::now() < deadline,
                "{error}"
            ),
        }
    }
}

async fn create(cluster: &Cluster) {
    let settings = TopicSettings {
        name: TOPIC.to_owned(),
        partitions: 5,
        retention: None,
        storage: None,
    };
    cluster.ensure_topic(&settings).await.unwrap();
}

/// Records whose keys are in order, each with a value that begins with the writer's name.
fn records(writer: &str) -> Vec<(String, Vec<u8>)> {
    let value = format!("{writer:-<VALUE_BYTES$}").into_bytes();
    let key = |number| (format!("key-{number:03}"), value.clone());
    (0..KEYS).map(key).collect()
}

fn is_of(record: &Record, writer: &str) -> bool {
    record.value.starts_with(writer.as_bytes())
}
