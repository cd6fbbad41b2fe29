//! Simulates an attack. Valid, skewed, odd, wrong, foreign, repeated and mutated records arrive over HTTP and from
//! producers at the same time. `up` must not panic, its memory must stay bounded, every row of a fixed window must be
//! exact, and every record must be accounted for.

mod bodies;
mod dead_letters;
mod dice;
mod draft;
mod items;
mod mutate;
mod oddities;
mod post;
mod reading;
mod senders;
mod source;
mod spill;
mod tally;
mod up;
mod values;
mod windows;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use client::{Cluster, Partition};
use serde_json::Value;

use crate::dataflow_file;
use crate::harness::{self, Running};
use dead_letters::DeadLetters;
use senders::Plan;
use tally::Tally;
use up::Up;

/// A field that only events of senders with a correct clock have.
const HEALTHY: &str = r#""clock":"right""#;

/// The number of records in a run of the whole suite. A body without records counts as one record. `HOSTILE_RECORDS`
/// overrides this number.
const RECORDS: usize = 60_000;
/// The number of records per second. Two busy cores can process this many in the build profile of tests.
/// `HOSTILE_RATE` overrides it.
const PER_SECOND: f64 = 3_000.0;

/// The derivations for which an event is late as soon as the watermark has passed its time.
const WITHOUT_WINDOWS: [&str; 3] = ["fraud-alerts", "server-alerts", "stuck-players"];

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_afternoon_leaves_every_result_exact_and_memory_bounded() {
    let plan = Plan {
        records: number("HOSTILE_RECORDS").unwrap_or(RECORDS),
        per_second: number("HOSTILE_RATE").unwrap_or(PER_SECOND),
        seed: number("HOSTILE_SEED").unwrap_or(1),
    };
    let up = Up::start();
    let cluster = Cluster::connect(Some(&up.cluster)).await.unwrap();
    let began = Instant::now();
    let tally = senders::send(&cluster, up.web_api, plan).await;
    let sending = began.elapsed();
    let memory_mib = up.memory_mib();
    let until_ms = jiff::Timestamp::now().as_millisecond();
    wait_until_read(&cluster, until_ms).await;
    drop(cluster);
    let (data_dir, log) = up.stop();
    up::assert_calm(&log);

    let node = Running::start(&[
        "local-cluster",
        "--data-dir",
        harness::path(data_dir.path()),
        "--cluster-addr",
        "127.0.0.1:0",
        "--spu-addr",
        "127.0.0.1:0",
    ]);
    let cluster = Cluster::connect(Some(&node.line("cluster: ")))
        .await
        .unwrap();
    let mut dead_letters = DeadLetters::read(&cluster).await;
    assert_posted_are_dead_letters(&tally, &dead_letters);
    assert_healthy_are_on_time(&dead_letters);
    let reasons = dead_letters.reasons();
    assert_eq!(reasons.len(), 7, "every reason occurs: {reasons:?}");
    let accounts = harness::accounts(&cluster).await;
    let rows =
        windows::assert_exact(&cluster, &mut dead_letters, &tally, &accounts, until_ms).await;
    print_summary(plan, &tally, &dead_letters, sending, &rows, &memory_mib);
    assert!(
        rows.iter()
            .all(|(topic, rows)| *rows > 10 || *topic == "revenue"),
        "{rows:?} are not a test"
    );
    up::assert_bounded(&memory_mib);
}

fn number<N: std::str::FromStr>(variable: &str) -> Option<N> {
    let value = std::env::var(variable)
        .ok()
        .filter(|value| !value.is_empty())?;
    let number = value.parse().ok();
    Some(number.unwrap_or_else(|| panic!("{variable} is `{value}`, which is not a number")))
}

