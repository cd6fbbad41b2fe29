//! `health`: what a service answers about itself over HTTP, as an exit code; for containers, which have nothing else to
//! ask with.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::cli;

/// Services answer out of memory; whoever takes longer is not well.
const DEADLINE: Duration = Duration::from_secs(5);
/// What is read of an answer: reasons of every derivation, many times over.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

pub(crate) async fn health(args: cli::Health) -> anyhow::Result<()> {
    let (addr, path) = (args.addr, &args.path);
    ensure!(
        path.starts_with('/') && !path.contains(char::is_whitespace),
        "--path is `{path}`: give a path such as /health"
    );
    let asked = timeout(DEADLINE, ask(&args)).await;
    let answer = asked
        .map_err(|_| anyhow::anyhow!("no answer within {} s", DEADLINE.as_secs()))
        .and_then(|answer| answer)
        .with_context(|| format!("asking `http://{addr}{path}`"))?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).unwrap_or_default();
    if !head.starts_with("HTTP/1.") || !status.starts_with('2') {
        let first = head.lines().next().unwrap_or_default();
        bail!("`http://{addr}{path}` answers `{first}`: {}", body.trim());
    }
    println!("healthy: {addr}");
    Ok(())
}

async fn ask(args: &cli::Health) -> anyhow::Result<String> {
    let (addr, path) = (args.addr, &args.path);
    let mut connection = TcpStream::connect(addr).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    connection
        .take(ANSWER_BYTES_MAX)
        .read_to_end(&mut answer)
        .await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
