//! Flags of `rules`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::{ClusterArgs, DataflowArg};

#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    /// Write the next version of a derivation's parameters; the runner applies it to the records it reads from then on.
    Set(SetRulesCommand),
    /// List the versions, each with the offsets from which it applies, or with the reason why it was rejected.
    List(DerivationArg),
    /// Backtest: run the given parameters and those in force over recent history and compare alerts; writes nothing.
    Test(TestRulesCommand),
}

/// Selects the derivation, and the dataflow file and cluster that it belongs to.
#[derive(Debug, Args)]
pub(crate) struct DerivationArg {
    /// Derivation whose rules to use; the dataflow file must declare `rules: TOPIC` for it.
    #[arg(long, value_name = "NAME", default_value = "fraud-alerts")]
    pub(crate) derivation: String,
    #[command(flatten)]
    pub(crate) dataflow: DataflowArg,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

#[derive(Debug, Args)]
pub(crate) struct SetRulesCommand {
    /// YAML or JSON file with the parameters that differ from the dataflow file; all others keep the dataflow file's
    /// values.
    pub(crate) file: PathBuf,
    /// Reason for the change, shown by `rules list`.
    #[arg(long, value_name = "TEXT")]
    pub(crate) comment: Option<String>,
    /// How long to wait until a runner applies the version; 0s does not wait.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    pub(crate) wait: Duration,
    #[command(flatten)]
    pub(crate) of: DerivationArg,
}

#[derive(Debug, Args)]
pub(crate) struct TestRulesCommand {
    /// YAML or JSON file with the parameters that differ from the dataflow file; all others keep the dataflow file's
    /// values.
    pub(crate) file: PathBuf,
    /// How much history to read: the records that were ingested at most this long ago.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = humantime::parse_duration)]
    pub(crate) last: Duration,
    /// Ground truth that `generate --truth FILE` wrote; adds precision and recall to the output.
    #[arg(long, value_name = "FILE")]
    pub(crate) truth: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) of: DerivationArg,
}
