//! Metamorphic tests of exactly-once processing. A simulated runner reads random streams of events, in any order
//! and split into any batches and partitions, and is killed between any two writes. Whatever happens, the derived
//! topic must contain the rows that a simple computation with plain maps gives for all events that were not late.

mod another_log;
mod checks;
mod clocks;
mod cluster;
mod kinds;
mod merge_history;
mod recovery;
mod replay;
mod runner;
mod scripts;

use proptest::prelude::*;

use self::checks::{required_late, said, verify, verify_replay};
use self::cluster::Cluster;
use self::kinds::Kind;
use self::scripts::{
    ENTRIES_MAX, Script, Step, in_order_within_lateness, one_partition, with_crashes,
};
use crate::testing::LAST_VALUE;

/// The interval between two checks for silent partitions, the same as in the derivation's loop.
const TICK_MS: i64 = 200;

/// The number of test cases for each property and kind.
const CASES: u32 = 400;

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..ProptestConfig::default()
    }
}

macro_rules! properties {
    ($($name:ident: $kind:expr),*) => {$(
        mod $name {
            use super::*;

            proptest! {
                #![proptest_config(config())]

                #[test]
                fn order_batches_and_partitions_change_no_row(script in in_order_within_lateness($kind)) {
                    order_changes_nothing(&script);
                }

                #[test]
                fn each_revision_is_written_once_whatever_is_repeated_and_killed(script in with_crashes($kind)) {
                    verify(&finished(&script));
                }

                #[test]
                fn what_is_too_late_is_counted_once_and_in_no_row(script in one_partition($kind)) {
                    late_events_are_those_of_the_model(&script);
                }

                #[test]
                fn a_replay_has_every_record_in_whatever_order_they_came(script in with_crashes($kind)) {
                    replay_agrees_with_the_runner(&script);
                }

                #[test]
                fn after_the_last_record_silence_emits_everything(script in with_crashes($kind)) {
                    silence_emits_everything(&script);
                }
            }
        }
    )*};
}

properties! {
    tumbling: Kind::Tumbling,
    hopping: Kind::Hopping,
    filtered: Kind::Filtered,
    ranked: Kind::Ranked,
    ranked_hopping: Kind::RankedHopping,
    sessions: Kind::Sessions,
    followed: Kind::Followed
}

fn finished(script: &Script) -> Cluster {
    let mut cluster = Cluster::of(script);
    cluster.run(&script.steps);
    cluster.finish();
    cluster
}

fn order_changes_nothing(script: &Script) {
    let cluster = finished(script);
    verify(&cluster);
    assert!(cluster.late.is_empty(), "late: {:?}", cluster.late);
    for row in cluster.rows() {
        let values = row
            .measures
            .get("values")
            .and_then(|values| values.as_array());
        // A session with `LAST_VALUE` is emitted without waiting for the gap, so later events may extend the session
        // and revise its row. A keyed process may revise its detections. Every other row is written once.
        let may_go_on = values.is_none_or(|values| values.iter().any(|value| value == LAST_VALUE));
        let may_be_revised = cluster.settings.kind == Kind::Followed
            || (cluster.settings.kind == Kind::Sessions && may_go_on);
        assert!(row.revision == 0 || may_be_revised, "{row:?}");
        assert!(!row.withdrawn, "{row:?}");
    }
}

fn late_events_are_those_of_the_model(script: &Script) {
    let cluster = finished(script);
    verify(&cluster);
    let late = cluster.late.iter().map(|late| late.at.offset);
    let mut declared: Vec<_> = late.collect();
    declared.sort_unstable();
    assert_eq!(declared, required_late(script));
}

