//! Records of declared sources: their checks, keys, routing by name, and permissions.

use model::Timestamp;
use serde_json::{Value, json};
use sql::{Column, SqlType};
use tempfile::TempDir;
use web_api::{Access, DeclaredSource, KeyFile, NewKey, Options, Sources};

use crate::harness::{Api, Node, player_event};

const TOPIC: &str = "match-events";
const NDJSON: (&str, &str) = ("content-type", "application/x-ndjson");

async fn node() -> Node {
    let topics = [("player-events", 2), (TOPIC, 2)];
    Node::start(topics).await
}

fn sources() -> Sources {
    let mut columns = vec![
        Column::new("match_id", "match.id", SqlType::Text).unwrap(),
        Column::new("duration_s", "match.duration", SqlType::Double).unwrap(),
    ];
    columns[0].required = true;
    columns[1].range = (Some(0.0), None);
    let matches = DeclaredSource {
        columns: sql::Source::new(TOPIC, "match.id", "meta.at", columns).unwrap(),
        key: "match.id".to_owned(),
        event_names: vec!["match_end".to_owned(), "match_start".to_owned()],
    };
    let players = DeclaredSource {
        columns: sql::Source::new("player-events", "id", "event_timestamp", Vec::new()).unwrap(),
        key: "id".to_owned(),
        event_names: Vec::new(),
    };
    Sources::new(vec![matches, players]).unwrap()
}

async fn api(node: &Node, access: Access) -> Api {
    let mut options = Options::new(node.cluster().await, access);
    options.sources = sources();
    options.correct_clocks = true;
    Api::with_options(options).await
}

fn record(id: &str) -> String {
    format!(
        r#"{{"meta":{{"at":"2024-11-12T10:15:30Z"}}, "match":{{"id":"{id}","duration":1e1}},"more":[1.50]}}"#
    )
}

