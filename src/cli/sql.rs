//! The flags of `sql`.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{ClusterArgs, DataflowArg, ReplayFrom, bounds};

#[derive(Debug, Args)]
pub(crate) struct SqlCommand {
    /// Query over one source of the dataflow file, such as `SELECT platform, count(*) AS events FROM "player-events"
    /// GROUP BY TUMBLE(INTERVAL '1' MINUTE), platform`. See docs/sql.md.
    pub(crate) query: String,
    /// How far back to read, such as `30m`; default: `1h`.
    #[arg(long, value_name = "TIME", value_parser = bounds::history, conflicts_with = "from")]
    pub(crate) last: Option<Duration>,
    /// Read all records that the cluster has.
    #[arg(long, value_enum)]
    pub(crate) from: Option<ReplayFrom>,
    /// Go on with new records until stopped, and print the rows of each window when it is over; the query needs a
    /// window.
    #[arg(long)]
    pub(crate) follow: bool,
    /// Instead of running the query, print the lines that make it a derivation of this name in the dataflow file.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["last", "from", "follow", "output"])]
    pub(crate) save: Option<String>,
    /// Output format; default: table on a terminal, otherwise json.
    #[arg(long, value_enum)]
    pub(crate) output: Option<RowFormat>,
    #[command(flatten)]
    pub(crate) dataflow: DataflowArg,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RowFormat {
    /// Aligned columns, with control characters escaped.
    Table,
    /// One JSON object per line.
    Json,
    /// Comma-separated values with a header; NULL is an empty field.
    Csv,
}
