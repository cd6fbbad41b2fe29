//! The table of the guide changes while a runner computes rows that join it. The rows must be those of a recomputation,
//! although the runner is killed; a replay and the command `sql` must find the same ones.

use std::time::{Duration, Instant};

use client::Cluster;
use serde_json::Value;

use crate::commands::{Generator, Runner};
use crate::dataflow_file::DataflowFile;
use crate::harness::{self, AnyCluster, Running};
use crate::oracle::{self, Rows};
use crate::queries::{early_rows, not_withdrawn};

const GUIDE: &str = include_str!("../../docs/sql.md");
const TOPIC: &str = "rarity-revenue";
/// The length of a window, shorter than in the guide.
const SIZE_MS: i64 = 2_000;
/// The rarities with the largest odd numbers of orders, with early rows.
const FIRST: &str = "first-rarities";
const FIRST_RARITIES: &str = r#"  first-rarities:
    sql: >
      SELECT rarity, count(*) AS orders
      FROM "purchase-events" JOIN items ON item_id = items.id
      WHERE transaction_type = 'purchase'
      GROUP BY TUMBLE(INTERVAL '2' SECOND), rarity
      HAVING count(*) % 2 = 1 ORDER BY orders DESC, rarity LIMIT 2
    emit_every: 1s
"#;
/// Lines of a derivation, so that the repeated purchases are never too late.
const SETTINGS: &str = "    idle_timeout: 2s\n    allowed_lateness: 10m\n";

#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_each_window_joins_the_table_as_it_was_when_the_window_began() {
    let (node, dataflow) = (AnyCluster::start(), dataflow());
    let address = node.address();
    let cluster = Cluster::connect(Some(address)).await.unwrap();
    harness::run(&[
        "provision",
        "--cluster",
        address,
        "--dataflow",
        &dataflow.path(),
    ]);
    let all = [
        "skin_scout",
        "skin_dragon",
        "weapon_longbow",
        "emote_wave",
        "coins_500",
    ];
    write(&cluster, &all.map(|item| (item, Some("common")))).await;
    let followed = Running::start(&ask(address, &dataflow, &["--follow"]));
    let generator = Generator::at(address).dataflow(&dataflow);
    let generator = generator.rate(1_000).seed(5).start();
    let mut runner = Runner::at(address).dataflow(&dataflow).start();
    wait_for_rarity(&cluster, "common").await;

    write(
        &cluster,
        &[("skin_dragon", Some("legendary")), ("emote_wave", None)],
    )
    .await;
    wait_for_rarity(&cluster, "legendary").await;
    runner.kill();
    write(
        &cluster,
        &[("skin_dragon", Some("rare")), ("coins_500", Some("epic"))],
    )
    .await;
    let runner = Runner::at(address).dataflow(&dataflow).start();
    wait_for_rarity(&cluster, "epic").await;
    generator.stop();

    let purchases = harness::records(&cluster, "purchase-events").await;
    let items = harness::records(&cluster, "items").await;
    let expected = oracle::rarity_revenue(&purchases, &items, SIZE_MS);
    for rarity in ["common", "legendary", "rare", "epic"] {
        let has_rarity = expected.values().any(|row| row["rarity"] == rarity);
        assert!(has_rarity, "no window began with a {rarity} item");
    }
    assert_followed(followed, &expected);

    repeat_the_first_purchases(&cluster).await;
    let purchases = harness::records(&cluster, "purchase-events").await;
    let expected = oracle::rarity_revenue(&purchases, &items, SIZE_MS);
    assert_derived(&cluster, &expected).await;
    runner.stop();
    assert_replayed(&cluster, &dataflow, &expected).await;
    let answer = harness::run(&ask(address, &dataflow, &[])).stdout;
    let answer = String::from_utf8(answer).unwrap();
    oracle::assert_rows_equal(&printed(answer.lines()), &expected, |_| 0.0);
}

/// Compares the rows that `sql --follow` prints.
fn assert_followed(command: Running, expected: &Rows) {
    let lines: Vec<_> = expected.iter().map(|_| command.line("")).collect();
    assert_eq!(command.stop(), [""; 0], "each row is printed once");
    let rows = printed(lines.iter().map(String::as_str));
    oracle::assert_rows_equal(&rows, expected, |_| 0.0);
}

/// Waits until both derived topics have the expected rows, with corrections and early ones.
async fn assert_derived(cluster: &Cluster, expected: &Rows) {
    harness::wait_for_rows(cluster, TOPIC, expected, |_| 0.0).await;
    let rows = harness::derived(cluster, TOPIC).await;
    let is_corrected = |row: &Value| row["revision"].as_u64() > Some(0);
    assert!(rows.iter().any(is_corrected), "late events correct rows");
    wait_for_first(cluster, &oracle::first_rarities(expected, 2)).await;
    assert!(early_rows(&harness::records(cluster, FIRST).await) > 0);
}

async fn assert_replayed(cluster: &Cluster, dataflow: &DataflowFile, expected: &Rows) {
    let runner = Runner::at(cluster.address()).dataflow(dataflow);
    runner.replay_into("again").run();
    let rows = harness::records(cluster, &format!("{TOPIC}-again")).await;
    oracle::assert_rows_equal(&oracle::last_revisions(&rows), expected, |_| 0.0);
    let rows = harness::records(cluster, &format!("{FIRST}-again")).await;
    let first = oracle::first_rarities(expected, 2);
    oracle::assert_rows_equal(&not_withdrawn(&rows), &first, |_| 0.0);
}

