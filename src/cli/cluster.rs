//! Flags that say which cluster and how to speak to it, and the subcommands about clusters themselves.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{Args, Subcommand};
use client::{ConnectOptions, HostPort, Tls, TlsFiles, TlsIdentity};

use super::Map;

/// Which cluster to speak to, and how. What is not said comes from the active Fluvio profile.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Cluster")]
pub(crate) struct ClusterAddress {
    /// Cluster to use; default: the active Fluvio profile, else 127.0.0.1:9003.
    #[arg(long, value_name = "HOST:PORT", env = "GAME_ANALYTICS_CLUSTER")]
    pub(crate) cluster: Option<String>,
    /// Speak TLS, and believe certificates that these authorities have signed (PEM).
    #[arg(long, value_name = "FILE", env = "GAME_ANALYTICS_TLS_CA")]
    pub(crate) tls_ca: Option<PathBuf>,
    /// Certificate to show to a cluster that asks who we are (PEM).
    #[arg(
        long,
        value_name = "FILE",
        env = "GAME_ANALYTICS_TLS_CERT",
        requires_all = ["tls_ca", "tls_key"]
    )]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Private key of that certificate (PEM).
    #[arg(
        long,
        value_name = "FILE",
        env = "GAME_ANALYTICS_TLS_KEY",
        requires = "tls_cert"
    )]
    pub(crate) tls_key: Option<PathBuf>,
    /// Name in the cluster's certificate; its SPUs show one for `custom-spu-N.NAME`. Default: the host
    /// of each address.
    #[arg(
        long,
        value_name = "NAME",
        env = "GAME_ANALYTICS_TLS_DOMAIN",
        requires = "tls_ca"
    )]
    pub(crate) tls_domain: Option<String>,
    /// Speak TLS, and believe whoever answers.
    #[arg(
        long,
        env = "GAME_ANALYTICS_TLS_ANONYMOUS",
        conflicts_with = "tls_ca",
        value_parser = BoolishValueParser::new()
    )]
    pub(crate) tls_anonymous: bool,
    /// Connect to SPUs at the addresses that they have inside the cluster's own network.
    #[arg(
        long,
        env = "GAME_ANALYTICS_SPU_LOCAL_ADDRESSES",
        value_parser = BoolishValueParser::new()
    )]
    pub(crate) spu_local_addresses: bool,
}

impl ClusterAddress {
    /// The same in the client's words.
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
pub(crate) enum Cluster {
    /// Make an SPU known to the controller, which lets no other in; the same again changes nothing.
    RegisterSpu(RegisterSpu),
    /// Print the SPUs, and which partitions have no leader; fails where something is not online.
    Status(ClusterStatus),
}

#[derive(Debug, Args)]
pub(crate) struct RegisterSpu {
    /// Number that the SPU is started with.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
    pub(crate) id: i32,
    /// Address that clients are given.
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) public: HostPort,
    /// Address that clients are given that ask for it with --spu-local-addresses.
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) local: Option<HostPort>,
    /// Address that the other SPUs are given.
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) private: HostPort,
    #[command(flatten)]
    pub(crate) cluster: ClusterAddress,
}

#[derive(Debug, Args)]
pub(crate) struct ClusterStatus {
    /// Fail unless at least this many SPUs are online.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) spus: usize,
    /// Print nothing but what is wrong.
    #[arg(long)]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(crate) cluster: ClusterAddress,
}

#[derive(Debug, Args)]
pub(crate) struct Provision {
    #[command(flatten)]
    pub(crate) map: Map,
    #[command(flatten)]
    pub(crate) cluster: ClusterAddress,
}

#[derive(Debug, Args)]
pub(crate) struct Health {
    /// Where the service answers over HTTP: its --metrics-addr, --web-api-addr or --dashboard-addr.
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:9464")]
    pub(crate) addr: SocketAddr,
    /// What to ask for.
    #[arg(long, value_name = "PATH", default_value = "/health")]
    pub(crate) path: String,
}
