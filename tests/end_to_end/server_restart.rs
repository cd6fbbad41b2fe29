//! Kills and restarts the runner, and the server that stores the records, while events arrive. The results
//! must be the same as without the kills.

use client::Cluster;

use crate::commands::{Generator, Runner};
use crate::dataflow_file::DataflowFile;
use crate::harness::{self, AnyCluster};
use crate::verdict::{self, Windows};

#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_a_killed_server_and_a_killed_runner_change_no_result() {
    let mut any = AnyCluster::start();
    let address = any.address().to_owned();
    let dataflow = DataflowFile::quick();
    let cluster = Cluster::connect(Some(&address)).await.unwrap();
    let run = Runner::at(&address).dataflow(&dataflow);
    let generator = Generator::at(&address).rate(100).seed(14).start();
    let mut runner = run.start();
    runner.line("runner: reads from ");
    wait_for_more(&cluster).await;
    if !any.restart_server() {
        eprintln!("RESTART_SPU names no command: the server is not restarted");
    }
    wait_for_more(&cluster).await;
    runner.kill();
    let runner = run.start();
    wait_for_more(&cluster).await;
    generator.stop();
    let windows = match any {
        AnyCluster::Local(_) => Windows::EndingSoon, // saves a minute in the usual run
        AnyCluster::Real(_) => Windows::All,
    };
    verdict::assert_exact(&cluster, runner, windows).await;
}

/// Waits until `level-engagement` has more rows than at the time of the call.
async fn wait_for_more(cluster: &Cluster) {
    let before = harness::derived(cluster, "level-engagement").await.len();
    harness::wait_for_derived(cluster, "level-engagement", |rows| rows.len() > before).await;
}