/// Records that are rejected, with the reason and the detail.
const FAULTY: [(&str, &str, &str); 7] = [
    (r#"{"match":{"id":"m"}}"#, "missing_field", "at"),
    (
        r#"{"meta":{"at":"2024-11-12T10:15:30Z"},"match":{}}"#,
        "missing_field",
        "match_id",
    ),
    (
        r#"{"meta":{"at":"2024-11-12T10:15:30Z"},"match":{"id":""}}"#,
        "out_of_range",
        "match_id",
    ),
    (
        r#"{"meta":{"at":"2024-11-12T10:15:30Z"},"match":{"id":"m","duration":-1}}"#,
        "out_of_range",
        "duration_s",
    ),
    (
        r#"{"meta":{"at":"2024-11-12"},"match":{"id":"m"}}"#,
        "invalid_timestamp",
        "at",
    ),
    (
        r#"{"meta":{"at":1},"match":{"id":"m"}}"#,
        "wrong_type",
        "at",
    ),
    ("[]", "not_json", "record"),
];

#[tokio::test(flavor = "multi_thread")]
async fn records_are_checked_keyed_and_written_unchanged() {
    let node = node().await;
    let api = api(&node, Access::Loopback).await;
    let valid = ["m1", "m2", "m3"].map(record);
    let mut lines = format!("{}\n", valid[0]);
    for (line, _, _) in FAULTY {
        lines += &format!("{line}\n");
    }
    let path = "sources/match-events";
    let headers = [NDJSON, ("idempotency-key", "k")];
    for is_replay in [false, true] {
        let answer = api.post_with(path, &headers, lines.as_bytes()).await;
        assert_eq!(
            answer.headers.contains_key("idempotency-replayed"),
            is_replay
        );
        let answer = answer.json();
        let rejections: Vec<_> = (1..)
            .zip(FAULTY)
            .map(|(index, (_, reason, detail))| {
                json!({"index": index, "reason": reason, "detail": detail})
            })
            .collect();
        assert_eq!(answer["rejections"], json!(rejections));
        let hint = answer["hint"].as_str().unwrap();
        assert!(hint.contains("`match-events` in /openapi.json"), "{hint}");
    }
    let array = format!("[{}]", valid[1]);
    assert_eq!(api.post(path, &array).await.json()["accepted"], 1);
    let wrapped = format!(r#"{{"events":[{}]}}"#, valid[2]);
    assert_eq!(api.post(path, &wrapped).await.json()["accepted"], 1);
    let expected = ["m1", "m2", "m3"].map(|id| (id.to_owned(), record(id)));
    assert_eq!(node.texts(TOPIC).await, expected);
    assert_kept(&node).await;
    let metrics = String::from_utf8(api.get("/metrics").await.body).unwrap();
    for line in [
        "events_accepted_total{topic=\"match-events\"} 3",
        "requests_total{path=\"/v1/sources/match-events\",status=\"200\"} 4",
        "queued_requests{topic=\"match-events\"} 0",
    ] {
        assert!(metrics.contains(line), "{line} in\n{metrics}");
    }
    api.stop().await;
}

/// Checks that `rejected-events` contains the faulty records.
async fn assert_kept(node: &Node) {
    let kept = node.records("rejected-events").await;
    assert_eq!(kept.len(), FAULTY.len());
    for (kept, (payload, reason, detail)) in kept.iter().zip(FAULTY) {
        let kept: Value = serde_json::from_slice(&kept.value).unwrap();
        let found = ["topic", "payload", "reason", "detail"].map(|field| kept[field].clone());
        assert_eq!(
            found,
            [TOPIC, payload, reason, detail].map(|text| json!(text))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn built_in_sources_keep_their_checks_and_unknown_ones_are_named() {
    let node = node().await;
    let api = api(&node, Access::Loopback).await;
    let player = player_event("p", 1).to_string();
    let body = format!("[{player},{}]", record("m"));
    let answer = api.post("sources/player-events", &body).await.json();
    let rejections = json!([
        {"index": 1, "reason": "missing_field", "detail": "event_name"}
    ]);
    assert_eq!(
        (&answer["accepted"], &answer["rejections"]),
        (&json!(1), &rejections)
    );
    assert_eq!(
        node.texts("player-events").await,
        [("p".to_owned(), player)]
    );
    // The dataflow file of this test does not declare `server-metrics`.
    for path in [
        "sources/nonsense",
        "sources/rejected-events",
        "server-metrics",
    ] {
        let answer = api.post(path, &record("m")).await;
        assert_eq!(answer.problem(), (404, "no_such_source".to_owned()));
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        let known = "is not a source; the dataflow file declares `match-events`, `player-events`";
        assert!(detail.ends_with(known), "{detail}");
    }
    let metrics = String::from_utf8(api.get("/metrics").await.body).unwrap();
    let line = "requests_total{path=\"/v1/sources/{source}\",status=\"404\"} 2";
    assert!(metrics.contains(line), "{metrics}");
    api.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_routed_by_the_declared_names() {
    let node = node().await;
    let api = api(&node, Access::Loopback).await;
    let named = |name: &str| record("m").replacen('{', &format!(r#"{{"event_name":"{name}","#), 1);
    let player = player_event("p", 1).to_string();
    let records = [
        &named("match_end"),
        &player,
        &named("match_start"),
        &named("other"),
    ];
    let body = format!("[{}]", records.map(String::as_str).join(","));
    let answer = api.post("events", &body).await.json();
    let rejections = json!([{"index": 3, "reason": "out_of_range", "detail": "event_name"}]);
    assert_eq!(
        (&answer["accepted"], &answer["rejections"]),
        (&json!(3), &rejections)
    );
    let hint = answer["hint"].as_str().unwrap();
    assert!(
        hint.contains("(`match_end`, `match_start`, `player_action`)"),
        "{hint}"
    );
    let expected = ["match_end", "match_start"].map(|name| ("m".to_owned(), named(name)));
    assert_eq!(node.texts(TOPIC).await, expected);
    assert_eq!(
        node.texts("player-events").await,
        [("p".to_owned(), player)]
    );
    api.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_clock_is_corrected_at_the_event_time_of_the_source() {
    let node = node().await;
    let api = api(&node, Access::Loopback).await;
    let body = format!(
        r#"{{"sent_at":"2024-11-12T10:15:30Z","events":[{}]}}"#,
        record("m")
    );
    assert_eq!(
        api.post("sources/match-events", &body).await.json()["accepted"],
        1
    );
    let (_, text) = node.texts(TOPIC).await.remove(0);
    let found: Value = serde_json::from_str(&text).unwrap();
    let correction_ms = found["clock_correction_ms"].as_i64().unwrap();
    assert_eq!(found["event_timestamp_sent"], "2024-11-12T10:15:30Z");
    let sent = Timestamp::parse("2024-11-12T10:15:30Z").unwrap();
    let corrected = sent.plus_ms(correction_ms).to_string();
    assert_eq!(found["meta"]["at"], corrected);
    assert_eq!(found["more"], json!([1.50]));
    api.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_permits_its_sources_only() {
    let node = node().await;
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("keys.json");
    let add = |topics: &[&str]| {
        let new = NewKey {
            game_id: "default".to_owned(),
            topics: topics.iter().map(|topic| (*topic).to_owned()).collect(),
            events_per_second: 1_000,
        };
        KeyFile::add(&path, new, &sources(), Timestamp::from_millis(0))
    };
    let error = add(&["server-metrics"]).unwrap_err().to_string();
    assert!(
        error.contains("choose one of match-events, player-events"),
        "{error}"
    );
    let [players, matches, all] =
        [&["player-events"][..], &[TOPIC], &[]].map(|topics| add(topics).unwrap());
    let api = api(&node, Access::Keys(path.clone())).await;
    let post = async |path: &str, key: &str| {
        let bearer = format!("Bearer {key}");
        let body = record("m").replacen('{', r#"{"event_name":"match_end","#, 1);
        let headers = [("authorization", bearer.as_str())];
        api.post_with(path, &headers, body.as_bytes()).await
    };
    for path in ["sources/match-events", "events"] {
        let answer = post(path, &players).await;
        assert_eq!(answer.problem(), (403, "wrong_topic".to_owned()));
        assert_eq!(post(path, &matches).await.json()["accepted"], 1);
        assert_eq!(post(path, &all).await.json()["accepted"], 1);
        assert_eq!(api.post(path, "{}").await.status, 401);
    }
    assert_eq!(node.texts(TOPIC).await.len(), 4);
    api.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journal_may_name_sources_that_are_not_declared_any_more() {
    let node = node().await;
    let headers = [("idempotency-key", "k")];
    let body = record("m");
    let before = api(&node, Access::Loopback).await;
    let answer = before.post_with("sources/match-events", &headers, body.as_bytes());
    assert_eq!(answer.await.json()["accepted"], 1);
    before.stop().await;
    let mut options = Options::new(node.cluster().await, Access::Loopback);
    options.sources = Sources::new(Vec::new()).unwrap();
    let without = Api::with_options(options).await;
    assert_eq!(
        without.post("sources/match-events", &body).await.status,
        404
    );
    without.stop().await;
    let after = api(&node, Access::Loopback).await;
    let answer = after.post_with("sources/match-events", &headers, body.as_bytes());
    assert!(answer.await.headers.contains_key("idempotency-replayed"));
    assert_eq!(node.texts(TOPIC).await.len(), 1);
    after.stop().await;
}
