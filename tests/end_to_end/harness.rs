//! Starts the real binary on free ports in temporary folders, and stops it when dropped.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use base64::Engine;
use client::{ClientError, Cluster, Mode, Record, Start};
use futures_util::StreamExt;
use serde_json::Value;

pub(crate) use crate::clusters::{AnyCluster, LocalCluster};
use crate::{clusters, oracle};

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_game-analytics");

/// How long to wait for anything: on an idle machine nothing takes a tenth of this. A named cluster
/// may be slower by far: a server that compiles SmartModules on a busy machine answers nobody for
/// half a minute, and again after each restart.
pub(crate) fn patience() -> Duration {
    let minutes = if clusters::named("CLUSTER").is_some() {
        10
    } else {
        3
    };
    Duration::from_secs(minutes * 60)
}

/// A running subcommand; killed when dropped.
pub(crate) struct Running {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Running {
    pub(crate) fn start(args: &[&str]) -> Self {
        let mut child = Command::new(BINARY)
            .args(args)
            .args(free_port(args))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start `{BINARY}`: {error}"));
        let (sender, lines) = mpsc::channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            output
                .lines()
                .map_while(Result::ok)
                .try_for_each(|line| sender.send(line))
        });
        Self { child, lines }
    }

    /// The rest of the first line that begins with `prefix`.
    pub(crate) fn line(&self, prefix: &str) -> String {
        let deadline = Instant::now() + patience();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self
                .lines
                .recv_timeout(left)
                .unwrap_or_else(|error| panic!("no line `{prefix}…`: {error}"));
            if let Some(rest) = line.strip_prefix(prefix) {
                return rest.to_owned();
            }
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to stop, as Ctrl-C does, and waits until it has; its last lines.
    pub(crate) fn stop(mut self) -> Vec<String> {
        let pid = self.child.id().to_string();
        let signalled = Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        assert!(signalled.success(), "it had ended by itself");
        let status = self.child.wait().unwrap();
        assert!(status.success(), "it ended with {status}");
        self.lines.iter().collect()
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail where it has ended already.
        let _ended = self.child.kill();
        let _waited = self.child.wait();
    }
}

pub(crate) fn path(path: &Path) -> &str {
    path.to_str().expect("temporary folders have plain names")
}

/// Where a subcommand listens, it does so on a free port: tests run side by side.
fn free_port(args: &[&str]) -> Vec<&'static str> {
    let mut free = Vec::new();
    for (flag, subcommands) in [
        ("--cluster-addr", &["up"][..]),
        ("--spu-addr", &["up"]),
        ("--metrics-addr", &["run", "up"]),
        ("--web-api-addr", &["up", "web-api"]),
        ("--dashboard-addr", &["up", "dashboard"]),
    ] {
        if subcommands.contains(&args[0]) && !args.contains(&flag) {
            free.extend([flag, "127.0.0.1:0"]);
        }
    }
    free
}

/// Runs a subcommand to its end, which must be a good one.
pub(crate) fn run(args: &[&str]) -> Output {
    let output = try_run(args);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{args:?} ended with {}: {error}",
        output.status
    );
    output
}

/// Runs a subcommand to its end.
pub(crate) fn try_run(args: &[&str]) -> Output {
    Command::new(BINARY)
        .args(args)
        .args(free_port(args))
        .output()
        .unwrap()
}

/// The Python interpreter that has Fluvio's client, as `make test` sets it up.
pub(crate) fn python() -> PathBuf {
    let set_up = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/venv/bin/python");
    let python = std::env::var_os("PYTHON").map_or(set_up, PathBuf::from);
    assert!(
        python.exists(),
        "no Python with Fluvio's client at `{}`: run `make test`",
        python.display()
    );
    python
}