fn replay_agrees_with_the_runner(script: &Script) {
    let replayed = Cluster::replayed(script);
    verify_replay(&replayed);
    let has_room = script.settings.entries_max == ENTRIES_MAX;
    if has_room {
        assert!(replayed.late.is_empty(), "late: {:?}", replayed.late);
    }
    let live = finished(script);
    // For hopping windows and keyed processes, the replay and the live run may differ. In the live run, an event may
    // be too late for one hopping window but in time for the next. A replay of a keyed process reports no silence
    // after the last event.
    let is_told = matches!(
        script.settings.kind,
        Kind::Tumbling | Kind::Filtered | Kind::Ranked | Kind::Sessions
    );
    if live.late.is_empty() && has_room && is_told {
        assert_eq!(said(&replayed), said(&live), "the replay, and the runner");
    }
}

fn silence_emits_everything(script: &Script) {
    let mut cluster = Cluster::of(script);
    cluster.run(&script.steps);
    cluster.read_all();
    let settings = script.settings;
    let said_after_ms = settings.lateness_ms + settings.kind.said_after_ms();
    let within = settings.idle_timeout_ms.max(said_after_ms);
    for _ in 0..within / TICK_MS {
        cluster.wait(TICK_MS);
    }
    cluster.wait(within % TICK_MS);
    cluster.run(&[Step::Correct, Step::Save]); // a real runner does each of them within seconds
    let said: Vec<_> = cluster.rows().collect();
    for (start, key, revision) in checks::expected(&cluster).into_keys() {
        let its = |row: &cluster::Row| (row.window_start, &row.key) == (start, &key);
        let is_said = said.iter().any(|row| its(row) && row.revision >= revision);
        assert!(is_said, "nothing of {start} and `{key}` after {within} ms");
    }
}

/// An event is late because its partition was silent for too long. The runner is killed after it has written the late
/// event, but before it writes a checkpoint. The next runner sees no silence, and is killed as well. Random scripts are
/// unlikely to produce this sequence.
#[test]
fn an_event_that_was_late_stays_late_through_two_restarts() {
    use Step::{Deliver, Kill, KillAfter, Produce, Save, Wait};
    let batch = |records: &[&str]| records.iter().map(ToString::to_string).collect();
    let script = Script {
        source: vec![
            vec![batch(&["25000 key-0 1"])],
            vec![batch(&["1500 key-0 2", "26000 key-0 4"])],
        ],
        ..Script::empty(Kind::Tumbling)
    };
    let mut cluster = Cluster::of(&script);
    cluster.run(&[Produce(0), Deliver(0), Wait(4_000), Produce(1), Deliver(1)]);
    cluster.run(&[KillAfter(1), Save]);
    assert_eq!(cluster.late.len(), 1, "the rest was not written");
    cluster.run(&[Deliver(1), Save, Kill]);
    cluster.finish();
    verify(&cluster);
}

/// A runner writes a row. The next runner reads the partitions in a different order, so the only event of this row
/// is late.
#[test]
fn a_row_whose_only_event_is_late_after_a_restart_is_taken_back() {
    use Step::{Deliver, KillAfter, Produce, Save};
    let batch = |record: &str| vec![record.to_owned()];
    let script = Script {
        source: vec![
            vec![batch("25000 key-0 1"), batch("1000 key-0 2")],
            vec![batch("30000 key-0 3")],
        ],
        ..Script::empty(Kind::Tumbling)
    };
    let mut cluster = Cluster::of(&script);
    cluster.run(&[Produce(0), Produce(0), Produce(1)]);
    cluster.run(&[Deliver(0), Deliver(0), KillAfter(1), Deliver(1), Save]);
    assert_eq!(cluster.rows().count(), 1, "the checkpoint was not written");
    cluster.run(&[Deliver(1), Deliver(0), Deliver(0)]);
    cluster.finish();
    assert_eq!(cluster.late.len(), 1);
    verify(&cluster);
}

#[test]
fn an_empty_source_has_no_rows() {
    let script = Script::empty(Kind::Tumbling);
    let mut cluster = Cluster::of(&script);
    cluster.finish();
    verify(&cluster);
    assert_eq!(cluster.rows().count(), 0);
}
