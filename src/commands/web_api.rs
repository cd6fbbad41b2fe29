//! `web-api`: accept events over HTTP and write them to the source topics.

use ::dataflow::DataflowSpec;
use client::Cluster;
use tokio_util::sync::CancellationToken;
use web_api::{Access, Handle, Options};

use super::provisioned;
use crate::cli::{WebApiArgs, WebApiCommand};
use crate::event_sources::event_sources;
use crate::listen::listen;
use crate::terminal::say;
use crate::{dataflow_file, registry, signal};

pub(crate) async fn web_api(args: WebApiCommand) -> anyhow::Result<()> {
    let stop = signal::stop_token()?;
    let (_, dataflow) = dataflow_file::load(&args.dataflow, &registry::registry())?;
    let cluster = provisioned::with_sources(&args.cluster, &dataflow, &stop).await?;
    let service = start(cluster, &dataflow, &args.web_api, stop).await?;
    Ok(service.stopped().await?)
}

/// Starts the web API on a provisioned cluster and prints its address.
pub(crate) async fn start(
    cluster: Cluster,
    dataflow: &DataflowSpec,
    args: &WebApiArgs,
    stop: CancellationToken,
) -> anyhow::Result<Handle> {
    let listener = listen(args.web_api_addr, "the web API", "--web-api-addr").await?;
    let access = access(args);
    let options = Options {
        cluster,
        sources: event_sources(dataflow)?,
        access: access.clone(),
        cors_origins: args.cors_origins.clone(),
        idle_timeout: args.idle_timeout,
        correct_clocks: args.correct_clocks,
    };
    let handle = web_api::start(listener, options, stop).await?;
    say!("web-api: http://{}", handle.address());
    match access {
        Access::Loopback => {
            say!("web-api: accepts events from this machine only, because --keys is not set")
        }
        Access::Anybody => {
            tracing::warn!(
                "every client that reaches the web API can write events, because --insecure is set"
            )
        }
        Access::Keys(_) => {}
    }
    Ok(handle)
}

fn access(args: &WebApiArgs) -> Access {
    match (&args.keys, args.insecure) {
        (Some(file), _) => Access::Keys(file.clone()),
        (None, true) => Access::Anybody,
        (None, false) => Access::Loopback,
    }
}
