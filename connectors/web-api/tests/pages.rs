//! Requests that browsers send for pages of other origins, some of which are allowed.

use model::Timestamp;
use tempfile::TempDir;
use web_api::{Access, CorsOrigin, KeyFile, NewKey, Options, Sources, StartError};

use crate::harness::{Api, node, player_event};
use crate::http::{self, Response};

const POST: &str = "POST /v1/player-events";
const GAME: (&str, &str) = ("origin", "https://game.example");
const OTHER: (&str, &str) = ("origin", "https://evil.example");
const TEXT: (&str, &str) = ("content-type", "text/plain;charset=UTF-8");
/// The headers of the preflight that a browser sends before a page posts JSON with a key.
const PREFLIGHT: [(&str, &str); 2] = [
    ("access-control-request-method", "POST"),
    (
        "access-control-request-headers",
        "authorization,content-encoding,content-type,idempotency-key",
    ),
];

async fn preflight(api: &Api, origin: (&str, &str)) -> Response {
    let [method, headers] = PREFLIGHT;
    let asked = [origin, method, headers];
    http::request(api.address, "OPTIONS /v1/player-events", &asked, b"").await
}

fn origins(texts: &[&str]) -> Vec<CorsOrigin> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn assert_listed(answer: &Response, header: &str, expected: &[&str]) {
    let found: Vec<_> = answer.headers[header].split(',').map(str::trim).collect();
    for name in expected {
        assert!(found.contains(name), "{name} in {header}: {found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_keys_no_page_of_another_origin_writes_events() {
    let node = node().await;
    let api = Api::start(&node).await;
    let event = player_event("p", 1).to_string();
    let post = async |headers: &[(&str, &str)]| {
        http::request(api.address, POST, headers, event.as_bytes()).await
    };
    // Requests that need no preflight: texts, forms and bodies without a content type.
    let untyped = format!(
        "{POST} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{event}",
        event.len()
    );
    let untyped = http::raw(api.address, untyped.as_bytes()).await.unwrap();
    assert_eq!(
        untyped.problem(),
        (415, "unsupported_media_type".to_owned())
    );
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
    ] {
        assert_eq!(post(&[("content-type", kind)]).await.status, 415, "{kind}");
    }
    // Requests to a foreign host name that resolves to this address.
    let rebound = [
        ("host", "evil.example:8080"),
        ("origin", "http://evil.example:8080"),
    ];
    let answer = post(&rebound).await;
    assert_eq!(answer.problem(), (403, "foreign_host".to_owned()));
    let answer = post(&[OTHER]).await;
    assert_eq!(answer.problem(), (403, "foreign_origin".to_owned()));
    assert!(
        answer.json()["detail"]
            .as_str()
            .unwrap()
            .contains("--cors-origin")
    );
    assert_eq!(post(&[("origin", "null")]).await.status, 403);
    for path in ["GET /metrics", "GET /health", "GET /docs/"] {
        let answer = http::request(api.address, path, &rebound[..1], b"").await;
        assert_eq!(answer.status, 403, "{path}");
    }
    let answer = preflight(&api, OTHER).await;
    assert_eq!(answer.problem(), (403, "foreign_origin".to_owned()));
    assert!(!answer.headers.contains_key("access-control-allow-origin"));
    assert!(node.records("player-events").await.is_empty());
    // Requests from programs, and from the API's own page.
    let address = api.address.to_string();
    let own = format!("http://{address}");
    assert_eq!(
        post(&[("host", &address), ("origin", &own)]).await.status,
        200
    );
    assert_eq!(post(&[]).await.status, 200);
    api.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_an_allowed_origin_post_and_read_every_answer() {
    let node = node().await;
    let mut options = Options::new(node.cluster().await, Access::Loopback);
    options.cors_origins = origins(&["https://game.example", "http://localhost:5173"]);
    let api = Api::with_options(options).await;
    let answer = preflight(&api, GAME).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["access-control-allow-origin"], GAME.1);
    // Browsers send JSON beacons in credentials mode, and the server must allow that.
    assert_eq!(answer.headers["access-control-allow-credentials"], "true");
    assert_eq!(answer.headers["access-control-max-age"], "7200");
    assert_listed(&answer, "access-control-allow-methods", &["POST"]);
    let asked: Vec<_> = PREFLIGHT[1].1.split(',').collect();
    assert_listed(&answer, "access-control-allow-headers", &asked);
    assert_listed(&answer, "vary", &["origin"]);

    let event = player_event("p", 1).to_string();
    let post = async |headers: &[(&str, &str)], body: &str| {
        http::request(api.address, POST, headers, body.as_bytes()).await
    };
    // The page can read every response, including errors.
    for (kind, body, status) in [
        ("application/json", event.as_str(), 200),
        ("application/json", "{", 400),
        ("text/xml", "<a/>", 415),
    ] {
        let answer = post(&[GAME, ("content-type", kind)], body).await;
        assert_eq!(answer.status, status, "{kind}");
        assert_eq!(answer.headers["access-control-allow-origin"], GAME.1);
        assert_listed(
            &answer,
            "access-control-expose-headers",
            &["retry-after", "idempotency-replayed"],
        );
        assert_listed(&answer, "vary", &["origin"]);
    }
    // A beacon as sent by `navigator.sendBeacon` with a string.
    assert_eq!(post(&[GAME, TEXT], &event).await.json()["accepted"], 1);
    assert_eq!(post(&[TEXT], &event).await.status, 415, "a program");
    assert_eq!(post(&[OTHER, TEXT], &event).await.status, 403);
    assert_eq!(preflight(&api, OTHER).await.status, 403);
    assert_eq!(node.records("player-events").await.len(), 2);
    api.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_keys_every_page_may_send_one_in_a_header_or_in_the_query_of_a_beacon() {
    let node = node().await;
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("keys.json");
    let new = NewKey {
        game_id: "default".to_owned(),
        topics: vec!["player-events".to_owned()],
        events_per_second: 100,
    };
    let token = KeyFile::add(&path, new, &Sources::built_in(), Timestamp::from_millis(0)).unwrap();
    let mut options = Options::new(node.cluster().await, Access::Keys(path));
    options.cors_origins = origins(&["*"]);
    let api = Api::with_options(options).await;
    let answer = preflight(&api, GAME).await;
    assert_eq!(
        (
            answer.status,
            answer.headers["access-control-allow-origin"].as_str()
        ),
        (200, "*")
    );
    assert!(
        !answer
            .headers
            .contains_key("access-control-allow-credentials")
    );
    let event = player_event("p", 1).to_string();
    let bearer = format!("Bearer {token}");
    let with_key = format!("{POST}?key={token}");
    let post = async |line: &str, headers: &[(&str, &str)]| {
        let answer = http::request(api.address, line, headers, event.as_bytes()).await;
        (
            answer.status,
            answer.headers.get("access-control-allow-origin").cloned(),
        )
    };
    let every = Some("*".to_owned());
    assert_eq!(
        post(POST, &[GAME, ("authorization", &bearer)]).await,
        (200, every.clone())
    );
    assert_eq!(post(&with_key, &[GAME, TEXT]).await, (200, every.clone()));
    assert_eq!(
        post(POST, &[GAME, TEXT]).await,
        (401, every.clone()),
        "the page can read the error"
    );
    // A program must send its key in a header.
    assert_eq!(post(&with_key, &[]).await.0, 401);
    api.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_keys_the_preflight_of_an_unknown_page_is_refused() {
    let node = node().await;
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("keys.json");
    std::fs::write(&path, r#"{"keys":[]}"#).unwrap();
    let api = Api::with_access(&node, Access::Keys(path)).await;
    let answer = preflight(&api, GAME).await;
    assert_eq!(answer.problem(), (403, "foreign_origin".to_owned()));
    api.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wildcard_origin_needs_keys() {
    let node = node().await;
    for access in [Access::Loopback, Access::Anybody] {
        let mut options = Options::new(node.cluster().await, access);
        options.cors_origins = origins(&["https://game.example", "*"]);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let refused = web_api::start(listener, options, Default::default()).await;
        assert!(matches!(refused, Err(StartError::AnyOrigin)));
    }
}
