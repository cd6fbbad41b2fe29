//! The HTTP source as a user runs it, with the configuration files that come with it: from the generator's web API,
//! from an endpoint that breaks off, and into a cluster that goes away.

mod endpoint;
mod transforms;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use client::{Cluster, Record};
use data_generator::{World, WorldOptions};
use model::Timestamp;
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{self, AnyCluster, LocalCluster, Running, path};
use endpoint::{Endpoint, Part};

const EXAMPLES: &str = "connectors/http-source/examples";
const EVENTS: usize = 20_000;
const START: &str = "2026-03-01T00:00:00Z";

/// A configuration file that comes with the connector, with some of its text replaced.
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

/// Keys and values, however often each stands.
fn contents(records: &[Record]) -> BTreeMap<(String, String), usize> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let mut contents = BTreeMap::new();
    for record in records {
        let key = record.key.as_deref().map(text).unwrap_or_default();
        *contents.entry((key, text(&record.value))).or_default() += 1;
    }
    contents
}

/// The host and port that a generator serves on.
fn address(generator: &Running) -> String {
    let address = generator.line("serving: http://");
    address.strip_suffix("/stream_events").unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_web_api_streams_into_the_three_topics_and_derived_rows_follow() {
    let any = LocalCluster::start();
    let folder = TempDir::new().unwrap();
    let events = EVENTS.to_string();
    let generator = Running::start(&[
        "generate",
        "--serve",
        "127.0.0.1:0",
        "--events",
        &events,
        "--seed",
        "7",
        "--start",
        START,
    ]);
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
    let mut expected = BTreeMap::<&str, BTreeMap<(String, String), usize>>::new();
    let world = WorldOptions {
        seed: 7,
        start_ms: Timestamp::parse(START).unwrap().as_millis(),
        rate: 1_000.0,
        broken: 0.0,
    };
    for event in World::new(world).take(EVENTS) {
        let value = String::from_utf8(event.value).unwrap();
        let of_topic = expected.entry(event.topic.name()).or_default();
        *of_topic.entry((event.key, value)).or_default() += 1;
    }
    for (topic, expected) in &expected {
        let found = contents(&harness::records(&cluster, topic).await);
        assert!(
            found == *expected,
            "`{topic}` holds what the world said, once"
        );
    }

    let runner = Running::start(&["run", "--cluster", &any.address]);
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

#[tokio::test(flavor = "multi_thread")]
async fn the_web_api_is_polled_for_each_kind() {
    const ENOUGH: usize = 5;
    let any = LocalCluster::start();
    let folder = TempDir::new().unwrap();
    let generator = Running::start(&["generate", "--serve", "127.0.0.1:0", "--rate", "500"]);
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
    let deadline = Instant::now() + harness::patience();
    for (topic, ..) in topics {
        while harness::records(&cluster, topic).await.len() < ENOUGH {
            assert!(Instant::now() < deadline, "too few records in `{topic}`");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
    let lines = source.stop();
    for (topic, _, id) in topics {
        let records = harness::records(&cluster, topic).await;
        let told = format!("{topic}-poll: {topic}: {} records", records.len());
        assert!(lines.contains(&told), "{told}: {lines:?}");
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

#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_what_an_unruly_endpoint_sent_whole_stands_once() {
    let any = AnyCluster::start();
    let folder = TempDir::new().unwrap();
    let record = |number: usize| format!("{{\"number\":{number},\"text\":\"é\"}}\n");
    let half = |number: usize| Part::Text(record(number)[..9].to_owned());
    let records = |numbers: std::ops::Range<usize>| Part::Text(numbers.map(record).collect());
    let endpoint = Endpoint::start(vec![
        vec![Part::Status("503 Busy")],
        vec![records(0..100), half(100), Part::Cut],
        vec![Part::Status("302 There")],
        vec![records(100..150), half(150), Part::Silence],
        vec![records(150..150), Part::Cut],
        vec![records(150..400), half(999), Part::End],
        vec![records(400..401), Part::Silence],
        vec![Part::Silence],
    ]);
    let secrets = written(folder.path(), "secrets", "TOKEN=hush-hush\n");
    let yaml = format!(
        "apiVersion: 0.1.0\nmeta: {{name: unruly, type: http-source, topic: unruly, secrets: [{{name: TOKEN}}]}}\nhttp:\n  \
         endpoint: http://{}/\n  stream: true\n  idle-timeout: 1s\n  headers: [\"Authorization: Bearer ${{{{ secrets.TOKEN }}}}\"]\n",
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
    // The last half came with the end of an answer that says itself that it is whole.
    let expected: Vec<String> = (0..400)
        .map(|number| record(number).trim_end().to_owned())
        .chain([
            record(999)[..9].to_owned(),
            record(400).trim_end().to_owned(),
        ])
        .collect();
    let deadline = Instant::now() + harness::patience();
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
async fn nothing_that_was_received_is_lost_with_the_cluster() {
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
        "meta: {{name: steady, type: http-source, topic: steady}}\nhttp: {{endpoint: \"http://{}/\", stream: true, idle-timeout: 10m}}\n",
        endpoint.address
    );
    let file = written(folder.path(), "steady.yaml", &yaml);
    let source = Running::start(&["http-source", path(&file), "--cluster", &local.address]);
    // The first part has been acknowledged, all of it.
    source.line("steady: received 1000 | delivered 1000 |");
    local.kill();
    endpoint.go_on();
    // All the rest has come, and waits.
    source.line(&format!("steady: received {RECORDS} | delivered 1000 |"));
    local.restart();
    let cluster = Cluster::connect(Some(&local.address)).await.unwrap();
    let deadline = Instant::now() + harness::patience();
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
    let told =
        format!("received {RECORDS} | delivered {RECORDS} | rejected 0 | cut 0 | failures 0");
    assert!(lines.contains(&told), "{lines}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_topic_is_kept_with_its_reason() {
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
    let told: Vec<_> = rows
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
    assert_eq!(told, expected);
}

#[test]
fn a_slip_in_a_file_is_told_with_its_line() {
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
