//! `cargo bench --package benches --bench web_api`: what the web API takes, beside a handler of the same
//! framework that does nothing. The load comes from a second process; both share the machine with the
//! local cluster. It fails where a claim does not hold.

mod load;
mod servers;

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use load::{Course, Measured};

/// What a run has to reach on two cores.
const SINGLES_PER_S: f64 = 15_000.0;
const BATCHED_EVENTS_PER_S: f64 = 100_000.0;
/// And how long answers may take at half of that.
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
    let single = Course {
        connections: 400,
        events: 1,
        requests_per_s: None,
    };
    let batched = Course {
        connections: 48,
        events: 100,
        requests_per_s: None,
    };
    let half = |course: Course, events_per_s: f64| Course {
        requests_per_s: Some(events_per_s / 2.0 / course.events as f64),
        ..course
    };
    let courses = [
        ("single events", single),
        ("batches of 100", batched),
        ("single events, half", half(single, SINGLES_PER_S)),
        ("batches of 100, half", half(batched, BATCHED_EVENTS_PER_S)),
    ];
    let mut measured = Vec::new();
    for (name, course) in courses {
        let idle = child(nothing, course).await?;
        print(name, "nothing", &idle);
        let ours = child(web_api.address(), course).await?;
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
        anyhow::bail!("four courses were run");
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

/// Runs a course in a process of its own.
async fn child(address: SocketAddr, course: Course) -> anyhow::Result<Measured> {
    let output = tokio::process::Command::new(std::env::current_exe()?)
        .arg(load::CHILD)
        .args(course.to_arguments(address, LASTS))
        .stderr(Stdio::inherit())
        .output()
        .await?;
    anyhow::ensure!(
        output.status.success(),
        "the load ended with {}",
        output.status
    );
    Measured::parse(&String::from_utf8(output.stdout)?, course)
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
