//! The command line: every subcommand and flag, with its help.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Real-time game analytics on Fluvio.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run everything in one process: a local cluster, the generator, the runner.
    Up(Up),
    /// Run a Fluvio-protocol cluster in this process, with its data on disk.
    LocalCluster(LocalCluster),
    /// Send the events of a seeded game world to the source topics.
    Generate(Generate),
    /// Run the dataflow: read source topics through SmartModules, write derived topics.
    Run(Run),
    /// Print the records of a topic.
    Consume(Consume),
    /// Check the dataflow map and print it.
    Dataflow(Map),
    /// Change the rules of a derivation while it runs, list them, or try them on what has happened.
    #[command(subcommand)]
    Rules(Rules),
}

/// Which cluster to speak to.
#[derive(Clone, Debug, Args)]
pub(crate) struct ClusterAddress {
    /// Cluster to use; default: the active Fluvio profile, else 127.0.0.1:9003.
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) cluster: Option<String>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Map {
    /// Dataflow map to use; default: the one that this binary was built with.
    #[arg(long, value_name = "FILE")]
    pub(crate) map: Option<PathBuf>,
}

/// Where a local cluster keeps its data and listens.
#[derive(Clone, Debug, Args)]
pub(crate) struct Node {
    /// Folder of the cluster's data; created if absent.
    #[arg(long, value_name = "DIR", default_value = "data")]
    pub(crate) data_dir: PathBuf,
    /// Address that clients are given; port 0 picks a free one.
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:9003")]
    pub(crate) cluster_addr: SocketAddr,
    /// Address that records travel over, which clients learn by themselves; port 0 picks a free one.
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:9010")]
    pub(crate) spu_addr: SocketAddr,
}

/// Where operators look.
#[derive(Clone, Debug, Args)]
pub(crate) struct Monitoring {
    /// Address of /metrics (Prometheus) and /health, over HTTP; port 0 picks a free one.
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:9464")]
    pub(crate) metrics_addr: SocketAddr,
}

#[derive(Debug, Args)]
pub(crate) struct Up {
    #[command(flatten)]
    pub(crate) node: Node,
    #[command(flatten)]
    pub(crate) map: Map,
    #[command(flatten)]
    pub(crate) monitoring: Monitoring,
    /// Events per second of the generator.
    #[arg(long, value_name = "EVENTS_PER_SECOND", default_value_t = 1000.0)]
    pub(crate) rate: f64,
    /// Seed of the generated world.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Incidents to plant per hour: fraud, stuck players and servers in trouble, all kinds in turn.
    #[arg(long, value_name = "PER_HOUR", default_value_t = 240.0)]
    pub(crate) incidents: f64,
    /// File to append the truth about planted incidents to, one JSON object a line.
    #[arg(long, value_name = "FILE")]
    pub(crate) truth: Option<PathBuf>,
    /// Do not generate events: yours are on their way.
    #[arg(long)]
    pub(crate) no_generator: bool,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

#[derive(Debug, Args)]
pub(crate) struct Reading {
    /// Read plain records once for all derivations of a source and fold them here, instead of through
    /// a SmartModule for each. Takes less time in all, but all of it here, and brings every event
    /// over the network.
    #[arg(long, env = "GAME_ANALYTICS_SHARED_READS")]
    pub(crate) shared_reads: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LocalCluster {
    #[command(flatten)]
    pub(crate) node: Node,
}

#[derive(Debug, Args)]
pub(crate) struct Generate {
    #[command(flatten)]
    pub(crate) cluster: ClusterAddress,
    #[command(flatten)]
    pub(crate) map: Map,
    /// Events per second; default: 1000, or as fast as the cluster takes them if --events is given.
    #[arg(long, value_name = "EVENTS_PER_SECOND")]
    pub(crate) rate: Option<f64>,
    /// Seed of the world: the same seed, start and rate give the same events.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Stop after this many events; default: never.
    #[arg(long)]
    pub(crate) events: Option<u64>,
    /// Share of broken records to mix in, 0 to 1.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub(crate) broken: f64,
    /// Incidents to plant per hour of world time: fraud, stuck players and servers in trouble, in turn.
    #[arg(long, value_name = "PER_HOUR", default_value_t = 0.0)]
    pub(crate) incidents: f64,
    /// File to append the truth about planted incidents to, one JSON object a line.
    #[arg(long, value_name = "FILE")]
    pub(crate) truth: Option<PathBuf>,
    /// When an unpaced world begins (RFC 3339); default: so that it ends now.
    #[arg(long, value_name = "TIME")]
    pub(crate) start: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) cluster: ClusterAddress,
    #[command(flatten)]
    pub(crate) map: Map,
    #[command(flatten)]
    pub(crate) monitoring: Monitoring,
    #[command(flatten)]
    pub(crate) reading: Reading,
    /// Recompute over the history that the source topics hold, then end; needs --into.
    #[arg(long, value_enum, requires = "into")]
    pub(crate) from: Option<From>,
    /// Write to topics of their own, `<derived-topic>-SUFFIX`; needs --from.
    #[arg(long, value_name = "SUFFIX", requires = "from")]
    pub(crate) into: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum From {
    /// The first record of each partition.
    Beginning,
}

#[derive(Debug, Args)]
pub(crate) struct Consume {
    /// Topic to read.
    pub(crate) topic: String,
    #[command(flatten)]
    pub(crate) cluster: ClusterAddress,
    /// Start at the first record.
    #[arg(long, conflicts_with = "from_end")]
    pub(crate) beginning: bool,
    /// Start this many records before the end of each partition; default: 10.
    #[arg(long, value_name = "N")]
    pub(crate) from_end: Option<u64>,
    /// Go on with what arrives, until stopped.
    #[arg(long)]
    pub(crate) follow: bool,
    /// How to print; default: pretty on a terminal, else json.
    #[arg(long, value_enum)]
    pub(crate) output: Option<Output>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// Partition, offset, key and value.
    Pretty,
    /// The value alone, one a line.
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Rules {
    /// Write the next version of a derivation's parameters; the runner goes by it from then on.
    Set(SetRules),
    /// Print every version, and from where on it holds or why it does not.
    List(RulesOf),
    /// Run parameters, and those in force, over the history of the source topic; write nothing.
    Test(TestRules),
}

/// Whose rules.
#[derive(Debug, Args)]
pub(crate) struct RulesOf {
    /// The derivation; it needs `rules: TOPIC` in the map.
    #[arg(long, value_name = "NAME", default_value = "fraud-alerts")]
    pub(crate) derivation: String,
    #[command(flatten)]
    pub(crate) cluster: ClusterAddress,
    #[command(flatten)]
    pub(crate) map: Map,
}

#[derive(Debug, Args)]
pub(crate) struct SetRules {
    /// YAML or JSON with the parameters that differ from the map; all others are as in the map.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) of: RulesOf,
    /// Why, for those who read the list.
    #[arg(long, value_name = "TEXT")]
    pub(crate) comment: Option<String>,
    /// How long to wait for a runner to take the version up; 0s does not wait.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    pub(crate) wait: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct TestRules {
    /// YAML or JSON with the parameters that differ from the map; all others are as in the map.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) of: RulesOf,
    /// How much of the history: the records that were ingested in this time up to now.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = humantime::parse_duration)]
    pub(crate) last: Duration,
    /// What really happened, as the generator wrote it down: adds precision and recall.
    #[arg(long, value_name = "FILE")]
    pub(crate) truth: Option<PathBuf>,
}
