//! `dashboard`: serve the live dashboard to browsers.

use ::dashboard::{Access, Handle, Options, Token};
use anyhow::Context;
use client::Cluster;
use tokio_util::sync::CancellationToken;

use crate::cli::{DashboardArgs, DashboardCommand};
use crate::connect::connect;
use crate::listen::listen;
use crate::signal;
use crate::terminal::say;

pub(crate) async fn dashboard(args: DashboardCommand) -> anyhow::Result<()> {
    let stop = signal::stop_token()?;
    let cluster = signal::unless_stopped(&stop, connect(&args.cluster)).await?;
    let service = start(cluster, &args.dashboard, stop).await?;
    Ok(service.stopped().await?)
}

/// Starts the dashboard on the cluster's topics and prints its address.
pub(crate) async fn start(
    cluster: Cluster,
    args: &DashboardArgs,
    stop: CancellationToken,
) -> anyhow::Result<Handle> {
    let listener = listen(args.dashboard_addr, "the dashboard", "--dashboard-addr").await?;
    let access = access(args)?;
    if access == Access::Anybody {
        tracing::warn!(
            "every client that reaches the dashboard can view all data, because --dashboard-insecure is set"
        );
    }
    let handle = ::dashboard::start(listener, Options { cluster, access }, stop).await?;
    say!("dashboard: http://{}", handle.address());
    Ok(handle)
}

fn access(args: &DashboardArgs) -> anyhow::Result<Access> {
    let Some(file) = &args.dashboard_token_file else {
        return Ok(match args.dashboard_insecure {
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
