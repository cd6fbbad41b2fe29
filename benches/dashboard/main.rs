//! `cargo bench --package benches --bench dashboard`: what a dashboard takes that has a day of a game in its memory.
//!
//! A second process is the dashboard; this one is its cluster, writes the derived rows of a day of what `make start`
//! plays, and looks at the other's memory. It fails where the claim does not hold.

mod day;
mod shown;

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use cluster_testing::Node;

/// What a day may take.
const MEMORY_MB_MAX: f64 = 200.0;
/// How long the history may be read.
const PATIENCE: Duration = Duration::from_secs(600);

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
    let took = shown::filled(&mut dashboard.0, PATIENCE)?;
    let now = memory_mb(dashboard.0.id(), "VmRSS:")?;
    let most = memory_mb(dashboard.0.id(), "VmHWM:")?;
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

/// A process that does not outlive the measurement.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _waited = self.0.wait();
    }
}

fn memory_mb(pid: u32, what: &str) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(what));
    let kib = line.context("no such line")?.trim().trim_end_matches(" kB");
    Ok(kib.parse::<f64>()? * 1_024.0 / 1e6)
}
