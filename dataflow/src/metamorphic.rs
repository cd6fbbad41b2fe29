//! Metamorphic tests of exactly-once: streams of events, in any order, cut into any batches over any
//! partitions, read by a simulated runner that is killed between any two writes. Whatever happened,
//! the derived topic must say what plain maps over the source say.

mod checks;
mod cluster;
mod runner;
mod scripts;

use proptest::prelude::*;

use self::checks::{late_by_the_book, verify};
use self::cluster::Cluster;
use self::scripts::{Script, Step, in_order_within_lateness, one_partition, with_crashes};

/// How often silence is looked for, as the derivation's loop does.
const TICK_MS: i64 = 200;

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 400,
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn order_batches_and_partitions_change_no_number(script in in_order_within_lateness()) {
        let mut cluster = Cluster::of(&script);
        cluster.run(&script.steps);
        cluster.finish();
        verify(&cluster);
        prop_assert!(cluster.late.is_empty(), "late: {:?}", cluster.late);
        let revisions: Vec<_> = cluster.rows().map(|row| row.revision).collect();
        prop_assert!(revisions.iter().all(|revision| *revision == 0), "{revisions:?}");
    }

    #[test]
    fn each_revision_stands_once_whatever_is_repeated_and_killed(script in with_crashes()) {
        let mut cluster = Cluster::of(&script);
        cluster.run(&script.steps);
        cluster.finish();
        verify(&cluster);
    }

    #[test]
    fn what_is_too_late_is_counted_once_and_in_no_number(script in one_partition()) {
        let mut cluster = Cluster::of(&script);
        cluster.run(&script.steps);
        cluster.finish();
        verify(&cluster);
        let mut declared: Vec<_> = cluster.late.iter().map(|(_, offset, _)| *offset).collect();
        declared.sort_unstable();
        prop_assert_eq!(declared, late_by_the_book(&script));
    }

    #[test]
    fn after_the_last_record_silence_closes_every_window(script in with_crashes()) {
        let mut cluster = Cluster::of(&script);
        cluster.run(&script.steps);
        cluster.read_all();
        let settings = script.settings;
        let within = settings.idle_timeout_ms.max(settings.lateness_ms + scripts::WINDOW_MS);
        for _ in 0..within / TICK_MS {
            cluster.wait(TICK_MS);
        }
        cluster.wait(within % TICK_MS);
        cluster.run(&[Step::Correct, Step::Save]); // due within seconds anyway
        for (window, key) in checks::accepted(&cluster).keys() {
            let closed = cluster.rows().any(|row| (row.window_start, &row.key) == (*window, key));
            prop_assert!(closed, "window {} of `{}` is open after {} ms", window, key, within);
        }
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
        ..Script::empty()
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
    use Step::{Deliver, KillAfter, Produce};
    let batch = |record: &str| vec![record.to_owned()];
    let script = Script {
        source: vec![
            vec![batch("25000 key-0 1"), batch("1000 key-0 2")],
            vec![batch("30000 key-0 3")],
        ],
        ..Script::empty()
    };
    let mut cluster = Cluster::of(&script);
    cluster.run(&[Produce(0), Produce(0), Produce(1)]);
    cluster.run(&[Deliver(0), Deliver(0), KillAfter(1), Deliver(1)]);
    assert_eq!(cluster.rows().count(), 1, "the checkpoint was not written");
    cluster.run(&[Deliver(1), Deliver(0), Deliver(0)]);
    cluster.finish();
    assert_eq!(cluster.late.len(), 1);
    verify(&cluster);
}

#[test]
fn an_empty_source_says_nothing() {
    let script = Script::empty();
    let mut cluster = Cluster::of(&script);
    cluster.finish();
    verify(&cluster);
    assert_eq!(cluster.rows().count(), 0);
}
