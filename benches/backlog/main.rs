//! `cargo bench --package benches --bench backlog`: measures how fast the runner processes a backlog. A generated
//! world is written to the source topics of a cluster. Then the runner, in a separate process, reads it from the
//! beginning, once with all derivations of `dataflow.yaml` and once with only one of them. Linux only.
//!
//! Each round also measures a small backlog, a tenth as large as the full one. The difference between the two
//! measurements is the cost of the additional events, without the cost of the start. Speed is not asserted, but the
//! counts must be right.
//!
//! - `EVENTS`: the events of the full backlog; default 3,000,000.
//! - `ROUNDS`: the number of rounds; default 5.
//! - `BINARY`: the binary to measure; default: the one in this benchmark's target folder.
//! - `CLUSTER=HOST:PORT`: an empty real cluster to use instead of local ones. Its topics are deleted after each
//!   measurement.
//! - `CLUSTER_PID`: the id of the real cluster's server process, whose processor time and memory are then measured.

mod check;
mod cluster;
mod dataflow_file;
mod progress;
mod round;
mod table;

use anyhow::ensure;
use benches::settings::number;

use crate::cluster::Clusters;
use crate::dataflow_file::DataflowFile;
use crate::round::Round;

/// The derivation that is also measured alone.
const ALONE: &str = "level-engagement";
/// The full backlog is this many times as large as the small one.
const SMALL: u64 = 10;
/// The minimum of `EVENTS`. The small backlog then covers 20 s of the world, so that windows of 10 s close.
const EVENTS_MIN: u64 = 200_000;

fn main() -> anyhow::Result<()> {
    let events = number("EVENTS", 3_000_000)?;
    let rounds = number("ROUNDS", 5)?;
    ensure!(
        events >= EVENTS_MIN && rounds > 0,
        "give EVENTS of at least {EVENTS_MIN}, and a ROUND"
    );
    tokio::runtime::Runtime::new()?.block_on(measure(events, rounds))
}

async fn measure(events: u64, rounds: u64) -> anyhow::Result<()> {
    let clusters = Clusters::from_environment()?;
    let dataflows = [DataflowFile::whole()?, DataflowFile::only(ALONE)?];
    let mut measured = dataflows.each_ref().map(|_| Vec::new());
    for number in 1..=rounds {
        for (dataflow, measured) in dataflows.iter().zip(&mut measured) {
            let small = round::measure(&clusters, dataflow, events / SMALL).await?;
            let full = round::measure(&clusters, dataflow, events).await?;
            eprintln!("{number}/{rounds} {}: {small:?}, {full:?}", dataflow.name());
            measured.push(Round { small, full });
        }
    }
    let measured = dataflows.iter().zip(&measured);
    table::print(measured.map(|(dataflow, rounds)| (dataflow.name(), rounds.as_slice())));
    println!("\n{events} events in the full backlog; rounds: {rounds}; median (least–greatest).");
    Ok(())
}
