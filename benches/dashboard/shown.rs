//! Runs the dashboard in a child process, which reports to its parent when it has read everything.

use std::io::{BufRead, BufReader};
use std::process::Child;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use benches::http::get;
use client::Cluster;
use dashboard::{Access, Explore, Options};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::day;

/// The argument that starts the child process.
pub(crate) const CHILD: &str = "--shows";
const FILLED: &str = "filled";
const POLL: Duration = Duration::from_millis(200);
/// All views. Each is requested for the whole day before the memory is measured, because responses use memory
/// too.
const VIEWS: [&str; 7] = [
    "overview",
    "engagement",
    "sessions",
    "purchases",
    "fraud",
    "servers",
    "quality",
];

/// Serves the dashboard until the process is killed.
pub(crate) async fn run(cluster: &str) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let cluster = Cluster::connect(Some(cluster)).await?;
    let access = Access::Loopback;
    let handle = dashboard::start(
        listener,
        Options {
            cluster,
            access,
            explore: Explore::default(),
            games: Vec::new(),
        },
        CancellationToken::new(),
    )
    .await?;
    let address = handle.address().to_string();
    while !get(&address, "/api/status")
        .await?
        .contains("\"filling\":false")
    {
        tokio::time::sleep(POLL).await;
    }
    println!("{FILLED}");
    for view in VIEWS {
        let asked = Instant::now();
        let answer = get(&address, &format!("/api/views/{view}?last=1440")).await?;
        println!(
            "| {view} of a day | {} bytes | {:.0?} |",
            answer.len(),
            asked.elapsed()
        );
        if view == "engagement" {
            check_whole(&answer)?;
        }
    }
    println!();
    handle.stopped().await?;
    Ok(())
}

/// Checks that the response covers the whole day, because less data would use less memory.
fn check_whole(answer: &str) -> anyhow::Result<()> {
    let (_, json) = answer.split_once("\r\n\r\n").context("no body")?;
    let answer: Value = serde_json::from_str(json)?;
    let cells = answer["data"]["cells"].as_array().context("no cells")?;
    let events: i64 = cells
        .iter()
        .filter_map(|cell| cell["events"].as_i64())
        .sum();
    let least = day::LEVEL_EVENTS - day::EDGE_EVENTS;
    ensure!(
        (least..=day::LEVEL_EVENTS).contains(&events),
        "{events} of {} events",
        day::LEVEL_EVENTS
    );
    Ok(())
}

/// Waits until the child process has read the history and requested every view. Returns the time that
/// reading took.
pub(crate) fn filled(child: &mut Child, timeout: Duration) -> anyhow::Result<Duration> {
    let started = Instant::now();
    let mut took = None;
    for line in BufReader::new(child.stdout.take().context("no output")?).lines() {
        match line?.as_str() {
            FILLED => took = Some(started.elapsed()),
            "" => return took.context("it was never filled"),
            line => println!("{line}"),
        }
        if started.elapsed() > timeout {
            break;
        }
    }
    bail!("the dashboard did not read its history")
}
