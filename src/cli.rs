//! The command line: every subcommand and flag, with its help.
//!
//! Types named `…Command` are subcommands. Types named `…Args` or `…Arg` are flags that several subcommands share.

mod bounds;
mod cluster;
mod generate;
mod keys;
mod rules;
mod score;
mod shared;
mod sql;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use cluster::{
    ClusterArgs, ClusterCommand, ClusterStatusCommand, HealthCommand, ProvisionCommand,
    RegisterSpuCommand,
};
pub(crate) use generate::GenerateCommand;
pub(crate) use keys::KeysCommand;
pub(crate) use rules::{DerivationArg, RulesCommand, SetRulesCommand, TestRulesCommand};
pub(crate) use score::ScoreCommand;
pub(crate) use shared::{
    CatalogueArg, DashboardArgs, DataflowArg, LocalClusterArgs, MetricsArgs, PeopleArgs, WebApiArgs,
};
pub(crate) use sql::{RowFormat, SqlCommand};

/// Real-time game analytics on Fluvio.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run everything in one process: a local cluster, the generator, the runner, the web API and the dashboard.
    Up(UpCommand),
    /// Run a Fluvio-protocol cluster in this process, with its data on disk.
    LocalCluster(LocalClusterCommand),
    /// Register SPUs and show cluster status.
    #[command(subcommand)]
    Cluster(ClusterCommand),
    /// Create any missing topics and SmartModules of the dataflow file.
    Provision(ProvisionCommand),
    /// Check the health of a running service over HTTP, for example as a container's health check.
    Health(HealthCommand),
    /// Generate the events of a seeded game world and write them to the source topics or to standard output,
    /// or serve them over HTTP.
    Generate(GenerateCommand),
    /// Pull records from HTTP and WebSocket endpoints into topics.
    HttpSource(HttpSourceCommand),
    /// Run the dataflow: read source topics through SmartModules and write derived topics.
    Run(RunCommand),
    /// Print the records of a topic.
    Consume(ConsumeCommand),
    /// Check the dataflow file, and print it or the plans of its queries.
    Dataflow(DataflowCommand),
    /// Ask a question about the history of a source in SQL, and print the rows. Writes nothing to the cluster.
    Sql(SqlCommand),
    /// Compare the alerts with the ground truth about planted incidents: precision, recall and delay of each detector.
    Score(ScoreCommand),
    /// Change the rules of a derivation while it runs, list their versions, or backtest them.
    #[command(subcommand)]
    Rules(RulesCommand),
    /// Accept events over HTTP and write them to the source topics.
    WebApi(WebApiCommand),
    /// Serve the live dashboard to browsers.
    Dashboard(DashboardCommand),
    /// Add, list or revoke the API keys of the web API.
    #[command(subcommand)]
    Keys(KeysCommand),
}

#[derive(Debug, Args)]
pub(crate) struct UpCommand {
    #[command(flatten)]
    pub(crate) local_cluster: LocalClusterArgs,
    #[command(flatten)]
    pub(crate) dataflow: DataflowArg,
    #[command(flatten)]
    pub(crate) metrics: MetricsArgs,
    #[command(flatten)]
    pub(crate) web_api: WebApiArgs,
    #[command(flatten)]
    pub(crate) dashboard: DashboardArgs,
    /// Events per second of the generator; default: 1000, or none if --players is given.
    #[arg(long, value_name = "EVENTS_PER_SECOND")]
    pub(crate) rate: Option<f64>,
    #[command(flatten)]
    pub(crate) people: PeopleArgs,
    /// Seed of the generated world.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) catalogue: CatalogueArg,
    /// Incidents to plant per hour: fraud, stuck players and server problems, each kind in turn.
    #[arg(long, value_name = "PER_HOUR", default_value_t = 240.0)]
    pub(crate) incidents: f64,
    /// File to which the ground truth about planted incidents is appended, one JSON object per line.
    #[arg(long, value_name = "FILE")]
    pub(crate) truth: Option<PathBuf>,
    /// Generate a history of this length first, such as `2h`, as fast as the cluster accepts it, then go on live.
    #[arg(long, value_name = "TIME", value_parser = bounds::backfill)]
    pub(crate) backfill: Option<Duration>,
    /// Do not run the generator.
    #[arg(long)]
    pub(crate) no_generator: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DataflowCommand {
    #[command(flatten)]
    pub(crate) dataflow: DataflowArg,
    /// Print what each query does, and which steps run in the cluster and which in the runner, instead of the file.
    #[arg(long)]
    pub(crate) explain: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LocalClusterCommand {
    #[command(flatten)]
    pub(crate) local_cluster: LocalClusterArgs,
}

#[derive(Debug, Args)]
pub(crate) struct HttpSourceCommand {
    /// Configuration files in the format of Fluvio's own http-source connector; each one runs as a separate connector.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) dataflow: DataflowArg,
    /// File with the values of secrets, one `NAME=value` per line; without it, environment variables are used.
    #[arg(long, value_name = "FILE")]
    pub(crate) secrets: Option<PathBuf>,
    /// Read one response of each endpoint to its end and exit, instead of running until stopped.
    #[arg(long)]
    pub(crate) once: bool,
    /// Check the configuration files and exit.
    #[arg(long)]
    pub(crate) check: bool,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RunCommand {
    #[command(flatten)]
    pub(crate) dataflow: DataflowArg,
    #[command(flatten)]
    pub(crate) metrics: MetricsArgs,
    /// Replay: recompute the history in the source topics and exit; requires --into.
    #[arg(long, value_enum, requires = "into")]
    pub(crate) from: Option<ReplayFrom>,
    /// Write a replay to separate topics named `<derived-topic>-SUFFIX`; requires --from.
    #[arg(
        long,
        value_name = "SUFFIX",
        requires = "from",
        allow_hyphen_values = true,
        value_parser = crate::suffix::parse
    )]
    pub(crate) into: Option<String>,
    /// Reset a derivation so that it can continue after its source topic was deleted and created again, then exit;
    /// first shows the effects and asks for confirmation.
    #[arg(long, value_name = "DERIVATION", conflicts_with = "from")]
    pub(crate) reset: Vec<String>,
    /// Reset without asking for confirmation.
    #[arg(long, requires = "reset")]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReplayFrom {
    /// The first record of each partition.
    Beginning,
}

#[derive(Debug, Args)]
pub(crate) struct ConsumeCommand {
    /// Topic to read.
    pub(crate) topic: String,
    /// Start at the first record.
    #[arg(long, conflicts_with = "from_end")]
    pub(crate) beginning: bool,
    /// Start this many records before the end of each partition; default: 10.
    #[arg(long, value_name = "N")]
    pub(crate) from_end: Option<u64>,
    /// Keep printing new records until stopped.
    #[arg(long)]
    pub(crate) follow: bool,
    /// Output format; default: pretty on a terminal, otherwise json.
    #[arg(long, value_enum)]
    pub(crate) output: Option<Output>,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// Partition, offset, key and value, with control characters escaped.
    Pretty,
    /// Only the values, one per line, byte for byte as they were written.
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct WebApiCommand {
    #[command(flatten)]
    pub(crate) dataflow: DataflowArg,
    #[command(flatten)]
    pub(crate) web_api: WebApiArgs,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DashboardCommand {
    #[command(flatten)]
    pub(crate) dataflow: DataflowArg,
    #[command(flatten)]
    pub(crate) catalogue: CatalogueArg,
    #[command(flatten)]
    pub(crate) dashboard: DashboardArgs,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}
