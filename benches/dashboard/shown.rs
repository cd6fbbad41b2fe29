//! The dashboard in a process of its own, and how its parent hears that it has read everything.

use std::io::{BufRead, BufReader};
use std::process::Child;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use client::Cluster;
use dashboard::{Access, Options};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::day;

/// The argument of the second process.
pub(crate) const CHILD: &str = "--shows";
const FILLED: &str = "filled";
const POLL: Duration = Duration::from_millis(200);
/// Every view of the whole day is asked for before the memory is looked at: answers take some too.
const VIEWS: [&str; 7] = [
    "overview",
    "engagement",
    "sessions",
    "purchases",
    "fraud",
    "servers",
    "quality",
];

/// Shows the topics until it is killed.
pub(crate) async fn run(cluster: &str) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let cluster = Cluster::connect(Some(cluster)).await?;
    let access = Access::Loopback;
    let handle = dashboard::start(
        listener,
        Options { cluster, access },
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

/// A part of a day would take less, and say less.
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

async fn get(address: &str, path: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

/// How long the second process took to read the history; returns once its answers are made too.
pub(crate) fn filled(child: &mut Child, patience: Duration) -> anyhow::Result<Duration> {
    let started = Instant::now();
    let mut took = None;
    for line in BufReader::new(child.stdout.take().context("no output")?).lines() {
        match line?.as_str() {
            FILLED => took = Some(started.elapsed()),
            "" => return took.context("it was never filled"),
            line => println!("{line}"),
        }
        if started.elapsed() > patience {
            break;
        }
    }
    bail!("the dashboard did not read its history")
}
