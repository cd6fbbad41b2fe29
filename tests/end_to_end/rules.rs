//! Changes rules while the runner runs, is killed and starts again. The version in force at a record's offset must
//! apply to the record. The test recomputes the expected alerts from the source topic.

mod shop;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use client::Cluster;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::commands::Runner;
use crate::dataflow_file::DataflowFile;
use crate::harness::{self, AnyCluster, LocalCluster};
use shop::{buy, ensure_source, shop};

const DATAFLOW: &str = "
sources:
  purchase-events: { key: user_data.user_id, partitions: 2 }
derivations:
  fraud-alerts:
    from: purchase-events
    lateness: 500ms
    idle_timeout: 2s
    rules: fraud-rules
    parameters: { velocity_n: 4 }
";

const SOURCE: &str = "purchase-events";
const PARTITIONS: u32 = 2;

/// Writes a file of parameters to the folder, and returns its path.
fn parameters(folder: &TempDir, velocity_n: u32) -> String {
    let file = folder.path().join(format!("velocity-{velocity_n}.yaml"));
    std::fs::write(&file, format!("velocity_n: {velocity_n}\n")).unwrap();
    harness::path(&file).to_owned()
}

/// Runs `rules COMMAND …` on the cluster.
fn rules(address: &str, dataflow: &DataflowFile, args: &[&str]) -> Output {
    let dataflow = dataflow.path();
    let place = ["--cluster", address, "--dataflow", &dataflow];
    harness::try_run(&[&["rules"], args, &place].concat())
}

/// Returns the standard output of a command that must succeed.
fn printed(output: Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{error}");
    String::from_utf8(output.stdout).unwrap()
}

