//! Golden pairs of the conventional SmartModules: `testdata/<case>.input.jsonl` contains records, one per line,
//! `<case>.expected.jsonl` the module's exact output, and `<case>.params` the parameters as lines of `name=value`.
//!
//! Each pair is tested twice: with the module as a plain function, and as WASM in the cluster of the real binary, where
//! the module is registered by its name. The last record of an input must be one that the module passes: the test
//! stops reading after the last expected record, and would not notice a wrong record after it.
#![allow(
    clippy::unwrap_used,
    reason = "a test panics where an expectation fails"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use client::{Cluster, Key, Offset, Partition, PartitionSource, SmartModule, TopicSettings};
use futures_util::{FutureExt, StreamExt};
use normalize_events::NormalizeEvents;
use running_totals::RunningTotals;
use tempfile::TempDir;
use valid_events::ValidEvents;

/// The timeout of each step: more than ten times what any step takes on an idle machine.
const DEADLINE: Duration = Duration::from_secs(120);

type Params = BTreeMap<String, String>;
type Records = Vec<Vec<u8>>;

/// Returns a module as a plain function from records to records. The modules are listed here because each has its own
/// type.
fn runner_of(module: &str) -> Option<fn(model::Params, &Records) -> Records> {
    match module {
        "valid-events" => Some(|params, records| {
            let mut check = ValidEvents::from_params(&params).unwrap();
            let passing = records.iter().filter(|record| check.passes(record));
            passing.cloned().collect()
        }),
        "normalize-events" => Some(|params, records| {
            let mut events = NormalizeEvents::from_params(&params).unwrap();
            let normalized = |record: &Vec<u8>| {
                let form = events.normalized(record).map(String::into_bytes);
                form.unwrap_or_else(|| record.clone())
            };
            records.iter().map(normalized).collect()
        }),
        "running-totals" => Some(|params, records| {
            let mut totals = RunningTotals::from_params(&params).unwrap();
            let add = |sum: &mut Vec<u8>, record: &Vec<u8>| {
                *sum = totals.add(sum, record);
                Some(sum.clone())
            };
            records.iter().scan(Vec::new(), add).collect()
        }),
        _ => None,
    }
}

/// One golden pair and its parameters.
struct Case {
    module: String,
    name: String,
    params: Params,
    input: Records,
    expected: Records,
}

/// Returns every case of every conventional module. A module without a case fails the test.
fn cases() -> Vec<Case> {
    let crate_paths = paths_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("smartmodules"));
    let conventional = crate_paths.iter().filter(|crate_path| {
        let manifest = fs::read_to_string(crate_path.join("Cargo.toml")).unwrap_or_default();
        manifest.contains("\"cdylib\"") && !manifest.contains("smartmodule-batch")
    });
    let cases: Vec<Case> = conventional
        .flat_map(|crate_path| cases_of(crate_path))
        .collect();
    assert!(
        !cases.is_empty(),
        "no conventional module below smartmodules/"
    );
    cases
}

fn cases_of(crate_path: &Path) -> Vec<Case> {
    let testdata = crate_path.join("testdata");
    assert!(
        testdata.is_dir(),
        "{}: write a golden pair",
        crate_path.display()
    );
    let files = paths_in(&testdata);
    let names = files.iter().filter_map(|file| {
        name_of(file)
            .strip_suffix(".input.jsonl")
            .map(str::to_owned)
    });
    let cases: Vec<Case> = names.map(|name| read_case(crate_path, name)).collect();
    assert!(
        !cases.is_empty(),
        "{}: write a golden pair",
        crate_path.display()
    );
    cases
}

fn read_case(crate_path: &Path, name: String) -> Case {
    let path = |kind: &str| crate_path.join(format!("testdata/{name}.{kind}"));
    let lines = |kind: &str| -> Records {
        let text = fs::read(path(kind)).unwrap_or_else(|error| panic!("{name}.{kind}: {error}"));
        let text = text.strip_suffix(b"\n").unwrap_or(&text);
        text.split(|byte| *byte == b'\n')
            .map(<[u8]>::to_vec)
            .collect()
    };
    let params = fs::read_to_string(path("params")).unwrap_or_default();
    let pairs = params.lines().filter_map(|line| line.split_once('='));
    Case {
        module: name_of(crate_path),
        params: pairs
            .map(|(name, value)| (name.into(), value.into()))
            .collect(),
        input: lines("input.jsonl"),
        expected: lines("expected.jsonl"),
        name,
    }
}

fn paths_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

