//! What must hold at the end, recomputed from the source by plain maps.

use std::collections::{BTreeMap, BTreeSet};

use super::cluster::Cluster;
use super::scripts::{Script, WINDOW_MS};
use crate::counts::Counts;

/// By window start and key, the values and the number of events.
type Recomputed = BTreeMap<(i64, String), (BTreeSet<String>, u64)>;

fn event(record: &str) -> Option<(i64, String, String)> {
    let mut fields = record.split(' ');
    let time = fields.next()?.parse().ok()?;
    Some((time, fields.next()?.to_owned(), fields.next()?.to_owned()))
}

fn window_start(time: i64) -> i64 {
    time.div_euclid(WINDOW_MS) * WINDOW_MS
}

fn records(cluster: &Cluster) -> impl Iterator<Item = (usize, i64, &str)> {
    let partitions = cluster.source.iter().enumerate();
    partitions.flat_map(|(partition, batches)| {
        let records = batches.iter().flat_map(|batch| &batch.records);
        (0..)
            .zip(records)
            .map(move |(offset, record)| (partition, offset, record.as_str()))
    })
}

/// All events that were not declared late.
pub(super) fn accepted(cluster: &Cluster) -> Recomputed {
    let late: BTreeSet<_> = cluster.late.iter().map(|late| (late.0, late.1)).collect();
    let mut recomputed = Recomputed::new();
    for (partition, offset, record) in records(cluster) {
        if let Some((time, key, value)) = event(record)
            && !late.contains(&(partition, offset))
        {
            let (values, events) = recomputed.entry((window_start(time), key)).or_default();
            values.insert(value);
            *events += 1;
        }
    }
    recomputed
}

/// Everything that exactly-once promises.
pub(super) fn verify(cluster: &Cluster) {
    let accepted = accepted(cluster);
    verify_rows(cluster, &accepted);
    verify_diverted(cluster);
    verify_counts(cluster, &accepted);
}

fn verify_rows(cluster: &Cluster, accepted: &Recomputed) {
    let mut last = BTreeMap::new();
    for row in cluster.rows() {
        let place = (row.window_start, row.key.clone());
        let expected = last.get(&place).map_or(0, |(revision, _)| revision + 1);
        assert_eq!(row.revision, expected, "the revision of {row:?}");
        let values: BTreeSet<_> = row.values.into_iter().collect();
        last.insert(place, (row.revision, values));
    }
    let stands: BTreeMap<_, _> = last
        .into_iter()
        .map(|(place, (_, values))| (place, values))
        .collect();
    // A row is taken back by one of no values.
    let stands: BTreeMap<_, BTreeSet<_>> = stands
        .into_iter()
        .filter(|(_, values)| !values.is_empty())
        .collect();
    let expected: BTreeMap<_, _> = accepted
        .iter()
        .map(|(place, (values, _))| (place.clone(), values.clone()))
        .collect();
    assert_eq!(
        stands, expected,
        "the last revisions, and the recomputation"
    );
}

fn verify_diverted(cluster: &Cluster) {
    let bad: Vec<_> = records(cluster)
        .filter(|(_, _, record)| event(record).is_none())
        .map(|(partition, offset, _)| (partition, offset))
        .collect();
    let mut rejected = cluster.rejected.clone();
    rejected.sort_unstable();
    assert_eq!(
        rejected, bad,
        "rejected records, and those that are no events"
    );
    let places: BTreeSet<_> = cluster.late.iter().map(|late| (late.0, late.1)).collect();
    assert_eq!(
        places.len(),
        cluster.late.len(),
        "late once: {:?}",
        cluster.late
    );
}

fn verify_counts(cluster: &Cluster, accepted: &Recomputed) {
    let mut total = Counts::default();
    for Counts {
        read,
        accepted,
        late,
        duplicate,
        rejected,
        evicted: _,
    } in cluster
        .checkpoint
        .partitions
        .iter()
        .map(|partition| partition.counts.clone())
    {
        assert_eq!(
            read,
            accepted + late + duplicate + rejected.values().sum::<u64>()
        );
        total.read += read;
        total.accepted += accepted;
        total.late += late;
        total.duplicate += duplicate;
    }
    let once: usize = accepted.values().map(|(values, _)| values.len()).sum();
    let events: u64 = accepted.values().map(|(_, events)| events).sum();
    assert_eq!(total.read, records(cluster).count() as u64, "read");
    assert_eq!(total.accepted, once as u64, "accepted");
    assert_eq!(total.late, cluster.late.len() as u64, "late");
    assert_eq!(total.duplicate, events - once as u64, "duplicate");
}

/// The offsets that must be late where one partition is read without a pause.
pub(super) fn late_by_the_book(script: &Script) -> Vec<i64> {
    let mut late = Vec::new();
    let (mut offset, mut greatest) = (0, None);
    for batch in &script.source[0] {
        let forgotten = greatest.map(|time: i64| {
            time - script.settings.lateness_ms - script.settings.allowed_lateness_ms
        });
        for record in batch {
            if let Some((time, _, _)) = event(record) {
                if forgotten.is_some_and(|forgotten| window_start(time) + WINDOW_MS <= forgotten) {
                    late.push(offset);
                }
                greatest = greatest.max(Some(time));
            }
            offset += 1;
        }
        // A batch is late or not as a whole: its own events do not count against each other.
    }
    late
}
