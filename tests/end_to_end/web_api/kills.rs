//! Kills the web API, the cluster or both with `kill -9`, and also lets the cluster hang, while clients post.
//! Clients repeat unanswered requests with the same idempotency key. In the end every acknowledged record must be
//! written exactly once.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use client::Cluster;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::http;
use crate::harness::{self, AnyCluster, LocalCluster, Running};

/// The number of kills in the test with a local cluster, unless `WEB_API_KILLS` is set.
const KILLS: u32 = 6;
const CLIENTS: u64 = 8;
const TOPICS: [&str; 3] = ["player-events", "server-metrics", "rejected-events"];

/// The expected number of copies of each record, by topic and text.
type Expected = BTreeMap<(&'static str, String), usize>;

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_records_are_written_once_whatever_is_killed() {
    let number = |name: &str, default| match std::env::var(name) {
        Ok(value) => value.parse().expect("a number"),
        Err(_) => default,
    };
    let kills = number("WEB_API_KILLS", KILLS);
    let mut dice = ChaCha8Rng::seed_from_u64(number("WEB_API_SEED", 1).into());
    let mut node = LocalCluster::start();
    let address: SocketAddr = free_address();
    let mut web_api = start(&node.address, address);
    let clients = Clients::start(address, "local", &mut dice);
    for kill in 0..kills {
        // The moment is random, so that the kills interrupt requests at different steps.
        sleep(Duration::from_millis(
            1_000 + u64::from(dice.next_u32() % 2_000),
        ))
        .await;
        let what = kill % 3;
        eprintln!(
            "kill {kill} of {kills}: {}",
            ["web-api", "cluster", "both"][what as usize]
        );
        if what != 1 {
            web_api.kill();
        }
        if what != 0 {
            node.kill();
            node.restart();
        }
        if what != 1 {
            web_api = start(&node.address, address);
        }
    }
    stall(&node).await;
    sleep(Duration::from_secs(2)).await;
    clients
        .assert_each_is_written_once(&node.address, kills)
        .await;
    web_api.stop();
}

/// Pauses the cluster until the web API gives up waiting for its responses, then lets it continue.
async fn stall(node: &LocalCluster) {
    eprintln!("the cluster stalls");
    harness::signal(node.pid(), "-STOP");
    sleep(client::ANSWER_DEADLINE + Duration::from_secs(2)).await;
    harness::signal(node.pid(), "-CONT");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_acknowledged_records_are_written_once_after_kills_of_the_web_api() {
    const KILLS: u32 = 4;
    let mut node = AnyCluster::start();
    let mut dice = ChaCha8Rng::seed_from_u64(2);
    let address: SocketAddr = free_address();
    let mut web_api = start(node.address(), address);
    // The process id distinguishes the records of this run from those of other runs.
    let name = format!("any{}", std::process::id());
    let clients = Clients::start(address, &name, &mut dice);
    for kill in 0..KILLS {
        clients.more_are_answered().await;
        // The moment is random, so that the kills interrupt requests at different steps.
        sleep(Duration::from_millis(u64::from(dice.next_u32() % 500))).await;
        web_api.kill();
        if kill == KILLS / 2 && !node.restart_server() {
            eprintln!("the web API alone is killed: RESTART_SPU is not given");
        }
        web_api = start(node.address(), address);
    }
    clients.more_are_answered().await;
    clients
        .assert_each_is_written_once(node.address(), KILLS)
        .await;
    web_api.stop();
}

fn start(cluster: &str, address: SocketAddr) -> Running {
    let address = address.to_string();
    let args = ["web-api", "--cluster", cluster, "--web-api-addr", &address];
    let running = Running::start(&args);
    assert_eq!(running.line("web-api: "), format!("http://{address}"));
    running
}

/// Clients that post one request after another until they are stopped.
struct Clients {
    name: String,
    tasks: JoinSet<Expected>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    over: AtomicBool,
    answered: AtomicUsize,
    /// The number of requests without a response, or with the response `unconfirmed`, after which it is unknown whether
    /// the records were written.
    lost: AtomicUsize,
}

impl Clients {
    /// Starts clients. Their records contain `name`, which distinguishes them from other records in the topics.
    fn start(address: SocketAddr, name: &str, dice: &mut ChaCha8Rng) -> Self {
        let shared = Arc::new(Shared::default());
        let mut tasks = JoinSet::new();
        for client in 0..CLIENTS {
            let dice = ChaCha8Rng::seed_from_u64(u64::from(dice.next_u32()));
            let name = format!("{name}-{client}");
            tasks.spawn(post_until_over(Arc::clone(&shared), address, name, dice));
        }
        Self {
            name: name.to_owned(),
            tasks,
            shared,
        }
    }

    /// Waits until more requests have been answered, on average four for each client.
    async fn more_are_answered(&self) {
        let answered = || self.shared.answered.load(Ordering::Relaxed);
        let enough = answered() + 4 * CLIENTS as usize;
        let deadline = Instant::now() + harness::WAIT_MAX;
        while answered() < enough {
            assert!(
                Instant::now() < deadline,
                "{} requests are answered",
                answered()
            );
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Stops the clients. Checks that each acknowledged record is written as often as it was posted, and that
    /// no other record is written.
    async fn assert_each_is_written_once(self, cluster: &str, kills: u32) {
        self.shared.over.store(true, Ordering::Relaxed);
        let mut expected = Expected::new();
        for posted in self.tasks.join_all().await {
            for (record, count) in posted {
                *expected.entry(record).or_default() += count;
            }
        }
        let lost = self.shared.lost.load(Ordering::Relaxed);
        assert!(
            lost >= kills as usize,
            "{lost} requests were lost: that is not a test"
        );
        assert!(
            expected.len() > 500,
            "{} records are not a test",
            expected.len()
        );
        let cluster = Cluster::connect(Some(cluster)).await.unwrap();
        let found = found(&cluster, &self.name).await;
        let wrong: Vec<_> = expected
            .iter()
            .filter(|(record, count)| found.get(record) != Some(count))
            .collect();
        assert!(
            wrong.is_empty(),
            "{} records are written too often or too rarely, {wrong:.3?}",
            wrong.len()
        );
        assert_eq!(
            found.len(),
            expected.len(),
            "records are written that no client posted"
        );
    }
}

/// Posts requests one after another, repeating each until it is answered. Returns the records that must be
/// written.
async fn post_until_over(
    shared: Arc<Shared>,
    address: SocketAddr,
    name: String,
    mut dice: ChaCha8Rng,
) -> Expected {
    let mut expected = Expected::new();
    let mut number = 0;
    while !shared.over.load(Ordering::Relaxed) {
        let key = format!("{name}-{number}");
        let (body, records) = request(&key, &mut dice);
        let accepted = records
            .iter()
            .filter(|(topic, _)| *topic != "rejected-events");
        let answer = json!({"accepted": accepted.count()});
        let deadline = Instant::now() + harness::WAIT_MAX;
        loop {
            assert!(Instant::now() < deadline, "`{key}` is not answered");
            let headers = [("idempotency-key", key.as_str())];
            let line = "POST /v1/events";
            match http::try_request(address, line, &headers, body.as_bytes()).await {
                Some(response) if response.status == 200 => {
                    assert_eq!(response.json()["accepted"], answer["accepted"]);
                    break;
                }
                Some(response) => {
                    let (status, word) = response.problem();
                    assert!([409, 429, 503].contains(&status), "{status} {word}");
                    let is_lost = word == "unconfirmed";
                    shared
                        .lost
                        .fetch_add(usize::from(is_lost), Ordering::Relaxed);
                }
                None => {
                    shared.lost.fetch_add(1, Ordering::Relaxed);
                }
            }
            sleep(Duration::from_millis(u64::from(dice.next_u32() % 200))).await;
        }
        shared.answered.fetch_add(1, Ordering::Relaxed);
        for record in records {
            *expected.entry(record).or_default() += 1;
        }
        number += 1;
    }
    expected
}

/// Returns a body and its records. Some records occur twice in the body, and some are not events.
fn request(key: &str, dice: &mut ChaCha8Rng) -> (String, Vec<(&'static str, String)>) {
    let (name_of_all, _) = key.split_once('-').unwrap();
    let mut elements = Vec::new();
    let mut records = Vec::new();
    for index in 0..=dice.next_u32() % 12 {
        // One record in four has a name that other clients use too, so several clients post the same record.
        let name = match dice.next_u32() % 4 {
            0 => format!("{name_of_all}-alike-{}", dice.next_u32() % 50),
            _ => format!("{key}-{}", index / 2),
        };
        let (topic, text) = match dice.next_u32() % 10 {
            0 => (
                "rejected-events",
                json!({"event_name": "transaction", "name": name}).to_string(),
            ),
            1..4 => ("server-metrics", metric(&name)),
            _ => ("player-events", event(&name, dice.next_u32() % 5)),
        };
        elements.push(text.clone());
        records.push((topic, text));
    }
    (format!("[{}]", elements.join(",")), records)
}

fn event(name: &str, player: u32) -> String {
    let player = format!("p{player}");
    json!({
        "event_name": "player_action", "event_timestamp": "2024-11-12T10:15:30Z",
        "parameters": {"player_id": player, "session_id": name, "event_type": "move",
            "level_id": "l", "map_id": "m"},
        "user_data": {"user_id": player, "platform": "PC"}
    })
    .to_string()
}

fn metric(name: &str) -> String {
    json!({
        "event_name": "server_metric", "event_timestamp": "2024-11-12T10:15:30Z",
        "parameters": {"server_id": name, "cpu_load": 20, "memory_usage": 30, "latency": 12},
        "server_data": {"region": "eu", "server_type": "dedicated"}
    })
    .to_string()
}

/// Returns how often each record whose text contains this name is written.
async fn found(cluster: &Cluster, name: &str) -> Expected {
    let mark = format!("\"{name}-");
    let mut found = Expected::new();
    for topic in TOPICS {
        for record in harness::records(cluster, topic).await {
            let text = match topic {
                "rejected-events" => {
                    let kept: serde_json::Value = serde_json::from_slice(&record.value).unwrap();
                    kept["payload"].as_str().unwrap_or_default().to_owned()
                }
                _ => String::from_utf8_lossy(&record.value).into_owned(),
            };
            if text.contains(&mark) {
                *found.entry((topic, text)).or_default() += 1;
            }
        }
    }
    found
}

fn free_address() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}
