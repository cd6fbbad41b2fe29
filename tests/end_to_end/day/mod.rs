//! A generated day with all kinds of dirt: every derived topic equals its recomputation, money adds
//! up to the ledger, and what was planted is found.

mod dirt;
mod lateness;
mod money;
mod records;
mod truth;

use std::collections::{BTreeMap, BTreeSet};

use client::{Cluster, Producer, Record, TopicSettings};
use data_generator::Topic;
use serde_json::Value;

use crate::followed::followed;
use crate::harness::{self, AnyCluster, Running};
use crate::map_file::{self, MapFile};
use crate::oracle::{FraudRules, ServerRules, Stuck};
use crate::verdict::{self, Windows};
use records::{Day, END_MS, HOUR_MS, NOON_MS, Sent};

const SEED: u64 = 24;

/// Of each source topic.
const PARTITIONS: [u32; 3] = [3, 3, 2];

/// As the map at the root has it.
const GAP_MS: i64 = 60_000;
const STUCK: Stuck = Stuck {
    min_ms: 120_000,
    min_events: 30,
    gap_ms: 1_800_000,
};

const LATENESS_MS: i64 = 2_000;

/// The markers behind the day move time so far that all that can be said of it has been.
const MARKERS_MS: i64 = END_MS + 2 * HOUR_MS;
const ALL_DAY_MS: i64 = END_MS + HOUR_MS;

#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_every_topic_of_a_dirty_day_equals_a_recomputation() {
    let node = AnyCluster::start();
    let cluster = Cluster::connect(Some(node.address())).await.unwrap();
    let map = MapFile::all_by_event_time(&PARTITIONS);
    let Day { records, incidents } = records::day(SEED);
    let run = ["run", "--cluster", node.address(), "--map", &map.path()];
    let mut source = Source::open(&cluster).await;
    let (morning, afternoon): (Vec<Sent>, Vec<Sent>) = records
        .into_iter()
        .partition(|record| record.emitted_ms < NOON_MS);
    assert!(morning.len() + afternoon.len() > 60_000);

    let followed = followed(GAP_MS, STUCK, FraudRules::default(), ServerRules::default());
    source.send(morning).await;
    source.send(records::markers(NOON_MS)).await;
    let runner = Running::start(&run);
    wait_for_noon(&cluster).await;
    wait_for_bridges(&cluster).await;
    let noon = ends(&cluster).await;

    source.send(afternoon).await;
    source.send(records::markers(MARKERS_MS)).await;
    let mut alerts = BTreeMap::new();
    for one in &followed {
        alerts.insert(one.topic, one.wait_until_exact(&cluster, ALL_DAY_MS).await);
    }
    verdict::assert_exact(&cluster, runner, Windows::Until(ALL_DAY_MS)).await;
    let withdrawn = harness::derived(&cluster, "player-session-summaries").await;
    let withdrawn = withdrawn.iter().filter(|row| row["withdrawn"] == true);
    assert!(withdrawn.count() >= dirt::BRIDGES, "bridged sessions");
    lateness::assert_late_are_late(&cluster, &noon).await;
    truth::assert_planted_are_found(&incidents, &alerts);
    money::assert_any_windowing_adds_up(&harness::records(&cluster, "purchase-events").await);
}

/// Waits until accounts say that every derivation's time stands at the markers.
async fn wait_for_noon(cluster: &Cluster) {
    let noon = jiff::Timestamp::from_millisecond(NOON_MS - LATENESS_MS).unwrap();
    let ends = ends(cluster).await;
    let derivations = map_file::derivations();
    let accounts = derivations
        .iter()
        .map(|(_, source)| ends.keys().filter(|(topic, _)| topic == source).count());
    let accounts: usize = accounts.sum();
    harness::wait_for_derived(cluster, "accounting", |rows| {
        let is_noon = |row: &&Value| {
            let watermark = row["watermark"].as_str();
            watermark.is_some_and(|time| {
                time.parse::<jiff::Timestamp>()
                    .is_ok_and(|time| time == noon)
            })
        };
        let there = rows.iter().filter(is_noon);
        let place = |row: &Value| {
            (
                row["derivation"].to_string(),
                row["topic"].to_string(),
                row["partition"].as_u64(),
            )
        };
        there.map(place).collect::<BTreeSet<_>>().len() == accounts
    })
    .await;
}

/// Both sessions of each of these players have to be out before what joins them is sent.
async fn wait_for_bridges(cluster: &Cluster) {
    harness::wait_for_derived(cluster, "player-session-summaries", |rows| {
        let of_bridges = rows.iter().filter(|row| {
            let player = row["player_id"].as_str().unwrap();
            player.starts_with("bridge")
        });
        of_bridges.count() == 2 * dirt::BRIDGES
    })
    .await;
}

/// How many records each partition of each source topic has.
async fn ends(cluster: &Cluster) -> BTreeMap<(&'static str, usize), usize> {
    let mut ends = BTreeMap::new();
    for topic in Topic::ALL {
        let partitions = harness::partitions(cluster, topic.name()).await;
        let lengths = partitions.iter().map(Vec::<Record>::len).enumerate();
        ends.extend(lengths.map(|(partition, length)| ((topic.name(), partition), length)));
    }
    ends
}

/// Where records are sent.
struct Source(BTreeMap<Topic, Producer>);

impl Source {
    async fn open(cluster: &Cluster) -> Self {
        let mut producers = BTreeMap::new();
        for (topic, partitions) in Topic::ALL.into_iter().zip(PARTITIONS) {
            let settings = TopicSettings {
                name: topic.name().to_owned(),
                partitions,
                retention: None,
                storage: None,
            };
            cluster.ensure_topic(&settings).await.unwrap();
            producers.insert(topic, cluster.producer(topic.name()).await.unwrap());
        }
        Self(producers)
    }

    /// Sends in this order and waits until all of it stands.
    async fn send(&mut self, records: Vec<Sent>) {
        let mut deliveries = Vec::new();
        for Sent {
            topic, key, value, ..
        } in records
        {
            deliveries.push(self.0[&topic].send(key, value).await.unwrap());
        }
        for producer in self.0.values() {
            producer.flush().await.unwrap();
        }
        for delivery in deliveries {
            delivery.wait().await.unwrap();
        }
    }
}
