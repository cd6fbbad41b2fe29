//! `cargo bench --package benches --bench web_api`: measures the throughput of the web API, and compares it with that
//! of a handler of the same framework that does nothing. A second process on the same machine generates the load. The
//! benchmark fails if a claim does not hold.

mod load;
mod servers;

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use load::{Load, Measured};

/// The claimed throughput on two cores: requests per second with single events, and events per second in
/// batches.
const SINGLES_PER_S: f64 = 15_000.0;
const BATCHED_EVENTS_PER_S: f64 = 100_000.0;
/// The claimed 99th percentile of the latency at half of the claimed throughput.
const P99_MS: f64 = 100.0;

const LASTS: Duration = Duration::from_secs(8);

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Runtime::new()?;
    if arguments
        .first()
        .is_some_and(|argument| argument == load::CHILD)
    {
        return runtime.block_on(load::run(&arguments[1..]));
    }
    runtime.block_on(measure())
}

async fn measure() -> anyhow::Result<()> {
    let nothing = servers::nothing().await?;
    let web_api = servers::WebApi::start().await?;
    println!("| load | server | requests/s | events/s | p50 ms | p99 ms |");
    println!("|---|---|---|---|---|---|");
    let single = Load {
        connections: 400,
        events: 1,
        requests_per_s: None,
    };
    let batched = Load {
        connections: 48,
        events: 100,
        requests_per_s: None,
    };
    let half = |load: Load, events_per_s: f64| Load {
        requests_per_s: Some(events_per_s / 2.0 / load.events as f64),
        ..load
    };
    let loads = [
        ("single events", single),
        ("batches of 100", batched),
        ("single events, half", half(single, SINGLES_PER_S)),
        ("batches of 100, half", half(batched, BATCHED_EVENTS_PER_S)),
    ];
    let mut measured = Vec::new();
    for (name, load) in loads {
        let idle = child(nothing, load).await?;
        print(name, "nothing", &idle);
        let ours = child(web_api.address(), load).await?;
        print(name, "web-api", &ours);
        println!(
            "| {name} | ratio | {:.3} | | | |",
            ours.requests_per_s / idle.requests_per_s
        );
        measured.push(ours);
    }
    web_api.stop().await?;
    check(&measured)
}

fn check(measured: &[Measured]) -> anyhow::Result<()> {
    let [singles, batches, half_singles, half_batches] = measured else {
        anyhow::bail!("four loads were run");
    };
    anyhow::ensure!(
        singles.requests_per_s >= SINGLES_PER_S,
        "{:.0} single events a second are fewer than {SINGLES_PER_S}",
        singles.requests_per_s
    );
    anyhow::ensure!(
        batches.events_per_s() >= BATCHED_EVENTS_PER_S,
        "{:.0} events a second in batches are fewer than {BATCHED_EVENTS_PER_S}",
        batches.events_per_s()
    );
    for half in [half_singles, half_batches] {
        anyhow::ensure!(
            half.p99_ms <= P99_MS,
            "a p99 of {} ms is above {P99_MS}",
            half.p99_ms
        );
    }
    Ok(())
}

/// Starts a child process that sends `load` to the server, and returns its measurements.
async fn child(address: SocketAddr, load: Load) -> anyhow::Result<Measured> {
    let output = tokio::process::Command::new(std::env::current_exe()?)
        .arg(load::CHILD)
        .args(load.to_arguments(address, LASTS))
        .stderr(Stdio::inherit())
        .output()
        .await?;
    anyhow::ensure!(
        output.status.success(),
        "the load ended with {}",
        output.status
    );
    Measured::parse(&String::from_utf8(output.stdout)?, load)
}

fn print(name: &str, server: &str, measured: &Measured) {
    println!(
        "| {name} | {server} | {:.0} | {:.0} | {:.1} | {:.1} |",
        measured.requests_per_s,
        measured.events_per_s(),
        measured.p50_ms,
        measured.p99_ms
    );
}
