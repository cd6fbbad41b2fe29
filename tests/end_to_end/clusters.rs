//! The clusters that tests run on: a local one of their own, or one that somebody named.

use std::process::{Command, Stdio};
use std::sync::OnceLock;

use client::{ClientError, Cluster};
use tempfile::TempDir;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::harness::{Running, path};
use crate::oracle::RECOMPUTATIONS;

/// A local cluster as a process of its own, on one folder and one pair of ports for all its lives.
pub(crate) struct LocalCluster {
    pub(crate) address: String,
    spu_address: String,
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

    /// Starts it (again) and waits until it answers.
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

    pub(crate) fn pid(&self) -> u32 {
        self.process.as_ref().unwrap().pid()
    }
}

/// The cluster of a test that makes sense on any: a fresh local one, or `CLUSTER`, which all such
/// tests share.
pub(crate) enum AnyCluster {
    Local(LocalCluster),
    Real(String),
}

impl AnyCluster {
    pub(crate) fn start() -> Self {
        match named("CLUSTER") {
            Some(address) => {
                refuse_used(&address);
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

    /// Kills what keeps the records and starts it again: the local cluster, or what the command in
    /// `RESTART_SPU` says. Whether there was a way to.
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

/// What an environment variable says, if anything.
pub(crate) fn named(variable: &str) -> Option<String> {
    std::env::var(variable)
        .ok()
        .filter(|value| !value.is_empty())
}

/// The tests say what whole topics hold, and restart servers: nobody else's records may be there
/// when the first of them begins.
fn refuse_used(address: &str) {
    static FRESH: OnceLock<()> = OnceLock::new();
    FRESH.get_or_init(|| {
        block_in_place(|| {
            Handle::current().block_on(async {
                let cluster = Cluster::connect(Some(address)).await.unwrap();
                for source in RECOMPUTATIONS.map(|recomputation| recomputation.source) {
                    let partitions = match cluster.partition_count(source).await {
                        Err(ClientError::Configuration { .. }) => 0, // no such topic yet
                        partitions => partitions.unwrap(),
                    };
                    for partition in 0..partitions {
                        assert_eq!(
                            cluster.end_offset(source, partition).await.unwrap(),
                            0,
                            "topic `{source}` of {address} is in use: name a fresh cluster"
                        );
                    }
                }
            });
        });
    });
}

/// A free port of the loopback interface, which stays the same when a process restarts.
fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}
