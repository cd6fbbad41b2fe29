//! `web-api`: events over HTTP into the source topics.

use ::dataflow::provision_sources;
use client::Cluster;
use tokio_util::sync::CancellationToken;
use web_api::{Access, Handle, Options};

use crate::connect::connect;
use crate::listen::listen;
use crate::{cli, map, registry, signal};

pub(crate) async fn web_api(args: cli::WebApi) -> anyhow::Result<()> {
    let stop = signal::stop_token()?;
    let (_, map) = map::load(&args.map, &registry::registry())?;
    let cluster = signal::unless_stopped(&stop, async {
        let cluster = connect(&args.cluster).await?;
        provision_sources(&cluster, &map).await?;
        Ok(cluster)
    })
    .await?;
    let posts = start(cluster, &args.posting, stop).await?;
    Ok(posts.stopped().await?)
}

/// Starts to answer on a provisioned cluster, and prints where.
pub(crate) async fn start(
    cluster: Cluster,
    posting: &cli::Posting,
    stop: CancellationToken,
) -> anyhow::Result<Handle> {
    let listener = listen(posting.web_api_addr, "events", "--web-api-addr").await?;
    let access = access(posting);
    let options = Options {
        cluster,
        access: access.clone(),
    };
    let handle = web_api::start(listener, options, stop).await?;
    println!("web-api: http://{}", handle.address());
    match access {
        Access::Loopback => println!("web-api takes events from this machine alone: no --keys"),
        Access::Anybody => {
            tracing::warn!("whoever reaches the web API can write events: --insecure")
        }
        Access::Keys(_) => {}
    }
    Ok(handle)
}

fn access(posting: &cli::Posting) -> Access {
    match (&posting.keys, posting.insecure) {
        (Some(file), _) => Access::Keys(file.clone()),
        (None, true) => Access::Anybody,
        (None, false) => Access::Loopback,
    }
}