/// Waits until the runner has read everything, and until the watermark is so far past `until_ms` that every window that
/// ends by `until_ms` is written. Corrections, which are written once a second, are then written too.
async fn wait_until_read(cluster: &Cluster, until_ms: i64) {
    const CORRECTED_MS: i64 = 3_000;
    let mut ends = BTreeMap::new();
    for (_, source) in dataflow_file::derivations() {
        for partition in Partition::of(cluster.partition_count(source).await.unwrap()) {
            let end = cluster.end_offset(source, partition).await.unwrap();
            ends.insert((source, partition), end);
        }
    }
    let (mut progress, mut since) = (0, Instant::now());
    loop {
        let accounts = harness::accounts(cluster).await;
        let is_done = |account: &Value| {
            let source = account["topic"].as_str().unwrap();
            let partition = Partition(account["partition"].as_u64().unwrap() as u32);
            let is_read = account["next_offset"].as_i64()
                == ends
                    .iter()
                    .find(|(place, _)| **place == (source, partition))
                    .map(|(_, end)| end.0);
            let watermark = account["watermark"]
                .as_str()
                .and_then(|time| time.parse().ok());
            let watermark = watermark.map(|time: jiff::Timestamp| time.as_millisecond());
            is_read && watermark >= Some(until_ms + CORRECTED_MS)
        };
        let derivations = dataflow_file::derivations().into_iter();
        let all: usize = derivations
            .map(|(_, from)| ends.keys().filter(|(source, _)| *source == from).count())
            .sum();
        if accounts.values().filter(|account| is_done(account)).count() == all {
            return;
        }
        let read = accounts
            .values()
            .map(|account| account["read"].as_u64().unwrap())
            .sum();
        if read > progress {
            (progress, since) = (read, Instant::now());
        }
        assert!(
            since.elapsed() < harness::WAIT_MAX,
            "the runner makes no progress: {accounts:#?}"
        );
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Checks that `rejected-events` contains the records that the web API reported as rejected.
fn assert_posted_are_dead_letters(tally: &Tally, dead_letters: &DeadLetters) {
    assert_eq!(
        dead_letters.posted, tally.rejected,
        "rejected by the web API, by reason"
    );
    for (payload, count) in &tally.payloads {
        let found = dead_letters.payloads.get(payload).copied().unwrap_or(0);
        assert!(
            found >= *count,
            "a rejected payload is not written: {found} of {count}"
        );
    }
}

/// Checks that no event of a healthy sender is late for a window because of other senders.
fn assert_healthy_are_on_time(dead_letters: &DeadLetters) {
    let late = dead_letters.healthy_late.iter();
    let late: Vec<_> = late
        .filter(|(derivation, _)| !WITHOUT_WINDOWS.contains(&derivation.as_str()))
        .collect();
    assert!(
        late.is_empty(),
        "healthy senders' events are late: {late:?}"
    );
}

fn print_summary(
    plan: Plan,
    tally: &Tally,
    dead_letters: &DeadLetters,
    sending: Duration,
    rows: &windows::Compared,
    memory_mib: &[u64],
) {
    let produced: u64 = tally.produced.values().sum();
    let accepted: u64 = tally.accepted.values().sum();
    let rejected: u64 = tally.rejected.values().sum();
    let requests: u64 = tally.statuses.values().sum();
    let records = produced + accepted + rejected;
    let late: BTreeMap<_, _> = dead_letters
        .late
        .iter()
        .map(|(name, late)| (name, late.len()))
        .collect();
    eprintln!(
        "hostile: seed {}, {records} records in {:.0} s ({:.0}/s): {produced} produced, \
         {requests} requests with {accepted} accepted and {rejected} rejected; answers {:?}, {} hang-ups, \
         {} retries; kinds {:?}; late {late:?}, of healthy senders {:?}; rows compared {rows:?}; \
         memory in thirds {:?} MiB",
        plan.seed,
        sending.as_secs_f64(),
        records as f64 / sending.as_secs_f64(),
        tally.statuses,
        tally.hang_ups,
        tally.retries,
        tally.kinds,
        dead_letters.healthy_late,
        up::thirds(memory_mib),
    );
}
