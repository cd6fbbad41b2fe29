//! Tests that posted events are in their topics, byte for byte, once the response has arrived.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use crate::harness::{Api, node, player_event, purchase_event, server_metric};

const NDJSON: (&str, &str) = ("content-type", "application/x-ndjson");

#[tokio::test(flavor = "multi_thread")]
async fn events_of_every_body_format_are_written_unchanged() {
    let node = node().await;
    let api = Api::start(&node).await;
    let [one, two, three, four, five, six] =
        ["p1", "p2", "p3", "p4", "p5", "p6"].map(|player| player_event(player, 1).to_string());
    let answer = api.post("player-events", &one).await;
    let expected = json!({"accepted": 1, "rejected": 0, "rejections": []});
    assert_eq!((answer.status, answer.json()), (200, expected));
    let array = format!(" [{two}, {three}]\n");
    assert_eq!(
        api.post("player-events", &array).await.json()["accepted"],
        2
    );
    let lines = format!("{four}\r\n\n{five}\n");
    let posted = api
        .post_with("player-events", &[NDJSON], lines.as_bytes())
        .await;
    assert_eq!(posted.json()["accepted"], 2);
    let packed = [("content-encoding", "gzip")];
    let posted = api
        .post_with("player-events", &packed, &gzip(six.as_bytes()))
        .await;
    assert_eq!(posted.json()["accepted"], 1);
    let seven = player_event("p7", 1).to_string();
    let packed = [("content-encoding", "zstd"), NDJSON];
    let body = zstd::encode_all(seven.as_bytes(), 3).unwrap();
    let posted = api.post_with("player-events", &packed, &body).await;
    assert_eq!(posted.json()["accepted"], 1);
    let expected = [one, two, three, four, five, six, seven];
    let expected = (1..)
        .map(|n| format!("p{n}"))
        .zip(expected)
        .collect::<Vec<_>>();
    assert_eq!(node.texts("player-events").await, expected);
    api.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mixture_is_routed_by_name_and_an_invalid_record_fails_alone() {
    let node = node().await;
    let api = Api::start(&node).await;
    let (player, purchase, metric) = (
        player_event("p", 1),
        purchase_event("u"),
        server_metric("s"),
    );
    let mut lines = format!("{player}\n{{\"event_name\":\"transaction\"}}\n").into_bytes();
    lines.extend_from_slice(b"{\"event_name\":\"player_action\xff\"}\n");
    lines.extend(format!("{purchase}\nnonsense\n{metric}").into_bytes());
    let mut answer = api.post_with("events", &[NDJSON], &lines).await.json();
    // The response has a hint because one record is not an object.
    assert!(answer.as_object_mut().unwrap().remove("hint").is_some());
    let expected = json!({"accepted": 3, "rejected": 3, "rejections": [
        {"index": 1, "reason": "missing_field", "detail": "parameters.currency"},
        {"index": 2, "reason": "not_json", "detail": "record"},
        {"index": 4, "reason": "not_json", "detail": "record"}
    ]});
    assert_eq!(answer, expected);
    for (topic, key, event) in [
        ("player-events", "p", player),
        ("purchase-events", "u", purchase),
        ("server-metrics", "s", metric),
    ] {
        let expected = [(key.to_owned(), event.to_string())];
        assert_eq!(node.texts(topic).await, expected);
    }
    let kept: Vec<Value> = node
        .records("rejected-events")
        .await
        .iter()
        .map(|record| serde_json::from_slice(&record.value).unwrap())
        .collect();
    assert_eq!(kept.len(), 3);
    assert!(kept.iter().all(|kept| kept["origin"] == "web-api"));
    assert_eq!(kept[0]["payload"], "{\"event_name\":\"transaction\"}");
    assert_eq!(
        (&kept[0]["topic"], &kept[0]["index"]),
        (&json!("purchase-events"), &json!(1))
    );
    assert_eq!(
        kept[1]["payload_base64"],
        "eyJldmVudF9uYW1lIjoicGxheWVyX2FjdGlvbv8ifQ=="
    );
    assert_eq!(
        (&kept[2]["topic"], &kept[2]["payload"]),
        (&Value::Null, &json!("nonsense"))
    );
    api.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_metrics_and_documentation_are_served() {
    let node = node().await;
    let api = Api::start(&node).await;
    let event = player_event("p", 1).to_string();
    assert_eq!(api.post("player-events", &event).await.status, 200);
    let health = api.get("/health").await;
    assert_eq!(
        (health.status, &health.json()["status"]),
        (200, &json!("ok"))
    );
    let metrics = String::from_utf8(api.get("/metrics").await.body).unwrap();
    let count = "game_analytics_web_api_events_accepted_total{topic=\"player-events\"} 1\n";
    assert!(metrics.contains(count), "{metrics}");
    let document = api.get("/openapi.json").await.json();
    assert_eq!(document["openapi"], "3.1.0");
    let page = api.get("/docs/").await;
    assert_eq!(page.status, 200);
    let page = String::from_utf8(page.body).unwrap();
    assert!(
        !page.contains("https://"),
        "the page needs another server: {page}"
    );
    let script = api.get("/docs/swagger-ui-bundle.js").await;
    assert!(script.status == 200 && script.body.len() > 100_000);
    assert_eq!(
        api.get("/v2").await.problem(),
        (404, "no_such_path".to_owned())
    );
    let wrong = api.get("/v1/events").await;
    assert_eq!(wrong.problem(), (405, "no_such_method".to_owned()));
    assert_eq!(wrong.headers["allow"], "POST");
    api.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_requests_share_batches_and_are_all_written() {
    let node = node().await;
    let api = Api::start(&node).await;
    let posts = (0..200).map(|number| {
        let event = player_event(&format!("p{}", number % 7), number).to_string();
        let api = &api;
        async move { api.post("player-events", &event).await.status }
    });
    let statuses = futures_util::future::join_all(posts).await;
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    let mut numbers: Vec<u64> = node
        .records("player-events")
        .await
        .iter()
        .map(|record| serde_json::from_slice::<Value>(&record.value).unwrap())
        .map(|event| event["parameters"]["number"].as_u64().unwrap())
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, Vec::from_iter(0..200));
    api.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unusual_but_unambiguous_bodies_are_accepted() {
    let node = node().await;
    let api = Api::start(&node).await;
    let event = |player: &str| player_event(player, 1).to_string();
    let accepted = async |headers: &[(&str, &str)], body: &[u8]| {
        let answer = api.post_with("events", headers, body).await;
        answer.json()["accepted"].as_u64()
    };
    // Half of a surrogate pair, in an unused field and in a field that is used as a key.
    let cut = event("p1").replace("\"number\":1", r#""name":"\ud83d""#);
    assert_eq!(accepted(&[], cut.as_bytes()).await, Some(1));
    let key = event("p2").replace("\"p2\"", r#""p2\ud83d""#);
    assert_eq!(accepted(&[], key.as_bytes()).await, Some(1));
    let marked = format!("\u{feff}{}", event("p3"));
    assert_eq!(accepted(&[], marked.as_bytes()).await, Some(1));
    let lines = format!("\u{feff}{}\n\u{feff}{}\n", event("p4"), event("p5"));
    assert_eq!(accepted(&[NDJSON], lines.as_bytes()).await, Some(2));
    let packed = [("content-encoding", "gzip")];
    let padded = [gzip(event("p6").as_bytes()), vec![0; 512]].concat();
    assert_eq!(accepted(&packed, &padded).await, Some(1));
    let expected = [
        ("p1", cut),
        ("p2\u{fffd}", key),
        ("p3", event("p3")),
        ("p4", event("p4")),
        ("p5", event("p5")),
        ("p6", event("p6")),
    ];
    let mut found = node.texts("player-events").await;
    found.sort();
    let mut expected = expected.map(|(key, text)| (key.to_owned(), text));
    expected.sort();
    assert_eq!(found, expected);
    api.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_other_sdks_are_kept_and_their_sender_gets_a_hint() {
    let node = node().await;
    let api = Api::start(&node).await;
    let segment = r#"{"batch":[{"type":"track","event":"Level Up","userId":"u"}]}"#;
    for topic in ["events", "player-events"] {
        let answer = api.post(topic, segment).await.json();
        let rejections = json!([{"index": 0, "reason": "missing_field", "detail": "event_name"}]);
        assert_eq!(answer["rejections"], rejections);
        let hint = answer["hint"].as_str().unwrap();
        for named in [
            "event_name",
            "player_action",
            "application/x-ndjson",
            "sent_at",
            "/docs",
        ] {
            assert!(hint.contains(named), "{hint}");
        }
    }
    let kept = node.records("rejected-events").await;
    let kept: Value = serde_json::from_slice(&kept[1].value).unwrap();
    assert_eq!(kept["payload"], segment);
    let document = api.get("/openapi.json").await.json();
    let described = document["info"]["description"].as_str().unwrap();
    assert!(described.contains("Segment") && described.contains("parameters.event_type"));
    api.stop().await;
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}
