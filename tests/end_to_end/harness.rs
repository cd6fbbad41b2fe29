//! Starts the real binary on free ports, and reads the topics that it writes. Processes are killed when their handles
//! are dropped.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use base64::Engine;
use client::{ClientError, Cluster, Mode, Partition, Record, Start};
use futures_util::StreamExt;
use serde_json::Value;

pub(crate) use crate::clusters::{AnyCluster, LocalCluster};
use crate::{clusters, oracle};

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_game-analytics");

/// The timeout of every wait. Only a test that hangs should reach it: it is several times the longest wait on an idle
/// machine, because a busy machine, or a busy cluster named by `CLUSTER`, may be much slower.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(10 * 60);

/// A running subcommand. It is killed when this value is dropped.
pub(crate) struct Running {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Running {
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::spawn(Command::new(BINARY).args(args).args(free_port(args)))
    }

    /// Starts a subcommand in a shell, after the commands in `before`.
    pub(crate) fn start_in_shell(before: &str, args: &[&str]) -> Self {
        let script = format!("{before}; exec \"$0\" \"$@\"");
        let mut command = Command::new("sh");
        Self::spawn(
            command
                .args(["-c", &script, BINARY])
                .args(args)
                .args(free_port(args)),
        )
    }

    /// Starts a subcommand, and writes its standard error to a file. The environment variable `GAME_ANALYTICS_BINARY`
    /// can name another binary.
    pub(crate) fn start_logged(args: &[&str], log: &Path) -> Self {
        let binary = clusters::named("GAME_ANALYTICS_BINARY").unwrap_or(BINARY.to_owned());
        let mut command = Command::new(binary);
        let log = std::fs::File::create(log).unwrap();
        Self::spawn(command.args(args).args(free_port(args)).stderr(log))
    }

