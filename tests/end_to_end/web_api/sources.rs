//! Posts records of declared sources, reads them back, asks about them, and compares the schema in the OpenAPI document
//! with the web API's checks.

use std::path::PathBuf;
use std::process::Command;

use client::Cluster;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::http;
use crate::harness::{self, LocalCluster, Running};
use crate::sql::declared;

const SCHEMA_AGREEMENT: &str = include_str!("schema_agreement.py");

/// A source with columns of every type.
const LAPS: &str = r#"
  laps:
    key: meta.id
    event_time: meta.at
    columns:
      name: {type: text, required: true}
      lap: {path: lap.number, type: bigint, required: true, min: 0, max: 99}
      seconds: {path: lap.seconds, type: double, min: -0.5, max: 60}
      total: {type: bigint}
      fee: {type: "decimal(5,2)"}
      points: {type: "decimal(3,0)"}
      share: {type: "decimal(3,3)"}
      won: {type: boolean}
      ended: {type: timestamp}
      heroes: {path: "teams[].hero", type: text}
      kills: {path: "teams[].kills", type: bigint}
      tags: {path: "tags[]", type: text}
"#;

fn with_source(folder: &TempDir, declaration: &str) -> PathBuf {
    let yaml = include_str!("../../../dataflow.yaml");
    let declaration = format!("sources:{declaration}");
    let file = folder.path().join("dataflow.yaml");
    std::fs::write(&file, yaml.replacen("sources:\n", &declaration, 1)).unwrap();
    file
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_a_declared_source_are_posted_read_and_queried() {
    let (folder, node) = (TempDir::new().unwrap(), LocalCluster::start());
    let declaration = declared::declaration() + "    event_names: [match_end]\n";
    let file = with_source(&folder, &format!("\n{declaration}"));
    let flags = ["--dataflow", harness::path(&file)];
    let web_api = Running::start(&[&["web-api", "--cluster", &node.address][..], &flags].concat());
    let address = web_api.line("web-api: http://").parse().unwrap();

    let valid = [
        r#"{"sent_at":"2025-01-01T00:00:00Z","match":{"id":"m1","duration":60},"region":"eu","prize":"12.50"}"#,
        r#"{"sent_at":"2025-01-01T00:00:01Z", "match":{"id":"m2","duration":9e1}, "region":"eu", "more":[1.50]}"#,
    ];
    let invalid = [
        (
            r#"{"sent_at":"2025-01-01T00:00:02Z","match":{}}"#,
            "missing_field",
            "match_id",
        ),
        (
            r#"{"sent_at":"today","match":{"id":"m3"}}"#,
            "invalid_timestamp",
            "sent_at",
        ),
        (
            r#"{"sent_at":"2025-01-01T00:00:02Z","match":{"id":"m4","duration":-1}}"#,
            "out_of_range",
            "duration_s",
        ),
    ];
    let records: Vec<_> = valid
        .into_iter()
        .chain(invalid.map(|(text, ..)| text))
        .collect();
    let body = format!("[{}]", records.join(","));
    let line = "POST /v1/sources/match-events";
    let answer = http::request(address, line, &[], body.as_bytes())
        .await
        .json();
    let rejections = (2..).zip(invalid).map(
        |(index, (_, reason, detail))| json!({"index": index, "reason": reason, "detail": detail}),
    );
    let rejections: Vec<_> = rejections.collect();
    assert_eq!(
        answer,
        json!({"accepted": 2, "rejected": 3, "rejections": rejections})
    );
    let named =
        r#"{"event_name":"match_end","sent_at":"2025-01-01T00:00:03Z","match":{"id":"m5"}}"#;
    let answer = http::request(address, "POST /v1/events", &[], named.as_bytes()).await;
    assert_eq!(answer.json()["accepted"], 1);

    let cluster = Cluster::connect(Some(&node.address)).await.unwrap();
    let found = harness::records(&cluster, "match-events").await;
    let found: Vec<_> = found
        .iter()
        .map(|record| (record.key.as_deref().unwrap(), &record.value[..]))
        .collect();
    let expected = [("m1", valid[0]), ("m2", valid[1]), ("m5", named)];
    assert_eq!(
        found,
        expected.map(|(key, value)| (key.as_bytes(), value.as_bytes()))
    );
    let kept = harness::derived(&cluster, "rejected-events").await;
    assert_eq!(kept.len(), invalid.len());
    for (kept, (payload, reason, detail)) in kept.iter().zip(invalid) {
        let found =
            ["topic", "payload", "reason", "detail"].map(|field| kept[field].as_str().unwrap());
        assert_eq!(found, ["match-events", payload, reason, detail]);
    }
    web_api.stop();

    let query = r#"SELECT region, count(*) AS n, avg(duration_s) AS mean, sum(prize) AS prizes FROM "match-events"
                   GROUP BY region"#;
    let args = [
        "sql",
        query,
        "--cluster",
        &node.address,
        "--from",
        "beginning",
        "--output",
        "json",
    ];
    let output = harness::run(&[&args[..], &flags].concat());
    let rows = String::from_utf8(output.stdout).unwrap();
    let rows: Vec<Value> = rows
        .lines()
        .map(|row| serde_json::from_str(row).unwrap())
        .collect();
    let expected = [
        json!({"region": "eu", "n": 2, "mean": 75.0, "prizes": "12.50"}),
        json!({"region": null, "n": 1, "mean": null, "prizes": null}),
    ];
    assert_eq!(rows, expected);
}

#[test]
fn the_schema_of_a_source_accepts_the_records_that_the_web_api_accepts() {
    let (folder, node) = (TempDir::new().unwrap(), LocalCluster::start());
    let file = with_source(&folder, LAPS);
    let args = [
        "web-api",
        "--cluster",
        &node.address,
        "--dataflow",
        harness::path(&file),
    ];
    let web_api = Running::start(&args);
    let address = web_api.line("web-api: ");
    let output = Command::new(harness::python())
        .args(["-c", SCHEMA_AGREEMENT, &address, "laps"])
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let counts = String::from_utf8(output.stdout).unwrap();
    let counts: Vec<u32> = counts
        .split_whitespace()
        .map(|count| count.parse().unwrap())
        .collect();
    assert!(counts.iter().all(|count| *count > 100), "{counts:?}");
    web_api.stop();
}

#[test]
fn event_names_that_clash_are_refused_with_their_line() {
    let folder = TempDir::new().unwrap();
    let clash = "\n  a:\n    key: id\n    event_names: [end, transaction]\n";
    let file = with_source(&folder, clash);
    let output = harness::try_run(&["dataflow", "--dataflow", harness::path(&file)]);
    let error = String::from_utf8_lossy(&output.stderr);
    let expected = "line 7: `sources.a.event_names` is `transaction`: events with this name belong to `purchase-events`";
    assert!(
        !output.status.success() && error.contains(expected),
        "{error}"
    );
}
