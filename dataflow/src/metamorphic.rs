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
        let within = settings.idle_timeout_ms + settings.lateness_ms + scripts::WINDOW_MS;
        for _ in 0..=(within / TICK_MS + 1) {
            cluster.wait(TICK_MS);
        }
        cluster.run(&[Step::Correct, Step::Save]); // due within seconds anyway
        for (window, key) in checks::accepted(&cluster).keys() {
            let closed = cluster.rows().any(|row| (row.window_start, &row.key) == (*window, key));
            prop_assert!(closed, "window {} of `{}` is open after {} ms", window, key, within);
        }
    }
}

#[test]
fn an_empty_source_says_nothing() {
    let script = Script::empty();
    let mut cluster = Cluster::of(&script);
    cluster.finish();
    verify(&cluster);
    assert_eq!(cluster.rows().count(), 0);
}
