//! Tests the dashboard over HTTP, with a local cluster in the same process.
#![allow(
    clippy::unwrap_used,
    reason = "a test panics where an expectation fails"
)]

mod away;
mod explore;
mod games;
mod harness;
mod http;
mod live;
mod pages;
mod stop;
