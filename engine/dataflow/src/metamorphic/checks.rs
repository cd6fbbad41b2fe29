//! The properties that must hold at the end of a run. Expected values are computed from the source with plain
//! maps.

mod expected;
mod required_late;

use std::collections::{BTreeMap, BTreeSet};

use client::{Offset, Partition, PartitionOffset};

use super::cluster::{Cluster, Row, Topics};
use super::kinds::Kind;
use crate::durable::checkpoint::PartitionCheckpoint;
use crate::sink::counts::Counts;

pub(super) use expected::{Expected, Said, expected, window_starts};
pub(super) use required_late::required_late;

/// A source record that is an event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Event {
    pub(super) time: i64,
    pub(super) at: PartitionOffset,
    pub(super) key: String,
    pub(super) value: String,
}

impl Event {
    fn of(at: PartitionOffset, record: &str) -> Option<Self> {
        let mut fields = record.split(' ');
        Some(Self {
            time: fields.next()?.parse().ok()?,
            at,
            key: fields.next()?.to_owned(),
            value: fields.next()?.to_owned(),
        })
    }
}

fn records(topics: &Topics) -> impl Iterator<Item = (PartitionOffset, &str)> {
    let partitions = Partition::all().zip(&topics.source);
    partitions.flat_map(|(partition, batches)| {
        let records = batches.iter().flat_map(|batch| &batch.records);
        let offsets = (0..).map(Offset);
        let places = offsets.map(move |offset| PartitionOffset { partition, offset });
        places.zip(records.map(String::as_str))
    })
}

/// All events of the source.
pub(super) fn events(topics: &Topics) -> impl Iterator<Item = Event> {
    records(topics).filter_map(|(at, record)| Event::of(at, record))
}

/// All events of the source that are not in `late-events`.
pub(super) fn accepted(topics: &Topics) -> Vec<Event> {
    let late: BTreeSet<_> = topics.late.iter().map(|late| late.at).collect();
    events(topics)
        .filter(|event| !late.contains(&event.at))
        .collect()
}

/// Verifies the guarantees of exactly-once processing: the rows, the dead letters and the counts.
pub(super) fn verify(cluster: &Cluster) {
    verify_rows(cluster);
    verify_dead_letters(cluster);
    verify_counts(cluster);
}

/// Verifies a replay in the same way as [`verify`] verifies a run, with one exception: a replay ends with the last
/// event, so a keyed process reports no silence after that.
pub(super) fn verify_replay(cluster: &Cluster) {
    let last = events(cluster).map(|event| event.time).max();
    let mut expected = expected(cluster);
    expected.retain(|(.., key, _), said| {
        !key.ends_with("|silent") || last.is_some_and(|last| said.window_end <= last + 1)
    });
    assert_eq!(said(cluster), expected, "the replay, and the recomputation");
    verify_dead_letters(cluster);
    verify_counts(cluster);
}

/// Verifies what must hold if retention removes records at any moment: a row contains only events of its own window
/// and key, each revision is written once, and every record is either read or counted as evicted.
pub(super) fn verify_evicted(cluster: &Cluster) {
    let all = expected::of_all(cluster);
    for ((start, key, _), row) in said(cluster) {
        let values = |said: &Said| {
            said.measures["values"]
                .as_array()
                .cloned()
                .unwrap_or_default()
        };
        let its = all.iter().filter(|((from, of, _), said)| {
            *of == key && *from <= start && row.window_end <= said.window_end
        });
        let known: Vec<_> = its.flat_map(|(_, said)| values(said)).collect();
        for value in values(&row) {
            assert!(
                known.contains(&value),
                "{value} is not of {start} and `{key}`"
            );
        }
    }
    let partitions = Partition::all().zip(&cluster.checkpoint.partitions);
    for (partition, PartitionCheckpoint { counts, .. }) in partitions {
        let of_all = counts.accepted + counts.late + counts.duplicate + counts.rejected_total();
        assert_eq!(counts.read, of_all, "{counts:?}");
        let records = cluster.end(partition).0 as u64;
        assert_eq!(counts.read + counts.evicted, records, "{counts:?}");
    }
}

