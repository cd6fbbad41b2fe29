//! `make bench`: how fast a batch module is beside a conventional one, what it saves to read a source
//! once for several derivations, that the memory of modules stays constant, and what ten million players
//! cost the runner. It fails where a claim does not hold.

mod explosion;
mod memory;
mod ratio;
mod shared;
mod speed;
mod streamed;

/// A measurement, by the name that chooses it.
type Named = (&'static str, fn() -> anyhow::Result<()>);

const MEASUREMENTS: [Named; 5] = [
    ("speed", speed::measure),
    ("shared", shared::measure),
    ("streamed", streamed::measure),
    ("memory", memory::measure),
    ("explosion", explosion::measure),
];

/// Takes the names of the measurements to make; without any, all are made.
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
