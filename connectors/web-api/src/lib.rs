//! Receives events over HTTP from game servers and clients, writes them durably to the source topics, and
//! reports the outcome for each record.
//!
//! Reading order: [`start`] assembles the service. `server` handles connections, `guard` and `cors` decide
//! which requests are admitted, and `routes` and `handlers` define the paths. `api` processes one request
//! from its head to its response by means of `body`, `envelope`, `split`, `validate`, `delivery` and
//! `writer`. `idempotency` prevents a repeated request from being written twice.

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
mod clock;
mod cors;
mod declared;
mod decompress;
mod delivery;
mod envelope;
mod error;
mod field_path;
mod guard;
mod handlers;
mod headers;
mod health;
mod hint;
mod idempotency;
mod keys;
mod limits;
mod metrics;
mod openapi;
mod options;
mod phase;
mod rejected;
mod routes;
mod schema;
mod server;
mod sources;
mod split;
mod start;
mod start_error;
mod topic_ends;
mod topics;
mod validate;
mod writer;

pub use cors::{CorsOrigin, InvalidOrigin};
pub use http_service::Handle;
pub use keys::{KeyEntry, KeyFile, KeysError, NewKey};
pub use options::{Access, Options};
pub use sources::{DeclaredSource, SourceError, Sources};
pub use start::start;
pub use start_error::StartError;
pub use topics::source_topics;
