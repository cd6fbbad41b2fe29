//! Kills of the cluster, the runner and the dashboard: each time who looks is told, what is shown recovers by itself,
//! and in the end it has every window that its topic has, and no other.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use client::Cluster;
use jiff::Timestamp;
use serde_json::Value;
use tokio::time::timeout;

use super::http::{self, Response};
use crate::harness::{self, LocalCluster, Running};
use crate::map_file::MapFile;

/// How soon people must know, and as much again for a machine that also compiles.
const TOLD_WITHIN: Duration = Duration::from_secs(2 * 5);
const WINDOW_MS: i64 = 10_000;
const TOPIC: &str = "active-players";

#[tokio::test(flavor = "multi_thread")]
async fn after_each_kill_who_looks_is_told_and_no_window_is_missing() {
    let mut node = LocalCluster::start();
    let map = MapFile::windows();
    let run = [
        "run",
        "--cluster",
        &node.address.clone(),
        "--map",
        &map.path(),
    ]
    .map(str::to_owned);
    let run = run.each_ref().map(String::as_str);
    let generator = Running::start(&["generate", "--cluster", &node.address, "--rate", "200"]);
    let mut runner = Running::start(&run);
    let listen = free_address();
    let looks = [
        "dashboard",
        "--cluster",
        &node.address.clone(),
        "--dashboard-addr",
        &listen,
    ]
    .map(str::to_owned);
    let looks = looks.each_ref().map(String::as_str);
    let mut dashboard = Running::start(&looks);
    dashboard.line("dashboard: http://");
    let address: SocketAddr = listen.parse().unwrap();
    let mut stream = look(address).await;
    hears(&mut stream, "all is well", is_well).await;

    runner.kill();
    let killed = Instant::now();
    hears(&mut stream, "stale", is_stale).await;
    eprintln!("stale {:?} after the runner was killed", killed.elapsed());
    assert!(killed.elapsed() < Duration::from_millis(WINDOW_MS as u64) + TOLD_WITHIN);
    runner = Running::start(&run);
    hears(&mut stream, "all is well", is_well).await;
    assert_shows_every_window(&node.address, address).await;

    node.kill();
    let killed = Instant::now();
    hears(&mut stream, "away", |status| {
        status["cluster"]["reachable"] == false
    })
    .await;
    eprintln!("away {:?} after the cluster was killed", killed.elapsed());
    assert!(killed.elapsed() < TOLD_WITHIN);
    node.restart();
    hears(&mut stream, "all is well", is_well).await;
    assert_shows_every_window(&node.address, address).await;

    dashboard.kill();
    while stream.event().await.is_some() {}
    let dashboard = Running::start(&looks);
    dashboard.line("dashboard: http://");
    hears(&mut look(address).await, "all is well", is_well).await;
    assert_shows_every_window(&node.address, address).await;
    generator.stop();
    dashboard.stop();
    runner.stop();
}

async fn look(address: SocketAddr) -> Response {
    http::request(address, "GET", "/api/views/engagement/live", &[]).await
}

async fn hears(stream: &mut Response, what: &str, wanted: impl Fn(&Value) -> bool) {
    let status = stream.wait_for("status", wanted);
    let heard = timeout(harness::patience(), status).await;
    heard.unwrap_or_else(|_| panic!("the status never says that {what}"));
}

fn is_well(status: &Value) -> bool {
    status["cluster"]["reachable"] == true && status["topics"][TOPIC] == "live"
}

fn is_stale(status: &Value) -> bool {
    let stale = status["stale"]["engagement"].as_array().unwrap();
    stale.iter().any(|topic| topic == TOPIC)
}

/// Waits until the view has the very windows and players that its topic has, one of them begun after now.
async fn assert_shows_every_window(cluster: &str, dashboard: SocketAddr) {
    let cluster = Cluster::connect(Some(cluster)).await.unwrap();
    let deadline = Instant::now() + harness::patience();
    let since = Timestamp::now().as_millisecond();
    loop {
        let wanted = windows(&harness::derived(&cluster, TOPIC).await);
        let (from, to) = (
            *wanted.keys().next().unwrap(),
            wanted.keys().last().unwrap() + WINDOW_MS,
        );
        let shown = shown(dashboard, from, to).await;
        if shown == wanted && to > since + WINDOW_MS {
            eprintln!("all of {} windows are shown", wanted.len());
            return;
        }
        assert!(
            Instant::now() < deadline,
            "shown {shown:?}, in the topic {wanted:?}"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Players of all games by window, as the last revisions have them.
fn windows(rows: &[Value]) -> BTreeMap<i64, f64> {
    let mut last = BTreeMap::new();
    for row in rows {
        let start: Timestamp = row["window_start"].as_str().unwrap().parse().unwrap();
        let game = row["game_id"].as_str().unwrap();
        last.insert(
            (start.as_millisecond(), game),
            row["active_players"].as_f64().unwrap(),
        );
    }
    let mut sums = BTreeMap::new();
    for ((start, _), players) in last {
        *sums.entry(start).or_default() += players;
    }
    sums
}

async fn shown(address: SocketAddr, from: i64, to: i64) -> BTreeMap<i64, f64> {
    let path = format!("/api/views/engagement?from={from}&to={to}");
    let answer = http::request(address, "GET", &path, &[]).await.json().await;
    assert_eq!(answer["data"]["step_ms"], WINDOW_MS);
    let list = |name: &str| answer["data"][name].as_array().unwrap().clone();
    let points = list("times").into_iter().zip(list("players"));
    let known = points.filter_map(|(time, players)| Some((time.as_i64()?, players.as_f64()?)));
    known.collect()
}

/// Where the second dashboard is found by who knew the first.
fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}