fn assert_lines(case: &Case, found: &Records) {
    let text = |line: Option<&Vec<u8>>| {
        line.map_or("nothing".into(), |line| {
            String::from_utf8_lossy(line).into_owned()
        })
    };
    for index in 0..case.expected.len().max(found.len()) {
        let (expected, found) = (case.expected.get(index), found.get(index));
        assert!(
            expected == found,
            "{}: {}: line {}:\n  expected {}\n  found    {}",
            case.module,
            case.name,
            index + 1,
            text(expected),
            text(found)
        );
    }
}

#[test]
fn every_golden_pair_gives_the_expected_records() {
    for case in cases() {
        let run = runner_of(&case.module)
            .unwrap_or_else(|| panic!("{}: add it to `runner_of` in this file", case.module));
        assert_lines(
            &case,
            &run(case.params.clone().into_iter().collect(), &case.input),
        );
        let readme = fs::read_to_string(format!("smartmodules/{}/README.md", case.module)).unwrap();
        let named = readme.contains(&format!("`{}`", case.name));
        assert!(
            named,
            "{}: say in README.md what `{}` is about",
            case.module, case.name
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_golden_pair_gives_the_expected_records_in_a_cluster() {
    let up = Up::start();
    let cluster = Cluster::connect(Some(&up.address)).await.unwrap();
    for case in cases() {
        let found = through_the_cluster(&cluster, &case);
        let found = tokio::time::timeout(DEADLINE, found).await;
        assert_lines(&case, &found.expect("the last record comes through"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_parameter_ends_the_stream_with_the_reason() {
    let up = Up::start();
    let cluster = Cluster::connect(Some(&up.address)).await.unwrap();
    let modules = cases().into_iter().map(|case| case.module);
    for name in modules.collect::<std::collections::BTreeSet<_>>() {
        let source = PartitionSource {
            topic: "player-events".into(),
            partition: Partition(0),
            offset: Offset(0),
        };
        let params = Params::from([("kind".into(), "players".into())]);
        let module = SmartModule::Named(name.clone());
        let stream = cluster.transformed(&source, &module, &params);
        let error = match stream.await {
            Ok(mut values) => {
                let next = tokio::time::timeout(DEADLINE, values.next()).await;
                next.expect("an answer")
                    .expect("an error")
                    .expect_err("no value comes")
            }
            Err(error) => error,
        };
        let text = error.to_string();
        assert!(
            text.contains("parameter `kind` is `players`: player-events, "),
            "{name}: {text}"
        );
    }
}

async fn through_the_cluster(cluster: &Cluster, case: &Case) -> Records {
    let topic = format!("golden-{}-{}", case.module, case.name);
    let settings = TopicSettings {
        name: topic.clone(),
        partitions: 1,
        retention: None,
        storage: None,
    };
    cluster.ensure_topic(&settings).await.unwrap();
    let producer = cluster.producer(&topic).await.unwrap();
    let mut deliveries = Vec::new();
    for record in &case.input {
        deliveries.push(producer.send(Key::NONE, record.clone()).await.unwrap());
    }
    for delivery in deliveries {
        delivery.wait().await.unwrap();
    }
    let source = PartitionSource {
        topic,
        partition: Partition(0),
        offset: Offset(0),
    };
    let module = SmartModule::Named(case.module.clone());
    let mut values = cluster
        .transformed(&source, &module, &case.params)
        .await
        .unwrap();
    let mut found = Records::new();
    while found.len() < case.expected.len() {
        found.push(values.next().await.unwrap().unwrap().to_vec());
    }
    while let Some(Some(value)) = values.next().now_or_never() {
        found.push(value.unwrap().to_vec());
    }
    found
}

/// The binary's `up` on free ports in a temporary folder. It is killed when this value is dropped.
struct Up {
    address: String,
    child: Child,
    _data_dir: TempDir,
}

impl Up {
    /// Starts the binary and waits until all topics and SmartModules exist.
    fn start() -> Self {
        let data_dir = TempDir::new().unwrap();
        let free = "127.0.0.1:0";
        let mut child = Command::new(env!("CARGO_BIN_EXE_game-analytics"))
            .args(["up", "--no-generator"])
            .args(["--cluster-addr", free, "--spu-addr", free])
            .args(["--web-api-addr", free, "--dashboard-addr", free])
            .args(["--metrics-addr", free, "--data-dir"])
            .arg(data_dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut up = Self {
            address: String::new(),
            child,
            _data_dir: data_dir,
        };
        let mut lines = lines.map_while(Result::ok);
        up.address = lines
            .find_map(|line| line.strip_prefix("runner: reads from ").map(str::to_owned))
            .expect("its log contains where its runner reads from");
        // Reads the rest of the output. Otherwise the live status would fill the pipe, and the process would block.
        std::thread::spawn(move || lines.for_each(drop));
        up
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // Both calls fail if the process has already ended.
        let _ended = self.child.kill();
        let _waited = self.child.wait();
    }
}
