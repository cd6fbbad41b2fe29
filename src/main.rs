//! The binary `game-analytics`: subcommands and wiring, nothing else.

mod cli;
mod commands;
mod connect;
mod listen;
mod live_status;
mod map;
mod monitoring;
mod provision;
mod registry;
mod signal;
mod summary;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

/// Quiet enough to read a live status beside it; `RUST_LOG` overrides it. That controller logs every
/// orderly end of a connection as an error, and the engine every record that a SmartModule refuses, in full. That
/// stream logs what it returns as an error as well.
const LOG_DEFAULT: &str =
    "warn,fluvio::sync::controller=off,fluvio_smartengine=off,fluvio_socket::stream=off";

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(LOG_DEFAULT));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    match commands::run(cli::Cli::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
