//! Tests of the web API over HTTP, with a local cluster in the same process.
#![allow(
    clippy::unwrap_used,
    reason = "a test panics where an expectation fails"
)]

mod away;
mod clock;
mod harness;
mod hostile;
mod http;
mod idempotency;
mod keys;
mod pages;
mod posting;
mod sources;
