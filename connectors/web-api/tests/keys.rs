//! The permissions and rates of keys that are added and revoked while the web API runs.

use std::path::Path;

use model::Timestamp;
use serde_json::json;
use tempfile::TempDir;
use web_api::{Access, KeyFile, NewKey, Options, Sources, StartError};

use crate::harness::{Api, node, player_event, purchase_event, wait_until};

fn key(game: &str, topics: &[&str], events_per_second: u32) -> NewKey {
    NewKey {
        game_id: game.to_owned(),
        topics: topics.iter().map(|topic| (*topic).to_owned()).collect(),
        events_per_second,
    }
}

fn add(path: &Path, new: NewKey) -> String {
    KeyFile::add(path, new, &Sources::built_in(), Timestamp::from_millis(0)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_allows_its_own_game_and_topics_until_it_is_revoked() {
    let node = node().await;
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("keys.json");
    let chess = add(&path, key("chess", &["player-events"], 10_000));
    let api = Api::with_access(&node, Access::Keys(path.clone())).await;
    let post = async |topic: &str, token: &str, body: String| {
        let bearer = format!("Bearer {token}");
        api.post_with(topic, &[("authorization", &bearer)], body.as_bytes())
            .await
    };
    let mut event = player_event("p", 1);
    event["parameters"]["game_id"] = json!("chess");
    let (mine, default) = (event.to_string(), player_event("p", 2).to_string());

    let answer = api.post("player-events", &mine).await;
    assert_eq!(answer.problem(), (401, "unauthorized".to_owned()));
    assert_eq!(answer.headers["www-authenticate"], "Bearer");
    assert_eq!(
        post("player-events", "gak_x_y", mine.clone()).await.status,
        401
    );
    assert_eq!(
        post("player-events", &chess, mine.clone()).await.status,
        200
    );
    let answer = post("player-events", &chess, format!("[{mine},{default}]")).await;
    assert_eq!(answer.problem(), (403, "wrong_game".to_owned()));
    assert_eq!(answer.json()["index"], 1);
    let purchase = purchase_event("u").to_string();
    let answer = post("purchase-events", &chess, purchase.clone()).await;
    assert_eq!(answer.problem(), (403, "wrong_topic".to_owned()));
    let answer = post("events", &chess, format!("[{mine},{purchase}]")).await;
    assert_eq!(answer.problem(), (403, "wrong_topic".to_owned()));
    assert_eq!(
        node.records("player-events").await.len(),
        1,
        "a refused request writes nothing"
    );

    let other = add(&path, key("default", &[], 10_000));
    wait_until("the new key", async || {
        post("purchase-events", &other, purchase.clone())
            .await
            .status
            == 200
    })
    .await;
    let id = KeyFile::read(&path).unwrap().keys[0].id.clone();
    KeyFile::revoke(&path, &id, Timestamp::from_millis(0)).unwrap();
    wait_until("the revocation of the key", async || {
        post("player-events", &chess, mine.clone()).await.status == 401
    })
    .await;
    assert_eq!(post("player-events", &other, default).await.status, 200);
    api.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_exceeds_its_rate_gets_the_time_to_retry() {
    let node = node().await;
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("keys.json");
    let token = add(&path, key("default", &[], 1));
    let api = Api::with_access(&node, Access::Keys(path)).await;
    let bearer = format!("Bearer {token}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/x-ndjson"),
    ];
    let full = format!("{}\n", player_event("p", 1)).repeat(5_000);
    let answer = api
        .post_with("player-events", &headers, full.as_bytes())
        .await;
    assert_eq!(answer.json()["accepted"], 5_000);
    let answer = api.post_with("player-events", &headers, b"{}").await;
    assert_eq!(answer.problem(), (429, "rate_limited".to_owned()));
    let wait: u64 = answer.headers["retry-after"].parse().unwrap();
    assert!((4_900..=5_000).contains(&wait), "{wait}");
    api.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_small_requests_is_limited_to_one_second_s_worth() {
    const PER_SECOND: u32 = 5;
    let node = node().await;
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("keys.json");
    let new = key("default", &[], PER_SECOND);
    let token = add(&path, new);
    let api = Api::with_access(&node, Access::Keys(path)).await;
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    let event = player_event("p", 1).to_string();
    let started = std::time::Instant::now();
    let mut passed = 0;
    for _ in 0..40 {
        let answer = api.post_with("player-events", &headers, event.as_bytes());
        passed += u32::from(answer.await.status == 200);
    }
    // On a slow machine, more requests pass, because the rate allows more while the loop runs.
    let allowed = PER_SECOND + (started.elapsed().as_secs_f64() * f64::from(PER_SECOND)) as u32 + 1;
    assert!((PER_SECOND..=allowed).contains(&passed), "{passed}");
    api.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exposed_address_without_keys_needs_the_insecure_flag() {
    let node = node().await;
    let start = async |access| {
        let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
        let options = Options::new(node.cluster().await, access);
        web_api::start(listener, options, Default::default()).await
    };
    assert!(matches!(
        start(Access::Loopback).await,
        Err(StartError::Open(_))
    ));
    let missing = Access::Keys("no/such/file.json".into());
    assert!(matches!(start(missing).await, Err(StartError::Keys(_))));
}
