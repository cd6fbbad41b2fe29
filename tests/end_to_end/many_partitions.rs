//! Tests three sources that have several partitions with few records each, with a runner that is killed along the way.

use client::Cluster;

use crate::commands::{Generator, Runner};
use crate::dataflow_file::DataflowFile;
use crate::harness::{self, AnyCluster};
use crate::verdict::{self, Windows};

/// The number of partitions of each source. For each partition, the server opens a stream and compiles the
/// SmartModule. The three derivations of the first source share its streams.
const PARTITIONS: [(&str, u32); 3] = [
    ("player-events", 8),
    ("purchase-events", 4),
    ("server-metrics", 2),
];

#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_a_killed_runner_reads_all_of_many_partitions() {
    let node = AnyCluster::start();
    let dataflow = DataflowFile::quick_with_partitions(&PARTITIONS.map(|(_, count)| count));
    let cluster = Cluster::connect(Some(node.address())).await.unwrap();
    let generator = Generator::at(node.address()).dataflow(&dataflow);
    let generator = generator.rate(100).seed(13).start();
    let run = Runner::at(node.address()).dataflow(&dataflow);
    let mut runner = run.start();
    harness::wait_for_derived(&cluster, "level-engagement", |rows| !rows.is_empty()).await;
    runner.kill();
    let runner = run.start();
    let before = harness::derived(&cluster, "level-engagement").await.len();
    harness::wait_for_derived(&cluster, "level-engagement", |rows| rows.len() > before).await;
    generator.stop();
    for (source, partitions) in PARTITIONS {
        let found = cluster.partition_count(source).await.unwrap();
        assert_eq!(found, partitions, "{source}");
    }
    verdict::assert_exact(&cluster, runner, Windows::EndingSoon).await;
}