fn verify_rows(cluster: &Cluster) {
    let last: BTreeMap<_, _> = cluster
        .rows()
        .map(|row| ((row.window_start, row.key.clone()), row))
        .collect();
    for row in last.values().filter(|row| !row.withdrawn) {
        assert_ne!(row.is_final, Some(false), "the last revision: {row:?}");
    }
    assert_eq!(
        said(cluster),
        expected(cluster),
        "the derived topic, and the recomputation"
    );
}

/// Returns the final content of the derived topic. Also checks that the topic contains each revision once.
pub(super) fn said(cluster: &Cluster) -> Expected {
    let mut last: BTreeMap<_, Row> = BTreeMap::new();
    let mut said = Expected::new();
    for row in cluster.rows() {
        let place = (row.window_start, row.key.clone());
        let next = last.get(&place).map_or(0, |row| row.revision + 1);
        assert_eq!(row.revision, next, "the revision of {row:?}");
        let takes_back = row.revision > 0 || !is_empty(&row);
        assert!(takes_back, "an empty row: {row:?}");
        verify_finality(cluster, last.get(&place), &row);
        if cluster.settings.kind == Kind::Followed {
            said.insert((row.window_start, row.key.clone(), row.revision), of(&row));
        }
        last.insert(place, row);
    }
    if cluster.settings.kind != Kind::Followed {
        let kind = cluster.settings.kind;
        let written = last.into_values().filter(|row| !is_taken_back(kind, row));
        said.extend(written.map(|row| ((row.window_start, row.key.clone(), 0), of(&row))));
    }
    said
}

fn of(row: &Row) -> Said {
    Said {
        window_end: row.window_end,
        measures: row.measures.clone(),
    }
}

fn is_empty(row: &Row) -> bool {
    let values = row
        .measures
        .get("values")
        .and_then(|values| values.as_array());
    values.is_some_and(Vec::is_empty)
}

/// Whether the row is withdrawn. The last revision of a withdrawn row is empty, unless the derivation no longer keeps
/// the row. For sessions, it is also marked as withdrawn.
fn is_taken_back(kind: Kind, row: &Row) -> bool {
    assert!(
        !row.withdrawn || is_empty(row) || kind == Kind::Filtered,
        "{row:?}"
    );
    row.withdrawn || is_empty(row)
}

/// Verifies that a row says whether it is final if the derivation has early rows, and that it stays final.
fn verify_finality(cluster: &Cluster, before: Option<&Row>, row: &Row) {
    let settings = cluster.settings;
    let has_early = settings.early && settings.kind != Kind::Followed;
    assert_eq!(row.is_final.is_some(), has_early, "{row:?}");
    let was_final = before.is_some_and(|before| before.is_final == Some(true));
    assert!(!was_final || row.is_final == Some(true), "{row:?}");
}

fn verify_dead_letters(cluster: &Cluster) {
    let bad: Vec<_> = records(cluster)
        .filter(|(at, record)| Event::of(*at, record).is_none())
        .map(|(at, _)| at)
        .collect();
    let mut rejected = cluster.rejected.clone();
    rejected.sort_unstable();
    assert_eq!(
        rejected, bad,
        "rejected records, and those that are not events"
    );
    let places: BTreeSet<_> = cluster.late.iter().map(|late| late.at).collect();
    let late = &cluster.late;
    assert_eq!(places.len(), late.len(), "late once: {late:?}");
}

fn verify_counts(cluster: &Cluster) {
    let mut total = Counts::default();
    for partition in &cluster.checkpoint.partitions {
        let counts = &partition.counts;
        let of_all = counts.accepted + counts.late + counts.duplicate + counts.rejected_total();
        assert_eq!(counts.read, of_all, "{counts:?}");
        total.read += counts.read;
        total.accepted += counts.accepted;
        total.late += counts.late;
        total.duplicate += counts.duplicate;
    }
    let events = accepted(cluster).len() as u64;
    assert_eq!(total.read, records(cluster).count() as u64, "read");
    assert_eq!(total.late, cluster.late.len() as u64, "late");
    assert_eq!(total.accepted + total.duplicate, events, "accepted");
    // For sessions, the number of duplicates is not compared if the events of a key may be in several partitions: a
    // batch that joins two sessions may reveal duplicates that another partition has counted as accepted.
    let is_told = cluster.settings.kind != Kind::Sessions || cluster.settings.keyed;
    if is_told {
        assert_eq!(total.duplicate, expected::duplicates(cluster), "duplicate");
    }
}
