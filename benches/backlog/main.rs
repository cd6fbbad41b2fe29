//! `cargo bench --package benches --bench backlog`: measures the whole path on a backlog. A generated world is
//! written to the source topics of a cluster; then the runner, a process of its own, reads it from the
//! beginning, once with all derivations of `dataflow.yaml` and once with one of them alone. Linux only.
//!
//! Each round measures a small backlog, a tenth as large, too: the difference between the two is the cost of
//! further events, without that of the start. Nothing about speed is asserted, but the counts must be right.
//!
//! - `EVENTS`: the events of the full backlog; default 3,000,000.
//! - `ROUNDS`: default 5.
//! - `BINARY`: the binary to measure; default: the one in this benchmark's target folder.
//! - `CLUSTER=HOST:PORT`: an empty real cluster to use instead of local ones. Its topics are deleted after each
//!   measurement. With `CLUSTER_PID`, the process of its server is measured like the local cluster.

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
/// The share of the full backlog that the small one has.
const SMALL: u64 = 10;
/// The small backlog is then 20 s of the world, in which windows of 10 s close.
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
