//! Tests a cluster that is stopped and restarted, and a dashboard that is restarted.

use std::time::{Duration, Instant};

use crate::harness::{Page, active, has_players, node, window};

/// Twice the five seconds within which a page must report an unreachable cluster, because the machine may be busy.
const REPORTED_WITHIN: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_reported_and_the_view_continues_without_a_gap() {
    let mut node = node().await;
    let start = window(5);
    node.write("active-players", &[active("g", start, 5)]).await;
    let page = Page::start(&node).await;
    let mut stream = page.live("overview", None).await;
    stream
        .wait_for("view", |answer| has_players(answer, "g", 5))
        .await;
    node.stop().await;
    let stopped = Instant::now();
    let away = stream
        .wait_for("status", |status| status["cluster"]["reachable"] == false)
        .await;
    assert!(away.data["cluster"]["reason"].is_string());
    assert!(stopped.elapsed() < REPORTED_WITHIN);
    // The data from before the outage is still shown.
    assert!(has_players(&page.view("overview").await, "g", 5));
    node.restart().await;
    stream
        .wait_for("status", |status| status["cluster"]["reachable"] == true)
        .await;
    let rows = [1, 2, 3].map(|after| active("g", start + after * 10_000, 5 + after as u64));
    node.write("active-players", &rows).await;
    let back = stream
        .wait_for("view", |answer| has_players(answer, "g", 8))
        .await;
    let players = back.data["data"]["games"][0]["players"]
        .as_array()
        .unwrap()
        .clone();
    let players: Vec<_> = players
        .iter()
        .filter_map(serde_json::Value::as_f64)
        .collect();
    assert_eq!(players, [5.0, 6.0, 7.0, 8.0]);
    page.stop().await;
    let again = Page::start(&node).await;
    let mut stream = again.live("overview", back.id.as_deref()).await;
    let filled = stream
        .wait_for("view", |answer| has_players(answer, "g", 8))
        .await;
    assert_eq!(
        filled.data["data"]["games"][0]["players"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(serde_json::Value::as_f64)
            .count(),
        4
    );
}
