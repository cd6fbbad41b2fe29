//! Simulates a full disk by limiting the size of files. Every response must report the full disk until there is space
//! again. In the end no record may be missing.

use std::time::{Duration, Instant};

use client::Cluster;
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use tempfile::TempDir;

use super::http;
use crate::commands::{Generator, Runner};
use crate::dataflow_file::DataflowFile;
use crate::harness::{self, Running, path};
use crate::monitoring;
use crate::verdict::{self, Windows};

const FULL: &str = "a disk of the cluster is full";
/// The time for which the full disk is observed. It is longer than every interval of retries and health checks.
const WATCHED: Duration = Duration::from_secs(8);
const SERVER_METRIC: &[u8] =
    br#"{"event_name":"server_metric","parameters":{"server_id":"s-1","region":"eu"}}"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_reported_until_there_is_space_and_no_record_is_lost() {
    let data = TempDir::new().unwrap();
    let node = start_node(&data);
    let address = node.line("cluster: ");
    let dataflow = DataflowFile::quick();
    let runner = Runner::at(&address).dataflow(&dataflow).start();
    let metrics = runner.line("metrics: ");
    let generator = Generator::at(&address).dataflow(&dataflow);
    let generator = generator.rate(100).seed(3).start();
    let args = ["--cluster", &address, "--dataflow", &dataflow.path()];
    let web_api = Running::start(&[&["web-api"], &args[..]].concat());
    let posts = web_api.line("web-api: http://").parse().unwrap();
    let cluster = Cluster::connect(Some(&address)).await.unwrap();
    harness::wait_for_derived(&cluster, "level-engagement", |rows| !rows.is_empty()).await;
    let look = async || {
        let ask = async |line, body| {
            let answer = http::request(posts, line, &[], body).await;
            (answer.status, answer.json().to_string())
        };
        Seen {
            posted: ask("POST /v1/events", SERVER_METRIC).await,
            web_api: ask("GET /health", b"").await,
            runner: monitoring::get(&metrics, "/health"),
        }
    };
    limit_file_bytes(&node, Some(1));
    wait_until(async || look().await.is_full()).await;
    let began = Instant::now();
    while began.elapsed() < WATCHED {
        let seen = look().await;
        assert!(seen.is_full(), "{seen:?}");
    }
    limit_file_bytes(&node, None);
    wait_until(async || look().await.is_well()).await;
    assert_stored(&cluster, &generator.stop()).await;
    verdict::assert_exact(&cluster, runner, Windows::EndingSoon).await;
    web_api.stop();
    node.stop();
}

fn start_node(data: &TempDir) -> Running {
    // By default, a process that exceeds the limit is ended by a signal. If it ignores the signal, its writes fail as
    // on a full disk.
    let before = "trap '' XFSZ";
    let args = ["--cluster-addr", "127.0.0.1:0", "--spu-addr", "127.0.0.1:0"];
    let data_dir = ["--data-dir", path(data.path())];
    Running::start_in_shell(before, &[&["local-cluster"], &args[..], &data_dir].concat())
}

/// Checks that each topic contains at least the events in the generator's summary.
async fn assert_stored(cluster: &Cluster, summary: &[String]) {
    for topic in ["player-events", "purchase-events", "server-metrics"] {
        let generated = summary.iter().find_map(|line| {
            let events = line.strip_prefix(topic)?.strip_prefix(": ")?;
            events.strip_suffix(" events")?.parse::<usize>().ok()
        });
        let stored = harness::records(cluster, topic).await.len();
        assert!(
            stored >= generated.unwrap(),
            "{topic}: {stored} of {generated:?}"
        );
    }
}

/// The responses of all services at one moment.
#[derive(Debug)]
struct Seen {
    posted: (u16, String),
    web_api: (u16, String),
    runner: (u16, String),
}

impl Seen {
    fn is_full(&self) -> bool {
        let reports = |(status, text): &(u16, String)| *status == 503 && text.contains(FULL);
        reports(&self.posted) && reports(&self.web_api) && reports(&self.runner)
    }

    fn is_well(&self) -> bool {
        [&self.posted, &self.web_api, &self.runner]
            .iter()
            .all(|seen| seen.0 == 200)
    }
}

fn limit_file_bytes(process: &Running, bytes: Option<u64>) {
    let pid = Pid::from_raw(process.pid() as i32);
    let limit = Rlimit {
        current: bytes,
        maximum: None,
    };
    prlimit(pid, Resource::Fsize, limit).unwrap();
}

async fn wait_until(mut condition: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + harness::WAIT_MAX;
    while !condition().await {
        assert!(Instant::now() < deadline, "the condition does not occur");
    }
}
