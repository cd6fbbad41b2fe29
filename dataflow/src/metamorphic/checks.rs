//! What must hold at the end, recomputed from the source by plain maps.

mod by_the_book;
mod expected;

use std::collections::{BTreeMap, BTreeSet};

use super::cluster::{Cluster, Row, Topics};
use super::course::Place;
use super::kinds::Kind;
use crate::counts::Counts;

pub(super) use by_the_book::late_by_the_book;
pub(super) use expected::{Expected, Said, expected, window_starts};

/// A source record that is an event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Event {
    pub(super) time: i64,
    pub(super) place: Place,
    pub(super) key: String,
    pub(super) value: String,
}

impl Event {
    fn of(place: Place, record: &str) -> Option<Self> {
        let mut fields = record.split(' ');
        Some(Self {
            time: fields.next()?.parse().ok()?,
            place,
            key: fields.next()?.to_owned(),
            value: fields.next()?.to_owned(),
        })
    }
}

fn records(topics: &Topics) -> impl Iterator<Item = (Place, &str)> {
    let partitions = topics.source.iter().enumerate();
    partitions.flat_map(|(partition, batches)| {
        let records = batches.iter().flat_map(|batch| &batch.records);
        (0..)
            .zip(records)
            .map(move |(offset, record)| ((partition, offset), record.as_str()))
    })
}

/// All events of the source.
pub(super) fn events(topics: &Topics) -> impl Iterator<Item = Event> {
    records(topics).filter_map(|(place, record)| Event::of(place, record))
}

/// All events that were not declared late.
pub(super) fn accepted(topics: &Topics) -> Vec<Event> {
    let late: BTreeSet<_> = topics.late.iter().map(|late| late.place).collect();
    events(topics)
        .filter(|event| !late.contains(&event.place))
        .collect()
}

/// Everything that exactly-once promises.
pub(super) fn verify(cluster: &Cluster) {
    verify_rows(cluster);
    verify_diverted(cluster);
    verify_counts(cluster);
}

fn verify_rows(cluster: &Cluster) {
    let mut last: BTreeMap<_, Row> = BTreeMap::new();
    let mut said = Expected::new();
    for row in cluster.rows() {
        let place = (row.window_start, row.key.clone());
        let next = last.get(&place).map_or(0, |row| row.revision + 1);
        assert_eq!(row.revision, next, "the revision of {row:?}");
        let takes_back = row.revision > 0 || !is_empty(&row);
        assert!(takes_back, "nothing is said by {row:?}");
        if cluster.settings.kind == Kind::Followed {
            said.insert((row.window_start, row.key.clone(), row.revision), of(&row));
        }
        last.insert(place, row);
    }
    if cluster.settings.kind != Kind::Followed {
        let stands = last.into_values().filter(|row| !is_taken_back(row));
        said.extend(stands.map(|row| ((row.window_start, row.key.clone(), 0), of(&row))));
    }
    assert_eq!(
        said,
        expected(cluster),
        "what stands, and the recomputation"
    );
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

/// A row of windows is taken back by one of no values, one of a session by a withdrawal.
fn is_taken_back(row: &Row) -> bool {
    assert!(!row.withdrawn || is_empty(row), "{row:?}");
    is_empty(row)
}

fn verify_diverted(cluster: &Cluster) {
    let bad: Vec<_> = records(cluster)
        .filter(|(place, record)| Event::of(*place, record).is_none())
        .map(|(place, _)| place)
        .collect();
    let mut rejected = cluster.rejected.clone();
    rejected.sort_unstable();
    assert_eq!(
        rejected, bad,
        "rejected records, and those that are no events"
    );
    let places: BTreeSet<_> = cluster.late.iter().map(|late| late.place).collect();
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
    // What joins sessions brings to light that their events repeat each other, in a replay as well.
    let is_told = cluster.settings.kind != Kind::Sessions || cluster.settings.keyed;
    if is_told {
        assert_eq!(total.duplicate, expected::duplicates(cluster), "duplicate");
    }
}
