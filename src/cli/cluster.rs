//! The flags that select a cluster and determine how to connect to it, and the subcommands that manage and check
//! clusters.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{Args, Subcommand};
use client::{ConnectOptions, HostPort, Tls, TlsFiles, TlsIdentity};

use super::DataflowArg;

/// Which cluster to use and how to connect to it. Settings without a flag come from the active Fluvio profile.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Cluster")]
pub(crate) struct ClusterArgs {
    /// Cluster to use; default: the cluster of the active Fluvio profile, or 127.0.0.1:9003 if there is none.
    #[arg(long, value_name = "HOST:PORT", env = "GAME_ANALYTICS_CLUSTER")]
    pub(crate) cluster: Option<String>,
    /// Use TLS, and trust certificates signed by these authorities (PEM).
    #[arg(long, value_name = "FILE", env = "GAME_ANALYTICS_TLS_CA")]
    pub(crate) tls_ca: Option<PathBuf>,
    /// Client certificate, for a cluster that requires one (PEM).
    #[arg(
        long,
        value_name = "FILE",
        env = "GAME_ANALYTICS_TLS_CERT",
        requires_all = ["tls_ca", "tls_key"]
    )]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Private key of the client certificate (PEM).
    #[arg(
        long,
        value_name = "FILE",
        env = "GAME_ANALYTICS_TLS_KEY",
        requires = "tls_cert"
    )]
    pub(crate) tls_key: Option<PathBuf>,
    /// Domain name in the controller's certificate; the certificate of SPU N is for `custom-spu-N.NAME`.
    /// Default: the host in each address.
    #[arg(
        long,
        value_name = "NAME",
        env = "GAME_ANALYTICS_TLS_DOMAIN",
        requires = "tls_ca"
    )]
    pub(crate) tls_domain: Option<String>,
    /// Use TLS without verifying the server.
    #[arg(
        long,
        env = "GAME_ANALYTICS_TLS_ANONYMOUS",
        conflicts_with = "tls_ca",
        value_parser = BoolishValueParser::new()
    )]
    pub(crate) tls_anonymous: bool,
    /// Connect to SPUs at their addresses inside the cluster's own network.
    #[arg(
        long,
        env = "GAME_ANALYTICS_SPU_LOCAL_ADDRESSES",
        value_parser = BoolishValueParser::new()
    )]
    pub(crate) spu_local_addresses: bool,
}

impl ClusterArgs {
    pub(crate) fn options(&self) -> ConnectOptions {
        let identity = self.tls_cert.as_ref().zip(self.tls_key.as_ref());
        let verified = self.tls_ca.as_ref().map(|ca| {
            Tls::Verified(TlsFiles {
                ca: ca.clone(),
                identity: identity.map(|(cert, key)| TlsIdentity {
                    cert: cert.clone(),
                    key: key.clone(),
                }),
                domain: self.tls_domain.clone(),
            })
        });
        ConnectOptions {
            address: self.cluster.clone(),
            tls: verified.or(self.tls_anonymous.then_some(Tls::Anonymous)),
            local_addresses: self.spu_local_addresses,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum ClusterCommand {
    /// Register an SPU with the controller, which accepts only registered SPUs; repeating the command changes nothing.
    RegisterSpu(RegisterSpuCommand),
    /// Print each SPU's state and the numbers of topics and partitions; fails if any of them cannot be used.
    Status(ClusterStatusCommand),
}

#[derive(Debug, Args)]
pub(crate) struct RegisterSpuCommand {
    /// Id that the SPU is started with.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
    pub(crate) id: i32,
    /// Address for clients.
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) public: HostPort,
    /// Address for clients that connect with --spu-local-addresses.
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) local: Option<HostPort>,
    /// Address for connections from other SPUs.
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) private: HostPort,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ClusterStatusCommand {
    /// Fail unless at least this many SPUs are online.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) spus: usize,
    /// Print only problems.
    #[arg(long)]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ProvisionCommand {
    #[command(flatten)]
    pub(crate) dataflow: DataflowArg,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

#[derive(Debug, Args)]
pub(crate) struct HealthCommand {
    /// HTTP address of the service, as set by its --metrics-addr, --web-api-addr or --dashboard-addr.
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:9464")]
    pub(crate) addr: SocketAddr,
    /// Path to request.
    #[arg(long, value_name = "PATH", default_value = "/health")]
    pub(crate) path: String,
}
