//! Flags of `keys`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Create a key and print it once; the file contains only its hash.
    Add(AddKeyCommand),
    /// List the keys and what each one permits.
    List(KeysFileArg),
    /// Revoke a key, effective immediately.
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
    /// Game whose events the key may write; `default` for events without a game id.
    #[arg(long, value_name = "GAME_ID")]
    pub(crate) game: String,
    /// Source topic that the key may write to; may be given several times; default: all.
    #[arg(long = "topic", value_name = "TOPIC")]
    pub(crate) topics: Vec<String>,
    /// Maximum number of records per second.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) events_per_second: u32,
}

#[derive(Debug, Args)]
pub(crate) struct RevokeKeyCommand {
    /// Id of the key, as printed by `list`.
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) file: KeysFileArg,
}
