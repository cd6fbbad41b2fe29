//! Measures the events per second that pass through Fluvio's engine on one thread, for the batch module, a conventional
//! module, and a module that does nothing. The module that does nothing shows the cost of the engine itself.
//!
//! All modules run in each round, and ratios are computed within a round, so that other work on the machine affects
//! all modules alike.

use anyhow::{Context, ensure};
use benches::batch;
use benches::modules::Params;
use benches::{Chain, Spread, WINDOW, modules};
use data_generator::Topic;

use crate::contest::{Contest, ROUNDS};

/// The derivation whose fold the batch module runs in this benchmark.
const OURS: &str = "level-engagement";
const BASELINE: &str = "idiomatic-baseline";

/// The claim: with batches of `CLAIMED_SIZE` events, the batch module is at least this many times as fast as the
/// baseline.
const CLAIMED_RATIO: f64 = 3.0;
const CLAIMED_SIZE: usize = 500;

const SIZES: [usize; 4] = [1, 50, CLAIMED_SIZE, 5_000];
/// The number of events for each round and module. They fill eight batches of the largest size.
const EVENTS: usize = 40_000;

/// A module that reads no input and emits no record.
const EMPTY: &[u8] = br#"(module
    (import "env" "copy_records" (func $copy_records (param i32 i32)))
    (memory (export "memory") 64)
    (func (export "alloc") (param i32) (result i32) (i32.const 1024))
    (func (export "filter_map") (param i32 i32 i32) (result i32)
        (call $copy_records (i32.const 0) (i32.const 5)) ;; a count of 0 and no error
        (i32.const 0)))"#;

/// Prints a table. Fails if the median ratio is below [`CLAIMED_RATIO`].
pub(crate) fn measure() -> anyhow::Result<()> {
    let (ours, baseline) = (
        modules::named(Topic::PlayerEvents.name())?,
        modules::baselines()?,
    );
    let baseline = baseline.get(BASELINE).context("run `make bench`")?;
    let none = Params::new();
    let request = modules::request([(OURS, &[WINDOW][..])]);
    let events = batch::events(Topic::PlayerEvents, EVENTS, 0.0);
    let bytes: usize = events.iter().map(|event| event.value.len()).sum();
    println!(
        "{EVENTS} player events of {} bytes, {ROUNDS} rounds; million events/s, median (least–greatest)",
        bytes / EVENTS
    );
    println!(
        "{:>10} {:>20} {:>20} {:>20} {:>20}",
        "batch size", "nothing", BASELINE, OURS, "ratio"
    );
    for size in SIZES {
        let contest = Contest {
            batches: batch::batches(&events, size)?,
            chains: [
                Chain::start(EMPTY, &none)?,
                Chain::start(baseline, &none)?,
                Chain::start(&ours, &request)?,
            ],
        };
        let rounds = contest.rounds()?;
        let speed = |which: usize| {
            Spread::of(
                rounds
                    .iter()
                    .map(|seconds| EVENTS as f64 / seconds[which] / 1e6),
            )
        };
        let ratio = Spread::of(rounds.iter().map(|[_, baseline, ours]| baseline / ours));
        println!(
            "{size:>10} {:>20} {:>20} {:>20} {:>20}",
            speed(0),
            speed(1),
            speed(2),
            ratio
        );
        ensure!(
            size != CLAIMED_SIZE || ratio.median >= CLAIMED_RATIO,
            "`{OURS}` is {:.2} times as fast as `{BASELINE}`, not {CLAIMED_RATIO}",
            ratio.median
        );
    }
    Ok(())
}
