//! Sends the mixture of records, half of it through clients of the web API, and half through producers that write to
//! the source topics directly.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use client::{Cluster, Key, Producer};
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::bodies::{Expected, Post, post};
use super::items::{Item, Maker};
use super::post::{Answer, Connection};
use super::reading::Reasons;
use super::source::Source;
use super::tally::{Tally, hash};

const CLIENTS: u64 = 24;
const PRODUCERS: u64 = 4;

/// The number of records that a producer sends before it waits for their acknowledgements.
const BATCH: usize = 100;

/// The number of records to send, their rate, and the seed of their random contents.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) records: usize,
    pub(super) per_second: f64,
    pub(super) seed: u64,
}

/// The progress and the rate of one half of the mixture. All senders of the half share this value.
struct Half {
    sent: AtomicUsize,
    records: usize,
    per_second: f64,
    began: Instant,
}

impl Half {
    fn new(plan: Plan) -> Arc<Self> {
        Arc::new(Self {
            sent: AtomicUsize::new(0),
            records: plan.records / 2,
            per_second: plan.per_second / 2.0,
            began: Instant::now(),
        })
    }

    /// Waits until more records may be sent. Returns `false` when all are sent.
    async fn next(&self, records: usize) -> bool {
        let before = self.sent.fetch_add(records, Ordering::Relaxed);
        let due = Duration::from_secs_f64(before as f64 / self.per_second);
        sleep_until(self.began + due).await;
        before < self.records
    }
}

/// Sends the mixture, half of it over HTTP and half through producers.
pub(super) async fn send(cluster: &Cluster, web_api: SocketAddr, plan: Plan) -> Tally {
    let (posted, produced) = (Half::new(plan), Half::new(plan));
    let mut tasks = JoinSet::new();
    for number in 0..CLIENTS {
        let maker = Maker::new(plan.seed, number);
        tasks.spawn(post_all(
            Connection::to(web_api),
            maker,
            Arc::clone(&posted),
        ));
    }
    for number in 0..PRODUCERS {
        let mut producers = BTreeMap::new();
        for source in Source::ALL {
            producers.insert(source, cluster.producer(source.topic()).await.unwrap());
        }
        let maker = Maker::new(plan.seed, CLIENTS + number);
        tasks.spawn(produce_all(producers, maker, Arc::clone(&produced)));
    }
    Tally::sum(tasks.join_all().await)
}

async fn produce_all(
    producers: BTreeMap<Source, Producer>,
    mut maker: Maker,
    half: Arc<Half>,
) -> Tally {
    let mut tally = Tally::default();
    while half.next(BATCH).await {
        let mut deliveries = Vec::new();
        for _ in 0..BATCH {
            let Item {
                kind,
                source,
                key,
                value,
            } = maker.item();
            let key = key.map_or(Key::NONE, Key::from);
            deliveries.push(producers[&source].send(key, value).await.unwrap());
            *tally.kinds.entry(kind).or_default() += 1;
            *tally.produced.entry(source).or_default() += 1;
        }
        for producer in producers.values() {
            producer.flush().await.unwrap();
        }
        for delivery in deliveries {
            delivery.wait().await.unwrap();
        }
    }
    tally
}

async fn post_all(mut connection: Connection, mut maker: Maker, half: Arc<Half>) -> Tally {
    let mut tally = Tally::default();
    let mut sent = 1;
    while half.next(sent).await {
        let post = post(&mut maker);
        sent = post.items.len().max(1);
        for kind in &post.items {
            *tally.kinds.entry(*kind).or_default() += 1;
        }
        match answer(&mut connection, &post, &mut tally).await {
            Some(answer) => {
                *tally.statuses.entry(answer.status).or_default() += 1;
                note(&post, &answer, &mut tally);
            }
            None => {
                let is_allowed = matches!(post.expected, Expected::Unreadable(_));
                assert!(is_allowed, "no answer to {}", shown(&post.bytes));
                tally.hang_ups += 1;
            }
        }
    }
    tally
}

/// Sends a request and returns the response. If the server refuses the request with status `503` and has written none
/// of its records, the request is sent again.
async fn answer(connection: &mut Connection, post: &Post, tally: &mut Tally) -> Option<Answer> {
    let deadline = Instant::now() + crate::harness::WAIT_MAX;
    loop {
        let answer = match post.expected {
            Expected::Unreadable(_) => connection.send_and_close(&post.bytes).await,
            _ => connection.send(&post.bytes).await,
        }?;
        let body = String::from_utf8_lossy(&answer.body);
        let is_refused = answer.status == 503 && !body.contains("unconfirmed");
        if !is_refused || Instant::now() >= deadline {
            return Some(answer);
        }
        tally.retries += 1;
        sleep(Duration::from_millis(200)).await;
    }
}

/// Checks that a response is the expected one, and counts the accepted and rejected records.
fn note(post: &Post, answer: &Answer, tally: &mut Tally) {
    let text = String::from_utf8_lossy(&answer.body);
    let complain =
        |what: &str| -> ! { panic!("{what}: {} {text} to {}", answer.status, shown(&post.bytes)) };
    let rejected = |json: &Value| -> BTreeMap<usize, String> {
        let one = |one: &Value| {
            let index = one["index"].as_u64().unwrap() as usize;
            (index, one["reason"].as_str().unwrap().to_owned())
        };
        json["rejections"]
            .as_array()
            .unwrap()
            .iter()
            .map(one)
            .collect()
    };
    let json =
        || serde_json::from_slice::<Value>(&answer.body).unwrap_or_else(|_| complain("no JSON"));
    match &post.expected {
        Expected::Refused(statuses) if statuses.contains(&answer.status) => {}
        Expected::Refused(_) => complain("not refused"),
        Expected::Any(source) | Expected::Unreadable(source) if answer.status == 200 => {
            let json = json();
            *tally.accepted.entry(*source).or_default() += json["accepted"].as_u64().unwrap();
            count(rejected(&json), &mut tally.rejected);
        }
        Expected::Any(_) | Expected::Unreadable(_) => {
            if !(400..500).contains(&answer.status) {
                complain("neither accepted nor refused");
            }
        }
        Expected::Records(records) => {
            if answer.status != 200 {
                complain("not accepted");
            }
            let json = json();
            let rejected = rejected(&json);
            for (index, (record, judged)) in records.iter().enumerate() {
                match (judged, rejected.get(&index)) {
                    (Ok(source), None) => *tally.accepted.entry(*source).or_default() += 1,
                    (Err(reasons), Some(reason)) if is_one(reasons, reason) => {
                        *tally.payloads.entry(hash(record)).or_default() += 1;
                    }
                    (_, found) => complain(&format!(
                        "record {index} is {judged:?}, but found {found:?}"
                    )),
                }
            }
            let (accepted, all) = (json["accepted"].as_u64(), records.len());
            if accepted != Some((all - rejected.len()) as u64) {
                complain(&format!("of {all} records"));
            }
            count(rejected, &mut tally.rejected);
        }
    }
}

fn is_one(reasons: &Reasons, reason: &str) -> bool {
    reasons.contains(reason)
}

fn count(rejected: BTreeMap<usize, String>, counts: &mut BTreeMap<String, u64>) {
    for reason in rejected.into_values() {
        *counts.entry(reason).or_default() += 1;
    }
}

/// Returns the beginning of a request, for error messages.
fn shown(bytes: &[u8]) -> String {
    let end = bytes.len().min(4_000);
    bytes[..end].escape_ascii().to_string()
}
