//! Kills and restarts the runner, the cluster and the dashboard, one after another. The status that a browser receives
//! must report the failure of the runner and of the cluster. After each restart the view must contain exactly the
//! windows of its topic.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use client::Cluster;
use jiff::Timestamp;
use serde_json::Value;
use tokio::time::timeout;

use super::http::{self, Response};
use crate::commands::{Generator, Runner};
use crate::dataflow_file::DataflowFile;
use crate::harness::{self, LocalCluster, Running};

/// Ten times the promised time until the page reports a failure, for machines that compile at the same time.
const REPORTED_WITHIN: Duration = Duration::from_secs(10 * 5);
const WINDOW_MS: i64 = 10_000;
const TOPIC: &str = "active-players";

#[tokio::test(flavor = "multi_thread")]
async fn after_each_kill_the_browser_gets_the_status_and_no_window_is_missing() {
    let mut node = LocalCluster::start();
    let dataflow = DataflowFile::windows();
    let run = Runner::at(&node.address).dataflow(&dataflow);
    let generator = Generator::at(&node.address).rate(200).start();
    let mut runner = run.start();
    let listen = free_address();
    let mut dashboard = start_dashboard(&node, &listen);
    let address: SocketAddr = listen.parse().unwrap();
    let mut stream = open_view(address).await;
    wait_for(&mut stream, "all is well", is_well).await;

    runner.kill();
    let killed = Instant::now();
    wait_for(&mut stream, "stale", is_stale).await;
    eprintln!("stale {:?} after the runner was killed", killed.elapsed());
    assert!(killed.elapsed() < Duration::from_millis(WINDOW_MS as u64) + REPORTED_WITHIN);
    runner = run.start();
    wait_for(&mut stream, "all is well", is_well).await;
    assert_shows_every_window(&node.address, address).await;

    node.kill();
    let killed = Instant::now();
    wait_for(&mut stream, "away", |status| {
        status["cluster"]["reachable"] == false
    })
    .await;
    eprintln!("away {:?} after the cluster was killed", killed.elapsed());
    assert!(killed.elapsed() < REPORTED_WITHIN);
    node.restart();
    wait_for(&mut stream, "all is well", is_well).await;
    assert_shows_every_window(&node.address, address).await;

    dashboard.kill();
    while stream.event().await.is_some() {}
    let dashboard = start_dashboard(&node, &listen);
    wait_for(&mut open_view(address).await, "all is well", is_well).await;
    assert_shows_every_window(&node.address, address).await;
    generator.stop();
    dashboard.stop();
    runner.stop();
}

fn start_dashboard(node: &LocalCluster, listen: &str) -> Running {
    let args = ["--cluster", &node.address, "--dashboard-addr", listen];
    let dashboard = Running::start(&[&["dashboard"], &args[..]].concat());
    dashboard.line("dashboard: http://");
    dashboard
}

async fn open_view(address: SocketAddr) -> Response {
    http::request(address, "GET", "/api/views/engagement/live", &[]).await
}

async fn wait_for(stream: &mut Response, what: &str, wanted: impl Fn(&Value) -> bool) {
    let status = stream.wait_for("status", wanted);
    let found = timeout(harness::WAIT_MAX, status).await;
    found.unwrap_or_else(|_| panic!("the status never reports: {what}"));
}

fn is_well(status: &Value) -> bool {
    status["cluster"]["reachable"] == true && status["topics"][TOPIC] == "live"
}

fn is_stale(status: &Value) -> bool {
    let stale = status["stale"]["engagement"].as_array().unwrap();
    stale.iter().any(|topic| topic == TOPIC)
}

/// Waits until the view has exactly the windows and players of its topic, including a window that begins
/// after this call.
async fn assert_shows_every_window(cluster: &str, dashboard: SocketAddr) {
    let cluster = Cluster::connect(Some(cluster)).await.unwrap();
    let deadline = Instant::now() + harness::WAIT_MAX;
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

/// Returns the number of players in each window, summed over all games, from the last revisions.
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

/// Returns a free address, so that the restarted dashboard can listen on the same one.
fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}
