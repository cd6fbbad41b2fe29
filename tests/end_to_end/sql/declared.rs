//! Declares the source of the guide in a dataflow file, writes records to its topic, and asks about them.

use std::path::PathBuf;

use client::Cluster;
use tempfile::TempDir;

use super::{GUIDE, ask};
use crate::harness::{self, LocalCluster};

/// The fields of the records after their event time, one second apart. The last three do not fit the columns.
const RECORDS: [&str; 6] = [
    r#""match":{"id":"m1","duration":60},"region":"eu","prize":"12.50","teams":[{"hero":"a"},{"hero":"b"}]"#,
    r#""match":{"id":"m2","duration":90},"region":"eu","prize":0.05,"teams":[{"hero":"a"},{}]"#,
    r#""match":{"id":"m3"},"region":null,"teams":null"#,
    r#""match":{"id":"m4","duration":-1}"#,
    r#""match":{"duration":1}"#,
    r#""match":{"id":"m5"},"prize":0.001"#,
];

#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_declared_source_can_be_queried() {
    let (folder, node) = (TempDir::new().unwrap(), LocalCluster::start());
    let file = dataflow_file(&folder);
    let flags = ["--dataflow", harness::path(&file)];
    harness::run(&[&["provision", "--cluster", &node.address][..], &flags].concat());
    write(&node.address).await;

    let answer = |query: &str| answer(&node.address, &flags, query);
    let (rows, notes) = answer(
        r#"SELECT region, count(*) AS n, avg(duration_s) AS mean, sum(prize) AS prizes FROM "match-events"
           GROUP BY TUMBLE('10s'), region"#,
    );
    let bounds =
        r#"{"window_start":"2025-01-01T00:00:00.000Z","window_end":"2025-01-01T00:00:10.000Z""#;
    let expected = [
        format!(r#"{bounds},"region":"eu","n":2,"mean":75.0,"prizes":"12.55"}}"#),
        format!(r#"{bounds},"region":null,"n":1,"mean":null,"prizes":null}}"#),
    ];
    assert_eq!(rows, expected);
    let expected = [
        "2 rows from 3 records of match-events",
        "left out as missing_field: 1, the first in `match-events-0` at offset 4: `match_id`",
        "left out as out_of_range: 2, the first in `match-events-0` at offset 3: `duration_s`",
    ];
    assert_eq!(notes, expected);
    let (rows, _) = answer(
        r#"SELECT hero, count(*) AS picks FROM "match-events" CROSS JOIN unnest(heroes) AS t(hero) GROUP BY hero"#,
    );
    let expected = [
        r#"{"hero":"a","picks":2}"#,
        r#"{"hero":"b","picks":1}"#,
        r#"{"hero":null,"picks":1}"#,
    ];
    assert_eq!(rows, expected);
}

/// Returns the declaration of the guide, as lines of a dataflow file.
pub(crate) fn declaration() -> String {
    let (_, rest) = GUIDE.split_once("```yaml\n").unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

/// Writes a dataflow file that contains the declaration of the guide.
pub(crate) fn dataflow_file(folder: &TempDir) -> PathBuf {
    let declaration = declaration();
    let yaml = include_str!("../../../dataflow.yaml");
    let yaml = yaml.replacen("sources:\n", &format!("sources:\n{declaration}"), 1);
    let file = folder.path().join("dataflow.yaml");
    std::fs::write(&file, yaml).unwrap();
    file
}

async fn write(address: &str) {
    let cluster = Cluster::connect(Some(address)).await.unwrap();
    let producer = cluster.producer("match-events").await.unwrap();
    for (second, fields) in RECORDS.iter().enumerate() {
        let value = format!(r#"{{"sent_at":"2025-01-01T00:00:0{second}Z",{fields}}}"#);
        let sent = producer.send("key".to_owned(), value.into_bytes()).await;
        let _delivery = sent.unwrap(); // `flush` waits for all deliveries
    }
    producer.flush().await.unwrap();
}

/// Returns the rows, and the lines about what was read.
fn answer(address: &str, flags: &[&str], query: &str) -> (Vec<String>, Vec<String>) {
    let flags = [flags, &["--from", "beginning", "--output", "json"]].concat();
    let output = ask(address, query, &flags);
    let lines = |bytes: &[u8]| {
        String::from_utf8_lossy(bytes)
            .lines()
            .map(str::to_owned)
            .collect()
    };
    (lines(&output.stdout), lines(&output.stderr))
}
