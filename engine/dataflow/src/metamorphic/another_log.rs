//! Tests in which the source is deleted and created again, loses its end, or loses its beginning to retention, at any
//! moment. Until the derivation is reset, no record of another log may be processed. After the reset, no row may be
//! written for a window that was closed before the reset.

use client::{Offset, Partition};
use proptest::prelude::*;

use super::checks::{verify, verify_evicted};
use super::cluster::Cluster;
use super::config;
use super::kinds::Kind;
use super::scripts::{Script, with_crashes};

/// A script, the number of its steps to run, and a second script, whose source then replaces that of the first.
fn with_another_source(kind: Kind) -> impl Strategy<Value = (Script, usize, Script)> {
    let drawn = (with_crashes(kind), 0..200_usize, with_crashes(kind));
    drawn.prop_map(|(mut script, steps, other)| {
        script.settings.keyed &= other.settings.keyed;
        (script, steps, other)
    })
}

/// Runs the first `steps` steps of the script.
fn begun(script: &Script, steps: usize) -> Cluster {
    let mut cluster = Cluster::of(script);
    cluster.run(&script.steps[..steps.min(script.steps.len())]);
    cluster
}

/// Whether the last checkpoint accounts for any source record.
fn has_read(cluster: &Cluster) -> bool {
    let checkpoint = &cluster.checkpoint.partitions;
    checkpoint
        .iter()
        .any(|partition| partition.next_offset > Offset::ZERO)
}

fn another_log_is_refused_and_old_windows_stay(script: &Script, steps: usize, other: &Script) {
    let mut cluster = begun(script, steps);
    let before = cluster.rows().count();
    let closed_to = cluster.checkpoint.watermark;
    cluster.replace_source(&another(&other.source, script.source.len()));
    if has_read(&cluster) {
        assert!(
            !cluster.is_recognized(),
            "another log was taken for the one that was read"
        );
    }
    assert_eq!(cluster.rows().count(), before);
    let mut reset = cluster.reset();
    reset.finish();
    verify(&reset);
    for row in reset.rows() {
        let windows = matches!(script.settings.kind, Kind::Tumbling | Kind::Hopping);
        let at = if windows {
            row.window_end - 1
        } else {
            row.window_start
        };
        let closed = closed_to.map_or(i64::MIN, |closed| closed.as_millis());
        assert!(
            at >= closed,
            "{row:?} belongs to what was closed by {closed}"
        );
    }
}

/// Returns the source with `partitions` partitions and changed records. With unchanged records, a runner could not
/// distinguish it from the log that it has read.
fn another(source: &[Vec<Vec<String>>], partitions: usize) -> Vec<Vec<Vec<String>>> {
    let mut source = source.to_vec();
    source.resize(partitions, Vec::new());
    for text in source.iter_mut().flatten().flatten() {
        *text = text
            .replace("key-", "new-")
            .replace("no event", "no new event");
    }
    source
}

fn a_log_that_lost_what_was_read_is_refused(
    script: &Script,
    steps: usize,
    partition: usize,
    batches: usize,
) {
    let mut cluster = begun(script, steps);
    let partition = Partition((partition % script.source.len()) as u32);
    assert!(cluster.is_recognized(), "the log that was read");
    let read = cluster
        .checkpoint
        .partitions
        .get(partition.index())
        .map_or(Offset::ZERO, |partition| partition.next_offset);
    let read = read.max(cluster.runner.next_offset(partition));
    cluster.shorten_source(partition, batches);
    let left = cluster.end(partition);
    assert_eq!(
        cluster.is_recognized(),
        left >= read,
        "{left} of {read} records are left"
    );
}

fn what_retention_removes_is_in_no_wrong_row(script: &Script, evictions: &[(usize, usize, usize)]) {
    let mut cluster = Cluster::of(script);
    let mut from = 0;
    for (steps, partition, batches) in evictions {
        let to = (from + steps).min(script.steps.len());
        cluster.run(&script.steps[from..to]);
        let partition = Partition((partition % script.source.len()) as u32);
        cluster.evict(partition, *batches);
        assert!(cluster.is_recognized(), "the log that was read");
        from = to;
    }
    cluster.run(&script.steps[from..]);
    cluster.finish();
    verify_evicted(&cluster);
}

macro_rules! properties {
    ($($name:ident: $kind:expr),*) => {$(
        mod $name {
            use super::*;

            proptest! {
                #![proptest_config(config())]

                #[test]
                fn another_log_is_refused_and_old_windows_stay_as_they_are(
                    (script, steps, other) in with_another_source($kind),
                ) {
                    another_log_is_refused_and_old_windows_stay(&script, steps, &other);
                }

                #[test]
                fn a_log_that_lost_what_was_read_is_refused(
                    script in with_crashes($kind),
                    steps in 0..200_usize,
                    partition in 0..16_usize,
                    batches in 0..4_usize,
                ) {
                    super::a_log_that_lost_what_was_read_is_refused(&script, steps, partition, batches);
                }
            }
        }
    )*};
}

macro_rules! evictions {
    ($($name:ident: $kind:expr),*) => {$(
        proptest! {
            #![proptest_config(config())]

            #[test]
            fn $name(
                script in with_crashes($kind),
                evictions in proptest::collection::vec((0..60_usize, 0..16_usize, 0..6_usize), 1..4),
            ) {
                what_retention_removes_is_in_no_wrong_row(&script, &evictions);
            }
        }
    )*};
}

evictions! {
    evicted_records_are_in_no_wrong_window: Kind::Tumbling,
    evicted_records_are_in_no_wrong_hopping_window: Kind::Hopping,
    evicted_records_are_in_no_wrong_session: Kind::Sessions
}

properties! {
    tumbling: Kind::Tumbling,
    hopping: Kind::Hopping,
    sessions: Kind::Sessions,
    followed: Kind::Followed
}
