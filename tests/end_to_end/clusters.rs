//! Provides clusters for tests: a local one for each test, or the one that `CLUSTER` names.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fluvio::metadata::partition::PartitionSpec;
use fluvio::metadata::topic::TopicSpec;
use fluvio::{Fluvio, FluvioAdmin, FluvioClusterConfig};
use tempfile::TempDir;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::harness::{self, Running, path};

/// A local cluster in a separate process. It keeps its folder and its two ports across restarts.
pub(crate) struct LocalCluster {
    pub(crate) address: String,
    pub(crate) spu_address: String,
    data_dir: TempDir,
    process: Option<Running>,
}

impl LocalCluster {
    pub(crate) fn start() -> Self {
        let data_dir = TempDir::new().unwrap();
        let (address, spu_address) = (free_address(), free_address());
        let mut cluster = Self {
            address,
            spu_address,
            data_dir,
            process: None,
        };
        cluster.restart();
        cluster
    }

    /// Starts or restarts the cluster, and waits until it prints its address.
    pub(crate) fn restart(&mut self) {
        let args = [
            "local-cluster",
            "--data-dir",
            path(self.data_dir.path()),
            "--cluster-addr",
            &self.address,
            "--spu-addr",
            &self.spu_address,
        ];
        let process = Running::start(&args);
        assert_eq!(process.line("cluster: "), self.address);
        self.process = Some(process);
    }

    pub(crate) fn kill(&mut self) {
        self.process.take().unwrap().kill();
    }

    pub(crate) fn stop(mut self) {
        self.process.take().unwrap().stop();
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.as_ref().unwrap().pid()
    }
}

/// The cluster of a test that can run on any cluster: a new local cluster, or the cluster that `CLUSTER` names. On the
/// named cluster, each test first deletes all topics, so tests must run one after another.
pub(crate) enum AnyCluster {
    Local(LocalCluster),
    Real(String),
}

impl AnyCluster {
    pub(crate) fn start() -> Self {
        match named("CLUSTER") {
            Some(address) => {
                make_empty(&address);
                Self::Real(address)
            }
            None => Self::Local(LocalCluster::start()),
        }
    }

    pub(crate) fn address(&self) -> &str {
        match self {
            Self::Local(cluster) => &cluster.address,
            Self::Real(address) => address,
        }
    }

    /// Returns how often a test may call [`Self::restart_server`]. A real server may need minutes until its
    /// addresses are free again.
    pub(crate) fn restarts_max(&self) -> u32 {
        match (self, named("RESTART_SPU")) {
            (Self::Local(_), _) => u32::MAX,
            (Self::Real(_), Some(_)) => 2,
            (Self::Real(_), None) => 0,
        }
    }

    /// Kills and restarts the process that stores the records: the local cluster, or a real server with the
    /// command in `RESTART_SPU`. Returns false for a real cluster without this command.
    pub(crate) fn restart_server(&mut self) -> bool {
        match (self, named("RESTART_SPU")) {
            (Self::Local(cluster), _) => {
                cluster.kill();
                cluster.restart();
                true
            }
            (Self::Real(_), Some(command)) => {
                let status = Command::new("sh")
                    .args(["-c", &command])
                    .stdin(Stdio::null())
                    .status()
                    .unwrap();
                assert!(status.success(), "`{command}` ended with {status}");
                true
            }
            (Self::Real(_), None) => false,
        }
    }
}

/// Returns the value of an environment variable, unless it is empty.
pub(crate) fn named(variable: &str) -> Option<String> {
    std::env::var(variable)
        .ok()
        .filter(|value| !value.is_empty())
}

/// Deletes the topics of earlier tests, because tests check the contents of whole topics. Before the first test the
/// cluster must be empty, so that only topics of these tests are deleted.
fn make_empty(address: &str) {
    static IS_OURS: AtomicBool = AtomicBool::new(false);
    block_in_place(|| {
        Handle::current().block_on(async {
            let config = FluvioClusterConfig::new(address);
            let fluvio = Fluvio::connect_with_config(&config).await.unwrap();
            let admin = fluvio.admin().await;
            let found = topics(&admin).await;
            assert!(
                found.is_empty() || IS_OURS.load(Ordering::Relaxed),
                "{address} has topics, {found:?}: use a fresh cluster"
            );
            IS_OURS.store(true, Ordering::Relaxed);
            for topic in found {
                admin.delete::<TopicSpec>(topic).await.unwrap();
            }
            let deadline = Instant::now() + harness::WAIT_MAX;
            while !topics(&admin).await.is_empty() || replicas(&admin).await > 0 {
                assert!(Instant::now() < deadline, "{address} still has topics");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
    });
}

async fn topics(admin: &FluvioAdmin) -> Vec<String> {
    let topics = admin.all::<TopicSpec>().await.unwrap();
    topics.into_iter().map(|topic| topic.name).collect()
}

async fn replicas(admin: &FluvioAdmin) -> usize {
    admin.all::<PartitionSpec>().await.unwrap().len()
}

/// Returns a loopback address with a free port. Unlike port 0, it remains the same when a process is restarted.
fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}
