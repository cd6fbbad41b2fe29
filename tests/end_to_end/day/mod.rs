//! Generates a day with every kind of dirty data. Every derived topic must equal its recomputation, sums of
//! money must equal the ledger, and planted incidents must be found.

mod dirt;
mod lateness;
mod measures;
mod money;
mod records;
mod truth;

use std::collections::{BTreeMap, BTreeSet};

use client::{Cluster, Producer, Record, TopicSettings};
use data_generator::Topic;
use serde_json::Value;

use crate::commands::Runner;
use crate::dataflow_file::{self, DataflowFile};
use crate::followed::{Followed, followed};
use crate::harness::{self, AnyCluster};
use crate::oracle::{FraudRules, ServerRules, Stuck};
use crate::queries::{HOPPING, QUERIES, queries};
use crate::verdict::{self, Windows};
use records::{Day, END_MS, HOUR_MS, NOON_MS, Sent};

const SEED: u64 = 24;

/// The number of partitions of each source topic.
const PARTITIONS: [u32; 3] = [3, 3, 2];

/// The session gap and the parameters of `stuck-players`, as in the dataflow file at the root.
const GAP_MS: i64 = 60_000;
const STUCK: Stuck = Stuck {
    min_ms: 120_000,
    min_events: 30,
    gap_ms: 1_800_000,
};

const LATENESS_MS: i64 = 2_000;

/// The event time of the markers that are sent after the events of the day. It is so late that the watermark then
/// passes every window of the day, and all results are written.
const MARKERS_MS: i64 = END_MS + 2 * HOUR_MS;
/// Only rows that end by this time are compared.
const ALL_DAY_MS: i64 = END_MS + HOUR_MS;

#[tokio::test(flavor = "multi_thread")]
async fn on_any_cluster_every_topic_of_a_dirty_day_equals_a_recomputation() {
    let node = AnyCluster::start();
    let cluster = Cluster::connect(Some(node.address())).await.unwrap();
    let queries_by_event_time = [QUERIES, &measures::derivations()]
        .concat()
        .replace("    sql: ", "    idle_timeout: 10m\n    sql: ");
    let dataflow = DataflowFile::all_by_event_time_and(&PARTITIONS, &queries_by_event_time);
    let Day { records, incidents } = records::day(SEED);
    let mut source = Source::open(&cluster).await;
    let (morning, afternoon): (Vec<Sent>, Vec<Sent>) = records
        .into_iter()
        .partition(|record| record.emitted_ms < NOON_MS);
    assert!(morning.len() + afternoon.len() > 60_000);

    let followed = followed(GAP_MS, STUCK, FraudRules::default(), ServerRules::default());
    source.send(morning).await;
    source.send(records::markers(NOON_MS)).await;
    let runner = Runner::at(node.address()).dataflow(&dataflow).start();
    wait_for_noon(&cluster).await;
    wait_for_bridges(&cluster).await;
    let noon = ends(&cluster).await;

    source.send(afternoon).await;
    source.send(records::markers(MARKERS_MS)).await;
    let mut alerts = BTreeMap::new();
    for one in &followed {
        alerts.insert(one.topic, one.wait_until_exact(&cluster, ALL_DAY_MS).await);
    }
    // An event can be too late for one hopping window and in time for the next.
    for query in all_queries().filter(|query| !HOPPING.contains(&query.topic)) {
        query.wait_until_exact(&cluster, ALL_DAY_MS).await;
    }
    verdict::assert_exact(&cluster, runner, Windows::Until(ALL_DAY_MS)).await;
    let withdrawn = harness::derived(&cluster, "player-session-summaries").await;
    let withdrawn = withdrawn.iter().filter(|row| row["withdrawn"] == true);
    assert!(withdrawn.count() >= dirt::BRIDGES, "bridged sessions");
    lateness::assert_late_are_late(&cluster, &noon).await;
    truth::assert_planted_are_found(&incidents, &alerts);
    money::assert_any_windowing_adds_up(&harness::records(&cluster, "purchase-events").await);
}

fn all_queries() -> impl Iterator<Item = Followed> {
    queries().into_iter().chain(measures::followed())
}

/// Waits until the accounts of every derivation and source partition report the watermark that the markers at noon
/// produce, which is the lateness before noon.
async fn wait_for_noon(cluster: &Cluster) {
    let noon = jiff::Timestamp::from_millisecond(NOON_MS - LATENESS_MS).unwrap();
    let ends = ends(cluster).await;
    let derivations = dataflow_file::derivations();
    let accounts = derivations
        .iter()
        .map(|(_, source)| ends.keys().filter(|(topic, _)| topic == source).count());
    let of_queries = all_queries().map(|query| {
        ends.keys()
            .filter(|(topic, _)| *topic == query.source)
            .count()
    });
    let accounts: usize = accounts.chain(of_queries).sum();
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

/// Waits until both sessions of each player of [`dirt::bridges`] are written. The event that joins them is sent only
/// after that.
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

/// Returns the number of records in each partition of each source topic.
async fn ends(cluster: &Cluster) -> BTreeMap<(&'static str, usize), usize> {
    let mut ends = BTreeMap::new();
    for topic in Topic::TELEMETRY {
        let partitions = harness::partitions(cluster, topic.name()).await;
        let lengths = partitions.iter().map(Vec::<Record>::len).enumerate();
        ends.extend(lengths.map(|(partition, length)| ((topic.name(), partition), length)));
    }
    ends
}

struct Source(BTreeMap<Topic, Producer>);

impl Source {
    async fn open(cluster: &Cluster) -> Self {
        let mut producers = BTreeMap::new();
        for (topic, partitions) in Topic::TELEMETRY.into_iter().zip(PARTITIONS) {
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

    /// Sends the records in this order, and waits until all are acknowledged.
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
