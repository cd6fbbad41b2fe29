//! Senders whose clocks are wrong: the web API corrects their event times by means of `sent_at`.

use std::time::{SystemTime, UNIX_EPOCH};

use futures_util::future::join_all;
use model::Timestamp;
use serde_json::{Value, json};
use web_api::{Access, Options};

use crate::harness::{Api, Node, node, player_event, wait_until};
use crate::http::Response;

const TOPIC: &str = "player-events";
const HOUR_MS: i64 = 3_600_000;
/// The longest time that the tests allow from the creation of a `sent_at` to the arrival of its request. It is long
/// because the machine may be slow.
const SLOW_MS: i64 = 60_000;

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_millis(since.as_millis() as i64)
}

async fn correcting(node: &Node) -> Api {
    let mut options = Options::new(node.cluster().await, Access::Loopback);
    options.correct_clocks = true;
    Api::with_options(options).await
}

/// Returns an event at this time, with an unknown field.
fn event(player: &str, time: Timestamp) -> Value {
    let mut event = player_event(player, 1);
    event["event_timestamp"] = json!(time);
    event["unknown"] = json!({"kept": [1.50, null]});
    event
}

fn sent(time: Timestamp, events: &[Value]) -> String {
    json!({"sent_at": time, "events": events}).to_string()
}

async fn found(node: &Node) -> Vec<Value> {
    let records = node.records(TOPIC).await;
    let read = |record: &_| serde_json::from_slice(record).unwrap();
    records.iter().map(|record| read(&record.value)).collect()
}

fn time(value: &Value) -> Timestamp {
    Timestamp::parse(value.as_str().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_wrong_clock_are_corrected_and_contain_the_correction() {
    let node = node().await;
    let api = correcting(&node).await;
    for offset_ms in [HOUR_MS, -HOUR_MS] {
        let theirs = now().plus_ms(offset_ms);
        let before = event("p", theirs.plus_ms(-5_000));
        let body = sent(theirs, &[before.clone(), json!({})]);
        let answer = api.post(TOPIC, &body).await.json();
        assert_eq!(
            (&answer["accepted"], &answer["rejections"][0]["index"]),
            (&json!(1), &json!(1))
        );
        let mut event = found(&node).await.pop().unwrap();
        let correction = event["clock_correction_ms"].as_i64().unwrap();
        assert!(
            (0..SLOW_MS).contains(&(correction + offset_ms)),
            "{correction}"
        );
        assert_eq!(event["event_timestamp_sent"], before["event_timestamp"]);
        let moved = time(&event["event_timestamp"]).ms_since(time(&before["event_timestamp"]));
        assert_eq!(moved, correction);
        event["event_timestamp"] = event["event_timestamp_sent"].take();
        let fields = event.as_object_mut().unwrap();
        fields.remove("event_timestamp_sent");
        fields.remove("clock_correction_ms");
        assert_eq!(event, before);
    }
    api.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_option_or_an_error_of_the_clock_nothing_is_changed() {
    let node = node().await;
    let api = Api::start(&node).await;
    let wrong = event("p", now().plus_ms(HOUR_MS));
    let body = sent(now().plus_ms(HOUR_MS), std::slice::from_ref(&wrong));
    assert_eq!(api.post(TOPIC, &body).await.json()["accepted"], 1);
    let refused = api.post(TOPIC, r#"{"sent_at":"noon","events":[]}"#).await;
    assert_eq!(refused.problem(), (400, "unreadable_body".to_owned()));
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(
        detail.contains("`\"noon\"`") && detail.contains("RFC 3339"),
        "{detail}"
    );
    api.stop().await;
    let api = correcting(&node).await;
    let plain = format!("[{wrong}]");
    assert_eq!(api.post(TOPIC, &plain).await.json()["accepted"], 1);
    // The clock is ahead by less than the limit, and network delay only reduces the difference.
    let body = sent(now().plus_ms(1_500), std::slice::from_ref(&wrong));
    assert_eq!(api.post("events", &body).await.json()["accepted"], 1);
    assert_eq!(found(&node).await, [wrong.clone(), wrong.clone(), wrong]);
    api.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_is_corrected_as_the_first_one_was() {
    let mut node = node().await;
    let api = correcting(&node).await;
    let theirs = now().plus_ms(-HOUR_MS);
    let post = async |number: usize, at: Timestamp| -> Response {
        let body = sent(
            at,
            &[event("p", theirs), event(&format!("q{number}"), theirs)],
        );
        let key = format!("k{number}");
        api.post_with(TOPIC, &[("idempotency-key", &key)], body.as_bytes())
            .await
    };
    let first = post(0, theirs).await;
    assert_eq!(first.json()["accepted"], 2);
    // The same events are sent again later.
    let again = post(0, theirs.plus_ms(30_000)).await;
    assert_eq!((again.status, &again.body), (200, &first.body));
    assert_eq!(again.headers["idempotency-replayed"], "true");

    // The cluster stops while requests are in progress. Their repetitions must find the records of the first
    // attempts, although the correction of a new request would differ.
    let (posting, stopping) = tokio::join!(
        join_all((1..30).map(|number| post(number, theirs))),
        async {
            wait_until("a record", async || node.records(TOPIC).await.len() > 2).await;
            node.stop().await;
        }
    );
    let () = stopping;
    assert!(
        posting
            .iter()
            .all(|answer| [200, 503].contains(&answer.status))
    );
    node.restart().await;
    for number in 1..30 {
        wait_until("an answer", async || {
            post(number, theirs.plus_ms(60_000)).await.status == 200
        })
        .await;
    }
    let mut players: Vec<_> = found(&node)
        .await
        .iter()
        .map(|event| event["parameters"]["player_id"].to_string())
        .collect();
    players.sort();
    let mut expected: Vec<_> = (0..30)
        .flat_map(|number| ["\"p\"".to_owned(), format!("\"q{number}\"")])
        .collect();
    expected.sort();
    assert_eq!(players, expected);
    api.stop().await;
}
