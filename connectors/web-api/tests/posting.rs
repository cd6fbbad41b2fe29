//! What is posted stands in its topic, byte by byte, once the answer says so.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use crate::harness::{Api, node, player_event, purchase_event, server_metric};

const NDJSON: (&str, &str) = ("content-type", "application/x-ndjson");

#[tokio::test(flavor = "multi_thread")]
async fn every_form_of_a_body_ends_up_in_the_topic_as_it_was() {
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
async fn a_mixture_is_sorted_and_a_bad_record_fails_alone() {
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
    let answer = api.post_with("events", &[NDJSON], &lines).await.json();
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
async fn what_operators_and_newcomers_ask_for_is_there() {
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
async fn many_at_once_share_batches_and_all_arrive() {
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

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}
