//! Posts records of declared sources, reads them back, asks about them, and compares the schema in the OpenAPI document
//! with the web API's checks.

use std::net::SocketAddr;
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
pub(super) const LAPS: &str = r#"
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

pub(super) fn with_source(folder: &TempDir, declaration: &str) -> PathBuf {
    let yaml = include_str!("../../../dataflow.yaml");
    let declaration = format!("sources:{declaration}");
    let file = folder.path().join("dataflow.yaml");
    std::fs::write(&file, yaml.replacen("sources:\n", &declaration, 1)).unwrap();
    file
}

const VALID: [&str; 2] = [
    r#"{"sent_at":"2025-01-01T00:00:00Z","match":{"id":"m1","duration":60},"region":"eu","prize":"12.50"}"#,
    r#"{"sent_at":"2025-01-01T00:00:01Z", "match":{"id":"m2","duration":9e1}, "region":"eu", "more":[1.50]}"#,
];

/// Records that are rejected, with the reason and the detail.
const INVALID: [(&str, &str, &str); 3] = [
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

/// An event that is routed by its name.
const NAMED: &str =
    r#"{"event_name":"match_end","sent_at":"2025-01-01T00:00:03Z","match":{"id":"m5"}}"#;

#[tokio::test(flavor = "multi_thread")]
async fn records_of_a_declared_source_are_posted_read_and_queried() {
    let (folder, node) = (TempDir::new().unwrap(), LocalCluster::start());
    let declaration = declared::declaration() + "    event_names: [match_end]\n";
    let file = with_source(&folder, &format!("\n{declaration}"));
    let (file, keys) = (harness::path(&file), folder.path().join("keys.json"));
    let keys = harness::path(&keys);
    let add = [
        "keys",
        "add",
        "--keys",
        keys,
        "--game",
        "chess",
        "--topic",
        "match-events",
    ];
    let key = harness::run(&[&add[..], &["--dataflow", file]].concat());
    let key = format!("Bearer {}", String::from_utf8(key.stdout).unwrap().trim());
    let args = [
        "web-api",
        "--cluster",
        &node.address,
        "--dataflow",
        file,
        "--keys",
        keys,
    ];
    let web_api = Running::start(&args);
    post(web_api.line("web-api: http://").parse().unwrap(), &key).await;
    web_api.stop();

    let cluster = Cluster::connect(Some(&node.address)).await.unwrap();
    assert_written(&cluster).await;
    assert_answered(&node.address, file);
}

/// Posts all records, and checks the responses.
async fn post(address: SocketAddr, key: &str) {
    let records: Vec<_> = VALID
        .into_iter()
        .chain(INVALID.map(|(text, ..)| text))
        .collect();
    let body = format!("[{}]", records.join(","));
    let post = async |line: &str, body: &str| {
        let headers = [("authorization", key)];
        http::request(address, line, &headers, body.as_bytes()).await
    };
    let answer = post("POST /v1/sources/match-events", &body).await.json();
    let rejections = (2..).zip(INVALID).map(
        |(index, (_, reason, detail))| json!({"index": index, "reason": reason, "detail": detail}),
    );
    let rejections: Vec<_> = rejections.collect();
    let expected = json!({"accepted": 2, "rejected": 3, "rejections": rejections});
    assert_eq!(answer, expected);
    let answer = post("POST /v1/events", NAMED).await;
    assert_eq!(answer.json()["accepted"], 1);
    let answer = post("POST /v1/sources/player-events", "{}").await;
    assert_eq!(answer.problem(), (403, "wrong_topic".to_owned()));
}

/// Checks the records in the topic and in `rejected-events`.
async fn assert_written(cluster: &Cluster) {
    let found = harness::records(cluster, "match-events").await;
    let found: Vec<_> = found
        .iter()
        .map(|record| (record.key.as_deref().unwrap(), &record.value[..]))
        .collect();
    let expected = [("m1", VALID[0]), ("m2", VALID[1]), ("m5", NAMED)];
    let expected = expected.map(|(key, value)| (key.as_bytes(), value.as_bytes()));
    assert_eq!(found, expected);
    let kept = harness::derived(cluster, "rejected-events").await;
    assert_eq!(kept.len(), INVALID.len());
    for (kept, (payload, reason, detail)) in kept.iter().zip(INVALID) {
        let found =
            ["topic", "payload", "reason", "detail"].map(|field| kept[field].as_str().unwrap());
        assert_eq!(found, ["match-events", payload, reason, detail]);
    }
}

/// Asks about the records, and checks the rows.
fn assert_answered(cluster: &str, file: &str) {
    let query = r#"SELECT region, count(*) AS n, avg(duration_s) AS mean, sum(prize) AS prizes FROM "match-events"
                   GROUP BY region"#;
    let args = ["sql", query, "--cluster", cluster, "--dataflow", file];
    let flags = ["--from", "beginning", "--output", "json"];
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
    let expected =
        "line 7: `sources.a.event_names` is `transaction`: events with this name belong to";
    assert!(
        !output.status.success() && error.contains(expected),
        "{error}"
    );
}
