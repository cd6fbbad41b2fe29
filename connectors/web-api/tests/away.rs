//! An unreachable cluster: clients get an error at once, and requests succeed when the cluster is back.

use serde_json::json;

use crate::harness::{Api, node, player_event, wait_until};

#[tokio::test(flavor = "multi_thread")]
async fn requests_fail_fast_without_the_cluster_and_succeed_when_it_is_back() {
    let mut node = node().await;
    let api = Api::start(&node).await;
    let event = player_event("p", 1).to_string();
    assert_eq!(api.post("player-events", &event).await.status, 200);
    node.stop().await;
    wait_until("failing health", async || {
        api.get("/health").await.status == 503
    })
    .await;
    let health = api.get("/health").await.json();
    assert_eq!(health["status"], json!("failing"));
    assert!(!health["reasons"].as_array().unwrap().is_empty());
    let answer = api.post("player-events", &event).await;
    assert_eq!(answer.status, 503);
    assert!(answer.headers["retry-after"].parse::<u64>().unwrap() >= 1);
    // Once the writer has noticed that the cluster is unreachable, requests are refused without a wait.
    wait_until("a quick refusal", async || {
        api.post("player-events", &event).await.problem().1 == "cluster_away"
    })
    .await;
    let started = std::time::Instant::now();
    assert_eq!(api.post("player-events", &event).await.status, 503);
    assert!(started.elapsed().as_secs() < 2);
    node.restart().await;
    wait_until("ok health", async || api.get("/health").await.status == 200).await;
    wait_until("an answer", async || {
        api.post("player-events", &event).await.status == 200
    })
    .await;
    let stopping = tokio::time::timeout(std::time::Duration::from_secs(60), api.stop());
    stopping.await.expect("the web API stops");
}
