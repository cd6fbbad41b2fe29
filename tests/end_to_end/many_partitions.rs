//! A source of many partitions, each with little to say, and a runner that is killed in the middle.

use client::Cluster;

use crate::harness::{self, AnyCluster, Running};
use crate::map_file::MapFile;
use crate::verdict::{self, Windows};

/// Each partition is a stream of its own for each derivation, for which a server compiles its
/// SmartModule: three derivations read the first of these sources.
const PARTITIONS: [(&str, u32); 3] = [
    ("player-events", 16),
    ("purchase-events", 4),
    ("server-metrics", 2),
];

#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_of_many_partitions_a_killed_runner_misses_none() {
    let node = AnyCluster::start();
    let map = MapFile::quick_with_partitions(&PARTITIONS.map(|(_, count)| count));
    let cluster = Cluster::connect(Some(node.address())).await.unwrap();
    let cluster_and_map = ["--cluster", node.address(), "--map", &map.path()];
    let start = |args: &[&str]| Running::start(&[args, &cluster_and_map[..]].concat());
    let generator = start(&["generate", "--rate", "100", "--seed", "13"]);
    let mut runner = start(&["run"]);
    harness::wait_for_derived(&cluster, "level-engagement", |rows| !rows.is_empty()).await;
    runner.kill();
    let runner = start(&["run"]);
    let before = harness::derived(&cluster, "level-engagement").await.len();
    harness::wait_for_derived(&cluster, "level-engagement", |rows| rows.len() > before).await;
    generator.stop();
    for (source, partitions) in PARTITIONS {
        let found = cluster.partition_count(source).await.unwrap();
        assert_eq!(found, partitions, "{source}");
    }
    verdict::assert_exact(&cluster, runner, Windows::EndingSoon).await;
}
