//! Pulls records from HTTP and WebSocket endpoints into topics, as described by a configuration file in the
//! format of Fluvio's own `http-source` connector.
//!
//! A [`Config`] states where to read and where to write. [`run`] polls the endpoint, streams from it, or reads it
//! as a WebSocket. It splits what arrives into records and writes each to its topic or, if that is impossible,
//! to `rejected-events`. The memory of a record is released when the cluster has acknowledged it.

mod backoff;

mod certificates;
mod config;
mod counts;
mod delivery;
mod envelope;
mod error;
mod http;
mod intake;
mod outcome;
mod output;
mod polling;
mod queue;
mod rejected;
mod router;
mod run;
mod splitter;
mod streaming;
mod supervisor;
mod tls;
mod unpacking;
mod websocket;

#[cfg(test)]
mod testing;

pub use config::{Config, Output, OutputParts, OutputType, Reading, Secrets, Target};
pub use counts::{Counted, Counts};
pub use error::{ConfigError, SourceError};
pub use run::{Options, Summary, run};
