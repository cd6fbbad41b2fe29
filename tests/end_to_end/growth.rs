//! Adds partitions to the sources while events are produced and the runner reads them. Keys move to other partitions,
//! but no event may be lost or counted twice.

use std::time::{Duration, Instant};

use client::{Cluster, Offset, Partition};
use fluvio::metadata::topic::{AddPartition, TopicSpec, UpdateTopicAction};
use fluvio::{Fluvio, FluvioClusterConfig};

use crate::commands::{Generator, Runner};
use crate::dataflow_file::DataflowFile;
use crate::harness::{self, AnyCluster};
use crate::oracle::RECOMPUTATIONS;
use crate::queries::{QUERIES, queries};
use crate::verdict::{self, Windows};

/// The number of partitions that are added to each source.
const ADDED: u32 = 2;

#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_added_partitions_lose_nothing_and_count_nothing_twice() {
    let any = AnyCluster::start();
    let address = any.address();
    let dataflow = DataflowFile::quick_and(QUERIES);
    let cluster = Cluster::connect(Some(address)).await.unwrap();
    let generator = Generator::at(address).rate(400).seed(12).start();
    let runner = Runner::at(address).dataflow(&dataflow).start();
    runner.line("runner: reads from ");
    let before = harness::derived(&cluster, "level-engagement").await.len();
    harness::wait_for_derived(&cluster, "level-engagement", |rows| rows.len() > before).await;

    let mut grown = Vec::new();
    for source in RECOMPUTATIONS.map(|recomputation| recomputation.source) {
        let partitions = cluster.partition_count(source).await.unwrap();
        if !grown.contains(&(source, partitions)) {
            add_partitions(address, source).await;
            grown.push((source, partitions + ADDED));
        }
    }
    // There are only a few servers, so it is possible that none of their keys belongs to a new partition.
    for (source, partitions) in &grown {
        assert_eq!(cluster.partition_count(source).await.unwrap(), *partitions);
        if *source != "server-metrics" {
            wait_for_records(&cluster, source, partitions - ADDED..*partitions).await;
        }
    }
    let before = harness::derived(&cluster, "level-engagement").await.len();
    harness::wait_for_derived(&cluster, "level-engagement", |rows| rows.len() > before).await;
    generator.stop();
    for query in queries() {
        query.wait_until_exact(&cluster, i64::MAX).await;
    }
    verdict::assert_exact(&cluster, runner, Windows::EndingSoon).await;
}

async fn add_partitions(address: &str, topic: &str) {
    let fluvio = Fluvio::connect_with_config(&FluvioClusterConfig::new(address))
        .await
        .unwrap();
    let action = UpdateTopicAction::AddPartition(AddPartition { count: ADDED });
    let admin = fluvio.admin().await;
    admin
        .update::<TopicSpec>(topic.to_owned(), action)
        .await
        .unwrap();
}

/// Waits until each of these partitions contains a record.
async fn wait_for_records(cluster: &Cluster, topic: &str, partitions: std::ops::Range<u32>) {
    let deadline = Instant::now() + harness::WAIT_MAX;
    for partition in partitions.map(Partition) {
        // A new partition without a leader has no end offset yet.
        while !matches!(cluster.end_offset(topic, partition).await, Ok(end) if end > Offset(0)) {
            assert!(Instant::now() < deadline, "`{topic}-{partition}` is empty");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}
