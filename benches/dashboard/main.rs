//! `cargo bench --package benches --bench dashboard`: measures the memory of a dashboard that has loaded one day of
//! history.
//!
//! This process runs the cluster, and writes the derived rows of one day as `make start` produces them. A second
//! process runs the dashboard, and this one measures its memory. The benchmark fails if the dashboard uses
//! `MEMORY_MB_MAX` or more.

mod day;
mod shown;

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::ensure;
use benches::process::Killed;
use benches::usage::{Memory, memory_mb};
use cluster_testing::Node;

/// The claim: with one day of history, the dashboard uses less memory than this, in megabytes of 10⁶ bytes.
const MEMORY_MB_MAX: f64 = 200.0;
/// The timeout for reading the history.
const TIMEOUT: Duration = Duration::from_secs(600);

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Runtime::new()?;
    match arguments.as_slice() {
        [first, cluster] if first == shown::CHILD => runtime.block_on(shown::run(cluster)),
        _ => runtime.block_on(measure()),
    }
}

async fn measure() -> anyhow::Result<()> {
    let mut node = Node::start(day::TOPICS.iter().map(|topic| (topic.name, 1))).await;
    let cluster = node.cluster().await;
    let mut written = 0;
    for topic in day::TOPICS {
        let rows = topic.write(&cluster).await?;
        println!("| {} | {rows} |", topic.name);
        written += rows;
    }
    let mut dashboard = Killed(child(cluster.address())?);
    let took = shown::filled(&mut dashboard.0, TIMEOUT)?;
    let now = memory_mb(dashboard.0.id(), Memory::Resident)?;
    let most = memory_mb(dashboard.0.id(), Memory::Peak)?;
    println!("{written} rows of a day read in {took:.1?}: {now:.0} MB, {most:.0} MB at most");
    drop(dashboard);
    node.stop().await;
    ensure!(
        now < MEMORY_MB_MAX,
        "a day takes {now:.0} MB, not {MEMORY_MB_MAX}"
    );
    Ok(())
}

fn child(cluster: &str) -> anyhow::Result<Child> {
    let child = Command::new(std::env::current_exe()?)
        .args([shown::CHILD, cluster])
        .stdout(Stdio::piped())
        .spawn()?;
    Ok(child)
}
