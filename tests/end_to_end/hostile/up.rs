//! Runs `up` under attack, writes its log to a file, and samples its memory once a second.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::interval;

use crate::dataflow_file::DataflowFile;
use crate::harness::{self, Running};

/// A running `up` without a generator.
pub(super) struct Up {
    running: Running,
    pub(super) data_dir: TempDir,
    pub(super) cluster: String,
    pub(super) web_api: SocketAddr,
    log: PathBuf,
    samples: JoinHandle<()>,
    memory: Arc<Mutex<Vec<u64>>>,
}

impl Up {
    pub(super) fn start() -> Self {
        let data_dir = TempDir::new().unwrap();
        let log = data_dir.path().join("up.log");
        let dataflow = DataflowFile::all_with_short_memory();
        let args = [
            "up",
            "--no-generator",
            "--data-dir",
            harness::path(data_dir.path()),
            "--dataflow",
            &dataflow.path(),
        ];
        let running = Running::start_logged(&args, &log);
        let cluster = running.line("cluster: ");
        let web_api = running.line("web-api: http://").parse().unwrap();
        running.line("runner: reads from ");
        let memory = Arc::<Mutex<Vec<u64>>>::default();
        let samples = tokio::spawn(sample(running.pid(), Arc::clone(&memory)));
        Self {
            running,
            data_dir,
            cluster,
            web_api,
            log,
            samples,
            memory,
        }
    }

    /// Returns the memory so far in MiB, one sample per second.
    pub(super) fn memory_mib(&self) -> Vec<u64> {
        self.memory.lock().unwrap().clone()
    }

    /// Stops the process, which must still be running, and returns its data folder and its log.
    pub(super) fn stop(self) -> (TempDir, String) {
        self.samples.abort();
        self.running.stop();
        let log = std::fs::read_to_string(&self.log).unwrap();
        (self.data_dir, log)
    }
}

async fn sample(pid: u32, memory: Arc<Mutex<Vec<u64>>>) {
    let mut seconds = interval(Duration::from_secs(1));
    loop {
        seconds.tick().await;
        let Some(bytes) = harness::resident_bytes(pid) else {
            return;
        };
        memory.lock().unwrap().push(bytes >> 20);
    }
}

/// Checks that memory does not grow without end. State reaches its full size after `STATE_FULL` seconds. A run of more
/// than three times that must need little more memory in its last third than in the second one; the first third is the
/// warm-up. A shorter run is all warm-up, so its memory has a fixed limit, twice what such a run needs.
pub(super) fn assert_bounded(memory_mib: &[u64]) {
    // Two windows of a minute, with the time for late events and corrections.
    const STATE_FULL: usize = 180;
    const WARM_UP_MAX_MIB: u64 = 1_024;
    const SLACK_MIB: u64 = 64;
    let thirds = thirds(memory_mib);
    let limit = if memory_mib.len() > 3 * STATE_FULL {
        thirds[1] + thirds[1] / 4 + SLACK_MIB
    } else {
        WARM_UP_MAX_MIB
    };
    assert!(
        thirds[2] <= limit,
        "at most {thirds:?} MiB of memory in each third of the time; the limit of the last one is {limit} MiB"
    );
}

/// Returns the greatest memory in each third of the time.
pub(super) fn thirds(memory_mib: &[u64]) -> [u64; 3] {
    let third = memory_mib.len() / 3;
    let most = |part: &[u64]| part.iter().copied().max().unwrap_or(0);
    [
        most(&memory_mib[..third]),
        most(&memory_mib[third..2 * third]),
        most(&memory_mib[2 * third..]),
    ]
}

/// Checks that the log contains no panic and no error.
pub(super) fn assert_calm(log: &str) {
    let is_bad = |line: &&str| line.contains("panicked") || line.contains("ERROR");
    let bad: Vec<&str> = log.lines().filter(is_bad).take(20).collect();
    assert!(bad.is_empty(), "it logged {bad:#?}");
}