#[test]
fn an_error_in_a_table_names_its_line() {
    for (from, to, expected) in [
        (
            "key: id",
            "key: name",
            "`tables.items.key` is `name`: declare the column of the key",
        ),
        (
            "rarity: {type: text}",
            "rarity: {type: string}",
            "`tables.items.columns.rarity.type` is `string`: expected text",
        ),
        (
            "  rarity-revenue:\n",
            "  items:\n",
            "`derivations.items` is `items`: this is already the name of a table",
        ),
        (
            "JOIN items ON",
            "JOIN item ON",
            "unknown table `item`; did you mean `items`?",
        ),
        (
            "    key: id\n",
            "    retention: 7d\n    key: id\n",
            "unknown field `retention`",
        ),
    ] {
        let (tables, derivations) = guide();
        let yaml = format!("{tables}\nderivations:\n{derivations}");
        let yaml = yaml.replacen(from, to, 1);
        let (tables, derivations) = yaml.split_once("\nderivations:\n").unwrap();
        let file = DataflowFile::with_tables(tables, derivations);
        let refused = harness::try_run(&["dataflow", "--dataflow", &file.path()]);
        let error = String::from_utf8_lossy(&refused.stderr).into_owned();
        let names =
            !refused.status.success() && error.contains("line ") && error.contains(expected);
        assert!(names, "{error}");
    }
}

/// Returns a dataflow file with the table and the derivation of the guide.
fn dataflow() -> DataflowFile {
    let (tables, derivations) = guide();
    let shorter = derivations.replace("INTERVAL '10' SECOND", "INTERVAL '2' SECOND");
    assert_ne!(shorter, derivations);
    let derivations = [&shorter, SETTINGS, FIRST_RARITIES, SETTINGS].concat();
    DataflowFile::with_tables(tables, &derivations)
}

/// Returns the tables of the guide, and the lines of its derivations.
fn guide() -> (&'static str, &'static str) {
    let (_, section) = GUIDE.split_once("\n## Tables\n").unwrap();
    let (_, block) = section.split_once("```yaml\n").unwrap();
    let (block, _) = block.split_once("```").unwrap();
    block.split_once("\nderivations:\n").unwrap()
}

/// Writes rarities of items to the table. An item without one is deleted.
async fn write(cluster: &Cluster, rarities: &[(&str, Option<&str>)]) {
    let producer = cluster.producer("items").await.unwrap();
    for (item, rarity) in rarities {
        let value = rarity.map(|rarity| format!(r#"{{"id":"{item}","rarity":"{rarity}"}}"#));
        let value = value.unwrap_or_default().into_bytes();
        let _delivery = producer.send((*item).to_owned(), value).await.unwrap();
    }
    let _delivery = producer
        .send("broken".to_owned(), b"{".to_vec())
        .await
        .unwrap();
    producer.flush().await.unwrap();
}

async fn wait_for_rarity(cluster: &Cluster, rarity: &str) {
    let has_rarity = |rows: &[Value]| rows.iter().any(|row| row["rarity"] == rarity);
    harness::wait_for_derived(cluster, TOPIC, has_rarity).await;
}

/// Writes the first purchases again, whose windows are closed by now.
async fn repeat_the_first_purchases(cluster: &Cluster) {
    let records = harness::records(cluster, "purchase-events").await;
    let producer = cluster.producer("purchase-events").await.unwrap();
    for record in records.iter().take(20) {
        let key = String::from_utf8(record.key.as_deref().unwrap().to_vec()).unwrap();
        let _delivery = producer.send(key, record.value.to_vec()).await.unwrap();
    }
    producer.flush().await.unwrap();
}

/// Waits until the rows of [`FIRST`] that are not withdrawn are the expected ones.
async fn wait_for_first(cluster: &Cluster, expected: &Rows) {
    let deadline = Instant::now() + harness::WAIT_MAX;
    while let Err(difference) = oracle::compare_rows(
        &not_withdrawn(&harness::records(cluster, FIRST).await),
        expected,
        |_| 0.0,
    ) {
        assert!(Instant::now() < deadline, "{difference}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Returns the arguments of the command `sql` that asks the query of the derivation about all records.
fn ask<'a>(address: &'a str, dataflow: &'a DataflowFile, flags: &[&'a str]) -> Vec<&'a str> {
    let file = std::fs::read_to_string(dataflow.path()).unwrap();
    let (_, query) = file.split_once("sql: >\n").unwrap();
    let (query, _) = query.split_once("    idle_timeout").unwrap();
    let query = &*query.to_owned().leak();
    let path = &*dataflow.path().leak();
    let place = ["sql", query, "--cluster", address, "--dataflow", path];
    let output = ["--from", "beginning", "--output", "json"];
    [&place, &output[..], flags].concat()
}

/// Returns the rows that the command prints.
fn printed<'a>(lines: impl Iterator<Item = &'a str>) -> Rows {
    let row = |line: &str| {
        let row: Value = serde_json::from_str(line).unwrap();
        let start: jiff::Timestamp = row["window_start"].as_str().unwrap().parse().unwrap();
        let rarity = row["rarity"].as_str().unwrap_or("\\N");
        let key = format!("{rarity}|{}", row["currency"].as_str().unwrap());
        ((start.as_millisecond(), key), row)
    };
    lines.map(row).collect()
}
