//! Measures the memory of the batch module, for each derivation, while twenty million events pass through it.

use anyhow::{Context, ensure};
use benches::memory::{EncodedBatches, EventCounts};
use benches::modules;

const COUNTS: EventCounts = EventCounts {
    different: 100_000,
    warm_up: 1_000_000,
    events: 20_000_000,
};

/// Prints a table. Fails if memory grows after the warm-up.
pub(crate) fn measure() -> anyhow::Result<()> {
    let EventCounts {
        warm_up, events, ..
    } = COUNTS;
    println!("\nmemory, in pages of 64 KiB");
    println!(
        "{:>20} {:>12} {:>22} {:>22}",
        "derivation",
        "at the start",
        format!("after {warm_up} events"),
        format!("after {events}")
    );
    let mut batches = EncodedBatches::new(COUNTS)?;
    for derivation in derivations::registrations() {
        let (name, params) = (derivation.name(), modules::required(&derivation));
        let request = modules::request([(name, params.as_slice())]);
        let wasm = modules::named(derivation.source().context("a source")?)?;
        let pages = batches.run(&wasm, &request, COUNTS)?;
        println!(
            "{name:>20} {:>12} {:>22} {:>22}",
            pages.start, pages.warm, pages.end
        );
        ensure!(pages.end == pages.warm, "the memory for `{name}` grows");
    }
    Ok(())
}
