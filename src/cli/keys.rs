//! Flags of `keys`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::DataflowArg;

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Create a key and print it; it cannot be shown again, because the file contains only its hash.
    Add(AddKeyCommand),
    /// List the keys and what each one permits.
    List(KeysFileArg),
    /// Revoke a key; a running web API applies this within a second.
    Revoke(RevokeKeyCommand),
}

#[derive(Debug, Args)]
pub(crate) struct KeysFileArg {
    /// File with the API keys; created by `add`.
    #[arg(long, value_name = "FILE")]
    pub(crate) keys: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct AddKeyCommand {
    #[command(flatten)]
    pub(crate) file: KeysFileArg,
    /// Game whose events may be written with the key; `default` for events without a game id.
    #[arg(long, value_name = "GAME_ID")]
    pub(crate) game: String,
    /// Source topic to which the key may write; can be given several times; default: all topics that the dataflow file
    /// declares now.
    #[arg(long = "topic", value_name = "TOPIC")]
    pub(crate) topics: Vec<String>,
    /// Maximum number of records per second with this key.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) events_per_second: u32,
    #[command(flatten)]
    pub(crate) dataflow: DataflowArg,
}

#[derive(Debug, Args)]
pub(crate) struct RevokeKeyCommand {
    /// Id of the key, as printed by `list`.
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) file: KeysFileArg,
}
