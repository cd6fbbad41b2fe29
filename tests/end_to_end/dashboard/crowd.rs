//! Two hundred browsers at once: each view's changes reach all of them within a second, the dashboard's memory
//! stays as it is, and the cluster sees one consumer of each topic.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use client::{Cluster, Producer, TopicSettings};
use jiff::Timestamp;
use tempfile::TempDir;
use tokio::time::{MissedTickBehavior, interval};

use super::browsers::{Browsers, mark};
use super::http;
use super::rows::{OTHERS, SOURCES, WINDOW_MS};
use super::wire::Wire;
use crate::harness::{self, Running};

const BROWSERS: usize = 200;
/// What a browser may wait. The median of some changes counts: the two hundred share the machine with others.
const DELIVERY_MAX: Duration = Duration::from_secs(1);
const CHANGES: u64 = 5;
/// Changes of all views in turn, before the memory is looked at and meanwhile.
const WARM_CHANGES: u64 = 150;
const MORE_CHANGES: u64 = 600;
/// As many names come again and again, so that answers do not grow.
const NAMES: u64 = 10;
const PACE: Duration = Duration::from_millis(50);
/// What an allocator may keep of what was given back; two hundred copies of one answer each time would be more.
const GROWTH_BYTES_MAX: u64 = 12 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_browsers_share_one_consumer_of_each_topic_and_hear_of_all_within_a_second() {
    let folder = TempDir::new().unwrap();
    let ports = [free_address(), free_address()];
    let node = node(harness::path(folder.path()), ports);
    let cluster = Cluster::connect(Some(&ports[0].to_string())).await.unwrap();
    let wire = Wire::to(ports[0], ports[1]).await;
    let mut crowd = Crowd::start(&cluster, &wire).await;
    crowd.hear_of_every_view().await;
    crowd.take_no_more_memory().await;
    let streams = wire.streams();
    assert_eq!(streams.len(), SOURCES.len() + OTHERS.len(), "{streams:?}");
    assert!(streams.values().all(|count| *count == 1), "{streams:?}");
    eprintln!(
        "streams on the cluster: one of each of {} topics",
        streams.len()
    );
    crowd.dashboard.stop();
    node.stop();
}

fn node(data_dir: &str, [control, data]: [SocketAddr; 2]) -> Running {
    let (control, data) = (control.to_string(), data.to_string());
    let node = Running::start(&[
        "local-cluster",
        "--data-dir",
        data_dir,
        "--cluster-addr",
        &control,
        "--spu-addr",
        &data,
    ]);
    node.line("cluster: ");
    node
}

fn free_address() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

/// A dashboard, and what writes the rows that it shows.
struct Crowd {
    dashboard: Running,
    address: SocketAddr,
    producers: Vec<Producer>,
    mark: u64,
}

impl Crowd {
    async fn start(cluster: &Cluster, wire: &Wire) -> Self {
        let mut producers = Vec::new();
        let shown = SOURCES.iter().map(|(_, topic, _)| *topic);
        for name in shown.clone().chain(OTHERS) {
            let topic = TopicSettings {
                name: name.to_owned(),
                partitions: 1,
                retention: None,
                storage: None,
            };
            cluster.ensure_topic(&topic).await.unwrap();
        }
        for topic in shown {
            producers.push(cluster.producer(topic).await.unwrap());
        }
        let dashboard = Running::start(&["dashboard", "--cluster", &wire.address.to_string()]);
        let address = dashboard.line("dashboard: http://").parse().unwrap();
        let mut status = http::request(address, "GET", "/api/views/quality/live", &[]).await;
        status
            .wait_for("status", |status| status["filling"] == false)
            .await;
        Self {
            dashboard,
            address,
            producers,
            mark: 0,
        }
    }

    /// Writes a row with a mark.
    async fn change(&self, source: usize, number: u64) {
        let window = Timestamp::now().as_millisecond() / WINDOW_MS * WINDOW_MS;
        let row = SOURCES[source].2(&mark(number), window);
        let delivery = self.producers[source]
            .send("key", row.to_string())
            .await
            .unwrap();
        delivery.wait().await.unwrap();
    }

    async fn hear_of_every_view(&mut self) {
        for (source, (view, ..)) in SOURCES.iter().enumerate() {
            let browsers = Browsers::open(self.address, &[view], BROWSERS).await;
            let mut waits = Vec::new();
            for _ in 0..CHANGES {
                let since = Instant::now();
                self.mark += 1;
                self.change(source, self.mark).await;
                browsers.all_heard(self.mark).await;
                waits.push(since.elapsed());
            }
            waits.sort_unstable();
            eprintln!(
                "{view}: all {} browsers heard after {waits:?}",
                browsers.count()
            );
            assert!(waits[waits.len() / 2] < DELIVERY_MAX, "{view}: {waits:?}");
        }
    }

    async fn take_no_more_memory(&self) {
        let views = SOURCES.map(|(view, ..)| view);
        let browsers = Browsers::open(self.address, &views, BROWSERS.div_ceil(views.len())).await;
        let pid = self.dashboard.pid();
        self.change_all(WARM_CHANGES).await;
        let before = resident(pid);
        self.change_all(MORE_CHANGES).await;
        let after = resident(pid);
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        eprintln!(
            "{} browsers, {MORE_CHANGES} changes: {:.1} MiB before, {:.1} MiB after",
            browsers.count(),
            mib(before),
            mib(after)
        );
        assert!(
            after < before + GROWTH_BYTES_MAX,
            "{before} bytes, then {after}"
        );
        drop(browsers);
    }

    async fn change_all(&self, changes: u64) {
        let mut ticks = interval(PACE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for change in 0..changes {
            ticks.tick().await;
            let source = change as usize % SOURCES.len();
            self.change(source, change % NAMES).await;
        }
    }
}

/// Memory of a process, in bytes.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: u64 = line
        .unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap();
    kib * 1_024
}
