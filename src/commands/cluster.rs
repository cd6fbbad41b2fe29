//! `cluster`: register SPUs and show the cluster's status, without Fluvio's own command-line tool.

use anyhow::bail;
use client::{Cluster, Registered, Registration, Server};

use crate::cli::{ClusterCommand, ClusterStatusCommand, RegisterSpuCommand};
use crate::terminal::say;

pub(crate) async fn cluster(command: ClusterCommand) -> anyhow::Result<()> {
    match command {
        ClusterCommand::RegisterSpu(args) => register(args).await,
        ClusterCommand::Status(args) => status(&args).await,
    }
}

async fn register(args: RegisterSpuCommand) -> anyhow::Result<()> {
    let cluster = Cluster::connect_with(&args.cluster.options()).await?;
    let server = Registration {
        id: args.id,
        public: args.public,
        local: args.local,
        private: args.private,
    };
    let outcome = match cluster.register(&server).await? {
        Registered::Now => "registered",
        Registered::Before => "was already registered with the same addresses",
    };
    say!("spu {}: {outcome}", server.id);
    Ok(())
}

async fn status(args: &ClusterStatusCommand) -> anyhow::Result<()> {
    let cluster = Cluster::connect_with(&args.cluster.options()).await?;
    let status = cluster.status().await?;
    let mut problems = Vec::new();
    let mut online = 0;
    for server in &status.servers {
        let state = state(&cluster, server).await;
        online += usize::from(state.is_ok());
        if !args.quiet {
            let (id, public) = (server.id, &server.public);
            let label = state
                .as_ref()
                .map_or_else(|(label, _)| *label, |()| "online");
            say!("spu {id}: {label}, at {public}");
        }
        problems.extend(state.err().map(|(_, reason)| reason));
    }
    if online < args.spus {
        let wanted = args.spus;
        problems.push(format!(
            "{online} SPUs are online and reachable, but {wanted} are required"
        ));
    }
    if !args.quiet {
        say!("topics: {}", status.topics);
        say!("partitions: {}", status.partitions);
    }
    let unready = status.unready.iter();
    problems.extend(unready.map(|unready| format!("`{}`: {}", unready.name, unready.reason)));
    if problems.is_empty() {
        return Ok(());
    }
    bail!("{}", problems.join("\n"))
}

/// Checks whether a server can be used from this machine. If it cannot, returns a label and the reason.
async fn state(cluster: &Cluster, server: &Server) -> Result<(), (&'static str, String)> {
    let id = server.id;
    if !server.online {
        let reason = format!("SPU `{id}` is offline: the controller has no contact with it");
        return Err(("offline", reason));
    }
    let reached = cluster.reach(id).await;
    reached.map_err(|error| ("unreachable", error.to_string()))
}
