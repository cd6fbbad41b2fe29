//! Rules that change while the runner works, is killed and starts again: each record is followed by
//! the version that holds at its offset. What must come out is counted anew from the source topic.

mod shop;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use client::Cluster;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{self, AnyCluster, LocalCluster, Running};
use crate::map_file::MapFile;
use shop::{buy, ensure_source, shop};

const MAP: &str = "
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
/// A file of parameters, gone with its folder.
fn parameters(folder: &TempDir, velocity_n: u32) -> String {
    let file = folder.path().join(format!("velocity-{velocity_n}.yaml"));
    std::fs::write(&file, format!("velocity_n: {velocity_n}\n")).unwrap();
    harness::path(&file).to_owned()
}

/// `rules COMMAND …` on the cluster.
fn rules(address: &str, map: &MapFile, args: &[&str]) -> Output {
    let map = map.path();
    let place = ["--cluster", address, "--map", &map];
    harness::try_run(&[&["rules"], args, &place].concat())
}

/// What it printed, if it ended well.
fn printed(output: Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{error}");
    String::from_utf8(output.stdout).unwrap()
}

fn error(output: &Output) -> String {
    assert!(!output.status.success(), "it ended well");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A version: its number, its `velocity_n`, and per partition from which offset on it holds.
type Version = (u64, usize, Vec<i64>);

/// `… offsets 0:12, 1:9` as `rules set` says it.
fn version(number: u64, velocity_n: usize, said: &str) -> Version {
    let (_, offsets) = said
        .split_once("holds from purchase-events offsets ")
        .unwrap_or_else(|| panic!("not taken up: {said}"));
    let offset = |text: &str| text.split_once(':').unwrap().1.trim().parse().unwrap();
    let from: Vec<i64> = offsets.split(", ").map(offset).collect();
    assert_eq!(from.len(), PARTITIONS as usize);
    (number, velocity_n, from)
}

/// Of each user who buys too often, the version that says so first, and at which purchase.
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
            let holds = |version: &&Version| version.2[partition] <= record.offset;
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

/// What the topic says of each user; nobody may stand in it twice.
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

/// Waits until alerts of a version stand in the topic.
async fn wait_for_version(cluster: &Cluster, version: u64) {
    harness::wait_for_derived(cluster, "fraud-alerts", |rows| {
        rows.iter().any(|row| row["rule_version"] == version)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_records_go_by_the_version_at_their_offset_whatever_is_killed() {
    let (node, map, folder) = (
        AnyCluster::start(),
        MapFile::of(MAP),
        TempDir::new().unwrap(),
    );
    let cluster = Cluster::connect(Some(node.address())).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let shop = tokio::spawn(shop(ensure_source(&cluster).await, stop.clone()));
    let (path, file) = (map.path(), |velocity_n| parameters(&folder, velocity_n));
    let start = || Running::start(&["run", "--cluster", node.address(), "--map", &path]);
    let set = |velocity_n| {
        printed(rules(
            node.address(),
            &map,
            &["set", &file(velocity_n), "--wait", "120s"],
        ))
    };

    let mut runner = start();
    wait_for_version(&cluster, 1).await;
    // Ever fewer: who has been told of is not told of again.
    let mut versions = vec![(1, 4, vec![0, 0])];
    let said = set(3);
    assert!(
        said.contains("version 2 is written") && said.contains("velocity_n: 4 -> 3"),
        "{said}"
    );
    versions.push(version(2, 3, &said));
    runner.kill();
    let mut runner = start();
    wait_for_version(&cluster, 2).await;
    versions.push(version(3, 2, &set(2)));
    wait_for_version(&cluster, 3).await;
    runner.kill();
    // Written while nobody runs: it holds from what the next runner has not read yet.
    let said = printed(rules(
        node.address(),
        &map,
        &["set", &file(1), "--wait", "10ms"],
    ));
    assert!(
        said.contains("no runner has taken it up within 10ms"),
        "{said}"
    );
    let runner = start();
    wait_for_version(&cluster, 4).await;
    stop.store(true, Ordering::Relaxed);
    shop.await.unwrap();

    let listed = printed(rules(node.address(), &map, &["list"]));
    let last = listed.rsplit_once("in force from ").unwrap().1;
    versions.push(version(4, 1, &format!("holds from {last}")));
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
        "each has found something"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_used_is_refused_and_of_two_writers_one_is_told() {
    let (node, map, folder) = (
        LocalCluster::start(),
        MapFile::of(MAP),
        TempDir::new().unwrap(),
    );
    let cluster = Cluster::connect(Some(&node.address)).await.unwrap();
    for (text, message) in [
        (
            "velocity_n: many",
            "parameter `velocity_n` is `many`: a whole number",
        ),
        ("velocity: 6", "parameter `velocity` is unknown: known are"),
        ("rule_version: 6", "parameter `rule_version` is unknown"),
        ("", "these are no parameters"),
    ] {
        let file = folder.path().join("wrong.yaml");
        std::fs::write(&file, text).unwrap();
        let said = error(&rules(&node.address, &map, &["set", harness::path(&file)]));
        assert!(said.contains(message), "`{text}` says: {said}");
    }
    let none = error(&rules(
        &node.address,
        &map,
        &["list", "--derivation", "revenue"],
    ));
    assert!(none.contains("those that have one: fraud-alerts"), "{none}");
    assert!(harness::records(&cluster, "fraud-rules").await.is_empty());

    let file = parameters(&folder, 6);
    let outputs: Vec<Output> = std::thread::scope(|scope| {
        let address = node.address.as_str();
        let set = || {
            rules(
                address,
                &map,
                &["set", &file, "--wait", "0s", "--comment", "me too"],
            )
        };
        let sets: Vec<_> = (0..6).map(|_| scope.spawn(set)).collect();
        sets.into_iter().map(|set| set.join().unwrap()).collect()
    });
    let told = outputs.iter().filter(|output| !output.status.success());
    let told: Vec<_> = told.map(error).collect();
    assert!(
        told.iter()
            .all(|said| said.contains("(me too)") && said.contains("rules list")),
        "{told:?}"
    );
    let records = harness::records(&cluster, "fraud-rules").await;
    let number = |record: &client::Record| {
        let rules: Value = serde_json::from_slice(&record.value).unwrap();
        rules["version"].as_u64().unwrap()
    };
    let numbers: BTreeSet<_> = records.iter().map(number).collect();
    assert_eq!(records.len(), outputs.len(), "each has written");
    assert_eq!(
        numbers.len() + told.len(),
        outputs.len(),
        "who was not told has a number alone"
    );
    let listed = printed(rules(&node.address, &map, &["list"]));
    assert_eq!(
        listed.matches("not taken up by a runner yet").count(),
        numbers.len(),
        "{listed}"
    );
    assert_eq!(
        listed.matches("passed over: version").count(),
        told.len(),
        "{listed}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_counts_what_parameters_would_have_said() {
    let (node, map, folder) = (
        LocalCluster::start(),
        MapFile::of(MAP),
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
    // Of those who buy five or six times, and one who never does.
    let guilty = users.iter().filter(|(_, purchases)| *purchases >= 5);
    let guilty = guilty.map(|(user, _)| user.as_str()).chain(["user-99"]);
    let truth = folder.path().join("truth.jsonl");
    write_truth(&truth, &cluster, guilty).await;
    let args = [
        "test",
        &parameters(&folder, 3),
        "--truth",
        harness::path(&truth),
    ];
    let said = printed(rules(&node.address, &map, &args));
    // More than four: four of twelve, all of them guilty, of five; more than three: six.
    assert!(
        said.contains(&format!("read: {} records", 2 * 21)),
        "{said}"
    );
    let rows: Vec<Vec<_>> = said
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
        "{said}"
    );
    let older = printed(rules(
        &node.address,
        &map,
        &["test", &parameters(&folder, 2), "--last", "1ms"],
    ));
    assert!(older.contains("read: 0 records"), "{older}");
    assert!(harness::records(&cluster, "fraud-rules").await.is_empty());
}

/// The whole time in which anything was bought, for each of them; and lines about other things.
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
