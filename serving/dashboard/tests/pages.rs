//! Tests the pages and their headers, access, and refused requests.

use serde_json::json;

use crate::harness::{Page, active, has_players, node, window};
use crate::http::{Response, request};

const TOKEN: &str = "correct-horse-battery-staple";

#[tokio::test(flavor = "multi_thread")]
async fn pages_have_a_strict_policy_and_load_nothing_from_elsewhere() {
    let node = node().await;
    let page = Page::start(&node).await;
    let index = page.get("/").await;
    let policy = index.headers["content-security-policy"].clone();
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self'"));
    assert!(!policy.contains("unsafe") && !policy.contains("http"));
    assert_eq!(index.headers["x-content-type-options"], "nosniff");
    assert_eq!(index.headers["x-frame-options"], "DENY");
    let index = index.text().await;
    assert!(!index.contains("http") && !index.contains("<style") && !index.contains("onload"));
    assert_eq!(page.get("/").await.headers["cache-control"], "no-cache");
    assert_eq!(
        page.get("/app.js").await.headers["content-type"],
        "text/javascript; charset=utf-8"
    );
    for missing in ["/no.js", "/api/views/nothing", "/..%2f..%2fCargo.toml"] {
        assert_eq!(page.get(missing).await.status, 404, "{missing}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_compressed_on_request_and_known_pages_are_not_sent_again() {
    let node = node().await;
    let page = Page::start(&node).await;
    for path in ["/app.js", "/api/views/engagement"] {
        let plain = page.get(path).await;
        assert!(!plain.headers.contains_key("content-encoding"), "{path}");
        let takes = [("accept-encoding", "br, gzip")];
        let packed = request(page.address, "GET", path, &takes).await;
        assert_eq!(packed.headers["content-encoding"], "gzip", "{path}");
        assert_eq!(packed.headers["vary"], "accept-encoding");
        assert_eq!(
            packed.headers["content-type"],
            plain.headers["content-type"]
        );
        let length = |of: &Response| of.headers["content-length"].parse::<usize>().unwrap();
        assert!(2 * length(&packed) < length(&plain), "{path}");
    }
    let stream = "/api/views/overview/live";
    let stream = request(page.address, "GET", stream, &[("accept-encoding", "gzip")]).await;
    assert!(!stream.headers.contains_key("content-encoding"));
    let etag = page.get("/app.js").await.headers["etag"].clone();
    let known = request(page.address, "GET", "/app.js", &[("if-none-match", &etag)]).await;
    assert_eq!(known.status, 304);
    let other = [("if-none-match", "\"0\"")];
    assert_eq!(
        request(page.address, "GET", "/app.js", &other).await.status,
        200
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_and_foreign_host_names_are_refused() {
    let node = node().await;
    let page = Page::start(&node).await;
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let answer = request(
            page.address,
            method,
            "/api/views/overview",
            &[("origin", "http://evil.example")],
        )
        .await;
        assert_eq!(answer.status, 405, "{method}");
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
    }
    let foreign = request(
        page.address,
        "GET",
        "/api/views/overview",
        &[("host", "evil.example")],
    )
    .await;
    assert_eq!(foreign.status, 403);
    let bad = page.get("/api/views/overview?last=never").await;
    assert_eq!(bad.status, 400);
    assert_eq!(bad.json().await["error"], "bad_parameter");
}

#[tokio::test(flavor = "multi_thread")]
async fn data_needs_the_token_and_pages_do_not() {
    let node = node().await;
    let page = Page::with_token(&node, Some(TOKEN)).await;
    assert_eq!(
        page.get("/").await.status,
        200,
        "the page itself asks for the token"
    );
    for path in [
        "/api/views/overview",
        "/api/views/overview/live",
        "/api/status",
    ] {
        let refused = page.get(path).await;
        assert_eq!(
            (refused.status, &*refused.headers["www-authenticate"]),
            (401, "Bearer")
        );
        let shown = format!("Bearer {TOKEN}");
        let allowed = request(page.address, "GET", path, &[("authorization", &shown)]).await;
        assert_eq!(allowed.status, 200);
        let wrong = request(
            page.address,
            "GET",
            path,
            &[("authorization", "Bearer wrong")],
        )
        .await;
        assert_eq!(wrong.status, 401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn markup_and_control_characters_are_sent_as_data() {
    let node = node().await;
    let game = "</script><script>alert(1)</script>\u{0}\u{202e}\n\ndata: x";
    node.write("active-players", &[active(game, window(3), 5)])
        .await;
    let page = Page::start(&node).await;
    let mut stream = page.live("overview", None).await;
    stream
        .wait_for("view", |answer| has_players(answer, game, 5))
        .await;
    let answer = page.get("/api/views/overview").await;
    assert_eq!(answer.headers["content-type"], "application/json");
    let answer = answer.json().await;
    assert_eq!(answer["games"], json!([game]));
    assert!(answer["as_of"].is_string() && answer["watermark"].is_string());
    let encoded: String = game.bytes().map(|byte| format!("%{byte:02x}")).collect();
    assert!(has_players(
        &page.view(&format!("overview?game={encoded}")).await,
        game,
        5
    ));
}
