//! Sources that get more partitions while events flow and the runner is at work: keys move, and
//! nothing is lost or counted twice.

use std::time::{Duration, Instant};

use client::Cluster;
use fluvio::metadata::topic::{AddPartition, TopicSpec, UpdateTopicAction};
use fluvio::{Fluvio, FluvioClusterConfig};

use crate::harness::{self, AnyCluster, Running};
use crate::map_file::MapFile;
use crate::oracle::RECOMPUTATIONS;
use crate::verdict::{self, Windows};

/// Partitions that each source gets.
const ADDED: u32 = 2;

#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_added_partitions_lose_nothing_and_count_nothing_twice() {
    let any = AnyCluster::start();
    let address = any.address();
    let map = MapFile::quick();
    let cluster = Cluster::connect(Some(address)).await.unwrap();
    let generator = Running::start(&[
        "generate",
        "--cluster",
        address,
        "--rate",
        "400",
        "--seed",
        "12",
    ]);
    let runner = Running::start(&["run", "--cluster", address, "--map", &map.path()]);
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
    // There are few servers, and none of their keys need fall into a new partition.
    for (source, partitions) in &grown {
        assert_eq!(cluster.partition_count(source).await.unwrap(), *partitions);
        if *source != "server-metrics" {
            wait_for_records(&cluster, source, partitions - ADDED..*partitions).await;
        }
    }
    let before = harness::derived(&cluster, "level-engagement").await.len();
    harness::wait_for_derived(&cluster, "level-engagement", |rows| rows.len() > before).await;
    generator.stop();
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

/// Waits until each of these partitions holds something.
async fn wait_for_records(cluster: &Cluster, topic: &str, partitions: std::ops::Range<u32>) {
    let deadline = Instant::now() + harness::patience();
    for partition in partitions {
        // A partition that nobody leads yet has no end.
        while !matches!(cluster.end_offset(topic, partition).await, Ok(end) if end > 0) {
            assert!(Instant::now() < deadline, "`{topic}-{partition}` is empty");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}
