//! The web API over HTTP, on a local cluster in the same process.
#![allow(
    clippy::unwrap_used,
    reason = "a test panics where an expectation fails"
)]

mod away;
mod harness;
mod hostile;
mod http;
mod idempotency;
mod keys;
mod posting;
