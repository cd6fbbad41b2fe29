//! `cluster`: the SPUs of a Fluvio cluster, for those without Fluvio's own command line.

use anyhow::bail;
use client::{Cluster, Registered, Registration, Server};

use crate::cli;

pub(crate) async fn cluster(command: cli::Cluster) -> anyhow::Result<()> {
    match command {
        cli::Cluster::RegisterSpu(args) => register(args).await,
        cli::Cluster::Status(args) => status(&args).await,
    }
}

async fn register(args: cli::RegisterSpu) -> anyhow::Result<()> {
    let cluster = Cluster::connect_with(&args.cluster.options()).await?;
    let server = Registration {
        id: args.id,
        public: args.public,
        local: args.local,
        private: args.private,
    };
    let said = match cluster.register(&server).await? {
        Registered::Now => "registered",
        Registered::Before => "was registered already, with the same addresses",
    };
    println!("spu {}: {said}", server.id);
    Ok(())
}

async fn status(args: &cli::ClusterStatus) -> anyhow::Result<()> {
    let cluster = Cluster::connect_with(&args.cluster.options()).await?;
    let status = cluster.status().await?;
    let mut wrong = Vec::new();
    let mut online = 0;
    for server in &status.servers {
        let state = state(&cluster, server).await;
        online += usize::from(state.is_ok());
        if !args.quiet {
            let (id, public) = (server.id, &server.public);
            let word = state.as_ref().map_or_else(|(word, _)| *word, |()| "online");
            println!("spu {id}: {word}, at {public}");
        }
        wrong.extend(state.err().map(|(_, reason)| reason));
    }
    if online < args.spus {
        let wanted = args.spus;
        wrong.push(format!(
            "{online} SPUs are online and can be reached, {wanted} are wanted"
        ));
    }
    if !args.quiet {
        println!("topics: {}", status.topics);
        println!("partitions: {}", status.partitions);
    }
    let unready = status.unready.iter();
    wrong.extend(unready.map(|unready| format!("`{}`: {}", unready.name, unready.reason)));
    if wrong.is_empty() {
        return Ok(());
    }
    bail!("{}", wrong.join("\n"))
}

/// Whether a server is of use from here: in a word, and why not.
async fn state(cluster: &Cluster, server: &Server) -> Result<(), (&'static str, String)> {
    let id = server.id;
    if !server.online {
        let reason = format!("SPU `{id}` is offline: the controller does not hear from it");
        return Err(("offline", reason));
    }
    let reached = cluster.reach(id).await;
    reached.map_err(|error| ("out of reach", error.to_string()))
}
