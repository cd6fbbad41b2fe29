//! Tests the stream of a view: its events, reconnecting, and its end.

use crate::harness::{Page, active, has_players, node, window};

#[tokio::test(flavor = "multi_thread")]
async fn a_view_is_sent_when_it_changes_and_after_reconnecting_only_if_it_is_newer() {
    let node = node().await;
    let start = window(3);
    node.write("active-players", &[active("g", start, 5)]).await;
    let page = Page::start(&node).await;
    let mut stream = page.live("overview", None).await;
    let first = stream
        .wait_for("view", |answer| has_players(answer, "g", 5))
        .await;
    assert_eq!(stream.headers["content-type"], "text/event-stream");
    // These headers tell proxies not to buffer or compress the events.
    assert_eq!(stream.headers["x-accel-buffering"], "no");
    assert_eq!(stream.headers["cache-control"], "no-cache, no-transform");
    node.write("active-players", &[active("g", start + 10_000, 6)])
        .await;
    let second = stream
        .wait_for("view", |answer| has_players(answer, "g", 6))
        .await;
    assert_ne!(first.id, second.id);
    // A browser that has the latest version receives only the status.
    let mut same = page.live("overview", second.id.as_deref()).await;
    assert_eq!(same.event().await.unwrap().name, "status");
    assert_eq!(same.event().await.unwrap().name, "status");
    // A browser with an older version, or with a version of another process, receives the latest one at once.
    for has in [first.id.as_deref(), Some("1-1")] {
        let mut late = page.live("overview", has).await;
        let event = late.wait_for("view", |_| true).await;
        assert_eq!(event.id, second.id);
    }
    node.write("active-players", &[active("g", start + 20_000, 7)])
        .await;
    same.wait_for("view", |answer| has_players(answer, "g", 7))
        .await;
    page.stop().await;
    while stream.event().await.is_some() {}
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_lists_loaded_and_stale_topics() {
    let node = node().await;
    // The window of this row is so short, 1 ms, that the next row is due at once.
    let mut row = active("g", window(3), 5);
    row["window_end"] = row["window_start"]
        .as_str()
        .unwrap()
        .replace(".000Z", ".001Z")
        .into();
    node.write("active-players", &[row]).await;
    let page = Page::start(&node).await;
    let mut stream = page.live("engagement", None).await;
    let status = stream
        .wait_for("status", |status| status["filling"] == false)
        .await;
    assert_eq!(status.data["topics"]["active-players"], "live");
    assert_eq!(status.data["topics"]["revenue"], "empty");
    let written = std::time::Instant::now();
    let stale = stream
        .wait_for("status", |status| {
            status["topics"]["active-players"] == "stale"
        })
        .await;
    assert!(written.elapsed().as_secs() < 10);
    assert_eq!(
        stale.data["stale"]["engagement"],
        serde_json::json!(["active-players"])
    );
    assert_eq!(stale.data["stale"]["fraud"], serde_json::json!([]));
}
