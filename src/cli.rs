//! The command line: every subcommand and flag, with its help.

mod cluster;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use cluster::{Cluster, ClusterAddress, ClusterStatus, Health, Provision, RegisterSpu};

/// Real-time game analytics on Fluvio.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run everything in one process: a local cluster, the generator, the runner, the web API, the dashboard.
    Up(Up),
    /// Run a Fluvio-protocol cluster in this process, with its data on disk.
    LocalCluster(LocalCluster),
    /// Register the SPUs of a Fluvio cluster, and look how it is.
    #[command(subcommand)]
    Cluster(Cluster),
    /// Make all topics and SmartModules of the map, as far as they are missing.
    Provision(Provision),
    /// Ask a running service over HTTP whether all is well; for health checks of containers.
    Health(Health),
    /// Send the events of a seeded game world to the source topics, or serve them as a web API.
    Generate(Generate),
    /// Pull records from HTTP and WebSocket endpoints into topics.
    HttpSource(HttpSource),
    /// Run the dataflow: read source topics through SmartModules, write derived topics.
    Run(Run),
    /// Print the records of a topic.
    Consume(Consume),
    /// Check the dataflow map and print it.
    Dataflow(Map),
    /// Change the rules of a derivation while it runs, list them, or try them on what has happened.
    #[command(subcommand)]
    Rules(Rules),
    /// Take events over HTTP and write them to the source topics.
    WebApi(WebApi),
    /// Show the game live in a browser.
    Dashboard(Dashboard),
    /// Add, list or revoke the keys of the web API.
    #[command(subcommand)]
    Keys(Keys),
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
    #[command(flatten)]
    pub(crate) posting: Posting,
    #[command(flatten)]
    pub(crate) showing: Showing,
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
    /// Serve the events as a web API instead of sending them to a cluster: /stream_events, and one event
    /// at a time at /player_event, /purchase_event and /server_metric. Port 0 picks a free one.
    #[arg(
        long,
        value_name = "IP:PORT",
        num_args = 0..=1,
        default_missing_value = "127.0.0.1:8088",
        conflicts_with_all = ["map", "truth"]
    )]
    pub(crate) serve: Option<SocketAddr>,
}

#[derive(Debug, Args)]
pub(crate) struct HttpSource {
    /// Configuration files in the form of Fluvio's own http-source connector; each is a connector of its own.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) cluster: ClusterAddress,
    #[command(flatten)]
    pub(crate) map: Map,
    /// File with the values of secrets, `NAME=value` on each line; default: environment variables.
    #[arg(long, value_name = "FILE")]
    pub(crate) secrets: Option<PathBuf>,
    /// Read one answer of each endpoint to its end, then stop, instead of asking again for ever.
    #[arg(long)]
    pub(crate) once: bool,
    /// Check the files and stop.
    #[arg(long)]
    pub(crate) check: bool,
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

/// Where events are posted, and who may.
#[derive(Clone, Debug, Args)]
pub(crate) struct Posting {
    /// Address of the web API; port 0 picks a free one.
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:8080")]
    pub(crate) web_api_addr: SocketAddr,
    /// File of the keys, one of which every request must show; read again when it changes. Without it
    /// only this machine is listened to.
    #[arg(long, value_name = "FILE", conflicts_with = "insecure")]
    pub(crate) keys: Option<PathBuf>,
    /// Let everybody who reaches the address write events, without a key.
    #[arg(long)]
    pub(crate) insecure: bool,
}

#[derive(Debug, Args)]
pub(crate) struct WebApi {
    #[command(flatten)]
    pub(crate) cluster: ClusterAddress,
    #[command(flatten)]
    pub(crate) map: Map,
    #[command(flatten)]
    pub(crate) posting: Posting,
}

/// Where the game is shown, and to whom.
#[derive(Clone, Debug, Args)]
pub(crate) struct Showing {
    /// Address of the dashboard; port 0 picks a free one.
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:3001")]
    pub(crate) dashboard_addr: SocketAddr,
    /// File with a token that browsers must show. Without it only this machine is listened to.
    #[arg(long, value_name = "FILE", conflicts_with = "dashboard_insecure")]
    pub(crate) dashboard_token_file: Option<PathBuf>,
    /// Let everybody who reaches the address look, without a token.
    #[arg(long)]
    pub(crate) dashboard_insecure: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Dashboard {
    #[command(flatten)]
    pub(crate) cluster: ClusterAddress,
    #[command(flatten)]
    pub(crate) showing: Showing,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Make a key and print it, once; the file keeps its hash alone.
    Add(AddKey),
    /// Print what each key may do.
    List(KeysFile),
    /// Make a key useless, at once.
    Revoke(RevokeKey),
}

#[derive(Debug, Args)]
pub(crate) struct KeysFile {
    /// File of the keys; `add` makes it.
    #[arg(long, value_name = "FILE")]
    pub(crate) keys: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct AddKey {
    #[command(flatten)]
    pub(crate) file: KeysFile,
    /// Game whose events the key may write; `default` for events that name none.
    #[arg(long, value_name = "GAME_ID")]
    pub(crate) game: String,
    /// Source topic that it may write to; may be given several times; default: all.
    #[arg(long = "topic", value_name = "TOPIC")]
    pub(crate) topics: Vec<String>,
    /// How many records a second it may send.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) events_per_second: u32,
}

#[derive(Debug, Args)]
pub(crate) struct RevokeKey {
    /// The key's id, as `list` prints it.
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) file: KeysFile,
}
