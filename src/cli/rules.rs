//! Flags of `rules`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::{ClusterArgs, DataflowArg};

#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    /// Write the next version of a derivation's parameters; the runner applies it to the records it reads from then on.
    Set(SetRulesCommand),
    /// List versions, with the offsets they apply from or why they were rejected.
    List(DerivationArg),
    /// Run the given parameters and those in force over the history of the source topic; writes nothing.
    Test(TestRulesCommand),
}

/// The derivation whose rules are meant.
#[derive(Debug, Args)]
pub(crate) struct DerivationArg {
    /// Derivation to use; the dataflow file must declare `rules: TOPIC` for it.
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
    /// How long to wait for a runner to apply the version; 0s does not wait.
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
    /// How much history to read: the records ingested within this time before now.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = humantime::parse_duration)]
    pub(crate) last: Duration,
    /// Ground truth as written by the generator; adds precision and recall.
    #[arg(long, value_name = "FILE")]
    pub(crate) truth: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) of: DerivationArg,
}
