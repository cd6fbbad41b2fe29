//! Pulls records from HTTP and WebSocket endpoints into topics, by a configuration file of the form of Fluvio's own
//! `http-source` connector.
//!
//! Read in this order: a [`Config`] says where to read and where to write; [`run`] has its endpoint polled, streamed or
//! listened to; what arrives is cut into records, each of which goes to its topic or, where it cannot, to
//! `rejected-events`; the cluster acknowledges each before its memory is given back.

mod backoff;

mod config;
mod counts;
mod delivery;
mod envelope;
mod error;
mod http;
mod intake;
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
mod websocket;

#[cfg(test)]
mod testing;

pub use config::{Config, Output, OutputParts, OutputType, Reading, Secrets, Target};
pub use counts::{Counted, Counts};
pub use error::{ConfigError, SourceError};
pub use run::{Options, Summary, run};
