//! `cargo bench --package benches --bench latency`: measures the time from the end of a window until a consumer has
//! received its row, minus the `lateness`, the time for which every window waits for events that arrive out of order. A
//! local cluster, a runner, a generator and a dashboard run in separate processes. This process reads the derived
//! topics and prints the delays. It asserts nothing.
//!
//! Environment variables:
//!
//! - `RATE`: events per second; default 20,000.
//! - `DURATION_S`: for how many seconds rows are measured, after 15 s of warm-up; default 60.
//! - `BINARY`: the binary to measure; default: the one in this benchmark's target folder.

mod delays;

use std::time::Duration;

use benches::process::{LocalCluster, Running};
use benches::settings::number;
use client::{Cluster, now_ms};
use dataflow::Registration;

use crate::delays::{Delays, Measured};

/// Windows that end within this time after the start are not measured, because SmartModules are compiled then.
const WARM_UP: Duration = Duration::from_secs(15);
/// The time after the last measured window for its rows to arrive.
const ARRIVAL: Duration = Duration::from_secs(10);
/// Enough incidents for each kind of alert to occur.
const INCIDENTS_PER_HOUR: &str = "1200";

fn main() -> anyhow::Result<()> {
    let rate = number("RATE", 20_000)?;
    let seconds = number("DURATION_S", 60)?;
    tokio::runtime::Runtime::new()?.block_on(measure(rate, Duration::from_secs(seconds)))
}

async fn measure(rate: u64, lasts: Duration) -> anyhow::Result<()> {
    let node = LocalCluster::start()?;
    let at = ["--cluster", &node.address];
    Running::start(&[&["provision"], &at[..]].concat())?.wait()?;
    let runner = Running::start(&[&["run", "--metrics-addr", "127.0.0.1:0"], &at[..]].concat())?;
    let flags = ["dashboard", "--dashboard-addr", "127.0.0.1:0"];
    let dashboard = Running::start(&[&flags, &at[..]].concat())?;
    runner.line("runner: reads from ")?;
    let rate_flag = rate.to_string();
    let flags = [
        "generate",
        "--rate",
        &rate_flag,
        "--incidents",
        INCIDENTS_PER_HOUR,
    ];
    let generator = Running::start(&[&flags, &at[..]].concat())?;

    let from_ms = now_ms() + WARM_UP.as_millis() as i64;
    let window_ends = from_ms..from_ms + lasts.as_millis() as i64;
    let cluster = Cluster::connect(Some(&node.address)).await?;
    let derived: Vec<_> = derivations::registrations()
        .iter()
        .map(Registration::name)
        .collect();
    let delays = Delays::start(&cluster, &derived, window_ends).await?;
    tokio::time::sleep(WARM_UP + lasts + ARRIVAL).await;
    let measured = delays.end().await?;
    for process in [generator, dashboard, runner, node.process] {
        process.stop()?;
    }
    print(&measured);
    println!("\n{rate} events/s for {} s.", lasts.as_secs());
    Ok(())
}

fn print(measured: &[(&str, Measured)]) {
    println!("| derived topic | rows | p50 ms | p99 ms | max ms |");
    println!("|---|---|---|---|---|");
    for (topic, delays) in measured {
        match delays.quantiles_ms([0.5, 0.99, 1.0]) {
            None => println!("| {topic} | 0 | | | |"),
            Some([p50, p99, most]) => {
                println!("| {topic} | {} | {p50} | {p99} | {most} |", delays.rows());
            }
        }
    }
}
