//! The server that keeps the records dies and comes back under a running stream, and so does the
//! runner: in the end nothing shows of it.

use client::Cluster;

use crate::harness::{self, AnyCluster, Running};
use crate::map_file::MapFile;
use crate::verdict::{self, Windows};

#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_a_killed_server_and_a_killed_runner_leave_no_trace() {
    let mut any = AnyCluster::start();
    let address = any.address().to_owned();
    let map = MapFile::quick();
    let cluster = Cluster::connect(Some(&address)).await.unwrap();
    let run = ["run", "--cluster", &address, "--map", &map.path()];
    let generator = Running::start(&[
        "generate",
        "--cluster",
        &address,
        "--rate",
        "100",
        "--seed",
        "14",
    ]);
    let mut runner = Running::start(&run);
    runner.line("runner: reads from ");
    wait_for_more(&cluster).await;
    if !any.restart_server() {
        eprintln!("RESTART_SPU names no command: the server is not restarted");
    }
    wait_for_more(&cluster).await;
    runner.kill();
    let runner = Running::start(&run);
    wait_for_more(&cluster).await;
    generator.stop();
    let windows = match any {
        AnyCluster::Local(_) => Windows::EndingSoon, // tests that follow need not wait a minute
        AnyCluster::Real(_) => Windows::All,
    };
    verdict::assert_exact(&cluster, runner, windows).await;
}

/// Waits until more rows stand than now.
async fn wait_for_more(cluster: &Cluster) {
    let before = harness::derived(cluster, "level-engagement").await.len();
    harness::wait_for_derived(cluster, "level-engagement", |rows| rows.len() > before).await;
}
