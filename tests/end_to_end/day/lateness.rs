//! Determines which events may be late and which must be, from the order in which the records of the day were
//! written.

use std::collections::BTreeMap;

use client::Cluster;
use data_generator::Topic;

use super::records::{HOUR_MS, NOON_MS};
use super::{GAP_MS, LATENESS_MS};
use crate::dataflow_file;
use crate::{harness, oracle};

const ALLOWED_LATENESS_MS: i64 = 60_000;

/// The position of an event in its topic and in time.
struct Position {
    partition: usize,
    offset: i64,
    time_ms: i64,
    /// The greatest time of the events before this one in its partition.
    greatest_ms: i64,
    is_of_the_afternoon: bool,
}

/// Checks the late events of each derivation. An event may be late only if an earlier record of its partition advanced
/// event time far enough. An event of the afternoon must be late if it was too old at the watermark that the markers at
/// noon set. `noon` contains the number of records that each partition had at noon.
pub(super) async fn assert_late_are_late(
    cluster: &Cluster,
    noon: &BTreeMap<(&'static str, usize), usize>,
) {
    let mut sources = BTreeMap::new();
    for topic in Topic::TELEMETRY {
        sources.insert(topic.name(), positions(cluster, topic.name(), noon).await);
    }
    for (derivation, source) in dataflow_file::derivations() {
        let late = harness::late(cluster, derivation).await;
        let (mut must, mut may) = (0, 0);
        for position in &sources[source] {
            let from_ms = late_from_ms(derivation, position.time_ms);
            let may_be_late = from_ms <= position.greatest_ms.saturating_sub(LATENESS_MS);
            let must_be_late = position.is_of_the_afternoon
                && from_ms + joined_ms(derivation) <= NOON_MS - LATENESS_MS;
            let (partition, offset) = (position.partition as u64, position.offset);
            let is_late = late.contains_key(&(source.to_owned(), partition, offset));
            assert!(
                (!is_late || may_be_late) && (is_late || !must_be_late),
                "`{derivation}`, {partition} {offset}: late is {is_late}, may be {may_be_late}, must be {must_be_late}"
            );
            must += u32::from(must_be_late);
            may += u32::from(may_be_late);
        }
        assert!(must > 10 && may > must, "`{derivation}`: {must} of {may}");
    }
}

async fn positions(
    cluster: &Cluster,
    source: &'static str,
    noon: &BTreeMap<(&'static str, usize), usize>,
) -> Vec<Position> {
    let mut positions = Vec::new();
    let partitions = harness::partitions(cluster, source).await;
    for (partition, records) in partitions.iter().enumerate() {
        let mut greatest_ms = i64::MIN;
        for (number, record) in records.iter().enumerate() {
            if let Some(time_ms) = oracle::time_ms(record, source) {
                positions.push(Position {
                    partition,
                    offset: record.offset.0,
                    time_ms,
                    greatest_ms,
                    is_of_the_afternoon: number >= noon[&(source, partition)],
                });
                greatest_ms = greatest_ms.max(time_ms);
            }
        }
    }
    positions
}

/// Returns how much longer an event may be on time if it joins an open session.
fn joined_ms(derivation: &str) -> i64 {
    match derivation {
        "player-session-summaries" => HOUR_MS,
        _ => 0,
    }
}

/// Returns the lowest watermark at which an event of this time is too late.
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
