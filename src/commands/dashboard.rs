//! `dashboard`: the game live in a browser.

use ::dashboard::{Handle, Options, Token};
use anyhow::Context;
use client::Cluster;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{cli, signal};

pub(crate) async fn dashboard(args: cli::Dashboard) -> anyhow::Result<()> {
    let stop = signal::stop_token()?;
    let cluster = Cluster::connect(args.cluster.cluster.as_deref()).await?;
    let shown = start(cluster, &args.showing, stop).await?;
    Ok(shown.stopped().await?)
}

/// Starts to show what the cluster's topics hold, and prints where.
pub(crate) async fn start(
    cluster: Cluster,
    showing: &cli::Showing,
    stop: CancellationToken,
) -> anyhow::Result<Handle> {
    let address = showing.dashboard_addr;
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!(
            "cannot listen on `{address}` for the dashboard; name another address with --dashboard-addr, port 0 picks a free one"
        )
    })?;
    let token = token(showing)?;
    if token.is_none() && !address.ip().is_loopback() {
        tracing::warn!("whoever reaches the dashboard sees everything: no --dashboard-token-file");
    }
    let handle = ::dashboard::start(listener, Options { cluster, token }, stop).await?;
    println!("dashboard: http://{}", handle.address());
    Ok(handle)
}

fn token(showing: &cli::Showing) -> anyhow::Result<Option<Token>> {
    let Some(file) = &showing.dashboard_token_file else {
        return Ok(None);
    };
    let text = std::fs::read_to_string(file).with_context(|| {
        format!(
            "cannot read the dashboard's token from `{}`",
            file.display()
        )
    })?;
    Ok(Some(Token::new(&text)?))
}
