//! `health`: check a service's health over HTTP and report it as the exit code. It is for containers that have no other
//! HTTP client.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::cli::HealthCommand;
use crate::terminal::say;

/// The timeout of the request. Services answer from memory, so a service that takes longer is not healthy.
const DEADLINE: Duration = Duration::from_secs(5);
/// The maximum number of bytes read from a response body. The reasons why derivations are
/// unhealthy need much less.
const BODY_BYTES_MAX: usize = 64 * 1024;

pub(crate) async fn health(args: HealthCommand) -> anyhow::Result<()> {
    let (addr, path) = (args.addr, &args.path);
    ensure!(
        path.starts_with('/') && !path.contains(char::is_whitespace),
        "--path is `{path}`: give a path such as /health"
    );
    timeout(DEADLINE, check(&args))
        .await
        .map_err(|_| anyhow::anyhow!("no response within {} s", DEADLINE.as_secs()))
        .flatten()
        .with_context(|| format!("checking `http://{addr}{path}`"))?;
    say!("healthy: {addr}");
    Ok(())
}

/// Sends the request. Returns an error with the status and the body unless the status is a success.
async fn check(args: &HealthCommand) -> anyhow::Result<()> {
    let connection = TcpStream::connect(args.addr).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(connection)).await?;
    let connection = tokio::spawn(connection);
    let request = Request::get(&args.path)
        .header(HOST, args.addr.to_string())
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())?;
    let response = sender.send_request(request).await?;
    let status = response.status();
    if !status.is_success() {
        let body = text(response).await;
        bail!("status `{status}`: {}", body.trim());
    }
    connection.abort();
    Ok(())
}

/// Returns at most [`BODY_BYTES_MAX`] bytes of the body. After a read error, returns the part that was received.
async fn text(mut response: Response<Incoming>) -> String {
    let mut body = Vec::new();
    while let Some(Ok(frame)) = response.frame().await
        && body.len() < BODY_BYTES_MAX
    {
        body.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
    }
    body.truncate(BODY_BYTES_MAX);
    String::from_utf8_lossy(&body).into_owned()
}
