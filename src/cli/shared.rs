//! Flags that several subcommands share.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use data_generator::{Catalogue, CatalogueError, People};
use web_api::CorsOrigin;

use super::bounds;

#[derive(Clone, Debug, Args)]
pub(crate) struct DataflowArg {
    /// Dataflow file to use; default: the one that this binary was built with.
    #[arg(long, value_name = "FILE")]
    pub(crate) dataflow: Option<PathBuf>,
}

/// Data folder and addresses of a local cluster.
#[derive(Clone, Debug, Args)]
pub(crate) struct LocalClusterArgs {
    /// Data folder of the cluster; created if missing.
    #[arg(long, value_name = "DIR", default_value = "data")]
    pub(crate) data_dir: PathBuf,
    /// Address that clients connect to; port 0 picks a free one.
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:9003")]
    pub(crate) cluster_addr: SocketAddr,
    /// Address for reading and writing records, which the cluster reports to its clients; port 0 picks a free one.
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:9010")]
    pub(crate) spu_addr: SocketAddr,
}

/// Address of the runner's metrics.
#[derive(Clone, Debug, Args)]
pub(crate) struct MetricsArgs {
    /// HTTP address of /metrics (for Prometheus) and /health; port 0 picks a free one.
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:9464")]
    pub(crate) metrics_addr: SocketAddr,
}

/// Address and access control of the web API.
#[derive(Clone, Debug, Args)]
pub(crate) struct WebApiArgs {
    /// Address of the web API; port 0 picks a free one.
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:8080")]
    pub(crate) web_api_addr: SocketAddr,
    /// File with the API keys; every POST request must contain one of them. The file is reloaded when it changes.
    /// Without it, only requests from this machine are accepted, unless --insecure is given.
    #[arg(long, value_name = "FILE", conflicts_with = "insecure")]
    pub(crate) keys: Option<PathBuf>,
    /// Allow every client that reaches the address to write events, without a key.
    #[arg(long)]
    pub(crate) insecure: bool,
    /// Origin whose web pages may write events, such as `https://game.example`; can be given several times; `*` allows
    /// all origins and requires --keys. Default: only the API's own page.
    #[arg(long = "cors-origin", value_name = "ORIGIN")]
    pub(crate) cors_origins: Vec<CorsOrigin>,
    /// How long to keep an idle connection open for its next request; behind a load balancer, use more than the load
    /// balancer's idle timeout.
    #[arg(long, value_name = "TIME", default_value = "75s", value_parser = bounds::idle_timeout)]
    pub(crate) idle_timeout: Duration,
    /// Correct the event times of senders whose clocks are wrong. This needs requests that contain the time of sending:
    /// `{"sent_at": TIME, "events": […]}`. The time in transit counts as part of the clock's error.
    #[arg(long)]
    pub(crate) correct_clocks: bool,
}

/// Address and access control of the dashboard.
#[derive(Clone, Debug, Args)]
pub(crate) struct DashboardArgs {
    /// Address of the dashboard; port 0 picks a free one.
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:3001")]
    pub(crate) dashboard_addr: SocketAddr,
    /// File with a token that browsers must present. Without it, only requests from this machine are accepted.
    #[arg(long, value_name = "FILE", conflicts_with = "dashboard_insecure")]
    pub(crate) dashboard_token_file: Option<PathBuf>,
    /// Allow every client that reaches the address to view the dashboard, without a token.
    #[arg(long)]
    pub(crate) dashboard_insecure: bool,
}

/// The rate of the world if `--rate` and `--players` are not given, in events per second.
const RATE_DEFAULT: f64 = 1_000.0;

#[derive(Debug, Args)]
pub(crate) struct CatalogueArg {
    /// YAML file with the games that the generator simulates and the dashboard shows; default: the built-in catalogue
    /// of eight games.
    #[arg(long, value_name = "FILE")]
    pub(crate) catalogue: Option<PathBuf>,
}

impl CatalogueArg {
    /// Returns the games of the file, or those of the built-in catalogue.
    pub(crate) fn load(&self) -> Result<Arc<Catalogue>, CatalogueError> {
        match &self.catalogue {
            Some(file) => Catalogue::read(file).map(Arc::new),
            None => Ok(Catalogue::built_in()),
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct PeopleArgs {
    /// Let people live in the games: this many arrive in 30 days, play on some days, and leave for good. Without
    /// --rate, the world has only people.
    #[arg(long, value_name = "PEOPLE", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(crate) players: Option<u32>,
    /// Number of threads that simulate people; the events are the same for any number.
    #[arg(long, value_name = "THREADS", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(crate) tasks: u8,
}

impl PeopleArgs {
    /// Returns the people of the world. One level is too hard if incidents are planted.
    pub(crate) fn people(&self, incidents: f64) -> Option<People> {
        self.players.map(|players| People {
            players,
            hard_level: incidents > 0.0,
            tasks: usize::from(self.tasks),
        })
    }

    /// Returns the rate of the world if it is not given.
    pub(crate) fn default_rate(&self) -> f64 {
        match self.players {
            Some(_) => 0.0,
            None => RATE_DEFAULT,
        }
    }
}
