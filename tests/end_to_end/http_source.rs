//! Tests `http-source` as a user runs it. It reads from the generator's web API with the example configurations, reads
//! from an endpoint that closes connections in the middle of a response, and writes to a cluster that is killed.

mod endpoint;
mod packed;
mod transforms;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use client::{Cluster, Record};
use data_generator::{World, WorldOptions};
use model::Timestamp;
use serde_json::Value;
use tempfile::TempDir;

use crate::commands::{Generator, Runner};
use crate::harness::{self, AnyCluster, LocalCluster, Running, path};
use endpoint::{Endpoint, Part};

const EXAMPLES: &str = "connectors/http-source/examples";
const EVENTS: u64 = 20_000;
const START: &str = "2026-03-01T00:00:00Z";

/// Writes one of the connector's example configurations to a file, with some of its text replaced.
fn example(folder: &Path, name: &str, replace: &[(&str, &str)]) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(EXAMPLES)
        .join(name);
    let mut text = std::fs::read_to_string(&source).unwrap();
    for (old, new) in replace {
        assert!(text.contains(old), "{name} has no `{old}`");
        text = text.replace(old, new);
    }
    written(folder, name, &text)
}

fn written(folder: &Path, name: &str, text: &str) -> PathBuf {
    let file = folder.join(name);
    std::fs::write(&file, text).unwrap();
    file
}

/// Counts how often each pair of key and value occurs.
fn contents(records: &[Record]) -> BTreeMap<(String, String), usize> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let mut contents = BTreeMap::new();
    for record in records {
        let key = record.key.as_deref().map(text).unwrap_or_default();
        *contents.entry((key, text(&record.value))).or_default() += 1;
    }
    contents
}

/// Returns the host and port on which a generator serves.
fn address(generator: &Running) -> String {
    let address = generator.line("serving: http://");
    address.strip_suffix("/stream_events").unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_web_api_streams_into_the_three_topics_and_derived_rows_follow() {
    let any = LocalCluster::start();
    let folder = TempDir::new().unwrap();
    let generator = Generator::serving()
        .events(EVENTS)
        .seed(7)
        .beginning_at(START)
        .start();
    let replace = [("127.0.0.1:8088", address(&generator))];
    let replace = replace.each_ref().map(|(old, new)| (*old, new.as_str()));
    let file = example(folder.path(), "game-events-stream.yaml", &replace);
    let pulled = harness::run(&[
        "http-source",
        path(&file),
        "--cluster",
        &any.address,
        "--once",
    ]);
    let printed = String::from_utf8(pulled.stdout).unwrap();
    let done =
        format!("done | received {EVENTS} | delivered {EVENTS} | rejected 0 | cut 0 | failures 0");
    assert!(printed.contains(&done), "{printed}");

    let cluster = Cluster::connect(Some(&any.address)).await.unwrap();
    let expected = contents_of_world();
    for (topic, expected) in &expected {
        let found = contents(&harness::records(&cluster, topic).await);
        assert!(
            found == *expected,
            "`{topic}` contains each event of the world once"
        );
    }

    let runner = Runner::at(&any.address).start();
    let players = expected["player-events"].values().sum::<usize>() as u64;
    let counted = |rows: &[Value]| {
        rows.iter()
            .map(|row| row["events"].as_u64().unwrap())
            .sum::<u64>()
    };
    harness::wait_for_derived(&cluster, "level-engagement", |rows| {
        counted(rows) == players
    })
    .await;
    runner.stop();
    let served = generator.stop();
    assert!(
        served.contains(&format!("player-events: {players} events")),
        "{served:?}"
    );
}

/// Returns the records of the world that the generator serves, by topic.
fn contents_of_world() -> BTreeMap<&'static str, BTreeMap<(String, String), usize>> {
    let world = WorldOptions {
        seed: 7,
        start_ms: Timestamp::parse(START).unwrap().as_millis(),
        rate: 1_000.0,
        broken: 0.0,
    };
    let mut contents = BTreeMap::<_, BTreeMap<_, _>>::new();
    for event in World::new(world).take(EVENTS as usize) {
        let value = String::from_utf8(event.value).unwrap();
        let of_topic = contents.entry(event.topic.name()).or_default();
        *of_topic.entry((event.key, value)).or_default() += 1;
    }
    contents
}

