//! Metamorphic tests of exactly-once: streams of events, in any order, cut into any batches over any
//! partitions, read by a simulated runner that is killed between any two writes. Whatever happened,
//! the derived topic must say what plain maps over the source say.

mod checks;
mod cluster;
mod course;
mod kinds;
mod recovery;
mod runner;
mod scripts;

use proptest::prelude::*;

use self::checks::{late_by_the_book, verify};
use self::cluster::Cluster;
use self::kinds::Kind;
use self::scripts::{Script, Step, in_order_within_lateness, one_partition, with_crashes};
use crate::testing::LAST_VALUE;

/// How often silence is looked for, as the derivation's loop does.
const TICK_MS: i64 = 200;

/// Of each property and kind.
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
                fn order_batches_and_partitions_change_no_number(script in in_order_within_lateness($kind)) {
                    order_changes_nothing(&script);
                }

                #[test]
                fn each_revision_stands_once_whatever_is_repeated_and_killed(script in with_crashes($kind)) {
                    verify(&finished(&script));
                }

                #[test]
                fn what_is_too_late_is_counted_once_and_in_no_number(script in one_partition($kind)) {
                    late_goes_by_the_book(&script);
                }

                #[test]
                fn after_the_last_record_silence_says_everything(script in with_crashes($kind)) {
                    silence_says_everything(&script);
                }
            }
        }
    )*};
}

properties! {
    tumbling: Kind::Tumbling,
    hopping: Kind::Hopping,
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
        // A session that was complete may go on; what is followed revises itself.
        let may_go_on = values.is_none_or(|values| values.iter().any(|value| value == LAST_VALUE));
        let may_be_revised = cluster.settings.kind == Kind::Followed
            || (cluster.settings.kind == Kind::Sessions && may_go_on);
        assert!(row.revision == 0 || may_be_revised, "{row:?}");
        assert!(!row.withdrawn, "{row:?}");
    }
}

fn late_goes_by_the_book(script: &Script) {
    let cluster = finished(script);
    verify(&cluster);
    let late = cluster.late.iter().map(|late| late.place.1);
    let mut declared: Vec<_> = late.collect();
    declared.sort_unstable();
    assert_eq!(declared, late_by_the_book(script));
}

fn silence_says_everything(script: &Script) {
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
    cluster.run(&[Step::Correct, Step::Save]); // due within seconds anyway
    let said: Vec<_> = cluster.rows().collect();
    for (start, key, revision) in checks::expected(&cluster).into_keys() {
        let its = |row: &cluster::Row| (row.window_start, &row.key) == (start, &key);
        let is_said = said.iter().any(|row| its(row) && row.revision >= revision);
        assert!(is_said, "nothing of {start} and `{key}` after {within} ms");
    }
}

/// Silence makes an event late, the runner dies before it can say so in a checkpoint, the next one
/// sees no silence and dies as well: too rare a course for chance to find it.
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

/// A row is written whose event comes too late for the next runner, which reads in another order.
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
fn an_empty_source_says_nothing() {
    let script = Script::empty(Kind::Tumbling);
    let mut cluster = Cluster::of(&script);
    cluster.finish();
    verify(&cluster);
    assert_eq!(cluster.rows().count(), 0);
}
