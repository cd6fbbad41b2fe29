//! A request that is repeated with the same idempotency key writes nothing more, even if the cluster or the
//! web API was restarted in between.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use tokio::task::JoinSet;

use crate::harness::{Api, node, player_event, wait_until};
use crate::http::{self, Response};

const TOPIC: &str = "player-events";

async fn post(api: &Api, key: &str, body: &str) -> Response {
    api.post_with(TOPIC, &[("idempotency-key", key)], body.as_bytes())
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_gets_the_same_answer_even_after_a_restart() {
    let node = node().await;
    let api = Api::start(&node).await;
    let body = format!("[{},{{}},{}]", player_event("p", 1), player_event("q", 2));
    let first = post(&api, "order-1", &body).await;
    assert_eq!((first.status, &first.json()["accepted"]), (200, &json!(2)));
    assert!(!first.headers.contains_key("idempotency-replayed"));
    let second = post(&api, "order-1", &body).await;
    assert_eq!((second.status, &second.body), (200, &first.body));
    assert_eq!(second.headers["idempotency-replayed"], "true");
    let other = player_event("p", 3).to_string();
    let reused = post(&api, "order-1", &other).await;
    assert_eq!(reused.problem(), (422, "idempotency_key_reused".to_owned()));
    api.stop().await;

    let api = Api::start(&node).await;
    let third = post(&api, "order-1", &body).await;
    assert_eq!((third.status, &third.body), (200, &first.body));
    let reused = post(&api, "order-1", &other).await;
    assert_eq!(reused.problem(), (422, "idempotency_key_reused".to_owned()));
    assert_eq!(node.records(TOPIC).await.len(), 2);
    assert_eq!(node.records("rejected-events").await.len(), 1);
    assert_eq!(post(&api, "order 1", &body).await.problem().0, 400);
    api.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_one_of_concurrent_requests_with_a_key_is_processed() {
    let node = node().await;
    let api = Api::start(&node).await;
    let body = player_event("p", 1).to_string();
    let answers = join_all((0..20).map(|_| post(&api, "once", &body))).await;
    assert!(answers.iter().any(|answer| answer.status == 200));
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(answer.problem(), (409, "in_progress".to_owned()));
        assert_eq!(answer.headers["retry-after"], "1");
    }
    assert_eq!(post(&api, "once", &body).await.status, 200);
    assert_eq!(node.records(TOPIC).await.len(), 1);
    api.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_left_in_doubt_by_a_lost_cluster_are_written_once() {
    let mut node = node().await;
    let api = Api::start(&node).await;
    let bodies: Vec<_> = (0..30)
        .map(|number| {
            // Requests 2n and 2n + 1 post the same event of `p` under different keys, and it must be written twice.
            let event = player_event("p", number / 2);
            format!("[{event},{}]", player_event("q", number))
        })
        .collect();
    let posting = post_spread_out(api.address, &bodies);
    wait_until("a record", async || !node.records(TOPIC).await.is_empty()).await;
    node.stop().await;
    let interrupted = posting.join_all().await;
    assert!(
        interrupted
            .iter()
            .all(|answer| [200, 503].contains(&answer.status))
    );
    let send = async |number: usize| {
        post(&api, &format!("k{number}"), &bodies[number])
            .await
            .status
    };
    let away = join_all((30..40).map(async |number| {
        let event = player_event("r", number).to_string();
        post(&api, &format!("k{number}"), &event).await.status
    }));
    assert!(away.await.iter().all(|status| *status == 503));
    node.restart().await;
    for number in 0..bodies.len() {
        wait_until("an answer", async || send(number).await == 200).await;
    }
    for number in 30..40 {
        let event = player_event("r", number).to_string();
        wait_until("an answer", async || {
            post(&api, &format!("k{number}"), &event).await.status == 200
        })
        .await;
    }
    let mut expected: Vec<_> = (0..30)
        .flat_map(|number| [player_event("p", number / 2), player_event("q", number)])
        .chain((30..40).map(|number| player_event("r", number)))
        .map(|event| event.to_string())
        .collect();
    expected.sort();
    let mut found: Vec<_> = node
        .texts(TOPIC)
        .await
        .into_iter()
        .map(|(_, value)| value)
        .collect();
    found.sort();
    assert_eq!(found, expected);
    api.stop().await;
}

/// Posts each body with its own key, one every 10 ms, so that the cluster stops while requests are in
/// progress.
fn post_spread_out(address: SocketAddr, bodies: &[String]) -> JoinSet<Response> {
    let mut posting = JoinSet::new();
    for (number, body) in bodies.iter().cloned().enumerate() {
        posting.spawn(async move {
            tokio::time::sleep(Duration::from_millis(10 * number as u64)).await;
            let key = format!("k{number}");
            let headers = [("idempotency-key", key.as_str())];
            http::request(address, "POST /v1/player-events", &headers, body.as_bytes()).await
        });
    }
    posting
}
