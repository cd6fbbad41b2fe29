//! The flags of `score`.

use std::path::PathBuf;

use clap::Args;

use super::ClusterArgs;

#[derive(Debug, Args)]
pub(crate) struct ScoreCommand {
    /// Ground truth that `generate --truth FILE` wrote.
    #[arg(long, value_name = "FILE")]
    pub(crate) truth: PathBuf,
    /// YAML file with the precision, recall and p95 delay that each detector must reach; if one misses its floor, the
    /// exit status is 1. See data-generator/score-floors.yaml.
    #[arg(long, value_name = "FILE")]
    pub(crate) floors: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}