/// Every record of a topic that is there now, by partition; none where there is no such topic yet.
pub(crate) async fn records(cluster: &Cluster, topic: &str) -> Vec<Record> {
    let deadline = Instant::now() + patience();
    loop {
        match try_records(cluster, topic).await {
            Ok(records) => return records,
            Err(ClientError::Configuration { .. }) => return Vec::new(),
            Err(error) if error.is_retryable() && Instant::now() < deadline => {}
            Err(error) => panic!("{error}"),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The records of each partition.
pub(crate) async fn partitions(cluster: &Cluster, topic: &str) -> Vec<Vec<Record>> {
    let mut partitions = Vec::new();
    for partition in 0..cluster.partition_count(topic).await.unwrap() {
        partitions.push(try_partition(cluster, topic, partition).await.unwrap());
    }
    partitions
}

async fn try_records(cluster: &Cluster, topic: &str) -> Result<Vec<Record>, ClientError> {
    let mut all = Vec::new();
    for partition in 0..cluster.partition_count(topic).await? {
        all.extend(try_partition(cluster, topic, partition).await?);
    }
    Ok(all)
}

async fn try_partition(
    cluster: &Cluster,
    topic: &str,
    partition: u32,
) -> Result<Vec<Record>, ClientError> {
    let mut stream = cluster
        .records(topic, partition, Start::Beginning, Mode::UntilEnd)
        .await?;
    let mut records = Vec::new();
    while let Some(record) = stream.next().await {
        records.push(record?);
    }
    Ok(records)
}

/// What diverted records say of one source record, by (topic, partition, offset): its reason, and
/// its payload put together from its parts.
pub(crate) async fn diverted(
    cluster: &Cluster,
    topic: &str,
) -> BTreeMap<(String, u64, i64), (String, Vec<u8>)> {
    diverted_of(cluster, topic, None).await
}

/// The same of the late events of one derivation.
pub(crate) async fn late(
    cluster: &Cluster,
    derivation: &str,
) -> BTreeMap<(String, u64, i64), (String, Vec<u8>)> {
    diverted_of(cluster, "late-events", Some(derivation)).await
}

async fn diverted_of(
    cluster: &Cluster,
    topic: &str,
    derivation: Option<&str>,
) -> BTreeMap<(String, u64, i64), (String, Vec<u8>)> {
    let mut found = BTreeMap::<_, (String, Vec<u8>)>::new();
    let mut keys = BTreeSet::new();
    for record in records(cluster, topic).await {
        assert!(
            keys.insert(record.key.clone()),
            "a diverted record stands twice: {:?}",
            record.key
        );
        // Topics with many late events are read often, and reading JSON takes long.
        let text = String::from_utf8_lossy(&record.value);
        if derivation.is_some_and(|derivation| !text.contains(derivation)) {
            continue;
        }
        let row: Value = serde_json::from_str(&text).unwrap();
        if derivation.is_some_and(|derivation| row["derivation"] != derivation) {
            continue;
        }
        let payload = match row["payload"].as_str() {
            Some(text) => text.as_bytes().to_vec(),
            None => base64::engine::general_purpose::STANDARD
                .decode(row["payload_base64"].as_str().unwrap())
                .unwrap(),
        };
        let place = (
            row["topic"].as_str().unwrap().to_owned(),
            row["partition"].as_u64().unwrap(),
            row["offset"].as_i64().unwrap(),
        );
        let entry = found.entry(place).or_default();
        entry.0 = row["reason"].as_str().unwrap().to_owned();
        entry.1.extend(payload);
    }
    found
}

/// The last account of each derivation and partition.
pub(crate) async fn accounts(cluster: &Cluster) -> BTreeMap<String, Value> {
    let account = |record: &Record| {
        (
            String::from_utf8_lossy(record.key.as_ref().unwrap()).into_owned(),
            serde_json::from_slice(&record.value).unwrap(),
        )
    };
    records(cluster, "accounting")
        .await
        .iter()
        .map(account)
        .collect()
}

/// Checks that an account adds up.
pub(crate) fn assert_adds_up(account: &Value) {
    let rejected: u64 = account["rejected"]
        .as_object()
        .unwrap()
        .values()
        .map(|count| count.as_u64().unwrap())
        .sum();
    let parts: u64 = ["accepted", "late", "duplicate"]
        .iter()
        .map(|name| account[*name].as_u64().unwrap())
        .sum();
    assert_eq!(
        account["read"].as_u64().unwrap(),
        rejected + parts,
        "{account}"
    );
}

/// The records of a derived topic.
pub(crate) async fn derived(cluster: &Cluster, topic: &str) -> Vec<Value> {
    let parse = |record: &Record| serde_json::from_slice(&record.value).unwrap();
    records(cluster, topic).await.iter().map(parse).collect()
}

/// Waits until a derived topic is as `enough` wants it.
pub(crate) async fn wait_for_derived(
    cluster: &Cluster,
    topic: &str,
    enough: impl Fn(&[Value]) -> bool,
) -> Vec<Value> {
    let deadline = Instant::now() + patience();
    loop {
        let rows = derived(cluster, topic).await;
        if enough(&rows) {
            return rows;
        }
        assert!(
            Instant::now() < deadline,
            "`{topic}` has {} rows, and not what was waited for",
            rows.len()
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Waits until the last revisions of a derived topic equal the expected rows. Every look checks
/// that no row stands twice.
pub(crate) async fn wait_for_rows(
    cluster: &Cluster,
    topic: &str,
    expected: &oracle::Rows,
    tolerance: fn(&str) -> f64,
) {
    let deadline = Instant::now() + patience();
    loop {
        let found = oracle::last_revisions(&records(cluster, topic).await);
        let Err(difference) = oracle::compare_rows(&found, expected, tolerance) else {
            return;
        };
        assert!(Instant::now() < deadline, "`{topic}`: {difference}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
