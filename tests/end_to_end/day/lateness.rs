//! What may be late, and what has to be: by the order in which the day was written.

use std::collections::BTreeMap;

use client::Cluster;
use data_generator::Topic;

use super::records::{HOUR_MS, NOON_MS};
use super::{GAP_MS, LATENESS_MS};
use crate::map_file;
use crate::{harness, oracle};

const ALLOWED_LATENESS_MS: i64 = 60_000;

/// Where an event stands in its topic, and in time.
struct Place {
    partition: usize,
    offset: i64,
    time_ms: i64,
    /// The greatest time before it in its partition.
    greatest_ms: i64,
    is_of_the_afternoon: bool,
}

/// The records that each derivation calls late are among those that are behind others of their own
/// partition, and all those are that were so old by noon, when time stood at the markers.
pub(super) async fn assert_late_are_late(
    cluster: &Cluster,
    noon: &BTreeMap<(&'static str, usize), usize>,
) {
    let mut sources = BTreeMap::new();
    for topic in Topic::ALL {
        sources.insert(topic.name(), places(cluster, topic.name(), noon).await);
    }
    for (derivation, source) in map_file::derivations() {
        let late = harness::late(cluster, derivation).await;
        let (mut must, mut may) = (0, 0);
        for place in &sources[source] {
            let from_ms = late_from_ms(derivation, place.time_ms);
            let may_be = from_ms <= place.greatest_ms.saturating_sub(LATENESS_MS);
            let has_to_be = place.is_of_the_afternoon
                && from_ms + joined_ms(derivation) <= NOON_MS - LATENESS_MS;
            let (partition, offset) = (place.partition as u64, place.offset);
            let is = late.contains_key(&(source.to_owned(), partition, offset));
            assert!(
                (!is || may_be) && (is || !has_to_be),
                "`{derivation}`, {partition} {offset}: late is {is}, may be {may_be}, has to be {has_to_be}"
            );
            must += u32::from(has_to_be);
            may += u32::from(may_be);
        }
        assert!(must > 10 && may > must, "`{derivation}`: {must} of {may}");
    }
}

async fn places(
    cluster: &Cluster,
    source: &'static str,
    noon: &BTreeMap<(&'static str, usize), usize>,
) -> Vec<Place> {
    let mut places = Vec::new();
    let partitions = harness::partitions(cluster, source).await;
    for (partition, records) in partitions.iter().enumerate() {
        let mut greatest_ms = i64::MIN;
        for (number, record) in records.iter().enumerate() {
            if let Some(time_ms) = oracle::time_ms(record, source) {
                places.push(Place {
                    partition,
                    offset: record.offset,
                    time_ms,
                    greatest_ms,
                    is_of_the_afternoon: number >= noon[&(source, partition)],
                });
                greatest_ms = greatest_ms.max(time_ms);
            }
        }
    }
    places
}

/// How much longer an event may find a session that it belongs to.
fn joined_ms(derivation: &str) -> i64 {
    match derivation {
        "player-session-summaries" => HOUR_MS,
        _ => 0,
    }
}

/// From which watermark on an event has come too late.
fn late_from_ms(derivation: &str, time_ms: i64) -> i64 {
    let window_ms = match derivation {
        "fraud-alerts" | "server-alerts" | "stuck-players" => return time_ms + 1,
        "player-session-summaries" => return time_ms + GAP_MS + ALLOWED_LATENESS_MS,
        "player-activity" => 5_000,
        "revenue" => 60_000,
        _ => 10_000,
    };
    (time_ms.div_euclid(window_ms) + 1) * window_ms + ALLOWED_LATENESS_MS
}
