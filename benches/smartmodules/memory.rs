//! The memory of each batch module through twenty million events.

use anyhow::ensure;
use benches::memory::{Course, Track};
use benches::modules;

const COURSE: Course = Course {
    different: 100_000,
    warm_up: 1_000_000,
    events: 20_000_000,
};

/// Prints the table; fails where memory grows after the warm-up.
pub(crate) fn measure() -> anyhow::Result<()> {
    let Course {
        warm_up, events, ..
    } = COURSE;
    println!("\nmemory, in pages of 64 KiB");
    println!(
        "{:>20} {:>12} {:>22} {:>22}",
        "module",
        "at the start",
        format!("after {warm_up} events"),
        format!("after {events}")
    );
    let mut track = Track::new(COURSE)?;
    for (name, wasm) in modules::built()? {
        let pages = track.run(&wasm, &modules::parameters(&name)?, COURSE)?;
        println!(
            "{name:>20} {:>12} {:>22} {:>22}",
            pages.start, pages.warm, pages.end
        );
        ensure!(pages.end == pages.warm, "the memory of `{name}` grows");
    }
    Ok(())
}
