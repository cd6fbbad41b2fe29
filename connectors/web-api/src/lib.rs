//! HTTP in: events that game servers and clients post go to the source topics, durably, with an
//! answer for each record.
//!
//! Read in this order: [`start`] puts it together; `routes` has the paths; `api` takes one request from
//! its head to its answer by way of `body`, `split`, `validate`, `delivery` and `writer`; `idempotency`
//! keeps a repeated request from being written twice.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        reason = "a test panics where an expectation fails"
    )
)]

mod answer;
mod api;
mod body;
mod delivery;
mod ends;
mod error;
mod health;
mod idempotency;
mod keys;
mod limits;
mod metrics;
mod openapi;
mod options;
mod rejected;
mod routes;
mod server;
mod source;
mod split;
mod start;
mod unpack;
mod validate;
mod writer;

pub use error::StartError;
pub use keys::{KeyEntry, KeyFile, KeysError, NewKey};
pub use options::{Access, Options};
pub use source::source_topics;
pub use start::{Handle, start};
