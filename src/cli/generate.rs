//! Flags of `generate`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::{CatalogueArg, ClusterArgs, DataflowArg, PeopleArgs, bounds};

#[derive(Debug, Args)]
pub(crate) struct GenerateCommand {
    #[command(flatten)]
    pub(crate) dataflow: DataflowArg,
    /// Events per second; default: 1000, or as fast as the cluster accepts them if --events is given, or none if
    /// --players is given.
    #[arg(long, value_name = "EVENTS_PER_SECOND")]
    pub(crate) rate: Option<f64>,
    #[command(flatten)]
    pub(crate) people: PeopleArgs,
    /// Seed of the world: with the same seed, start, rate and catalogue, the events are the same.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) catalogue: CatalogueArg,
    /// Stop after this many events; default: run until stopped.
    #[arg(long)]
    pub(crate) events: Option<u64>,
    /// Share of the records that are broken on purpose, 0 to 1.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub(crate) broken: f64,
    /// Incidents to plant per hour of world time: fraud, stuck players and server problems, each kind in turn.
    #[arg(long, value_name = "PER_HOUR", default_value_t = 0.0)]
    pub(crate) incidents: f64,
    /// File to which the ground truth about planted incidents is appended, one JSON object per line.
    #[arg(long, value_name = "FILE")]
    pub(crate) truth: Option<PathBuf>,
    /// Time at which the world begins (RFC 3339). Without --events, or with --rate, the world catches up with the
    /// present and then goes on live. Default: now; with --events and no --rate, so early that the world ends now; with
    /// --stdout, --events and no --rate, 2026-01-01T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub(crate) start: Option<String>,
    /// Begin this long ago, such as `2h`: write the history as fast as the cluster accepts it, then go on live.
    #[arg(long, value_name = "TIME", value_parser = bounds::backfill, conflicts_with = "start")]
    pub(crate) backfill: Option<Duration>,
    /// Catch up with the present at this many seconds of world time a second; for example, 60 lives an hour in a
    /// minute. Default: as fast as the cluster accepts the events.
    #[arg(long, value_name = "FACTOR")]
    pub(crate) speed: Option<f64>,
    /// Write the events to standard output instead of a cluster, one JSON object per line:
    /// {"topic":…,"key":…,"event":…}.
    #[arg(long, conflicts_with_all = ["dataflow", "serve"])]
    pub(crate) stdout: bool,
    /// Serve the events over HTTP instead of writing them to a cluster: a stream at /stream_events, and single events
    /// at /player_event, /purchase_event and /server_metric; port 0 picks a free one.
    #[arg(
        long,
        value_name = "IP:PORT",
        num_args = 0..=1,
        default_missing_value = "127.0.0.1:8088",
        conflicts_with_all = ["dataflow", "truth", "players"]
    )]
    pub(crate) serve: Option<SocketAddr>,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}
