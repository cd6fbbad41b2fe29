//! `make bench`: how fast a batch module is beside a conventional one, and that its memory stays
//! constant. It fails where a claim does not hold.

mod memory;
mod ratio;
mod speed;

fn main() -> anyhow::Result<()> {
    speed::measure()?;
    memory::measure()
}
