//! `dashboard`: the game live in a browser.

use ::dashboard::{Access, Handle, Options, Token};
use anyhow::Context;
use client::Cluster;
use tokio_util::sync::CancellationToken;

use crate::connect::connect;
use crate::listen::listen;
use crate::{cli, signal};

pub(crate) async fn dashboard(args: cli::Dashboard) -> anyhow::Result<()> {
    let stop = signal::stop_token()?;
    let cluster = signal::unless_stopped(&stop, connect(&args.cluster)).await?;
    let shown = start(cluster, &args.showing, stop).await?;
    Ok(shown.stopped().await?)
}

/// Starts to show what the cluster's topics hold, and prints where.
pub(crate) async fn start(
    cluster: Cluster,
    showing: &cli::Showing,
    stop: CancellationToken,
) -> anyhow::Result<Handle> {
    let listener = listen(showing.dashboard_addr, "the dashboard", "--dashboard-addr").await?;
    let access = access(showing)?;
    if access == Access::Anybody {
        tracing::warn!("whoever reaches the dashboard sees everything: --dashboard-insecure");
    }
    let handle = ::dashboard::start(listener, Options { cluster, access }, stop).await?;
    println!("dashboard: http://{}", handle.address());
    Ok(handle)
}

fn access(showing: &cli::Showing) -> anyhow::Result<Access> {
    let Some(file) = &showing.dashboard_token_file else {
        return Ok(match showing.dashboard_insecure {
            true => Access::Anybody,
            false => Access::Loopback,
        });
    };
    let text = std::fs::read_to_string(file).with_context(|| {
        format!(
            "cannot read the dashboard's token from `{}`",
            file.display()
        )
    })?;
    Ok(Access::Token(Token::new(&text)?))
}