/// Returns the standard error of a command that must fail.
fn error(output: &Output) -> String {
    assert!(!output.status.success(), "it succeeded");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A version: its number, its `velocity_n`, and the first offset in each partition to which it applies.
type Version = (u64, usize, Vec<i64>);

/// Parses a version from `… offsets 0:12, 1:9`, as `rules set` prints it.
fn version(number: u64, velocity_n: usize, printed: &str) -> Version {
    let (_, offsets) = printed
        .split_once("applies from purchase-events offsets ")
        .unwrap_or_else(|| panic!("not taken up: {printed}"));
    let offset = |text: &str| text.split_once(':').unwrap().1.trim().parse().unwrap();
    let from: Vec<i64> = offsets.split(", ").map(offset).collect();
    assert_eq!(from.len(), PARTITIONS as usize);
    (number, velocity_n, from)
}

/// Returns, for each user who buys too often, the first version that raises an alert, and the purchase that
/// triggers it.
async fn expected(cluster: &Cluster, versions: &[Version]) -> BTreeMap<String, (u64, String)> {
    let mut purchases = BTreeMap::<String, usize>::new();
    let mut alerts = BTreeMap::new();
    let partitions = harness::partitions(cluster, SOURCE).await;
    for (partition, records) in partitions.iter().enumerate() {
        for record in records {
            let event: Value = serde_json::from_slice(&record.value).unwrap();
            let user = event["user_data"]["user_id"].as_str().unwrap();
            let count = purchases.entry(user.to_owned()).or_default();
            *count += 1;
            let holds = |version: &&Version| version.2[partition] <= record.offset.0;
            let (number, velocity_n, _) = versions.iter().rfind(holds).unwrap();
            if *count > *velocity_n {
                let purchase = event["parameters"]["transaction_id"].as_str().unwrap();
                alerts
                    .entry(user.to_owned())
                    .or_insert((*number, purchase.to_owned()));
            }
        }
    }
    alerts
}

/// Returns the alert of each user in the topic. The topic may contain only one for each user.
async fn alerts(cluster: &Cluster) -> BTreeMap<String, (u64, String)> {
    let mut found = BTreeMap::new();
    for row in harness::derived(cluster, "fraud-alerts").await {
        assert_eq!(
            (&row["rule"], &row["revision"]),
            (&json!("velocity"), &json!(0))
        );
        let user = row["user_id"].as_str().unwrap().to_owned();
        let purchase = row["transaction_ids"].as_array().unwrap().last().unwrap();
        let alert = (
            row["rule_version"].as_u64().unwrap(),
            purchase.as_str().unwrap().to_owned(),
        );
        assert_eq!(found.insert(user, alert), None, "twice: {row}");
    }
    found
}

/// Waits until the topic contains an alert of this version.
async fn wait_for_version(cluster: &Cluster, version: u64) {
    harness::wait_for_derived(cluster, "fraud-alerts", |rows| {
        rows.iter().any(|row| row["rule_version"] == version)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_the_version_at_its_offset_applies_to_a_record_after_kills_too() {
    let (node, dataflow, folder) = (
        AnyCluster::start(),
        DataflowFile::of(DATAFLOW),
        TempDir::new().unwrap(),
    );
    let cluster = Cluster::connect(Some(node.address())).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let shop = tokio::spawn(shop(ensure_source(&cluster).await, stop.clone()));
    let run = Runner::at(node.address()).dataflow(&dataflow);
    let set = |velocity_n, wait: &str| {
        let args = ["set", &parameters(&folder, velocity_n), "--wait", wait];
        printed(rules(node.address(), &dataflow, &args))
    };

    let mut runner = run.start();
    wait_for_version(&cluster, 1).await;
    // Versions only lower the limit: after a rise, a user could be reported again, but one alert per user is expected.
    let mut versions = vec![(1, 4, vec![0, 0])];
    let second = set(3, "120s");
    assert!(
        second.contains("version 2 written") && second.contains("velocity_n: 4 -> 3"),
        "{second}"
    );
    versions.push(version(2, 3, &second));
    runner.kill();
    let mut runner = run.start();
    wait_for_version(&cluster, 2).await;
    versions.push(version(3, 2, &set(2, "120s")));
    wait_for_version(&cluster, 3).await;
    runner.kill();
    // This version is published while no runner runs. The next runner applies it to the records that have not been
    // read.
    let fourth = set(1, "10ms");
    assert!(
        fourth.contains("no runner has applied it within 10ms"),
        "{fourth}"
    );
    let runner = run.start();
    wait_for_version(&cluster, 4).await;
    stop.store(true, Ordering::Relaxed);
    shop.await.unwrap();

    let listed = printed(rules(node.address(), &dataflow, &["list"]));
    let last = listed.rsplit_once("in force from ").unwrap().1;
    versions.push(version(4, 1, &format!("applies from {last}")));
    let expected = expected(&cluster, &versions).await;
    harness::wait_for_derived(&cluster, "fraud-alerts", |rows| {
        rows.len() >= expected.len()
    })
    .await;
    runner.stop();
    assert_eq!(alerts(&cluster).await, expected);
    let numbers: BTreeSet<_> = expected.values().map(|(number, _)| *number).collect();
    assert_eq!(
        numbers,
        BTreeSet::from([1, 2, 3, 4]),
        "each version has raised an alert"
    );
}

/// Parameter files that cannot be used, each with a part of the expected error.
const UNUSABLE: [(&str, &str); 6] = [
    (
        "velocity_n: many",
        "parameter `velocity_n` is `many`: a whole number",
    ),
    (
        "amount_spike_limit: USD 500, JPY 600.5",
        "parameter `amount_spike_limit` is `USD 500, JPY 600.5`: `600.5` in `JPY 600.5` is not an amount",
    ),
    (
        "card_testing_small: JPY 7501",
        "in `JPY` it is above `card_testing_large`",
    ),
    (
        "velocity: 6",
        "unknown parameter `velocity`; known parameters:",
    ),
    ("rule_version: 6", "unknown parameter `rule_version`"),
    ("", "these are not parameters"),
];

fn assert_unusable_are_refused(node: &LocalCluster, dataflow: &DataflowFile, folder: &TempDir) {
    for (text, message) in UNUSABLE {
        let file = folder.path().join("wrong.yaml");
        std::fs::write(&file, text).unwrap();
        let set = ["set", harness::path(&file)];
        let error = error(&rules(&node.address, dataflow, &set));
        assert!(error.contains(message), "`{text}`: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unusable_parameters_are_refused_and_one_of_two_writers_gets_an_error() {
    let (node, dataflow, folder) = (
        LocalCluster::start(),
        DataflowFile::of(DATAFLOW),
        TempDir::new().unwrap(),
    );
    let cluster = Cluster::connect(Some(&node.address)).await.unwrap();
    assert_unusable_are_refused(&node, &dataflow, &folder);
    let list = ["list", "--derivation", "revenue"];
    let none = error(&rules(&node.address, &dataflow, &list));
    assert!(
        none.contains("derivations that have one: fraud-alerts"),
        "{none}"
    );
    assert!(harness::records(&cluster, "fraud-rules").await.is_empty());

    let file = parameters(&folder, 6);
    let args = ["set", &file, "--wait", "0s", "--comment", "me too"];
    let outputs: Vec<Output> = std::thread::scope(|scope| {
        let set = || rules(&node.address, &dataflow, &args);
        let sets: Vec<_> = (0..6).map(|_| scope.spawn(set)).collect();
        sets.into_iter().map(|set| set.join().unwrap()).collect()
    });
    let refusals = outputs.iter().filter(|output| !output.status.success());
    let refusals: Vec<_> = refusals.map(error).collect();
    assert!(
        refusals
            .iter()
            .all(|error| error.contains("(me too)") && error.contains("rules list")),
        "{refusals:?}"
    );
    let records = harness::records(&cluster, "fraud-rules").await;
    let number = |record: &client::Record| {
        let rules: Value = serde_json::from_slice(&record.value).unwrap();
        rules["version"].as_u64().unwrap()
    };
    let numbers: BTreeSet<_> = records.iter().map(number).collect();
    assert_eq!(
        records.len(),
        outputs.len(),
        "each writer has written a record"
    );
    assert_eq!(
        numbers.len() + refusals.len(),
        outputs.len(),
        "a writer without an error has a number of its own"
    );
    let listed = printed(rules(&node.address, &dataflow, &["list"]));
    assert_eq!(
        listed.matches("not yet applied by a runner").count(),
        numbers.len(),
        "{listed}"
    );
    assert_eq!(
        listed.matches("rejected: version").count(),
        refusals.len(),
        "{listed}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backtest_counts_the_alerts_of_other_parameters() {
    let (node, dataflow, folder) = (
        LocalCluster::start(),
        DataflowFile::of(DATAFLOW),
        TempDir::new().unwrap(),
    );
    let cluster = Cluster::connect(Some(&node.address)).await.unwrap();
    let producer = ensure_source(&cluster).await;
    let users: Vec<_> = (0..12)
        .map(|user| (format!("user-{user}"), 1 + user % 6))
        .collect();
    for (user, purchases) in &users {
        for round in 0..*purchases {
            buy(&producer, user, round).await;
        }
    }
    // The guilty users are those who buy five or six times, and one who does not exist.
    let guilty = users.iter().filter(|(_, purchases)| *purchases >= 5);
    let guilty = guilty.map(|(user, _)| user.as_str()).chain(["user-99"]);
    let truth = folder.path().join("truth.jsonl");
    write_truth(&truth, &cluster, guilty).await;
    let test =
        |args: &[&str]| printed(rules(&node.address, &dataflow, &[&["test"], args].concat()));
    let file = parameters(&folder, 3);
    assert_precision(&test(&[&file, "--truth", harness::path(&truth)]));
    // A number without a currency is a limit in every currency.
    for (limit, alerts) in [("500", "42"), ("JPY 600", "42"), ("JPY none", "0")] {
        let file = folder.path().join("limit.yaml");
        let text = format!("amount_spike_limit: {limit}\nvelocity_n: 1\n");
        std::fs::write(&file, text).unwrap();
        let report = test(&[harness::path(&file)]);
        let change = format!("amount_spike_limit: (default) -> {limit}");
        assert!(report.contains(&change), "{report}");
        let found = report.lines().find(|line| line.starts_with("amount-spike"));
        let found = found.map_or("0", |line| line.split_whitespace().last().unwrap());
        assert_eq!(found, alerts, "{report}");
    }
    let older = test(&[&parameters(&folder, 2), "--last", "1ms"]);
    assert!(older.contains("read: 0 records"), "{older}");
    assert!(harness::records(&cluster, "fraud-rules").await.is_empty());
}

/// Checks the precision and recall of `velocity`. With a limit of four purchases, the rule reports four of the twelve
/// users, all of them among the five guilty users. With a limit of three, it reports six users, four of them guilty.
fn assert_precision(report: &str) {
    assert!(
        report.contains(&format!("read: {} records", 2 * 21)),
        "{report}"
    );
    let rows: Vec<Vec<_>> = report
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    let row = rows
        .iter()
        .find(|row| row.first() == Some(&"velocity"))
        .unwrap();
    assert_eq!(
        row[1..],
        ["4", "1.000", "0.800", "6", "0.667", "0.800"],
        "{report}"
    );
    assert!(!report.contains("amount-spike"), "600 yen: {report}");
}

/// Writes a truth file. It contains one incident for each user, which covers the time of all purchases, and an incident
/// of another kind.
async fn write_truth<'u>(file: &Path, cluster: &Cluster, users: impl Iterator<Item = &'u str>) {
    let events = harness::derived(cluster, SOURCE).await;
    let times = events
        .iter()
        .map(|event| event["event_timestamp"].as_str().unwrap());
    let (start, end) = (times.clone().min().unwrap(), times.max().unwrap());
    let mut text = String::from("{\"kind\":\"server\",\"rule\":\"silent\",\"server_id\":\"s\"}\n");
    for user in users {
        let entry = json!({
            "kind": "fraud", "rule": "velocity", "game_id": "default", "user_id": user,
            "start": start, "end": end, "transaction_ids": [],
        });
        text += &format!("{entry}\n");
    }
    std::fs::write(file, text).unwrap();
}