    fn spawn(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start `{command:?}`: {error}"));
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

    /// Waits for a line that begins with `prefix`, and returns the rest of the line.
    pub(crate) fn line(&self, prefix: &str) -> String {
        let deadline = Instant::now() + WAIT_MAX;
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

    /// Sends SIGTERM, waits for a successful exit, and returns the lines of output that have not been read yet.
    pub(crate) fn stop(mut self) -> Vec<String> {
        signal(self.pid(), "-TERM");
        let status = self.child.wait().unwrap();
        assert!(status.success(), "it ended with {status}");
        self.lines.iter().collect()
    }

    /// Waits until the process ends by itself.
    pub(crate) fn wait(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Kills the process with SIGKILL, like `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Sends a signal, such as `-STOP`, to a process that is running.
pub(crate) fn signal(pid: u32, signal: &str) {
    let sent = Command::new("kill")
        .args([signal, &pid.to_string()])
        .status();
    assert!(sent.unwrap().success(), "process {pid} had ended by itself");
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both calls fail if the process has already ended.
        let _ended = self.child.kill();
        let _waited = self.child.wait();
    }
}

pub(crate) fn path(path: &Path) -> &str {
    path.to_str().expect("temporary folders have plain names")
}

/// Returns the resident memory of a process in bytes, or `None` if the process has ended.
pub(crate) fn resident_bytes(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().unwrap();
    Some(kib * 1_024)
}

/// Returns flags that make a subcommand listen on free ports, because tests run side by side.
pub(crate) fn free_port(args: &[&str]) -> Vec<&'static str> {
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

/// Runs a subcommand to its end. It must succeed.
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

/// Runs a subcommand to its end, whether it succeeds or not.
pub(crate) fn try_run(args: &[&str]) -> Output {
    Command::new(BINARY)
        .args(args)
        .args(free_port(args))
        .output()
        .unwrap()
}

/// Returns the Python interpreter that has Fluvio's client. `make test` installs it.
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

/// Returns the current records of a topic, partition by partition; none if the topic does not exist yet.
pub(crate) async fn records(cluster: &Cluster, topic: &str) -> Vec<Record> {
    let deadline = Instant::now() + WAIT_MAX;
    loop {
        match try_records(cluster, topic).await {
            Ok(records) => return records,
            Err(ClientError::TopicMissing { .. }) => return Vec::new(),
            Err(error) if error.is_retryable() && Instant::now() < deadline => {}
            Err(error) => panic!("{error}"),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Returns the current records of each partition.
pub(crate) async fn partitions(cluster: &Cluster, topic: &str) -> Vec<Vec<Record>> {
    let mut partitions = Vec::new();
    for partition in Partition::of(cluster.partition_count(topic).await.unwrap()) {
        partitions.push(try_partition(cluster, topic, partition).await.unwrap());
    }
    partitions
}

async fn try_records(cluster: &Cluster, topic: &str) -> Result<Vec<Record>, ClientError> {
    let mut all = Vec::new();
    for partition in Partition::of(cluster.partition_count(topic).await?) {
        all.extend(try_partition(cluster, topic, partition).await?);
    }
    Ok(all)
}

async fn try_partition(
    cluster: &Cluster,
    topic: &str,
    partition: Partition,
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

/// The reason and the payload of each dead letter, by the topic, partition and offset of its source record. The payload
/// is joined from its parts.
pub(crate) type DeadLetters = BTreeMap<(String, u64, i64), (String, Vec<u8>)>;

/// Returns the dead letters in a topic of rejected records.
pub(crate) async fn rejected(cluster: &Cluster, topic: &str) -> DeadLetters {
    dead_letters(cluster, topic, None).await
}

/// Returns the late events of one derivation.
pub(crate) async fn late(cluster: &Cluster, derivation: &str) -> DeadLetters {
    late_in(cluster, "late-events", derivation).await
}

/// Returns the late events of one derivation from this topic, which may be the topic of a replay.
pub(crate) async fn late_in(cluster: &Cluster, topic: &str, derivation: &str) -> DeadLetters {
    dead_letters(cluster, topic, Some(derivation)).await
}

async fn dead_letters(cluster: &Cluster, topic: &str, derivation: Option<&str>) -> DeadLetters {
    let mut found = DeadLetters::new();
    let mut keys = BTreeSet::new();
    for record in records(cluster, topic).await {
        assert!(
            keys.insert(record.key.clone()),
            "a dead letter is written twice: {:?}",
            record.key
        );
        // Records are filtered by their text first, because topics with many late events are read often, and parsing
        // JSON is slow.
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

/// Returns the accounts: the last record in `accounting` of each derivation and partition, by record key.
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

/// Checks that an account counts each record that was read as accepted, rejected, late or duplicate.
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

/// Returns the records of a topic, parsed as JSON.
pub(crate) async fn derived(cluster: &Cluster, topic: &str) -> Vec<Value> {
    let parse = |record: &Record| serde_json::from_slice(&record.value).unwrap();
    records(cluster, topic).await.iter().map(parse).collect()
}

/// Waits until `enough` returns true for the records of a topic, parsed as JSON, and returns them.
pub(crate) async fn wait_for_derived(
    cluster: &Cluster,
    topic: &str,
    enough: impl Fn(&[Value]) -> bool,
) -> Vec<Value> {
    let deadline = Instant::now() + WAIT_MAX;
    loop {
        let rows = derived(cluster, topic).await;
        if enough(&rows) {
            return rows;
        }
        assert!(
            Instant::now() < deadline,
            "`{topic}` has {} rows, but the expected ones are missing",
            rows.len()
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Waits until the last revisions of a derived topic equal the expected rows. Each attempt also checks that
/// no row is written twice.
pub(crate) async fn wait_for_rows(
    cluster: &Cluster,
    topic: &str,
    expected: &oracle::Rows,
    tolerance: fn(&str) -> f64,
) {
    let deadline = Instant::now() + WAIT_MAX;
    loop {
        let found = oracle::last_revisions(&records(cluster, topic).await);
        let Err(difference) = oracle::compare_rows(&found, expected, tolerance) else {
            return;
        };
        assert!(Instant::now() < deadline, "`{topic}`: {difference}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