#[tokio::test(flavor = "multi_thread")]
async fn the_web_api_is_polled_for_each_kind() {
    const ENOUGH: usize = 5;
    let any = LocalCluster::start();
    let folder = TempDir::new().unwrap();
    let generator = Generator::serving().rate(500).start();
    let address = address(&generator);
    let topics = [
        ("player-events", "1s", "player_id"),
        ("purchase-events", "2s", "user_id"),
        ("server-metrics", "5s", "server_id"),
    ];
    let files = topics.map(|(topic, interval, _)| {
        let interval = format!("interval: {interval}");
        let replace = [
            ("127.0.0.1:8088", address.as_str()),
            (&interval, "interval: 20ms"),
        ];
        example(folder.path(), &format!("{topic}-poll.yaml"), &replace)
    });
    let mut args = vec!["http-source", "--cluster", &any.address];
    args.extend(files.iter().map(|file| path(file)));
    let source = Running::start(&args);
    let cluster = Cluster::connect(Some(&any.address)).await.unwrap();
    let deadline = Instant::now() + harness::WAIT_MAX;
    for (topic, ..) in topics {
        while harness::records(&cluster, topic).await.len() < ENOUGH {
            assert!(Instant::now() < deadline, "too few records in `{topic}`");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
    let lines = source.stop();
    for (topic, _, id) in topics {
        let records = harness::records(&cluster, topic).await;
        let summary = format!("{topic}-poll: {topic}: {} records", records.len());
        assert!(lines.contains(&summary), "{summary}: {lines:?}");
        assert!(
            contents(&records).values().all(|times| *times == 1),
            "each event once"
        );
        for record in &records {
            let event: Value = serde_json::from_slice(&record.value).unwrap();
            let about = [&event["parameters"][id], &event["user_data"][id]];
            let key = std::str::from_utf8(record.key.as_deref().unwrap()).unwrap();
            assert!(about.contains(&&Value::from(key)), "{key}: {event}");
        }
    }
}

fn record(number: usize) -> String {
    format!("{{\"number\":{number},\"text\":\"é\"}}\n")
}

/// Starts an endpoint that refuses, redirects, cuts connections in the middle of a record, and stops sending.
fn unruly_endpoint() -> Endpoint {
    let half = |number: usize| Part::Text(record(number)[..9].to_owned());
    let records = |numbers: std::ops::Range<usize>| Part::Text(numbers.map(record).collect());
    Endpoint::start(vec![
        vec![Part::Status("503 Busy")],
        vec![records(0..100), half(100), Part::Cut],
        vec![Part::Status("302 There")],
        vec![records(100..150), half(150), Part::Silence],
        vec![records(150..150), Part::Cut],
        vec![records(150..400), half(999), Part::End],
        vec![records(400..401), Part::Silence],
        vec![Part::Silence],
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_each_whole_record_of_an_unruly_endpoint_is_written_once() {
    let any = AnyCluster::start();
    let folder = TempDir::new().unwrap();
    let endpoint = unruly_endpoint();
    let secrets = written(folder.path(), "secrets", "TOKEN=hush-hush\n");
    let yaml = format!(
        "apiVersion: 0.1.0\n\
         meta: {{name: unruly, type: http-source, topic: unruly, secrets: [{{name: TOKEN}}]}}\n\
         http:\n  endpoint: http://{}/\n  stream: true\n  idle-timeout: 1s\n  \
         headers: [\"Authorization: Bearer ${{{{ secrets.TOKEN }}}}\"]\n",
        endpoint.address
    );
    let file = written(folder.path(), "unruly.yaml", &yaml);
    let args = [
        "http-source",
        path(&file),
        "--secrets",
        path(&secrets),
        "--cluster",
        any.address(),
    ];
    let source = Running::start(&args);
    let cluster = Cluster::connect(Some(any.address())).await.unwrap();
    // The last partial record is at the end of a complete response, so it counts as a record.
    let expected: Vec<String> = (0..400)
        .map(|number| record(number).trim_end().to_owned())
        .chain([
            record(999)[..9].to_owned(),
            record(400).trim_end().to_owned(),
        ])
        .collect();
    let deadline = Instant::now() + harness::WAIT_MAX;
    let found = loop {
        let found = harness::records(&cluster, "unruly").await;
        if found.len() >= expected.len() {
            break found;
        }
        assert!(Instant::now() < deadline, "{} records", found.len());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    let found: Vec<_> = found
        .iter()
        .map(|record| String::from_utf8_lossy(&record.value))
        .collect();
    assert_eq!(found, expected);
    let lines = source.stop().join("\n");
    assert!(
        lines.contains("received 402 | delivered 402 | rejected 0 | cut 2"),
        "{lines}"
    );
    assert!(!lines.contains("hush"), "{lines}");
    assert!(
        endpoint
            .requests()
            .iter()
            .all(|head| head.contains("authorization: Bearer hush-hush"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_received_record_is_lost_when_the_cluster_is_killed() {
    const RECORDS: usize = 30_000;
    let mut local = LocalCluster::start();
    let folder = TempDir::new().unwrap();
    let lines = |numbers: std::ops::Range<usize>| {
        Part::Text(numbers.map(|number| format!("record {number}\n")).collect())
    };
    let mut parts: Vec<Part> = (0..30)
        .map(|part| lines(part * 1_000..(part + 1) * 1_000))
        .collect();
    parts.insert(1, Part::Wait);
    parts.push(Part::Silence);
    let endpoint = Endpoint::start(vec![parts]);
    let yaml = format!(
        "meta: {{name: steady, type: http-source, topic: steady}}\n\
         http: {{endpoint: \"http://{}/\", stream: true, idle-timeout: 10m}}\n",
        endpoint.address
    );
    let file = written(folder.path(), "steady.yaml", &yaml);
    let source = Running::start(&["http-source", path(&file), "--cluster", &local.address]);
    // All records of the first part are acknowledged.
    source.line("steady: received 1000 | delivered 1000 |");
    local.kill();
    endpoint.go_on();
    // The remaining records are received and wait for the cluster.
    source.line(&format!("steady: received {RECORDS} | delivered 1000 |"));
    local.restart();
    let cluster = Cluster::connect(Some(&local.address)).await.unwrap();
    let deadline = Instant::now() + harness::WAIT_MAX;
    loop {
        let found = harness::records(&cluster, "steady").await;
        let distinct: BTreeSet<_> = found.iter().map(|record| &record.value).collect();
        if distinct.len() == RECORDS {
            break;
        }
        assert!(
            Instant::now() < deadline,
            "{} of {RECORDS} records",
            distinct.len()
        );
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let lines = source.stop().join("\n");
    let summary =
        format!("received {RECORDS} | delivered {RECORDS} | rejected 0 | cut 0 | failures 0");
    assert!(lines.contains(&summary), "{lines}");
}

#[tokio::test(flavor = "multi_thread")]
async fn records_without_a_topic_are_kept_with_their_reason() {
    let any = LocalCluster::start();
    let folder = TempDir::new().unwrap();
    let wrong = [
        "no JSON",
        r#"{"event_name":"unheard_of"}"#,
        r#"{"no":"name"}"#,
    ];
    let lines = Part::Text(wrong.join("\n\n") + "\n\n");
    let endpoint = Endpoint::start(vec![vec![lines, Part::End]]);
    let replace = [("127.0.0.1:8088", endpoint.address.as_str())];
    let file = example(folder.path(), "game-events-stream.yaml", &replace);
    harness::run(&[
        "http-source",
        path(&file),
        "--cluster",
        &any.address,
        "--once",
    ]);
    let cluster = Cluster::connect(Some(&any.address)).await.unwrap();
    let rows = harness::derived(&cluster, "rejected-events").await;
    let rejected: Vec<_> = rows
        .iter()
        .map(|row| {
            ["origin", "source", "reason", "payload"].map(|name| row[name].as_str().unwrap())
        })
        .collect();
    let expected = wrong
        .iter()
        .zip(["not_json", "out_of_range", "missing_field"]);
    let expected: Vec<_> = expected
        .map(|(payload, reason)| ["http-source", "game-events", reason, payload])
        .collect();
    assert_eq!(rejected, expected);
}

#[test]
fn a_typing_error_in_a_file_is_reported_with_its_line() {
    let folder = TempDir::new().unwrap();
    let file = example(
        folder.path(),
        "player-events-poll.yaml",
        &[("interval:", "intervall:")],
    );
    let output = harness::try_run(&["http-source", path(&file), "--check"]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(
        error.contains("line 14") && error.contains("did you mean `interval`?"),
        "{error}"
    );
}
