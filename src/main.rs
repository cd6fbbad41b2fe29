//! The entry point of the binary `game-analytics`. It parses the command line and runs the subcommand.

// Output for people goes through `terminal`, which escapes control characters.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod ago;
mod capacity;
mod cli;
mod commands;
mod connect;
mod dataflow_file;
mod event_sources;
mod listen;
mod live_status;
mod monitoring;
mod progress;
mod provision;
mod registry;
mod signal;
mod suffix;
mod summary;
mod terminal;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

/// The default log filter, quiet enough to keep the live status readable. `RUST_LOG` overrides it. Four modules are
/// off: `consumer` and `controller` log an error even for the orderly end of a connection; Fluvio's engine logs the
/// full text of each record that a SmartModule rejects; sockets log errors that they also return.
const LOG_DEFAULT: &str = "warn,fluvio::consumer=off,fluvio::sync::controller=off,\
    fluvio_smartengine=off,fluvio_socket=off";

/// With the C library's allocator, almost a quarter of the runner's processor time was spent on allocation.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    // Called for its effect: it raises this process's limit of open files. Every stream needs a connection.
    local_cluster::open_files_max();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(LOG_DEFAULT));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .fmt_fields(terminal::fields())
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    match commands::run(cli::Cli::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::print_error(&error);
            ExitCode::FAILURE
        }
    }
}
