//! Connects two hundred browsers at once. Every change of a view must reach all of them, the dashboard's memory
//! must not grow, and the cluster must have only one consumer of each topic. The tests print delays without checking
//! them, because on a busy machine a delay does not depend on the dashboard alone.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use client::{Cluster, Producer, TopicSettings};
use jiff::Timestamp;
use tokio::time::{MissedTickBehavior, interval};

use super::browsers::{Browsers, mark};
use super::http;
use super::rows::{OTHERS, SOURCES, WINDOW_MS};
use super::wire::Wire;
use crate::clusters::LocalCluster;
use crate::harness::{Running, resident_bytes};

const BROWSERS: usize = 200;
const CHANGES: u64 = 5;
/// The number of changes before the first measurement of memory, and between two measurements. They change all views in
/// turn.
const WARM_CHANGES: u64 = 150;
const MORE_CHANGES: u64 = 600;
/// The number of distinct marks. Marks repeat, so that responses do not grow.
const NAMES: u64 = 10;
const PACE: Duration = Duration::from_millis(50);
/// The amount of freed memory that an allocator may retain. If each browser's copy of every response were kept, memory
/// would grow by more. In at least one of the periods, memory must grow by less: a leak grows in every period, but the
/// memory that an allocator retains does not.
const GROWTH_BYTES_MAX: u64 = 12 << 20;
const PERIODS: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn every_change_reaches_two_hundred_browsers_of_each_view() {
    let node = LocalCluster::start();
    let mut crowd = Crowd::start(&node.address).await;
    for (source, (view, ..)) in SOURCES.iter().enumerate() {
        let browsers = Browsers::open(crowd.address, &[view], BROWSERS).await;
        let delay = crowd.median_delay(source, &browsers).await;
        eprintln!(
            "{view}: all {} browsers received a change after {delay:.0?}",
            browsers.count()
        );
    }
    crowd.dashboard.stop();
    node.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_browsers_share_one_consumer_of_each_topic() {
    let node = LocalCluster::start();
    let [control, data] =
        [&node.address, &node.spu_address].map(|address| address.parse().unwrap());
    let wire = Wire::to(control, data).await;
    let mut crowd = Crowd::start(&wire.address.to_string()).await;
    let browsers = crowd.browsers_of_all_views().await;
    for source in 0..SOURCES.len() {
        crowd.mark += 1;
        crowd.change(source, crowd.mark).await;
    }
    // Each browser receives the mark of its own view. All marks are at least 1, and `all_received` accepts later marks.
    browsers.all_received(1).await;
    let streams = wire.streams();
    assert_eq!(streams.len(), SOURCES.len() + OTHERS.len(), "{streams:?}");
    assert!(streams.values().all(|count| *count == 1), "{streams:?}");
    crowd.dashboard.stop();
    node.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_does_not_grow_while_two_hundred_browsers_receive_changes() {
    let node = LocalCluster::start();
    let crowd = Crowd::start(&node.address).await;
    crowd.measure_memory().await;
    crowd.dashboard.stop();
    node.stop();
}

/// A dashboard with the producers of the rows that it shows.
struct Crowd {
    dashboard: Running,
    address: SocketAddr,
    producers: Vec<Producer>,
    mark: u64,
}

impl Crowd {
    async fn start(address: &str) -> Self {
        let cluster = Cluster::connect(Some(address)).await.unwrap();
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
        let dashboard = Running::start(&["dashboard", "--cluster", address]);
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

    /// Returns the median time until all browsers have received a change.
    async fn median_delay(&mut self, source: usize, browsers: &Browsers) -> Duration {
        let mut waits = Vec::new();
        for _ in 0..CHANGES {
            let since = Instant::now();
            self.mark += 1;
            self.change(source, self.mark).await;
            browsers.all_received(self.mark).await;
            waits.push(since.elapsed());
        }
        waits.sort_unstable();
        waits[waits.len() / 2]
    }

    /// Connects the browsers, distributed over all views.
    async fn browsers_of_all_views(&self) -> Browsers {
        let views = SOURCES.map(|(view, ..)| view);
        Browsers::open(self.address, &views, BROWSERS.div_ceil(views.len())).await
    }

    async fn measure_memory(&self) {
        let browsers = self.browsers_of_all_views().await;
        let pid = self.dashboard.pid();
        self.change_all(WARM_CHANGES).await;
        let mut resident = vec![resident_bytes(pid).unwrap()];
        while resident.len() < 2 || growth(&resident) >= GROWTH_BYTES_MAX {
            assert!(
                resident.len() <= PERIODS,
                "bytes after {MORE_CHANGES} changes each: {resident:?}"
            );
            self.change_all(MORE_CHANGES).await;
            resident.push(resident_bytes(pid).unwrap());
        }
        eprintln!(
            "{} browsers, bytes after {MORE_CHANGES} changes each: {resident:?}",
            browsers.count()
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

/// Returns the growth of memory in the last period.
fn growth(resident: &[u64]) -> u64 {
    match resident {
        [.., before, after] => after.saturating_sub(*before),
        _ => 0,
    }
}
