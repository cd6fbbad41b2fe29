//! A part of `make bench`. It measures the speed of the batch module (`smartmodules/player-events`, which processes a
//! whole stored batch in one call) compared with a conventional module, the gain of reading a source once for
//! several derivations, the speed of queries compared with that of built-in derivations, the memory of the batch
//! module, and the memory of derivations in the runner with ten million players. It fails if a measurement
//! contradicts a claim.

mod contest;
mod explosion;
mod memory;
mod queries;
mod speed;
mod streamed;

/// A measurement with the name that selects it.
type Named = (&'static str, fn() -> anyhow::Result<()>);

const MEASUREMENTS: [Named; 5] = [
    ("speed", speed::measure),
    ("queries", queries::measure),
    ("streamed", streamed::measure),
    ("memory", memory::measure),
    ("explosion", explosion::measure),
];

/// Runs the measurements that the arguments name, or all measurements if the arguments name none.
fn main() -> anyhow::Result<()> {
    let names: Vec<String> = std::env::args().skip(1).collect();
    if names.first().is_some_and(|name| name == explosion::ONE) {
        return explosion::measure_one();
    }
    let is_named = |name: &str| names.iter().any(|named| named == name);
    let any_named = MEASUREMENTS.iter().any(|(name, _)| is_named(name));
    for (name, measure) in MEASUREMENTS {
        if is_named(name) || !any_named {
            measure()?;
        }
    }
    Ok(())
}
